use crate::base::{RingId, Time, Vote, VoteReason};
use std::collections::VecDeque;

/// What has become of the vote, in bounded memory and only to be shown.
#[derive(Debug, Clone)]
pub(super) struct Chronicle {
    changes: VecDeque<Change>,
    sequence: u64,
    /// How often the server has admitted this node.
    pub(super) connects: u64,
    /// Why the vote is as it is while there is no server.
    pub(super) without_server: VoteReason,
}

impl Default for Chronicle {
    fn default() -> Self {
        Self {
            changes: VecDeque::new(),
            sequence: 0,
            connects: 0,
            without_server: VoteReason::NoServer,
        }
    }
}

/// A change of the vote as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sequence: u64,
    pub(super) at: Time,
    pub(super) from: Vote,
    pub(super) to: Vote,
    pub(super) ring: Option<RingId>,
    pub(super) reason: VoteReason,
}

impl Chronicle {
    /// Keeps a change, if it is one; the oldest gives way.
    pub(super) fn changed(
        &mut self,
        at: Time,
        (from, to): (Vote, Vote),
        ring: Option<RingId>,
        reason: VoteReason,
    ) {
        if from == to {
            return;
        }
        self.sequence += 1;
        if self.changes.len() == DEPTH {
            self.changes.pop_front();
        }
        self.changes.push_back(Change {
            sequence: self.sequence,
            at,
            from,
            to,
            ring,
            reason,
        });
    }

    /// The changes, the oldest first.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }
}

/// How many changes are kept.
const DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_changes_give_way_and_what_changes_nothing_is_none() {
        let mut chronicle = Chronicle::default();
        for number in 0..100 {
            let at = Time::from_millis(number);
            let votes = (Vote::Ack, Vote::Nack);
            chronicle.changed(at, votes, None, VoteReason::ServerLost);
            chronicle.changed(at, (Vote::Nack, Vote::Nack), None, VoteReason::ServerLost);
        }
        let kept: Vec<_> = chronicle.changes().collect();
        assert_eq!(kept.len(), DEPTH);
        assert_eq!(kept[0].sequence, 37);
    }
}
