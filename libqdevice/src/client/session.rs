//! What the server may say once it has admitted this node, and what it is told.
//! [C: qdevice-net-msg-received.c, qdevice-net-echo-request-timer.c, qdevice-net-heuristics.c]

use super::lease::{EchoReply, Lease};
use super::phase::{Phase, Protection};
use super::{Client, Notice, Reason, Timer, Turn};
use crate::base::{Heuristics, NodeList, RingId, Time, Vote, VoteReason};
use crate::wire::{
    Echo, HeuristicsReport, Message, MsgType, NodeListKind, NodeListReport, Options, Plain,
    ReplyErrorCode, ServerError,
};

/// What is known of the server, from its admission of this node on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Session {
    /// What it can do beyond the first version of the protocol.
    pub(super) server: Features,
    /// How the connection is protected.
    pub(super) protection: Protection,
    /// The ring of the last INIT or membership sent: votes for another one do not count.
    pub(super) reported: RingId,
    /// How long what it has granted may stand.
    pub(super) lease: Lease,
}

/// What a server can do or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Features {
    pub(super) heuristics: bool,
    pub(super) keep_active_partition: bool,
    /// Whether it wants to be told when the vote is withdrawn for good.
    pub(super) lease: bool,
}

/// A vote as any of the replies carries it.
struct Ballot {
    message: MsgType,
    seq: Option<u32>,
    vote: Option<Vote>,
    ring: Option<RingId>,
    /// Whether what else the message needs is there.
    complete: bool,
}

impl Client {
    pub(super) fn on_message(
        &mut self,
        message: Message,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        let msg_type = message.msg_type();
        match message {
            Message::PreInitReply(reply) => self.on_preinit_reply(reply, turn),
            Message::InitReply(reply) => self.on_init_reply(&reply, turn),
            Message::ServerError(error) => self.on_server_error(error, turn),
            Message::EchoReply(echo) => self.on_echo_reply(echo.seq(), turn),
            Message::SetOptionReply(options) => self.on_set_option_reply(options),
            Message::NodeListReply(reply) => self.on_ballot(
                Ballot {
                    message: msg_type,
                    seq: reply.seq,
                    vote: reply.vote,
                    ring: reply.ring,
                    complete: reply.kind.is_some(),
                },
                turn,
            ),
            Message::AskForVoteReply(reply) | Message::VoteInfo(reply) => self.on_ballot(
                Ballot {
                    message: msg_type,
                    seq: reply.seq,
                    vote: reply.vote,
                    ring: reply.ring,
                    complete: true,
                },
                turn,
            ),
            Message::HeuristicsChangeReply(reply) => self.on_ballot(
                Ballot {
                    message: msg_type,
                    seq: reply.seq,
                    vote: reply.vote,
                    ring: reply.ring,
                    complete: reply.heuristics != Heuristics::Undefined,
                },
                turn,
            ),
            Message::PreInit(_)
            | Message::StartTls(_)
            | Message::Init(_)
            | Message::SetOption(_)
            | Message::EchoRequest(_)
            | Message::NodeList(_)
            | Message::AskForVote(_)
            | Message::VoteInfoReply(_)
            | Message::HeuristicsChange(_) => Err(Reason::Unexpected(msg_type)),
        }
    }

    /// Takes over a vote, unless it is for a ring that this node has left behind. A vote that the
    /// server pushed is confirmed in either case: the server only wants to know that it arrived.
    fn on_ballot(&mut self, ballot: Ballot, turn: &mut Turn<'_>) -> Result<(), Reason> {
        let reported = self.phase.running(ballot.message)?.reported;
        let (Some(seq), Some(vote), Some(ring), true) =
            (ballot.seq, ballot.vote, ballot.ring, ballot.complete)
        else {
            return Err(Reason::OptionMissing(ballot.message));
        };
        let is_pushed = ballot.message == MsgType::VoteInfo;
        if is_pushed {
            self.casting.forget_confirmation();
        }
        if ring == reported {
            self.update_vote(vote, reason_of(vote), turn);
        } else {
            turn.tell(Notice::VoteForOldRing { vote, ring });
        }
        if is_pushed && ring == reported && vote == Vote::Nack {
            self.confirm_withdrawal(seq, turn);
        } else if is_pushed {
            turn.send(Message::VoteInfoReply(Plain { seq: Some(seq) }));
        }
        Ok(())
    }

