//! What corosync says, and what follows from it for the vote and the server.
//! [C: qdevice-votequorum.c, qdevice-model-net.c, qdevice-cmap.c]

use super::heuristics::Purpose;
use super::node_list::same_nodes;
use super::phase::Phase;
use super::{
    Action, CastFault, Client, ClusterConfig, ConfigFault, Corosync, HeuristicsMode, Notice,
    Reason, Timer, Turn, VoteFacts,
};
use crate::base::{Heuristics, Millis, NodeList, Quorate, RingId, Vote, VoteReason};
use crate::wire::NodeListKind;

/// What votequorum said last.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Membership {
    /// The ring to vote in and to report; the C program keeps two of them that only differ while one
    /// notification is handled.
    pub(super) ring: Option<RingId>,
    /// Its nodes.
    pub(super) nodes: NodeList,
    /// Whether the membership is still being formed.
    pub(super) forming: bool,
    /// Whether this partition may go on.
    pub(super) quorate: Quorate,
    /// All nodes votequorum knows, the device included.
    pub(super) quorum_nodes: NodeList,
    pub(super) expected_votes: u32,
}

impl Membership {
    /// The ring as it is told to the server.
    pub(super) fn ring(&self) -> RingId {
        self.ring.unwrap_or_default()
    }
}

impl Client {
    pub(super) fn on_corosync(
        &mut self,
        event: Corosync,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        match event {
            Corosync::Membership { ring, nodes } => self.on_membership(ring, nodes, turn),
            Corosync::Quorum { quorate, nodes } => {
                self.on_quorum(quorate, nodes, turn);
                Ok(())
            }
            Corosync::ExpectedVotes { votes, facts } => {
                self.membership.expected_votes = votes;
                self.lengthen_heartbeat(turn);
                self.config
                    .strategy
                    .check_votes(&self.config.nodes, &facts)?;
                Ok(())
            }
            Corosync::Reloaded { config, facts } => self.on_reload(config, &facts, turn),
            Corosync::CastFailed(CastFault::TryAgain) => {
                self.cast_again_soon(turn.now);
                Ok(())
            }
            Corosync::CastFailed(CastFault::OldRing) => {
                turn.tell(Notice::OldRingPolled);
                self.confirm_after_old_ring(turn);
                Ok(())
            }
            Corosync::CastFailed(CastFault::Refused(error)) => Err(Reason::PollFailed(error)),
            Corosync::Closed(text) => Err(Reason::CorosyncLost(text)),
        }
    }

    /// A membership is being formed: corosync waits until the vote in it is known.
    fn on_membership(
        &mut self,
        ring: RingId,
        nodes: NodeList,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        self.owe_poll();
        let vote = if self.membership.ring.is_none() {
            // A predecessor that was killed may have left a vote behind; no server guards it.
            self.await_first_heuristics(turn);
            Vote::Nack
        } else {
            self.vote_on_change()
        };
        self.membership.forming = true;
        self.membership.ring = Some(ring);
        self.membership.nodes = nodes;
        self.lengthen_heartbeat(turn);
        self.stop_regular_heuristics();
        self.update_vote(vote, self.chronicle.without_server, turn);
        if self.phase.is_running() {
            self.pause();
        } else {
            // No result of the heuristics can bring a vote, so nobody waits for one.
            self.cast_if_owed(turn);
        }
        self.run_heuristics(Purpose::Membership, turn)
    }

    /// The heuristics of a new membership are known: it is reported, and its vote awaited.
    pub(super) fn on_membership_checked(&mut self, result: Heuristics, turn: &mut Turn<'_>) {
        let (vote, reason) = if self.phase.is_running() {
            self.send_membership(result, turn);
            (Vote::WaitForReply, VoteReason::ServerAwaited)
        } else {
            (self.casting.without_server(), self.chronicle.without_server)
        };
        self.resume(vote, reason, turn);
        self.schedule_regular_heuristics(turn.now);
        if self.phase == Phase::Starting {
            self.deadlines.clear(Timer::FirstHeuristics);
            turn.act(Action::Ready);
            self.connect(turn);
        }
    }

