//! What corosync says, and what follows from it for the vote and the server.
//! [C: qdevice-votequorum.c, qdevice-model-net.c, qdevice-cmap.c]

use super::heuristics::Purpose;
use super::node_list::same_nodes;
use super::phase::Phase;
use super::{
    Action, CastFault, Client, ClusterConfig, ConfigFault, Corosync, HeuristicsMode, Notice,
    Reason, Timer, Turn, VoteFacts,
};
use crate::base::{Heuristics, Millis, NodeList, Quorate, RingId, Vote};
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
        self.stop_regular_heuristics();
        self.owe_poll();
        self.update_vote(vote, turn);
        self.pause();
        self.run_heuristics(Purpose::Membership, turn)
    }

    /// The heuristics of a new membership are known: it is reported, and its vote awaited.
    pub(super) fn on_membership_checked(&mut self, result: Heuristics, turn: &mut Turn<'_>) {
        let vote = if self.phase.is_running() {
            self.send_membership(result, turn);
            Vote::WaitForReply
        } else {
            self.casting.without_server()
        };
        self.resume(vote, turn);
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
        self.update_vote(self.vote_on_change(), turn);
        if self.phase.is_running() {
            self.send_quorum(turn);
        }
    }

    /// corosync.conf was loaded again. The nodes follow it; heuristics that cannot be used do not,
    /// while the C program would end without withdrawing its vote.
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
            self.update_vote(self.vote_on_change(), turn);
            self.config.nodes = config.nodes;
            self.config.version = config.version;
            if self.phase.is_running() {
                self.send_config(NodeListKind::ChangedConfig, turn);
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
