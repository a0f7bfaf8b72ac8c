//! The text of `corosync-qdevice-tool -s`, tab for tab. [C: qdevice-ipc-cmd.c, qdevice-net-ipc-cmd.c]

use super::phase::{Attempt, Phase, Protection};
use super::{AddressFamily, Client, ClientConfig, HeuristicsMode};
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

impl Client {
    /// What the service manager shows of a running device, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let vote = match (self.casting.is_active(), self.casting.is_for()) {
            (false, _) => "not voting",
            (true, true) => "voting yes",
            (true, false) => "voting no",
        };
        let ClientConfig { host, port, .. } = &self.config;
        let state = match self.phase {
            Phase::Running { .. } => "Connected to",
            Phase::Backoff | Phase::Ended | Phase::Connecting(Attempt::Failed) => {
                "No connection to"
            }
            Phase::Starting
            | Phase::Connecting(Attempt::UnderWay)
            | Phase::PreInit { .. }
            | Phase::StartTls { .. }
            | Phase::Init { .. }
            | Phase::Greeting(_) => "Connecting to",
        };
        format!("{state} {host}:{port}, {vote}")
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
                | Phase::StartTls { .. }
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
            | Phase::StartTls { .. }
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
        writeln!(out, "TLS active:\t\t{}", tls_active(session.protection))?;
        writeln!(out, "Connected since:\t{}", (self.wall)(since))?;
        if let Some(at) = session.lease.answered {
            writeln!(out, "Echo reply received:\t{}", (self.wall)(at))?;
        }
        Ok(())
    }
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

