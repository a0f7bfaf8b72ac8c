use super::{DevicePicture, Event, ServerLoss, VoteReason, VoteWord};
use crate::base::{ClusterName, Heuristics, NodeId, NodeList, Quorate, RingId};
use crate::client::{LinkFault, Notice, Reason};

/// Makes events of what a node tells its operator and of what corosync tells the node.
///
/// It decides nothing and the client does not know of it.
#[derive(Debug, Clone)]
pub struct DeviceLedger {
    cluster: ClusterName,
    node: NodeId,
    picture: DevicePicture,
    /// Whether it was told that there is no server.
    told_unavailable: bool,
}

impl DeviceLedger {
    /// Of this node, at its start.
    #[must_use]
    pub fn new(cluster: ClusterName, node: NodeId) -> Self {
        Self {
            cluster,
            node,
            picture: DevicePicture::default(),
            told_unavailable: false,
        }
    }

    /// Everything there is, as of the last event.
    #[must_use]
    pub const fn picture(&self) -> &DevicePicture {
        &self.picture
    }

    /// Takes a notice in; the events that come of it are appended to `out`.
    pub fn note(&mut self, notice: &Notice, out: &mut Vec<Event>) {
        match notice {
            Notice::Connected { host, port } => {
                self.told_unavailable = false;
                let (host, port) = (host.clone(), *port);
                self.tell(Event::ServerConnected { host, port }, out);
            }
            Notice::ConnectFailed(fault) => {
                self.unavailable(loss_of_link(fault), notice.to_string(), out);
            }
            Notice::Ended(reason) | Notice::EndedAgain(reason) => self.ended(reason, out),
            Notice::VoteChanged {
                to, ring, reason, ..
            } => {
                if let Some(new) = VoteWord::told(*to) {
                    self.vote(new, ring.unwrap_or_default(), *reason, out);
                }
            }
            // What corosync and the heuristics say comes from those themselves.
            Notice::HeuristicsChanged { .. }
            | Notice::ConfigRefused(_)
            | Notice::HeuristicsKept
            | Notice::TimeoutsKept
            | Notice::RestartNeeded { .. }
            | Notice::NoHeuristicsExecs
            | Notice::TooManyHeuristicsExecs { .. }
            | Notice::ExecNotText { .. }
            | Notice::BadExecName { .. }
            | Notice::EmptyExec { .. }
            | Notice::BadDebugSwitch(_)
            | Notice::HeartbeatTooSmall { .. }
            | Notice::HeartbeatTooBig { .. }
            | Notice::Connecting { .. }
            | Notice::NotEncrypted
            | Notice::Hint(_)
            | Notice::Sleeping(_)
            | Notice::VoteForOldRing { .. }
            | Notice::HeartbeatRefused
            | Notice::OldRingPolled => {}
        }
    }

    /// A run of the heuristics is over.
    pub fn heuristics(&mut self, result: Heuristics, out: &mut Vec<Event>) {
        let (old, new) = (self.picture.heuristics, result.into());
        if old != new {
            let event = Event::HeuristicsChanged {
                cluster: self.cluster.clone(),
                node: self.node,
                old,
                new,
            };
            self.tell(event, out);
        }
    }

    /// votequorum forms this ring.
    pub fn membership(&mut self, ring: RingId, nodes: &NodeList, out: &mut Vec<Event>) {
        let event = Event::MembershipReported {
            cluster: self.cluster.clone(),
            node: self.node,
            ring,
            membership: nodes.ids().collect(),
        };
        self.tell(event, out);
    }

    /// votequorum has said this of the partition.
    pub fn quorum(&mut self, quorate: Quorate, out: &mut Vec<Event>) {
        let (old, new) = (self.picture.quorum, quorate.into());
        if old != new {
            let event = Event::QuorumChanged {
                cluster: self.cluster.clone(),
                node: self.node,
                old,
                new,
            };
            self.tell(event, out);
        }
    }

    fn tell(&mut self, event: Event, out: &mut Vec<Event>) {
        self.picture.apply(&event);
        out.push(event);
    }

    fn unavailable(&mut self, reason: ServerLoss, text: String, out: &mut Vec<Event>) {
        if !self.told_unavailable {
            self.told_unavailable = true;
            self.tell(Event::ServerUnavailable { reason, text }, out);
        }
    }

    fn ended(&mut self, reason: &Reason, out: &mut Vec<Event>) {
        let was_connected = self.picture.server.is_some();
        let (loss, text) = (loss(reason), reason.to_string());
        if was_connected {
            // The next attempt to connect has nothing new to say.
            self.told_unavailable = true;
            self.tell(Event::ServerDisconnected { reason: loss, text }, out);
        } else if loss != ServerLoss::Shutdown {
            self.unavailable(loss, text, out);
        }
    }

    fn vote(&mut self, new: VoteWord, ring: RingId, reason: VoteReason, out: &mut Vec<Event>) {
        let old = self.picture.vote;
        if old == new {
            return;
        }
        let event = Event::VoteChanged {
            cluster: self.cluster.clone(),
            node: self.node,
            old,
            new,
            ring,
            reason,
            winners: Vec::new(),
        };
        self.tell(event, out);
    }
}

