//! The text of `corosync-qdevice-tool -s`, tab for tab. [C: qdevice-ipc-cmd.c, qdevice-net-ipc-cmd.c]

use super::phase::{Attempt, Phase};
use super::{AddressFamily, Client, HeuristicsMode};
use crate::base::{
    Algorithm, KeepActivePartition, NodeState, Quorate, TieBreaker, Time, Verbosity,
};
use std::fmt::{self, Write};

impl Client {
    /// The status, ready to be shown. `wall` gives a moment as local time: `YYYY-MM-DDThh:mm:ss`.
    #[must_use]
    pub fn status(&self, verbosity: Verbosity, wall: &dyn Fn(Time) -> String) -> String {
        let mut text = String::new();
        let report = Report {
            client: self,
            verbose: verbosity.is_verbose(),
            wall,
        };
        // Writing to a String does not fail.
        let _ = report
            .device(&mut text)
            .and_then(|()| report.net(&mut text));
        text
    }
}

struct Report<'a> {
    client: &'a Client,
    verbose: bool,
    wall: &'a dyn Fn(Time) -> String,
}

impl Report<'_> {
    fn device(&self, out: &mut String) -> fmt::Result {
        let (client, config) = (self.client, &self.client.config);
        writeln!(out, "Qdevice information\n-------------------")?;
        writeln!(out, "Model:\t\t\tNet")?;
        writeln!(out, "Node ID:\t\t{}", config.node)?;
        if self.verbose {
            writeln!(out, "HB interval:\t\t{}", config.timeout)?;
            writeln!(out, "Sync HB interval:\t{}", config.sync_timeout)?;
        }
        self.configured_nodes(out)?;
        if self.verbose {
            writeln!(out, "Heuristics:\t\t{}", client.heuristics.mode().as_str())?;
            writeln!(out, "Ring ID:\t\t{}", client.membership.ring())?;
        }
        let members: Vec<String> = client
            .membership
            .nodes
            .ids()
            .map(|node| node.to_string())
            .collect();
        writeln!(out, "Membership node list:\t{}", members.join(", "))?;
        if self.verbose {
            self.quorum(out)?;
        }
        writeln!(out)
    }

    fn configured_nodes(&self, out: &mut String) -> fmt::Result {
        let config = &self.client.config;
        if let Some(version) = config.version {
            writeln!(out, "Configuration version:\t{version}")?;
        }
        writeln!(out, "Configured node list:")?;
        for (index, node) in config.nodes.0.iter().enumerate() {
            write!(out, "    {index}\tNode ID = {}", node.id)?;
            if node.data_center != 0 {
                write!(out, ", Data center ID = {}", node.data_center)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// What votequorum said and heard last. The device's own entry is left out, its index is not.
    fn quorum(&self, out: &mut String) -> fmt::Result {
        let membership = &self.client.membership;
        writeln!(
            out,
            "Quorate:\t\t{}",
            yes_no(membership.quorate == Quorate::Yes)
        )?;
        writeln!(out, "Quorum node list:")?;
        for (index, node) in membership.quorum_nodes.0.iter().enumerate() {
            if node.id.0 != 0 {
                let state = state_of_node(node.state);
                writeln!(out, "    {index}\tNode ID = {}, State = {state}", node.id)?;
            }
        }
        writeln!(out, "Expected votes:\t\t{}", membership.expected_votes)?;
        match self.client.casting.last() {
            None => writeln!(out, "Last poll call:\t\tNever"),
            Some((at, vote)) => {
                writeln!(
                    out,
                    "Last poll call:\t\t{}{}",
                    (self.wall)(at),
                    cast_vote(vote)
                )
            }
        }
    }

    fn net(&self, out: &mut String) -> fmt::Result {
        let config = &self.client.config;
        writeln!(out, "Qdevice-net information\n----------------------")?;
        writeln!(out, "Cluster name:\t\t{}", config.cluster_name)?;
        writeln!(out, "QNetd host:\t\t{}:{}", config.host, config.port)?;
        if self.verbose {
            match config.addresses {
                AddressFamily::Any => {}
                AddressFamily::V4 => writeln!(out, "Force IP version:\t4")?,
                AddressFamily::V6 => writeln!(out, "Force IP version:\t6")?,
            }
            writeln!(out, "Connect timeout:\t{}", config.connect_timeout)?;
            writeln!(out, "HB interval:\t\t{}", config.heartbeat)?;
            writeln!(out, "VQ vote timer interval:\t{}", config.cast_interval)?;
            writeln!(out, "TLS:\t\t\t{}", config.tls.as_str())?;
        }
        writeln!(out, "Algorithm:\t\t{}", config.strategy.algorithm().title())?;
        self.tie_breakers(out)?;
        if self.verbose {
            let casting = &self.client.casting;
            let vote = cast_vote(casting.is_for());
            writeln!(
                out,
                "Poll timer running:\t{}{vote}",
                yes_no(casting.is_active())
            )?;
        }
        writeln!(out, "State:\t\t\t{}", self.state())?;
        self.heuristics(out)?;
        if self.verbose {
            self.connection(out)
        } else {
            Ok(())
        }
    }

    fn tie_breakers(&self, out: &mut String) -> fmt::Result {
        write!(out, "Tie-breaker:\t\tNode with ")?;
        match self.client.config.tie_breaker {
            TieBreaker::Lowest => writeln!(out, "lowest node ID")?,
            TieBreaker::Highest => writeln!(out, "highest node ID")?,
            TieBreaker::Node(node) => writeln!(out, "node ID {node}")?,
        }
        if self.verbose {
            writeln!(out, "KAP Tie-breaker:\t{}", self.keep_active_partition())?;
        }
        Ok(())
    }

    fn keep_active_partition(&self) -> &'static str {
        let config = &self.client.config;
        match (config.strategy.algorithm(), config.keep_active_partition) {
            (Algorithm::Test, _) => "Unsupported by algorithm",
            (Algorithm::TwoNodeLms | Algorithm::Lms, _) => "Algorithm hard-coded",
            (Algorithm::FfSplit, KeepActivePartition::Disabled) => "Disabled",
            (Algorithm::FfSplit, KeepActivePartition::Enabled) => match self.client.phase {
                Phase::Running { session, .. } if !session.server.keep_active_partition => {
                    "Unsupported by QNetd"
                }
                Phase::Running { .. }
                | Phase::Starting
                | Phase::Backoff
                | Phase::Connecting(_)
                | Phase::PreInit { .. }
                | Phase::Init { .. }
                | Phase::Greeting(_)
                | Phase::Ended => "Enabled",
            },
        }
    }

    fn state(&self) -> &'static str {
        match self.client.phase {
            Phase::Backoff | Phase::Ended => "Disconnected",
            Phase::Connecting(Attempt::Failed) => "Connect failed",
            Phase::Starting
            | Phase::Connecting(Attempt::UnderWay)
            | Phase::PreInit { .. }
            | Phase::Init { .. }
            | Phase::Greeting(_) => "Connecting",
            Phase::Running { .. } => "Connected",
        }
    }

    fn heuristics(&self, out: &mut String) -> fmt::Result {
        let runs = &self.client.heuristics;
        if runs.mode() == HeuristicsMode::Off {
            return Ok(());
        }
        write!(out, "Heuristics result:\t{}", runs.latest.as_str())?;
        if self.verbose {
            write!(
                out,
                " (regular: {}, membership: {}, connect: {})",
                runs.regular.as_str(),
                runs.membership.as_str(),
                runs.connect.as_str()
            )?;
        }
        writeln!(out)
    }

    fn connection(&self, out: &mut String) -> fmt::Result {
        let Phase::Running { session, since } = self.client.phase else {
            return Ok(());
        };
        writeln!(out, "TLS active:\t\tNo")?;
        writeln!(out, "Connected since:\t{}", (self.wall)(since))?;
        if let Some(at) = session.echo_at {
            writeln!(out, "Echo reply received:\t{}", (self.wall)(at))?;
        }
        Ok(())
    }
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

const fn cast_vote(cast: bool) -> &'static str {
    if cast { " (cast vote)" } else { "" }
}

const fn state_of_node(state: Option<NodeState>) -> &'static str {
    match state {
        Some(NodeState::Member) => "member",
        Some(NodeState::Dead) => "dead",
        Some(NodeState::Leaving) => "leaving",
        None => "unknown",
    }
}