    fn on_set_option_reply(&mut self, options: Options) -> Result<(), Reason> {
        let session = self.phase.running(MsgType::SetOptionReply)?;
        if options.heartbeat.is_some() {
            session.lease.on_confirmed(options.seq);
            self.arm_lease();
        }
        Ok(())
    }

    /// A heartbeat that the server refuses stays as it was. Any other error ends the connection.
    fn on_server_error(&mut self, error: ServerError, turn: &mut Turn<'_>) -> Result<(), Reason> {
        let code = error
            .error
            .ok_or(Reason::OptionMissing(MsgType::ServerError))?;
        if code == ReplyErrorCode::InvalidHeartbeatInterval.number()
            && let Some(session) = self.phase.session()
            && session.lease.on_refused(error.seq)
        {
            turn.tell(Notice::HeartbeatRefused);
            self.arm_lease();
            return Ok(());
        }
        Err(Reason::ServerError(code))
    }

    /// An answered echo renews the lease, and with it the vote in votequorum.
    fn on_echo_reply(&mut self, seq: Option<u32>, turn: &mut Turn<'_>) -> Result<(), Reason> {
        let seq = seq.ok_or(Reason::OptionMissing(MsgType::EchoReply))?;
        let session = self.phase.session().ok_or(Reason::EchoOutOfStep)?;
        let EchoReply::Answer(millis) = session.lease.on_echo_reply(seq, turn.now) else {
            return Err(Reason::EchoOutOfStep);
        };
        self.arm_lease();
        self.renew_cast(turn);
        self.shorten_heartbeat(millis, turn);
        Ok(())
    }

    pub(super) fn on_echo_due(&mut self, turn: &mut Turn<'_>) {
        if let Some(session) = self.phase.session() {
            let seq = session.lease.ask(turn.now);
            turn.send(Message::EchoRequest(Echo::new(seq)));
        }
    }

    /// Asks for an echo now, unless one is on its way.
    pub(super) fn hasten_echo(&mut self, turn: &mut Turn<'_>) {
        let session = self.phase.session();
        if session.is_some_and(|session| session.lease.next_echo().is_some()) {
            self.on_echo_due(turn);
            self.arm_lease();
        }
    }

    /// Sets the timers that follow the lease after it has changed.
    pub(super) fn arm_lease(&mut self) {
        let Some(session) = self.phase.session() else {
            return;
        };
        self.deadlines.set(Timer::Lease, session.lease.end());
        match session.lease.next_echo() {
            Some(at) => self.deadlines.set(Timer::Echo, at),
            None => self.deadlines.clear(Timer::Echo),
        }
    }

    /// Whether what the server has granted still stands.
    pub(super) fn check_lease(&mut self, now: Time) -> Result<(), Reason> {
        match self.phase.session().map(|session| session.lease) {
            Some(lease) if lease.end() <= now && lease.is_server_silent(now) => {
                Err(Reason::EchoLate)
            }
            Some(lease) if lease.end() <= now => Err(Reason::Overslept(lease.age(now))),
            Some(_) | None => Ok(()),
        }
    }

    /// Reports everything to the server that has just admitted this node, and waits for its vote.
    pub(super) fn greet(&mut self, result: Heuristics, turn: &mut Turn<'_>) {
        let Phase::Greeting(session) = self.phase else {
            return;
        };
        self.phase = Phase::Running {
            session,
            since: turn.now,
        };
        self.losses.forget();
        self.chronicle.connects += 1;
        turn.tell(Notice::Connected {
            host: self.config.host.clone(),
            port: self.config.port,
        });
        if session.server.keep_active_partition {
            let options = Options {
                seq: Some(self.next_seq()),
                keep_active_partition: Some(self.config.keep_active_partition),
                ..Options::default()
            };
            turn.send(Message::SetOption(options));
        }
        self.send_config(NodeListKind::InitialConfig, turn);
        self.send_membership(result, turn);
        self.send_quorum(turn);
        self.update_vote(Vote::WaitForReply, VoteReason::ServerAwaited, turn);
    }

    pub(super) fn send_config(&mut self, kind: NodeListKind, turn: &mut Turn<'_>) {
        let nodes = self.config.nodes.clone();
        let report = NodeListReport {
            config_version: self.config.version,
            ..NodeListReport::new(self.next_seq(), kind, nodes)
        };
        turn.send(Message::NodeList(report));
    }

