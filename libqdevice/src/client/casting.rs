//! Which vote is cast, how often, and when casting is paused. [C: qdevice-net-cast-vote-timer.c]

use super::{Action, Client, Notice, Timer, Turn};
use crate::base::{Millis, RingId, Time, Vote, VoteReason};
use crate::wire::{Message, Plain};

/// The present vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Casting {
    /// ACK and NACK are cast at once and again in every interval; the others are not cast at all.
    vote: Vote,
    /// While corosync forms a membership and it is not known yet what to vote in it, nothing is cast.
    paused: bool,
    /// corosync waits for a poll with its new ring, or has not taken the last one.
    owed: bool,
    /// The last poll and what it cast.
    last: Option<(Time, bool)>,
    /// The number of the pushed NACK that is confirmed in this turn, if votequorum takes the poll.
    confirms: Option<u32>,
    /// The number of the pushed NACK that votequorum was too busy for.
    unconfirmed: Option<u32>,
}

impl Casting {
    pub(super) const fn new() -> Self {
        Self {
            vote: Vote::AskLater,
            paused: false,
            owed: false,
            last: None,
            confirms: None,
            unconfirmed: None,
        }
    }

    /// Whether the vote is cast again and again.
    pub(super) const fn is_active(&self) -> bool {
        match self.vote {
            Vote::Ack | Vote::Nack => true,
            Vote::AskLater | Vote::WaitForReply | Vote::NoChange => false,
        }
    }

    pub(super) const fn vote(&self) -> Vote {
        self.vote
    }

    pub(super) fn is_for(&self) -> bool {
        self.vote == Vote::Ack
    }

    /// Whether votequorum was told not to count the vote, and nothing else since.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.vote != Vote::Ack && !self.owed && self.last.is_some_and(|(_, vote)| !vote)
    }

    /// Whatever was to be confirmed is no more.
    pub(super) const fn forget_confirmation(&mut self) {
        (self.confirms, self.unconfirmed) = (None, None);
    }

    /// What was confirmed in the last turn has been confirmed: no poll of it has failed.
    pub(super) const fn settle_confirmation(&mut self) {
        self.confirms = None;
    }

    pub(super) const fn last(&self) -> Option<(Time, bool)> {
        self.last
    }

    /// What a change means while no server guards the vote: an ACK is withdrawn, and corosync does not
    /// wait for a decision that nobody will make.
    pub(super) const fn without_server(&self) -> Vote {
        match self.vote {
            Vote::Ack => Vote::Nack,
            Vote::AskLater | Vote::WaitForReply if self.owed => Vote::Nack,
            Vote::Nack | Vote::AskLater | Vote::WaitForReply | Vote::NoChange => Vote::NoChange,
        }
    }

    /// What is left of `vote`, the one for the loss of the server: none is kept in a ring that the server
    /// has not voted for.
    pub(super) fn or_without_server(&self, vote: Vote) -> Vote {
        if vote == Vote::NoChange && self.owed {
            self.without_server()
        } else {
            vote
        }
    }
}

impl Client {
    /// Takes over a vote. ACK and NACK are cast at once, also when nothing has changed.
    pub(super) fn update_vote(&mut self, vote: Vote, reason: VoteReason, turn: &mut Turn<'_>) {
        if vote == Vote::NoChange {
            return;
        }
        let from = std::mem::replace(&mut self.casting.vote, vote);
        if from != vote {
            let (to, ring) = (vote, self.membership.ring);
            self.chronicle.changed(turn.now, (from, to), ring, reason);
            turn.tell(Notice::VoteChanged {
                from,
                to,
                ring,
                reason,
            });
        }
        if !self.casting.is_active() {
            self.deadlines.clear(Timer::Cast);
            return;
        }
        if from != vote || self.deadlines.get(Timer::Cast).is_none() {
            self.deadlines
                .set(Timer::Cast, turn.now.after(self.config.cast_interval));
        }
        self.cast(turn);
    }

    /// The vote is due again, paused or not.
    pub(super) fn on_cast_due(&mut self, turn: &mut Turn<'_>) {
        let next = turn.now.after(self.config.cast_interval);
        match self.last_poll() {
            // This poll would make the vote outlast its lease. The next answered echo brings one.
            Some(last) if last < turn.now => return,
            Some(last) if last == turn.now => {}
            Some(last) => self.deadlines.set(Timer::Cast, next.min(last)),
            None => self.deadlines.set(Timer::Cast, next),
        }
        self.cast(turn);
    }