pub(super) const fn loss(reason: &Reason) -> ServerLoss {
    match reason {
        Reason::LinkLost(fault) => loss_of_link(fault),
        Reason::ConnectTimeout => ServerLoss::ConnectTimeout,
        Reason::EchoLate => ServerLoss::Silent,
        Reason::Overslept(_) => ServerLoss::Overslept,
        Reason::Malformed(_)
        | Reason::Unexpected(_)
        | Reason::WrongSequence
        | Reason::OptionMissing(_)
        | Reason::CannotSend(_)
        | Reason::EchoOutOfStep => ServerLoss::Misbehaved,
        Reason::InitRefused(_) | Reason::ServerError(_) => ServerLoss::Refused,
        Reason::IncompatibleTls { .. }
        | Reason::RequestsTooShort { .. }
        | Reason::RepliesTooLong { .. }
        | Reason::NoNodeList
        | Reason::AlgorithmUnknownToServer
        | Reason::HeuristicsUnknownToServer => ServerLoss::Incompatible,
        Reason::PollFailed(_) | Reason::CorosyncLost(_) | Reason::StrategyRefused(_) => {
            ServerLoss::Corosync
        }
        Reason::FirstHeuristicsLate => ServerLoss::Heuristics,
        Reason::ShutdownAsked => ServerLoss::Shutdown,
    }
}

pub(super) const fn loss_of_link(fault: &LinkFault) -> ServerLoss {
    match fault {
        LinkFault::ConnectFailed(_) => ServerLoss::Unreachable,
        LinkFault::Closed => ServerLoss::Closed,
        LinkFault::ReadFailed(_) | LinkFault::WriteFailed(_) => ServerLoss::LinkFailed,
        LinkFault::TlsFailed(_) => ServerLoss::TlsFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Vote;

    const RING: RingId = RingId::new(1, 8);

    fn told(ledger: &mut DeviceLedger, notices: &[Notice]) -> Vec<String> {
        let mut out = Vec::new();
        for notice in notices {
            ledger.note(notice, &mut out);
        }
        out.iter().map(ToString::to_string).collect()
    }

    fn ledger() -> DeviceLedger {
        DeviceLedger::new("K".into(), NodeId(1))
    }

    fn connected() -> Notice {
        Notice::Connected {
            host: "qnetd".into(),
            port: 5403,
        }
    }

    fn vote(from: Vote, to: Vote, reason: VoteReason) -> Notice {
        Notice::VoteChanged {
            from,
            to,
            ring: Some(RING),
            reason,
        }
    }

    #[test]
    fn a_lost_server_is_told_before_the_vote_that_goes_with_it() {
        let mut ledger = ledger();
        let granted = VoteReason::ServerDecision;
        told(
            &mut ledger,
            &[connected(), vote(Vote::AskLater, Vote::Ack, granted)],
        );
        let lost = Reason::LinkLost(LinkFault::Closed);
        assert_eq!(
            told(
                &mut ledger,
                &[
                    Notice::Ended(lost),
                    vote(Vote::Ack, Vote::Nack, VoteReason::ServerLost),
                    Notice::EndedAgain(Reason::ConnectTimeout),
                    connected(),
                    vote(Vote::Nack, Vote::WaitForReply, VoteReason::ServerAwaited),
                    vote(Vote::WaitForReply, Vote::Ack, granted),
                ]
            ),
            [
                "This node has lost its server: Server closed connection",
                "Node 1 of cluster K does not have the vote (vote nack instead of ack, ring 1.8, \
                 server-lost)",
                "The server qnetd:5403 has admitted this node",
                "Node 1 of cluster K waits for a decision (vote wait-for-reply instead of nack, ring \
                 1.8, server-awaited)",
                "Node 1 of cluster K has the vote (vote ack instead of wait-for-reply, ring 1.8, \
                 server-decision)",
            ]
        );
    }

    #[test]
    fn a_server_that_cannot_be_had_is_told_once() {
        let mut ledger = ledger();
        let failed = || Notice::ConnectFailed(LinkFault::ConnectFailed("refused".into()));
        let attempts = [
            vote(Vote::AskLater, Vote::Nack, VoteReason::NoServer),
            failed(),
            Notice::Ended(Reason::ConnectTimeout),
            failed(),
        ];
        let events = told(&mut ledger, &attempts);
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[0].ends_with("(vote nack instead of none, ring 1.8, no-server)"));
    }

    #[test]
    fn quorum_and_heuristics_are_told_when_they_change() {
        let (mut ledger, mut out) = (ledger(), Vec::new());
        for quorate in [Quorate::No, Quorate::Yes, Quorate::Yes, Quorate::No] {
            ledger.quorum(quorate, &mut out);
        }
        for result in [Heuristics::Pass, Heuristics::Pass, Heuristics::Fail] {
            ledger.heuristics(result, &mut out);
        }
        let changes: Vec<_> = out.iter().filter_map(Event::change).collect();
        assert_eq!(
            changes,
            [
                ("inquorate", "quorate"),
                ("quorate", "inquorate"),
                ("undefined", "pass"),
                ("pass", "fail")
            ]
        );
    }
}