    pub(super) fn send_membership(&mut self, heuristics: Heuristics, turn: &mut Turn<'_>) {
        let ring = self.membership.ring();
        self.confirm_for_left_ring(ring, turn);
        let nodes = self.membership.nodes.ids().collect();
        let report = NodeListReport {
            heuristics,
            ..NodeListReport::membership(self.next_seq(), ring, nodes)
        };
        turn.send(Message::NodeList(report));
        if let Some(session) = self.phase.session() {
            session.reported = ring;
        }
    }

    /// The entry of the device, node 0, stays at home.
    pub(super) fn send_quorum(&mut self, turn: &mut Turn<'_>) {
        let nodes = self
            .membership
            .quorum_nodes
            .0
            .iter()
            .filter(|node| node.id.0 != 0);
        let nodes = NodeList(nodes.copied().collect());
        let report = NodeListReport {
            quorate: Some(self.membership.quorate),
            ..NodeListReport::new(self.next_seq(), NodeListKind::Quorum, nodes)
        };
        turn.send(Message::NodeList(report));
    }

    pub(super) fn send_heuristics(&mut self, heuristics: Heuristics, turn: &mut Turn<'_>) {
        let seq = Some(self.next_seq());
        turn.send(Message::HeuristicsChange(HeuristicsReport {
            seq,
            heuristics,
        }));
    }

    /// Every message but PREINIT and echoes counts on.
    pub(super) const fn next_seq(&mut self) -> u32 {
        self.last_seq = self.last_seq.wrapping_add(1);
        self.last_seq
    }
}