    /// The lease was renewed: so is the vote that rests on it, at once and as late as it may be.
    ///
    /// votequorum then drops the vote of a process that is killed or frozen, whenever that happens, before
    /// a server that waits for its limit can have given it away.
    pub(super) fn renew_cast(&mut self, turn: &mut Turn<'_>) {
        if let Some(last) = self.last_poll() {
            self.cast(turn);
            // Not at the last moment only, because a moment later is too late.
            let early = Time::from_millis(last.as_millis().saturating_sub(EARLY));
            let soon = turn.now.after(Millis(1));
            self.deadlines.set(Timer::Cast, early.max(soon));
        }
    }

    /// A vote that does not rest on the lease is cast with the next echo, if that is only a moment later: the
    /// machine wakes up once for both.
    pub(super) fn cast_with_echo(&mut self) {
        let (due, echo) = (
            self.deadlines.get(Timer::Cast),
            self.deadlines.get(Timer::Echo),
        );
        let (Some(due), Some(echo), Some((last, _))) = (due, echo, self.casting.last) else {
            return;
        };
        let interval = self.config.cast_interval;
        let latest = last.after(interval).after(Millis(interval.0 / MOMENT));
        if due < echo && echo <= latest && !self.casting.owed && self.last_poll().is_none() {
            self.deadlines.set(Timer::Cast, echo);
        }
    }

    /// A vote that stays although the server is gone does not rest on a lease any more.
    pub(super) fn keep_casting(&mut self, turn: &mut Turn<'_>) {
        if self.casting.is_for() && self.phase.has_link() {
            let next = turn.now.after(self.config.cast_interval);
            self.deadlines.set(Timer::Cast, next);
            self.cast(turn);
        }
    }

    /// The moment after which a vote in favour may not be cast; none when there is no such vote, no
    /// server guards it, it would outlive the loss of the server, or its lease is short while it is a
    /// reserve.
    pub(super) fn last_poll(&mut self) -> Option<Time> {
        let (timeout, strategy) = (self.config.timeout, self.config.strategy);
        let lost =
            strategy.vote_when_disconnected(self.membership.quorate, self.config.wait_for_all);
        let session = self.phase.session()?;
        if !self.casting.is_for() || lost == Vote::NoChange {
            return None;
        }
        session.lease.last_poll(timeout)
    }

    /// Confirms a pushed NACK, as soon as votequorum has taken it.
    pub(super) fn confirm_withdrawal(&mut self, seq: u32, turn: &mut Turn<'_>) {
        self.casting.confirms = Some(seq);
        turn.act(Action::Confirm(confirmation(seq)));
    }

    /// In a new ring nobody goes on before this node has voted in it: what the server wanted to be
    /// withdrawn in an older one is gone.
    pub(super) fn confirm_for_left_ring(&mut self, ring: RingId, turn: &mut Turn<'_>) {
        let session = self.phase.session();
        if session.is_some_and(|session| session.reported != ring)
            && let Some(seq) = self.casting.unconfirmed.take()
        {
            turn.send(confirmation(seq));
        }
    }

    /// votequorum is in another ring than the last poll: so the vote of this one is gone.
    pub(super) fn confirm_after_old_ring(&mut self, turn: &mut Turn<'_>) {
        if let Some(seq) = self.casting.confirms.take()
            && self.phase.session().is_some()
        {
            turn.send(confirmation(seq));
        }
    }

    /// corosync was too busy to take the last vote: it is due again soon. C waits for the next period,
    /// in which the server may have given to others what this node believes to have withdrawn.
    pub(super) fn cast_again_soon(&mut self, now: Time) {
        self.casting.owed = true;
        self.casting.unconfirmed = self.casting.confirms.take().or(self.casting.unconfirmed);
        if self.casting.is_active() {
            self.deadlines.set(Timer::Cast, now.after(SOON));
        }
    }

    /// Nothing is cast until [`resume`](Self::resume); corosync waits for it.
    pub(super) const fn pause(&mut self) {
        self.casting.paused = true;
    }

    /// A new ring: corosync waits for a poll with it.
    pub(super) const fn owe_poll(&mut self) {
        self.casting.owed = true;
    }

    /// The pause is over with this vote.
    ///
    /// When that changes nothing and corosync still waits, the present vote is cast at once. In C it
    /// waits for the next period, and with it the whole cluster for up to half a timeout.
    pub(super) fn resume(&mut self, vote: Vote, reason: VoteReason, turn: &mut Turn<'_>) {
        self.casting.paused = false;
        self.update_vote(vote, reason, turn);
        self.cast_if_owed(turn);
    }