    fn on_quorum(&mut self, quorate: Quorate, nodes: NodeList, turn: &mut Turn<'_>) {
        self.membership.forming = false;
        self.membership.quorate = quorate;
        self.membership.quorum_nodes = nodes;
        self.lengthen_heartbeat(turn);
        self.follow_change(turn);
        if self.phase.is_running() {
            self.send_quorum(turn);
        }
    }

    /// corosync.conf was loaded again. Nodes, timeouts and heuristics follow it. What cannot be used of
    /// the latter does not, while the C program would end without withdrawing its vote.
    fn on_reload(
        &mut self,
        config: Result<ClusterConfig, ConfigFault>,
        facts: &VoteFacts,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        let config = config.map_err(|fault| {
            turn.tell(Notice::ConfigRefused(fault));
            Reason::NoNodeList
        })?;
        for remark in config.remarks {
            turn.tell(remark);
        }
        if !same_nodes(&self.config.nodes, &config.nodes) {
            self.config.strategy.check_votes(&config.nodes, facts)?;
            self.follow_change(turn);
            self.config.nodes = config.nodes;
            self.config.version = config.version;
            self.lengthen_heartbeat(turn);
            if self.phase.is_running() {
                self.send_config(NodeListKind::ChangedConfig, turn);
            }
        }
        self.warn_of_start_keys(config.start_keys, turn);
        match config.timeouts {
            Ok(timeouts) => self.follow_timeouts(timeouts, turn),
            // The heuristics derive theirs from them.
            Err(fault) => {
                turn.tell(Notice::ConfigRefused(fault));
                turn.tell(Notice::TimeoutsKept);
                return Ok(());
            }
        }
        match config.heuristics {
            Ok(plan) => self.change_heuristics(plan, turn),
            Err(fault) => {
                turn.tell(Notice::ConfigRefused(fault));
                turn.tell(Notice::HeuristicsKept);
                Ok(())
            }
        }
    }

    fn follow_change(&mut self, turn: &mut Turn<'_>) {
        self.update_vote(self.vote_on_change(), self.chronicle.without_server, turn);
    }

    /// What a change in the cluster does to the vote: the server, if there is one, will answer the
    /// report; without it an ACK is withdrawn.
    fn vote_on_change(&self) -> Vote {
        if self.phase.is_running() {
            Vote::NoChange
        } else {
            self.casting.without_server()
        }
    }

