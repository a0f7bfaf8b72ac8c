//! What the client tells of itself in JSON.

use super::phase::{Attempt, Phase, Protection};
use super::{Client, CommandOutcome, CommandReport, HeuristicsMode, RunReport};
use crate::base::{Heuristics, KeepActivePartition, Quorate, Time};
use crate::report::{
    CastReport, ClusterReport, CommandEnd, CommandResult, ConfiguredNode, ConnectionState,
    DeviceReport, Heading, HeuristicsReport, HeuristicsRun, HeuristicsWhen, LinkReport, Moment,
    Protection as Protected, QuorumNode, ServerChoice, VoteChange,
};

/// What gives a moment of the client's clock its place on the calendar.
pub type Wall<'a> = &'a dyn Fn(Time) -> Moment;

impl Client {
    /// The answer to `json status`. What only the driver knows is left at nothing.
    #[must_use]
    pub fn report(&self, heading: Heading, wall: Wall<'_>) -> DeviceReport {
        let (config, membership) = (&self.config, &self.membership);
        let configured = config.nodes.0.iter().map(|node| ConfiguredNode {
            id: node.id,
            data_center: node.data_center,
        });
        // The device's own entry is none of a node.
        let voters = membership.quorum_nodes.0.iter();
        let voters = voters.filter(|node| node.id.0 != 0).map(|node| QuorumNode {
            id: node.id,
            state: node.state,
        });
        DeviceReport {
            heading,
            node: config.node,
            cluster: ClusterReport::name_of(&config.cluster_name).0,
            timeout_ms: config.timeout.0.into(),
            sync_timeout_ms: config.sync_timeout.0.into(),
            configuration_version: config.version,
            configured: configured.collect(),
            ring: membership.ring,
            membership: membership.nodes.ids().collect(),
            quorate: membership.quorate == Quorate::Yes,
            quorum_nodes: voters.collect(),
            expected_votes: membership.expected_votes,
            server: self.server_choice(),
            link: self.link_report(wall),
            cast: self.cast_report(wall),
            heuristics: self.heuristics_report(),
            certificates: Vec::new(),
            history: self.vote_changes(wall),
        }
    }

    fn server_choice(&self) -> ServerChoice {
        let config = &self.config;
        ServerChoice {
            host: config.host.clone(),
            port: config.port,
            tls: config.tls,
            algorithm: config.strategy.algorithm(),
            tie_breaker: config.tie_breaker,
            keep_active_partition: config.keep_active_partition == KeepActivePartition::Enabled,
            connect_timeout_ms: config.connect_timeout.0.into(),
            heartbeat_ms: config.heartbeat.0.into(),
        }
    }

    fn link_report(&self, wall: Wall<'_>) -> LinkReport {
        let mut report = LinkReport {
            state: ConnectionState::Connecting,
            protection: None,
            connected_at_ms: None,
            echo_reply_at_ms: None,
            lease_ends_at_ms: None,
            connects: self.chronicle.connects,
        };
        match self.phase {
            Phase::Backoff | Phase::Ended => report.state = ConnectionState::Disconnected,
            Phase::Connecting(Attempt::Failed) => report.state = ConnectionState::ConnectFailed,
            Phase::Starting
            | Phase::Connecting(Attempt::UnderWay)
            | Phase::PreInit { .. }
            | Phase::StartTls { .. }
            | Phase::Init { .. }
            | Phase::Greeting(_) => {}
            Phase::Running { session, since } => {
                report.state = ConnectionState::Connected;
                report.protection = Some(match session.protection {
                    Protection::None => Protected::Plain,
                    Protection::Tls {
                        certificate_sent: false,
                    } => Protected::Encrypted,
                    Protection::Tls {
                        certificate_sent: true,
                    } => Protected::Verified,
                });
                report.connected_at_ms = Some(wall(since));
                report.echo_reply_at_ms = session.lease.answered.map(wall);
                report.lease_ends_at_ms = Some(wall(session.lease.end()));
            }
        }
        report
    }

    fn cast_report(&self, wall: Wall<'_>) -> CastReport {
        let last = self.casting.last();
        CastReport {
            vote: self.casting.vote(),
            active: self.casting.is_active(),
            interval_ms: self.config.cast_interval.0.into(),
            last_poll_at_ms: last.map(|(at, _)| wall(at)),
            last_poll_for: last.map(|(_, vote)| vote),
        }
    }