/// Why a vote that the server has sent is as it is.
const fn reason_of(vote: Vote) -> VoteReason {
    match vote {
        Vote::Ack | Vote::Nack => VoteReason::ServerDecision,
        Vote::AskLater | Vote::WaitForReply | Vote::NoChange => VoteReason::ServerAwaited,
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{Bench, OTHER_RING, RING, config, list_reply, vote_info};
    use super::super::{Action, CastFault, Corosync, Event, Link};
    use super::*;
    use crate::base::Quorate;
    use crate::wire::{
        HeuristicsReply, Malformed, NodeListReply, SendFault, ServerError, VoteReply,
    };

    fn confirmation(seq: u32) -> Action {
        Action::Send(Message::VoteInfoReply(Plain { seq: Some(seq) }))
    }

    #[test]
    fn a_pushed_vote_is_cast_before_it_is_confirmed() {
        let mut bench = Bench::running();
        bench.receive(vote_info(77, Vote::Ack, RING));
        let cast = Action::Cast {
            ring: RING,
            vote: true,
        };
        assert_eq!(bench.done(), [cast, confirmation(77)]);
        bench.receive(vote_info(78, Vote::Nack, RING));
        let cast = Action::Cast {
            ring: RING,
            vote: false,
        };
        let confirm = Action::Confirm(Message::VoteInfoReply(Plain { seq: Some(78) }));
        assert_eq!(bench.done(), [cast, confirm]);
    }

    #[test]
    fn a_vote_for_another_ring_is_confirmed_and_changes_nothing() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Ack, OTHER_RING));
        assert_eq!(bench.done(), [confirmation(1)]);
        bench.receive(list_reply(NodeListKind::Membership, Vote::Ack, OTHER_RING));
        assert_eq!(bench.done(), []);
        bench.wait(5_000);
        assert_eq!(bench.cast(), []);
    }

    #[test]
    fn a_vote_that_overtakes_the_answer_to_the_membership_counts() {
        let mut bench = Bench::running();
        bench.receive(list_reply(
            NodeListKind::InitialConfig,
            Vote::AskLater,
            RING,
        ));
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.receive(list_reply(NodeListKind::Membership, Vote::NoChange, RING));
        bench.receive(list_reply(NodeListKind::Quorum, Vote::NoChange, RING));
        assert_eq!(bench.cast(), [(RING, true)]);
    }

    #[test]
    fn every_kind_of_reply_brings_a_vote() {
        let vote = VoteReply {
            seq: Some(1),
            vote: Some(Vote::Ack),
            ring: Some(RING),
        };
        let heuristics = HeuristicsReply {
            seq: Some(1),
            vote: Some(Vote::Ack),
            ring: Some(RING),
            heuristics: Heuristics::Pass,
        };
        for reply in [
            list_reply(NodeListKind::ChangedConfig, Vote::Ack, RING),
            Message::AskForVoteReply(vote),
            Message::HeuristicsChangeReply(heuristics),
        ] {
            let mut bench = Bench::running();
            bench.receive(reply);
            assert_eq!(
                bench.done(),
                [Action::Cast {
                    ring: RING,
                    vote: true
                }]
            );
        }
    }

    #[test]
    fn while_the_server_is_undecided_nothing_is_cast() {
        for vote in [Vote::AskLater, Vote::WaitForReply] {
            let mut bench = Bench::voting();
            bench.receive(list_reply(NodeListKind::Quorum, vote, RING));
            bench.wait(7_999);
            assert_eq!(bench.cast(), [], "{vote:?}");
        }
    }

    #[test]
    fn a_reply_that_lacks_an_option_ends_the_connection() {
        let list = NodeListReply {
            seq: Some(1),
            kind: Some(NodeListKind::Quorum),
            ring: Some(RING),
            vote: Some(Vote::Ack),
        };
        let vote = VoteReply {
            seq: Some(1),
            vote: Some(Vote::Ack),
            ring: Some(RING),
        };
        let heuristics = HeuristicsReply {
            seq: Some(1),
            vote: Some(Vote::Ack),
            ring: Some(RING),
            heuristics: Heuristics::Undefined,
        };
        for message in [
            Message::NodeListReply(NodeListReply { seq: None, ..list }),
            Message::NodeListReply(NodeListReply { kind: None, ..list }),
            Message::NodeListReply(NodeListReply { ring: None, ..list }),
            Message::NodeListReply(NodeListReply { vote: None, ..list }),
            Message::VoteInfo(VoteReply { seq: None, ..vote }),
            Message::VoteInfo(VoteReply { vote: None, ..vote }),
            Message::AskForVoteReply(VoteReply { ring: None, ..vote }),
            Message::HeuristicsChangeReply(heuristics),
            Message::ServerError(ServerError {
                seq: Some(1),
                error: None,
            }),
        ] {
            let mut bench = Bench::running();
            let reason = Reason::OptionMissing(message.msg_type());
            bench.receive(message.clone());
            assert_eq!(bench.reason(), Some(reason), "{message:?}");
        }
    }

    #[test]
    fn votes_before_the_admission_are_unexpected() {
        for message in [
            vote_info(1, Vote::Ack, RING),
            list_reply(NodeListKind::Membership, Vote::Ack, RING),
            Message::SetOptionReply(Options::default()),
        ] {
            let mut bench = Bench::asking(config());
            let reason = Reason::Unexpected(message.msg_type());
            bench.receive(message);
            assert_eq!(bench.reason(), Some(reason));
        }
    }

    #[test]
    fn what_only_clients_say_is_unexpected() {
        for message in [
            Message::StartTls(Plain::default()),
            Message::EchoRequest(Echo::new(1)),
            Message::AskForVote(Plain::default()),
            Message::VoteInfoReply(Plain::default()),
        ] {
            let mut bench = Bench::running();
            let reason = Reason::Unexpected(message.msg_type());
            bench.receive(message);
            assert_eq!(bench.reason(), Some(reason));
        }
    }

    #[test]
    fn an_error_of_the_server_ends_the_connection_at_any_time() {
        for mut bench in [Bench::asking(config()), Bench::running()] {
            bench.receive(Message::ServerError(ServerError {
                seq: None,
                error: Some(10),
            }));
            assert_eq!(bench.reason(), Some(Reason::ServerError(10)));
        }
    }

    #[test]
    fn what_is_no_message_and_what_cannot_be_sent_ends_the_connection() {
        let mut bench = Bench::running();
        bench.link(Link::Received(Err(Malformed::UnknownType(99))));
        assert_eq!(
            bench.reason(),
            Some(Reason::Malformed(Malformed::UnknownType(99)))
        );
        let mut bench = Bench::running();
        bench.link(Link::SendFailed(SendFault::QueueFull));
        assert_eq!(
            bench.reason(),
            Some(Reason::CannotSend(SendFault::QueueFull))
        );
    }

    #[test]
    fn echoes_are_sent_eight_times_in_a_heartbeat_one_at_a_time_and_counted_from_one() {
        let mut bench = Bench::running();
        for seq in 1..=3 {
            bench.wait(999);
            assert_eq!(bench.sent(), []);
            bench.wait(1);
            assert_eq!(bench.sent(), [Message::EchoRequest(Echo::new(seq))]);
            bench.echo(seq);
        }
        bench.wait(8_000);
        assert_eq!(bench.sent(), [Message::EchoRequest(Echo::new(4))]);
    }

    #[test]
    fn a_server_that_does_not_answer_loses_this_node_in_time_after_the_last_answered_echo() {
        let mut bench = Bench::voting();
        bench.wait_with_server(3_500);
        // The echo of 3 s is the last that was answered.
        bench.wait(3_000 + 11_200 - 3_500 - 1);
        assert!(!bench.cast().contains(&(RING, false)));
        bench.wait(1);
        let (ring, vote) = (RING, false);
        let done = bench.done();
        assert_eq!(done[..2], [Action::Cast { ring, vote }, Action::HangUp]);
        assert_eq!(bench.client.phase, Phase::Backoff);
    }

    #[test]
    fn an_answer_that_comes_late_counts_from_the_sending_of_its_request() {
        let mut bench = Bench::voting();
        bench.wait(9_000);
        bench.echo(1);
        bench.wait(1_000 + 11_200 - 9_000 - 1);
        assert_eq!(bench.reason(), None);
        bench.wait(1);
        assert_eq!(bench.reason(), Some(Reason::EchoLate));
    }

    #[test]
    fn after_a_pause_of_the_process_the_silence_of_the_server_is_judged_before_a_vote_is_cast() {
        let mut bench = Bench::voting();
        bench.wait_with_server(8_000);
        bench.done();
        bench.sleep(60_000);
        assert!(!bench.cast().contains(&(RING, true)));
        assert_eq!(bench.client.phase, Phase::Backoff);
    }

    #[test]
    fn after_a_pause_nothing_that_happens_casts_a_vote_whose_lease_is_over() {
        let late = |event| {
            let mut bench = Bench::voting();
            bench.wait_with_server(8_000);
            bench.done();
            bench.now += 11_200;
            bench.handle(event);
            bench.cast()
        };
        let received = |message| Event::Link(Link::Received(Ok(message)));
        for event in [
            received(vote_info(2, Vote::Ack, RING)),
            received(list_reply(NodeListKind::Quorum, Vote::Ack, RING)),
            received(Message::EchoReply(Echo::new(9))),
            Event::Corosync(Corosync::Quorum {
                quorate: Quorate::Yes,
                nodes: NodeList::of_ids([1]),
            }),
            Event::Corosync(Corosync::CastFailed(CastFault::TryAgain)),
        ] {
            assert_eq!(late(event.clone()), [(RING, false)], "{event:?}");
        }
    }

    #[test]
    fn a_pause_beyond_the_patience_of_the_server_costs_the_vote_with_nothing_unanswered() {
        for millis in [11_200, 60_000] {
            let mut bench = Bench::voting();
            bench.wait_with_server(8_000);
            bench.done();
            bench.sleep(millis);
            assert_eq!(bench.reason(), Some(Reason::Overslept(millis)));
            let mut bench = Bench::voting();
            bench.wait_with_server(8_000);
            bench.done();
            bench.sleep(millis);
            assert_eq!(bench.cast(), [(RING, false)]);
        }
    }

    #[test]
    fn a_pause_that_the_server_bears_costs_nothing() {
        let mut bench = Bench::voting();
        bench.wait_with_server(8_000);
        bench.done();
        bench.sleep(11_199);
        assert_eq!(bench.sent(), [Message::EchoRequest(Echo::new(9))]);
        assert!(bench.client.phase.is_running());
    }

    #[test]
    fn an_echo_out_of_step_ends_the_connection() {
        let mut bench = Bench::running();
        bench.wait(1_000);
        bench.echo(2);
        assert_eq!(bench.reason(), Some(Reason::EchoOutOfStep));
        let mut bench = Bench::asking(config());
        bench.echo(1);
        assert_eq!(bench.reason(), Some(Reason::EchoOutOfStep));
    }

    #[test]
    fn what_arrives_without_a_connection_is_ignored() {
        let mut bench = Bench::backing_off();
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.link(Link::Up);
        bench.handle(Event::Link(Link::SendFailed(SendFault::QueueFull)));
        assert_eq!(bench.done(), []);
    }
}
