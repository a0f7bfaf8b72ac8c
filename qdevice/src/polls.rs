//! What votequorum was told last, and which vote it need not be waited for.

use crate::corosync::{CsError, Poll};
use libqdevice::client::{Action, CastFault, Corosync, Event};
use libqdevice::wire::Message;

/// The vote that votequorum has.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    taken: Option<Poll>,
}

impl Polls {
    /// How it took a vote; what the client is to be told of that.
    pub(crate) fn note(&mut self, poll: Poll, result: Result<(), CsError>) -> Option<Event> {
        self.taken = result.is_ok().then_some(poll);
        result.err().map(|error| failed_cast(poll, error))
    }

    /// What the vote that was cast once more has come to; what the client is to be told of that.
    pub(crate) fn settle(&mut self, result: Result<(), CsError>) -> Option<Event> {
        self.taken.and_then(|poll| self.note(poll, result))
    }

    /// Takes the vote out of `actions` that nothing else waits for: votequorum has it already, and the
    /// cast only says that this process is alive. To wait for the answer would wake it up once more.
    pub(crate) fn take_repeated(&self, actions: &mut Vec<Action>) -> Option<Poll> {
        let taken = self.taken?;
        let Poll { ring, vote } = taken;
        let repeated = Action::Cast { ring, vote };
        let rests = |action: &Action| {
            *action == repeated || matches!(action, Action::Send(Message::EchoRequest(_)))
        };
        if !actions.iter().all(rests) {
            return None;
        }
        let before = actions.len();
        actions.retain(|action| *action != repeated);
        (actions.len() < before).then_some(taken)
    }
}

/// What the client is told of a vote that corosync did not take.
fn failed_cast(poll: Poll, error: CsError) -> Event {
    let ring = poll.ring;
    tracing::debug!("votequorum_qdevice_poll for ring {ring}: {error}");
    Event::Corosync(Corosync::CastFailed(cast_fault(error)))
}

fn cast_fault(error: CsError) -> CastFault {
    match error {
        CsError::TRY_AGAIN => CastFault::TryAgain,
        CsError::MESSAGE_ERROR => CastFault::OldRing,
        other => CastFault::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::base::RingId;
    use libqdevice::wire::{Echo, Plain};

    const RING: RingId = RingId::new(1, 4);

    fn cast(vote: bool) -> Action {
        Action::Cast { ring: RING, vote }
    }

    fn echo() -> Action {
        Action::Send(Message::EchoRequest(Echo::new(1)))
    }

    fn having(vote: bool) -> Polls {
        let mut polls = Polls::default();
        polls.note(Poll { ring: RING, vote }, Ok(()));
        polls
    }

    #[test]
    fn a_vote_that_votequorum_has_is_taken_out_with_nothing_else_to_do_but_an_echo() {
        for mut actions in [vec![cast(true)], vec![echo(), cast(true)]] {
            let rest = actions.len() - 1;
            let poll = having(true).take_repeated(&mut actions);
            let (ring, vote) = (RING, true);
            assert_eq!(poll, Some(Poll { ring, vote }));
            assert_eq!(actions, vec![echo(); rest]);
        }
    }

    #[test]
    fn a_vote_that_is_new_or_that_something_rests_on_stays() {
        let confirmation = || Message::VoteInfoReply(Plain { seq: Some(2) });
        for actions in [
            vec![cast(false)],
            vec![cast(true), Action::Confirm(confirmation())],
            vec![cast(true), Action::Send(confirmation())],
            vec![cast(true), Action::HangUp],
            vec![cast(true), cast(false)],
            vec![echo()],
        ] {
            let mut left = actions.clone();
            assert_eq!(having(true).take_repeated(&mut left), None);
            assert_eq!(left, actions);
        }
    }

    #[test]
    fn a_vote_that_was_not_taken_is_not_repeated() {
        let mut polls = having(true);
        let (ring, vote) = (RING, true);
        polls.note(Poll { ring, vote }, Err(CsError::TRY_AGAIN));
        assert_eq!(polls.take_repeated(&mut vec![cast(true)]), None);
        assert_eq!(Polls::default().take_repeated(&mut vec![cast(true)]), None);
    }
}