    fn await_first_heuristics(&mut self, turn: &Turn<'_>) {
        if self.heuristics.mode() != HeuristicsMode::Off {
            let limit = Millis(self.heuristics.plan().sync_timeout.0.saturating_mul(2));
            self.deadlines
                .set(Timer::FirstHeuristics, turn.now.after(limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, OTHER_RING, RING, cluster_config, config, init_reply, list_reply, quorum_nodes,
        vote_info,
    };
    use super::super::{Event, Link, NodeVotes};
    use super::*;
    use crate::base::NodeId;
    use crate::wire::{Message, MsgType, NodeListReport};

    fn reloaded(nodes: &[u32], facts: VoteFacts) -> Corosync {
        let config = ClusterConfig {
            nodes: NodeList::of_ids(nodes.iter().copied()),
            version: Some(3),
            ..cluster_config()
        };
        Corosync::Reloaded {
            config: Ok(config),
            facts,
        }
    }

    fn two_votes_for(node: u32) -> VoteFacts {
        VoteFacts::from_iter([(
            NodeId(node),
            Ok(NodeVotes {
                node_votes: 2,
                qdevice_votes: 1,
            }),
        )])
    }

    #[test]
    fn the_first_membership_makes_the_service_ready_and_starts_the_connection() {
        let mut bench = Bench::new(config());
        bench.membership(RING, &[1, 2]);
        let cast = Action::Cast {
            ring: RING,
            vote: false,
        };
        assert_eq!(bench.done(), [cast, Action::Ready, Action::Connect]);
        bench.membership(OTHER_RING, &[1]);
        assert!(!bench.done().contains(&Action::Ready));
    }

    #[test]
    fn what_comes_before_the_first_membership_waits_for_it() {
        let mut bench = Bench::new(config());
        bench.quorum(Quorate::No);
        bench.corosync(Corosync::ExpectedVotes {
            votes: 5,
            facts: VoteFacts::default(),
        });
        assert_eq!(bench.done(), []);
        assert_eq!(bench.client.next_deadline(), None);
    }

    #[test]
    fn a_new_membership_is_reported_and_cast_in_when_the_server_has_decided() {
        let mut bench = Bench::voting();
        bench.membership(OTHER_RING, &[1]);
        let report = NodeListReport {
            seq: Some(7),
            kind: Some(NodeListKind::Membership),
            ring: Some(OTHER_RING),
            nodes: NodeList::of_ids([1]),
            ..NodeListReport::default()
        };
        assert_eq!(bench.done(), [Action::Send(Message::NodeList(report))]);

        bench.receive(vote_info(2, Vote::Ack, RING));
        bench.wait(1_000);
        assert_eq!(
            bench.cast(),
            [],
            "the old ring's vote is not cast in the new one"
        );

        bench.receive(list_reply(NodeListKind::Membership, Vote::Ack, OTHER_RING));
        assert_eq!(bench.cast(), [(OTHER_RING, true)]);
    }

    #[test]
    fn the_ring_of_a_membership_that_was_not_reported_is_told_with_the_next_init() {
        let mut bench = Bench::connecting();
        bench.membership(OTHER_RING, &[1]);
        bench.link(Link::Up);
        bench.receive(super::super::harness::preinit_reply(
            1,
            crate::base::TlsSupport::Unsupported,
        ));
        let sent = bench.sent();
        let Some(Message::Init(init)) = sent.last() else {
            panic!("no INIT in {sent:?}")
        };
        assert_eq!(init.ring, Some(OTHER_RING));
    }

    #[test]
    fn a_membership_between_init_and_its_answer_moves_the_reported_ring() {
        let mut bench = Bench::asking(config());
        bench.membership(OTHER_RING, &[1]);
        bench.receive(Message::InitReply(init_reply(2)));
        bench.done();
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.receive(vote_info(2, Vote::Ack, OTHER_RING));
        assert_eq!(bench.cast(), [(OTHER_RING, true)]);
    }

    #[test]
    fn quorum_is_reported_without_the_entry_of_the_device() {
        let mut bench = Bench::voting();
        bench.quorum(Quorate::No);
        let sent = bench.sent();
        let [Message::NodeList(report)] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        assert_eq!(report.quorate, Some(Quorate::No));
        assert_eq!(report.kind, Some(NodeListKind::Quorum));
        assert_eq!(report.nodes.0, quorum_nodes().0[..2]);
    }

    #[test]
    fn without_a_server_nothing_is_reported() {
        let mut bench = Bench::backing_off();
        bench.quorum(Quorate::No);
        bench.corosync(reloaded(&[1, 2, 3], VoteFacts::default()));
        assert_eq!(bench.sent(), []);
    }

    #[test]
    fn a_changed_node_list_is_reported_once_with_its_version() {
        let mut bench = Bench::voting();
        bench.corosync(reloaded(&[1, 2, 3], VoteFacts::default()));
        bench.corosync(reloaded(&[1, 2, 3], VoteFacts::default()));
        let report = NodeListReport {
            seq: Some(7),
            kind: Some(NodeListKind::ChangedConfig),
            config_version: Some(3),
            nodes: NodeList::of_ids([1, 2, 3]),
            ..NodeListReport::default()
        };
        assert_eq!(bench.done(), [Action::Send(Message::NodeList(report))]);
    }

    #[test]
    fn the_same_nodes_in_another_order_are_no_change() {
        let mut bench = Bench::voting();
        bench.corosync(reloaded(&[2, 1], VoteFacts::default()));
        assert_eq!(bench.done(), []);
        assert_eq!(bench.client.config().version, Some(2));
    }

    #[test]
    fn a_list_that_changed_without_a_server_is_the_initial_one_of_the_next_connection() {
        let mut bench = Bench::asking(config());
        bench.corosync(reloaded(&[1, 2, 3], VoteFacts::default()));
        bench.receive(Message::InitReply(init_reply(2)));
        let sent = bench.sent();
        let Message::NodeList(report) = &sent[1] else {
            panic!("{sent:?}")
        };
        assert_eq!(report.kind, Some(NodeListKind::InitialConfig));
        assert_eq!(report.nodes, NodeList::of_ids([1, 2, 3]));
        assert_eq!(report.config_version, Some(3));
    }

    #[test]
    fn a_node_list_that_cannot_be_used_ends_the_daemon() {
        let mut bench = Bench::voting();
        let config = Err(ConfigFault::NoNodes);
        bench.corosync(Corosync::Reloaded {
            config,
            facts: VoteFacts::default(),
        });
        let told: Vec<_> = bench.told().iter().map(ToString::to_string).collect();
        assert_eq!(
            told[..2],
            [
                "No configured nodes found - configuration without node list is not supported",
                "Can't get configuration node list.",
            ]
        );
        assert_eq!(bench.client.phase, Phase::Ended);
    }

    #[test]
    fn a_node_with_two_votes_ends_the_daemon_as_soon_as_it_is_known() {
        let mut bench = Bench::voting();
        bench.corosync(reloaded(&[1, 2, 3], two_votes_for(3)));
        assert!(matches!(bench.reason(), Some(Reason::StrategyRefused(_))));
        let mut bench = Bench::voting();
        bench.corosync(Corosync::ExpectedVotes {
            votes: 4,
            facts: two_votes_for(2),
        });
        let cast = Action::Cast {
            ring: RING,
            vote: false,
        };
        assert_eq!(
            bench.done(),
            [cast, Action::HangUp, Action::Exit { ok: false }]
        );
    }

    #[test]
    fn other_expected_votes_change_nothing() {
        let mut bench = Bench::voting();
        bench.corosync(Corosync::ExpectedVotes {
            votes: 2,
            facts: VoteFacts::default(),
        });
        assert_eq!(bench.done(), []);
    }

    #[test]
    fn heuristics_that_cannot_be_used_do_not_end_a_running_daemon() {
        let mut bench = Bench::voting();
        let key = "quorum.device.heuristics.mode";
        let config = ClusterConfig {
            nodes: NodeList::of_ids([1, 2, 3]),
            version: None,
            heuristics: Err(ConfigFault::NotValid(key)),
            ..cluster_config()
        };
        bench.corosync(Corosync::Reloaded {
            config: Ok(config),
            facts: VoteFacts::default(),
        });
        let done = bench.done();
        assert!(
            matches!(&done[..], [Action::Send(m)] if m.msg_type() == MsgType::NodeList),
            "the nodes follow all the same: {done:?}"
        );
        bench.handle(Event::Shutdown);
        assert!(bench.done().contains(&Action::Exit { ok: true }));
    }

    #[test]
    fn the_loss_of_corosync_ends_the_daemon() {
        let mut bench = Bench::voting();
        bench.corosync(Corosync::Closed(
            "Can't dispatch votequorum messages".into(),
        ));
        assert_eq!(
            bench.told()[0].to_string(),
            "Can't dispatch votequorum messages"
        );
        assert_eq!(bench.client.phase, Phase::Ended);
        bench.membership(OTHER_RING, &[1]);
        assert_eq!(bench.done(), []);
        assert_eq!(bench.client.next_deadline(), None);
    }
}