    fn heuristics_report(&self) -> HeuristicsReport {
        let runs = &self.heuristics;
        HeuristicsReport {
            mode: match runs.mode() {
                HeuristicsMode::Off => HeuristicsWhen::Off,
                HeuristicsMode::Sync => HeuristicsWhen::Sync,
                HeuristicsMode::On => HeuristicsWhen::On,
            },
            latest: runs.latest,
            regular: runs.regular,
            membership: runs.membership,
            connect: runs.connect,
        }
    }

    fn vote_changes(&self, wall: Wall<'_>) -> Vec<VoteChange> {
        let changes = self.chronicle.changes().map(|kept| VoteChange {
            sequence: kept.sequence,
            at_ms: wall(kept.at),
            old: kept.from,
            new: kept.to,
            ring: kept.ring,
            reason: kept.reason,
        });
        changes.collect()
    }
}

impl RunReport {
    /// The answer to `json heuristics`, about the last run if there was one.
    #[must_use]
    pub fn report(last: Option<&Self>, heading: Heading, wall: Wall<'_>) -> HeuristicsRun {
        HeuristicsRun {
            heading,
            run: last.map(|last| last.run),
            ended_at_ms: last.map(|last| wall(last.at)),
            result: last.map_or(Heuristics::Undefined, |last| last.result),
            commands: last
                .map(|last| last.commands.iter().map(CommandReport::report).collect())
                .unwrap_or_default(),
        }
    }
}

impl CommandReport {
    fn report(&self) -> CommandResult {
        let mut result = CommandResult {
            name: self.name.clone(),
            pass: self.outcome.is_pass(),
            end: CommandEnd::Unfinished,
            status: None,
            signal: None,
            error: None,
            took_ms: self.took.0.into(),
            stderr: self.last_lines.clone(),
        };
        match &self.outcome {
            CommandOutcome::Exited(status) => {
                result.end = CommandEnd::Exited;
                result.status = Some(*status);
            }
            CommandOutcome::Killed(signal) => {
                result.end = CommandEnd::Killed;
                result.signal = Some(*signal);
            }
            CommandOutcome::NotStarted(why) => {
                result.end = CommandEnd::NotStarted;
                result.error = Some(why.clone());
            }
            CommandOutcome::Unfinished => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{Bench, RING, vote_info};
    use super::super::{Link, LinkFault};
    use super::*;
    use crate::base::{NodeId, NodeState, Vote, VoteReason};

    fn report(bench: &Bench) -> DeviceReport {
        let wall = |at: Time| Moment(at.as_millis());
        bench.client.report(Heading::of("test", Moment(0)), &wall)
    }

    #[test]
    fn a_connected_node_that_casts_its_vote() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Ack, RING));
        let report = report(&bench);
        assert_eq!(report.link.state, ConnectionState::Connected);
        assert_eq!(report.link.protection, Some(Protected::Plain));
        assert_eq!(report.link.connects, 1);
        assert_eq!((report.cast.vote, report.cast.active), (Vote::Ack, true));
        assert_eq!(report.cast.last_poll_for, Some(true));
        let dead = QuorumNode {
            id: NodeId(2),
            state: Some(NodeState::Dead),
        };
        assert_eq!(report.quorum_nodes.last(), Some(&dead));
    }

    #[test]
    fn every_change_of_the_vote_is_kept_with_its_reason() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.link(Link::Down(LinkFault::Closed));
        let report = report(&bench);
        let [.., granted, lost] = report.history.as_slice() else {
            panic!("two changes")
        };
        let change = |change: &VoteChange| (change.new, change.reason);
        assert_eq!(change(granted), (Vote::Ack, VoteReason::ServerDecision));
        assert_eq!(change(lost), (Vote::Nack, VoteReason::ServerLost));
        assert_eq!(report.link.state, ConnectionState::Disconnected);
    }

    #[test]
    fn without_a_run_of_the_heuristics_there_is_no_result() {
        let heading = Heading::of("test", Moment(0));
        let report = RunReport::report(None, heading, &|at| Moment(at.as_millis()));
        assert_eq!((report.run, report.result), (None, Heuristics::Undefined));
    }
}
