use super::device_ledger::{loss, loss_of_link};
use super::server_facts::word;
use super::{HeuristicsWord, ServerLoss};
use crate::base::{Facts, Repeats};
use crate::client::{Next, Notice};

/// What a line of a node's log is about, besides the node and its server, which the log knows.
#[must_use]
pub fn device_facts(notice: &Notice) -> Facts<'static> {
    let facts = Facts::default();
    match notice {
        Notice::VoteChanged {
            to, ring, reason, ..
        } => Facts {
            vote: Some(word(*to)),
            ring: *ring,
            reason: Some(reason.as_str()),
            ..facts
        },
        Notice::VoteForOldRing { vote, ring } => Facts {
            vote: Some(word(*vote)),
            ring: Some(*ring),
            ..facts
        },
        Notice::HeuristicsChanged { to, .. } => Facts {
            heuristics: Some(HeuristicsWord::from(*to).as_str()),
            ..facts
        },
        Notice::ConnectFailed(fault) => counted(loss_of_link(fault)),
        Notice::Hint(_) => counted(ServerLoss::Refused),
        Notice::Ended(reason) | Notice::EndedAgain(reason) => match reason.next() {
            Next::Retry | Next::GiveUp => counted(loss(reason)),
            Next::Exit { .. } => Facts {
                reason: Some(loss(reason).as_str()),
                ..facts
            },
        },
        Notice::ConfigRefused(_)
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
        | Notice::Connected { .. }
        | Notice::Sleeping(_)
        | Notice::HeartbeatRefused
        | Notice::OldRingPolled => facts,
    }
}

/// A failure that comes again with every attempt to connect.
fn counted(loss: ServerLoss) -> Facts<'static> {
    Facts {
        reason: Some(loss.as_str()),
        repeats: Repeats::Counted,
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{RingId, Vote};
    use crate::client::{LinkFault, Reason};

    #[test]
    fn a_vote_is_always_written_with_its_ring() {
        let ring = RingId::new(1, 8);
        let facts = device_facts(&Notice::VoteChanged {
            from: Vote::Nack,
            to: Vote::Ack,
            ring: Some(ring),
            reason: crate::base::VoteReason::ServerDecision,
        });
        let expected = Facts {
            vote: Some("ack"),
            ring: Some(ring),
            reason: Some("server-decision"),
            ..Facts::default()
        };
        assert_eq!(facts, expected);
    }

    #[test]
    fn attempts_that_fail_are_counted_and_the_last_words_of_the_daemon_are_not() {
        let repeats = |notice: Notice| device_facts(&notice).repeats;
        let refused = LinkFault::ConnectFailed("refused".to_owned());
        assert_eq!(repeats(Notice::ConnectFailed(refused)), Repeats::Counted);
        assert_eq!(
            repeats(Notice::Ended(Reason::ConnectTimeout)),
            Repeats::Counted
        );
        let lost = Reason::CorosyncLost("Can't dispatch cmap messages".to_owned());
        assert_eq!(repeats(Notice::Ended(lost)), Repeats::Written);
    }
}