const fn tls_active(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "No",
        Protection::Tls {
            certificate_sent: false,
        } => "Yes",
        Protection::Tls {
            certificate_sent: true,
        } => "Yes (client certificate sent)",
    }
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

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, RING, config, config_with_heuristics, init_reply, init_reply_without, preinit_reply,
        vote_info,
    };
    use super::super::{Event, Link, LinkFault};
    use super::*;
    use crate::base::{Heuristics, Millis, NodeId, TlsSupport, Vote};
    use crate::wire::{Message, OptType, PreInitReply};

    fn brief(bench: &Bench) -> String {
        bench
            .client
            .status(Verbosity::Brief, &|at| format!("<{}>", at.as_millis()))
    }

    fn verbose(bench: &Bench) -> String {
        bench
            .client
            .status(Verbosity::Verbose, &|at| format!("<{}>", at.as_millis()))
    }

    /// The rest of the line that begins with `label`.
    fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
        text.lines()
            .find_map(|line| line.strip_prefix(label))
            .map(|rest| rest.trim_start_matches('\t'))
    }

    #[test]
    fn the_summary_names_the_server_and_the_vote() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Ack, RING));
        assert_eq!(
            bench.client.summary(),
            "Connected to qnetd.example:5403, voting yes"
        );
    }

    #[test]
    fn a_connected_node_shows_all_of_this() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.wait_with_server(8_000);
        assert_eq!(
            verbose(&bench),
            "\
Qdevice information
-------------------
Model:\t\t\tNet
Node ID:\t\t1
HB interval:\t\t10000ms
Sync HB interval:\t30000ms
Configuration version:\t2
Configured node list:
    0\tNode ID = 1
    1\tNode ID = 2
Heuristics:\t\tDisabled
Ring ID:\t\t1.4
Membership node list:\t1, 2
Quorate:\t\tYes
Quorum node list:
    0\tNode ID = 1, State = member
    1\tNode ID = 2, State = dead
Expected votes:\t\t3
Last poll call:\t\t<9000> (cast vote)

Qdevice-net information
----------------------
Cluster name:\t\tdemo
QNetd host:\t\tqnetd.example:5403
Connect timeout:\t8000ms
HB interval:\t\t8000ms
VQ vote timer interval:\t5000ms
TLS:\t\t\tUnsupported
Algorithm:\t\tFifty-Fifty split
Tie-breaker:\t\tNode with lowest node ID
KAP Tie-breaker:\tEnabled
Poll timer running:\tYes (cast vote)
State:\t\t\tConnected
TLS active:\t\tNo
Connected since:\t<1000>
Echo reply received:\t<9000>
"
        );
    }

    #[test]
    fn the_brief_text_has_less() {
        assert_eq!(
            brief(&Bench::voting()),
            "\
Qdevice information
-------------------
Model:\t\t\tNet
Node ID:\t\t1
Configuration version:\t2
Configured node list:
    0\tNode ID = 1
    1\tNode ID = 2
Membership node list:\t1, 2

Qdevice-net information
----------------------
Cluster name:\t\tdemo
QNetd host:\t\tqnetd.example:5403
Algorithm:\t\tFifty-Fifty split
Tie-breaker:\t\tNode with lowest node ID
State:\t\t\tConnected
"
        );
    }

    #[test]
    fn a_node_that_has_not_heard_of_a_ring_shows_none() {
        let text = verbose(&Bench::new(config()));
        assert_eq!(field(&text, "Ring ID:"), Some("0.0"));
        assert_eq!(field(&text, "Membership node list:"), Some(""));
        assert_eq!(field(&text, "Last poll call:"), Some("Never"));
        assert_eq!(field(&text, "Poll timer running:"), Some("No"));
    }

    #[test]
    fn the_state_tells_how_far_the_connection_is() {
        let state = |bench: &Bench| field(&brief(bench), "State:").map(str::to_owned);
        let mut bench = Bench::connecting();
        assert_eq!(state(&bench).as_deref(), Some("Connecting"));
        bench.link(Link::Down(LinkFault::ConnectFailed(String::new())));
        assert_eq!(state(&bench).as_deref(), Some("Connect failed"));
        assert_eq!(
            state(&Bench::asking(config())).as_deref(),
            Some("Connecting")
        );
        assert_eq!(
            state(&Bench::backing_off()).as_deref(),
            Some("Disconnected")
        );
    }

    #[test]
    fn a_vote_against_is_no_cast_vote() {
        let text = verbose(&Bench::backing_off());
        assert_eq!(field(&text, "Poll timer running:"), Some("Yes"));
        assert_eq!(field(&text, "Last poll call:"), Some("<1000>"));
        assert_eq!(field(&text, "TLS active:"), None);
        assert_eq!(field(&text, "Connected since:"), None);
    }

    #[test]
    fn tls_shows_with_the_certificate_that_was_sent() {
        let text = |wanted, has_certificate| {
            let tls = TlsSupport::Supported;
            let mut bench = Bench::new(ClientConfig { tls, ..config() });
            bench.membership(RING, &[1]);
            bench.link(Link::Up);
            let reply = PreInitReply {
                seq: Some(1),
                tls: Some(tls),
                client_cert_required: Some(wanted),
            };
            bench.receive(Message::PreInitReply(reply));
            bench.link(Link::TlsUp { has_certificate });
            bench.receive(Message::InitReply(init_reply(3)));
            field(&verbose(&bench), "TLS active:").map(str::to_owned)
        };
        assert_eq!(
            text(1, true).as_deref(),
            Some("Yes (client certificate sent)")
        );
        assert_eq!(text(1, false).as_deref(), Some("Yes"));
        assert_eq!(text(0, true).as_deref(), Some("Yes"));
    }

    #[test]
    fn what_is_configured_shows() {
        let mut config = ClientConfig {
            addresses: AddressFamily::V6,
            tie_breaker: TieBreaker::Node(NodeId(7)),
            keep_active_partition: KeepActivePartition::Disabled,
            tls: TlsSupport::Required,
            connect_timeout: Millis(2_000),
            version: None,
            ..config()
        };
        config.nodes.0[1].data_center = 3;
        let text = verbose(&Bench::new(config));
        assert_eq!(field(&text, "Force IP version:"), Some("6"));
        assert_eq!(field(&text, "Tie-breaker:"), Some("Node with node ID 7"));
        assert_eq!(field(&text, "KAP Tie-breaker:"), Some("Disabled"));
        assert_eq!(field(&text, "TLS:"), Some("Required"));
        assert_eq!(field(&text, "Connect timeout:"), Some("2000ms"));
        assert_eq!(field(&text, "Configuration version:"), None);
        assert!(text.contains("    1\tNode ID = 2, Data center ID = 3\n"));
    }

    #[test]
    fn a_server_that_cannot_keep_the_active_partition_is_seen_once_connected() {
        let mut bench = Bench::asking(config());
        assert_eq!(field(&verbose(&bench), "KAP Tie-breaker:"), Some("Enabled"));
        let option = OptType::KeepActivePartitionTieBreaker;
        bench.receive(Message::InitReply(init_reply_without(option, 2)));
        assert_eq!(
            field(&verbose(&bench), "KAP Tie-breaker:"),
            Some("Unsupported by QNetd")
        );
    }

    #[test]
    fn heuristics_show_their_results_when_they_are_on() {
        let mut bench = Bench::new(config_with_heuristics(HeuristicsMode::Sync));
        bench.membership(RING, &[1]);
        bench.handle(Event::Heuristics {
            run: 1,
            result: Heuristics::Pass,
        });
        bench.link(Link::Up);
        bench.receive(preinit_reply(1, TlsSupport::Unsupported));
        bench.receive(Message::InitReply(init_reply(2)));
        bench.handle(Event::Heuristics {
            run: 2,
            result: Heuristics::Fail,
        });
        let text = verbose(&bench);
        assert_eq!(field(&text, "Heuristics:"), Some("Enabled only on sync"));
        assert_eq!(
            field(&text, "Heuristics result:"),
            Some("Fail (regular: Undefined, membership: Pass, connect: Fail)")
        );
        assert_eq!(field(&brief(&bench), "Heuristics result:"), Some("Fail"));
    }
}