    /// Lets corosync go on, if there is a vote to cast.
    pub(super) fn cast_if_owed(&mut self, turn: &mut Turn<'_>) {
        if self.casting.owed && self.casting.is_active() {
            self.cast(turn);
        }
    }

    fn cast(&mut self, turn: &mut Turn<'_>) {
        let Some(ring) = self.membership.ring else {
            return;
        };
        if self.casting.paused {
            return;
        }
        if self.last_poll().is_some_and(|last| last < turn.now) {
            // The vote would outlast its lease. The answer to this echo renews both.
            self.hasten_echo(turn);
            return;
        }
        let vote = self.casting.is_for();
        self.casting.owed = false;
        self.casting.last = Some((turn.now, vote));
        turn.act(Action::Cast { ring, vote });
        if !vote && let Some(seq) = self.casting.unconfirmed.take() {
            self.confirm_withdrawal(seq, turn);
        }
    }
}

const fn confirmation(seq: u32) -> Message {
    Message::VoteInfoReply(Plain { seq: Some(seq) })
}

const SOON: Millis = Millis(100);

/// By how much the last poll of a lease may come before its last moment, in milliseconds.
const EARLY: u64 = 100;

/// Which part of an interval a poll may come later than due.
const MOMENT: u32 = 20;

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, OTHER_RING, RING, config, init_reply, list_reply, vote_info,
    };
    use super::super::{CastFault, ClientConfig, Corosync, Event, Link, LinkFault, Next, Reason};
    use super::*;
    use crate::base::Algorithm;
    use crate::vote::{Strategy, WaitForAll};
    use crate::wire::{Echo, NodeListKind};

    #[test]
    fn a_fresh_process_withdraws_what_a_killed_one_may_have_left() {
        let mut bench = Bench::new(config());
        bench.membership(RING, &[1]);
        assert_eq!(
            bench.done()[0],
            Action::Cast {
                ring: RING,
                vote: false
            }
        );
        bench.wait(5_000);
        assert_eq!(bench.cast(), [(RING, false)]);
    }

    #[test]
    fn a_vote_is_cast_at_once_and_again_in_every_interval() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Nack, RING));
        assert_eq!(bench.cast(), [(RING, false)]);
        bench.wait_with_server(4_999);
        assert_eq!(bench.cast(), []);
        bench.wait_with_server(1);
        assert_eq!(bench.cast(), [(RING, false)]);
    }

    #[test]
    fn a_vote_in_favour_is_cast_with_every_answered_echo() {
        let mut bench = Bench::voting();
        bench.wait_with_server(999);
        assert_eq!(bench.cast(), []);
        for _ in 0..20 {
            bench.wait_with_server(1_000);
            assert_eq!(bench.cast(), [(RING, true)]);
        }
    }

    #[test]
    fn a_process_that_is_killed_or_frozen_at_any_moment_leaves_no_vote_beyond_its_lease() {
        let lasts = |bench: &Bench| bench.client.casting.last().unwrap().0.after(Millis(10_000));
        for stopped in (0..12_000).step_by(50) {
            let mut bench = Bench::voting();
            bench.wait_with_server(7_000);
            let answered = bench.now;
            bench.wait(stopped);
            let (at, vote) = bench.client.casting.last().unwrap();
            if vote {
                let limit = Time::from_millis(answered + 12_000);
                assert!(lasts(&bench) < limit, "{stopped}: polled at {at:?}");
            } else {
                assert!(stopped >= 11_200, "{stopped}");
            }
        }
    }

    #[test]
    fn a_vote_that_comes_long_after_the_last_answered_echo_is_cast_with_the_next() {
        let mut bench = Bench::running();
        bench.wait_with_server(7_000);
        bench.wait(3_000);
        bench.done();
        let (ring, vote) = (RING, true);
        let ask = |seq| Action::Send(Message::EchoRequest(Echo::new(seq)));
        bench.receive(vote_info(1, Vote::Ack, RING));
        assert!(!bench.done().contains(&ask(9)), "one is on its way");
        bench.echo(8);
        assert_eq!(bench.done(), [ask(9)], "that one was sent too long ago");
        bench.echo(9);
        assert_eq!(bench.done(), [Action::Cast { ring, vote }]);
    }

    #[test]
    fn a_vote_that_outlives_the_loss_of_its_server_never_lapses() {
        let mut bench = Bench::asking(ClientConfig {
            strategy: Strategy::of(Algorithm::Lms),
            wait_for_all: WaitForAll::Yes,
            ..config()
        });
        bench.receive(Message::InitReply(init_reply(2)));
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.wait_with_server(7_000);
        for _ in 0..400 {
            bench.wait(100);
            let (last, vote) = bench.client.casting.last().unwrap();
            assert!(vote && bench.time().since(last) <= 5_000, "{last:?}");
        }
        assert_ne!(bench.reason(), None, "the server is gone");
    }

    #[test]
    fn a_timer_that_is_late_costs_the_vote_no_more_than_a_tenth_of_a_second() {
        let mut bench = Bench::voting();
        bench.wait_with_server(7_000);
        let answered = bench.now;
        bench.done();
        let due = |bench: &Bench| bench.client.next_deadline().unwrap().as_millis();
        while due(&bench) < answered + 2_000 {
            bench.sleep(due(&bench) + 30 - bench.now);
        }
        let (last, vote) = bench.client.casting.last().unwrap();
        assert!(vote && last.as_millis() >= answered + 1_100, "{last:?}");
    }

    #[test]
    fn a_stall_within_the_lease_costs_no_vote() {
        for began in (7_000..8_000).step_by(100) {
            let mut bench = Bench::voting();
            bench.wait_with_server(began);
            bench.done();
            bench.wait(9_000);
            assert!(!bench.cast().contains(&(RING, false)), "{began}");
            let stalled = u32::try_from(began / 1_000).unwrap() + 1;
            bench.echo(stalled);
            bench.echo(stalled + 1);
            assert_eq!(bench.cast(), [(RING, true)], "{began}");
        }
    }

    #[test]
    fn with_a_timeout_beyond_the_lease_the_vote_is_cast_in_every_interval() {
        let mut bench = Bench::asking(ClientConfig {
            timeout: Millis(60_000),
            cast_interval: Millis(3_000),
            ..config()
        });
        bench.receive(Message::InitReply(init_reply(2)));
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.done();
        bench.wait(11_000);
        assert_eq!(bench.cast(), [(RING, true); 3]);
        bench.wait(200);
        assert_eq!(bench.cast()[0], (RING, false));
    }

    #[test]
    fn a_repeated_vote_is_cast_at_once_and_keeps_the_interval() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Nack, RING));
        bench.wait_with_server(3_000);
        bench.done();
        bench.receive(list_reply(NodeListKind::Quorum, Vote::Nack, RING));
        assert_eq!(bench.cast(), [(RING, false)]);
        bench.wait_with_server(2_000);
        assert_eq!(bench.cast(), [(RING, false)]);
    }

    /// Lets a node with the short heartbeat rest for 100 echoes, each answered after `millis`, and with timers
    /// that are `late`; returns how often it woke up by itself and how far apart it cast its vote at most.
    fn rest(millis: u64, late: u64) -> (usize, u64) {
        let mut bench = Bench::asking(ClientConfig {
            short_heartbeat: Some(Millis(2_000)),
            ..config()
        });
        bench.receive(Message::InitReply(init_reply(2)));
        bench.receive(vote_info(1, Vote::Ack, RING));
        // The first answer brings the short one.
        bench.wait_with_server(1_000);
        let (mut wakes, mut longest, mut answered) = (0, 0, 1);
        while answered < 100 {
            let last = bench.client.casting.last().unwrap().0;
            let due = bench.client.next_deadline().unwrap();
            bench.done();
            bench.sleep(due.since(bench.time()) + late);
            wakes += 1;
            assert!(wakes < 200, "no echo is sent");
            longest = longest.max(bench.time().since(last));
            if !bench.sent().is_empty() {
                answered += 1;
                bench.now += millis;
                bench.echo(answered);
                assert_eq!(bench.cast(), [], "not with the answer");
            }
        }
        (wakes, longest)
    }

    #[test]
    fn a_vote_that_is_a_reserve_is_cast_with_the_echo_that_is_due_a_moment_later() {
        for (millis, late) in [(0, 0), (1, 1), (3, 10)] {
            let (wakes, longest) = rest(millis, late);
            assert!(wakes <= 101, "{wakes} for a hundred echoes");
            assert!(longest <= 5_250 + late, "{longest}");
        }
    }

    #[test]
    fn a_vote_does_not_wait_for_an_echo_that_is_due_much_later() {
        let (_, longest) = rest(700, 0);
        assert!(longest <= 5_250, "{longest}");
    }

    #[test]
    fn without_a_decision_of_the_server_nothing_is_cast() {
        let mut bench = Bench::voting();
        bench.membership(OTHER_RING, &[1]);
        bench.wait(7_000);
        assert_eq!(bench.cast(), []);
        bench.receive(vote_info(2, Vote::Nack, OTHER_RING));
        assert_eq!(bench.cast(), [(OTHER_RING, false)]);
    }

    #[test]
    fn without_a_server_a_new_ring_is_answered_at_once() {
        let mut bench = Bench::backing_off();
        bench.membership(OTHER_RING, &[1]);
        assert_eq!(bench.cast(), [(OTHER_RING, false)]);
    }

    #[test]
    fn a_poll_that_came_too_soon_is_repeated_soon() {
        let mut bench = Bench::voting();
        bench.corosync(Corosync::CastFailed(CastFault::TryAgain));
        bench.wait(99);
        assert_eq!(bench.cast(), []);
        bench.wait(1);
        assert_eq!(bench.cast(), [(RING, true)]);
    }

    #[test]
    fn a_poll_that_came_too_soon_is_not_repeated_when_the_vote_is_gone() {
        let mut bench = Bench::running();
        bench.corosync(Corosync::CastFailed(CastFault::TryAgain));
        bench.wait(7_000);
        assert_eq!(bench.cast(), []);
    }

    #[test]
    fn a_withdrawal_is_confirmed_when_votequorum_has_taken_it() {
        let mut bench = Bench::voting();
        let confirm = || Action::Confirm(confirmation(2));
        bench.receive(vote_info(2, Vote::Nack, RING));
        assert!(bench.done().contains(&confirm()));
        for _ in 0..3 {
            bench.corosync(Corosync::CastFailed(CastFault::TryAgain));
            assert!(!bench.done().contains(&confirm()));
            bench.wait(100);
            let (ring, vote) = (RING, false);
            assert_eq!(bench.done(), [Action::Cast { ring, vote }, confirm()]);
        }
        bench.wait_with_server(5_000);
        assert!(!bench.done().contains(&confirm()), "once is enough");
        bench.corosync(Corosync::CastFailed(CastFault::TryAgain));
        bench.wait(100);
        assert!(!bench.done().contains(&confirm()), "it was taken before");
    }

    #[test]
    fn a_withdrawal_that_was_not_taken_is_confirmed_when_its_ring_is_left() {
        let send = || Action::Send(confirmation(2));
        let mut bench = Bench::voting();
        bench.receive(vote_info(2, Vote::Nack, RING));
        bench.corosync(Corosync::CastFailed(CastFault::TryAgain));
        bench.done();
        bench.membership(OTHER_RING, &[1]);
        assert!(bench.done().contains(&send()));
        let mut bench = Bench::voting();
        bench.receive(vote_info(2, Vote::Nack, RING));
        bench.done();
        bench.corosync(Corosync::CastFailed(CastFault::OldRing));
        assert!(bench.done().contains(&send()));
    }

    #[test]
    fn a_poll_for_a_ring_that_is_gone_is_no_fault() {
        let mut bench = Bench::voting();
        bench.corosync(Corosync::CastFailed(CastFault::OldRing));
        assert_eq!(bench.told(), [Notice::OldRingPolled]);
        assert!(bench.client.phase.is_running());
    }

    #[test]
    fn a_refused_poll_ends_the_daemon() {
        let mut bench = Bench::voting();
        bench.corosync(Corosync::CastFailed(CastFault::Refused(
            "CS_ERR_NOT_EXIST".into(),
        )));
        let cast = Action::Cast {
            ring: RING,
            vote: false,
        };
        assert_eq!(
            bench.done(),
            [cast, Action::HangUp, Action::Exit { ok: false }]
        );
        let reason = Reason::PollFailed("CS_ERR_NOT_EXIST".into());
        assert_eq!(reason.next(), Next::Exit { ok: false });
        assert_eq!(
            reason.to_string(),
            "Can't call votequorum_qdevice_poll. Error CS_ERR_NOT_EXIST"
        );
    }

    #[test]
    fn before_the_first_ring_there_is_nothing_to_cast() {
        let mut bench = Bench::new(config());
        bench.handle(Event::Shutdown);
        assert_eq!(bench.done(), [Action::Exit { ok: true }]);
    }

    #[test]
    fn the_loss_of_the_server_withdraws_the_vote_and_goes_on_casting() {
        let mut bench = Bench::voting();
        bench.link(Link::Down(LinkFault::Closed));
        assert_eq!(bench.cast(), [(RING, false)]);
        bench.wait(5_000);
        assert_eq!(bench.cast(), [(RING, false)]);
    }
}
