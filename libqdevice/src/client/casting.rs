//! Which vote is cast, how often, and when casting is paused. [C: qdevice-net-cast-vote-timer.c]

use super::{Action, Client, Notice, Timer, Turn};
use crate::base::{Millis, Time, Vote};

/// The present vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Casting {
    /// ACK and NACK are cast at once and again in every interval; the others are not cast at all.
    vote: Vote,
    /// While corosync forms a membership and it is not known yet what to vote in it, nothing is cast.
    paused: bool,
    /// corosync waits for a poll with its new ring.
    owed: bool,
    /// The last poll and what it cast.
    last: Option<(Time, bool)>,
}

impl Casting {
    pub(super) const fn new() -> Self {
        Self {
            vote: Vote::AskLater,
            paused: false,
            owed: false,
            last: None,
        }
    }

    /// Whether the vote is cast again and again.
    pub(super) const fn is_active(&self) -> bool {
        match self.vote {
            Vote::Ack | Vote::Nack => true,
            Vote::AskLater | Vote::WaitForReply | Vote::NoChange => false,
        }
    }

    pub(super) fn is_for(&self) -> bool {
        self.vote == Vote::Ack
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
    pub(super) fn update_vote(&mut self, vote: Vote, turn: &mut Turn<'_>) {
        if vote == Vote::NoChange {
            return;
        }
        let was_active = self.casting.is_active();
        let from = std::mem::replace(&mut self.casting.vote, vote);
        if from != vote {
            turn.tell(Notice::VoteChanged {
                from,
                to: vote,
                ring: self.membership.ring,
            });
        }
        if !self.casting.is_active() {
            self.deadlines.clear(Timer::Cast);
            return;
        }
        if !was_active {
            self.deadlines
                .set(Timer::Cast, turn.now.after(self.config.cast_interval));
        }
        self.cast(turn);
    }

    /// The vote is due again, paused or not.
    pub(super) fn on_cast_due(&mut self, turn: &mut Turn<'_>) {
        self.deadlines
            .set(Timer::Cast, turn.now.after(self.config.cast_interval));
        self.cast(turn);
    }

    /// corosync was too busy to take the last vote: it is due again soon. C waits for the next period,
    /// in which the server may have given to others what this node believes to have withdrawn.
    pub(super) fn cast_again_soon(&mut self, now: Time) {
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
    pub(super) fn resume(&mut self, vote: Vote, turn: &mut Turn<'_>) {
        self.casting.paused = false;
        self.update_vote(vote, turn);
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
        if !self.casting.paused {
            let vote = self.casting.is_for();
            self.casting.owed = false;
            self.casting.last = Some((turn.now, vote));
            turn.act(Action::Cast { ring, vote });
        }
    }
}

const SOON: Millis = Millis(100);

#[cfg(test)]
mod tests {
    use super::super::harness::{Bench, OTHER_RING, RING, config, list_reply, vote_info};
    use super::super::{CastFault, Corosync, Event, Link, LinkFault, Next, Reason};
    use super::*;
    use crate::wire::NodeListKind;

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
        bench.receive(vote_info(1, Vote::Ack, RING));
        assert_eq!(bench.cast(), [(RING, true)]);
        bench.wait(4_999);
        assert_eq!(bench.cast(), []);
        bench.wait(1);
        assert_eq!(bench.cast(), [(RING, true)]);
    }

    #[test]
    fn a_repeated_vote_is_cast_at_once_and_keeps_the_interval() {
        let mut bench = Bench::voting();
        bench.wait(3_000);
        bench.receive(list_reply(NodeListKind::Quorum, Vote::Ack, RING));
        assert_eq!(bench.cast(), [(RING, true)]);
        bench.wait(2_000);
        assert_eq!(bench.cast(), [(RING, true)]);
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
