//! When a vote may pass from one partition to another although its holder cannot be asked any more.
//!
//! A holder that is connected is told, and confirms. One that is gone may still cast the vote, because
//! votequorum keeps it for a while, or because the node has not noticed yet that it is cut off. How long
//! at most is for the server to say, which knows how the holder left: here it is a moment. Until then
//! nobody gets the vote whose partition could act at the same time.

use crate::base::{NodeId, RingId, Time};
use std::collections::BTreeSet;

/// The right to cast the vote, from the moment an ACK is sent until a NACK is confirmed.
///
/// While it lasts the node may be casting, whether or not it has confirmed the ACK.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The ring the ACK was for.
    pub ring: RingId,
    /// The nodes of that ring.
    pub nodes: BTreeSet<NodeId>,
}

/// How a node has left, as far as its vote is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Departure {
    /// It has withdrawn its vote, or that is taken for granted.
    Withdrawn,
    /// It may still cast its vote, and no longer than this.
    Until(Until),
    /// It keeps its vote as long as its membership stays the same. [C: qdevice-net-algo-2nodelms.c]
    Kept,
}

/// When the vote of a node that is gone must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Until {
    /// As seen by a partition that a member of the holder's ring has moved on to.
    ///
    /// No ring lives without one of its members, so the holder, if it is alive, is on its way to another
    /// one: its votequorum waits there for a poll, and its applications wait for votequorum.
    pub moved: Time,
    /// As seen by every other partition: the holder's ring may be whole.
    pub apart: Time,
}

/// A grant whose holder is gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Absent {
    /// What it was granted.
    pub grant: Grant,
    /// How long it may use it.
    pub until: Until,
}

/// A partition that is to have the vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Heir {
    /// Its ring.
    pub ring: RingId,
    /// Its nodes, connected or not.
    pub nodes: BTreeSet<NodeId>,
}

/// What an heir waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holdup {
    /// Who may still cast the vote.
    pub holder: NodeId,
    /// And for how long.
    pub until: Time,
}

impl Absent {
    /// Until when `heir` must not have the vote because of this grant of `holder`; `None` if both can
    /// have it, being one partition.
    #[must_use]
    pub fn keeps_from(&self, heir: &Heir, holder: NodeId) -> Option<Time> {
        let grant = &self.grant;
        // Ring numbers only grow: whoever is in a newer ring has left all older ones for good.
        let newer = heir.ring.seq > grant.ring.seq;
        if heir.nodes.contains(&holder) && (newer || heir.ring == grant.ring) {
            return None;
        }
        let moved = newer && !grant.nodes.is_disjoint(&heir.nodes);
        Some(if moved {
            self.until.moved
        } else {
            self.until.apart
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVED: Time = Time::from_millis(1);
    const APART: Time = Time::from_millis(2);

    fn ids(ids: &[u32]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    /// Until when the heir waits for node 1, whose grant is for ring 10 of `nodes`.
    fn waits(nodes: &[u32], heir: (u64, &[u32])) -> Option<Time> {
        let grant = Grant {
            ring: RingId::new(1, 10),
            nodes: ids(nodes),
        };
        let (moved, apart) = (MOVED, APART);
        let until = Until { moved, apart };
        let heir = Heir {
            ring: RingId::new(heir.1[0], heir.0),
            nodes: ids(heir.1),
        };
        Absent { grant, until }.keeps_from(&heir, NodeId(1))
    }

    #[test]
    fn the_partition_of_the_holder_itself_waits_for_nothing() {
        assert_eq!(waits(&[1, 2], (10, &[1, 2])), None, "its ring");
        assert_eq!(waits(&[1], (14, &[1, 2])), None, "one it has joined since");
    }

    #[test]
    fn those_who_have_left_the_ring_of_the_holder_know_that_it_is_broken() {
        assert_eq!(waits(&[1, 2], (14, &[2])), Some(MOVED));
        assert_eq!(waits(&[1, 2, 3], (14, &[3, 4])), Some(MOVED));
    }

    #[test]
    fn others_do_not_know() {
        assert_eq!(waits(&[1], (10, &[2])), Some(APART));
        assert_eq!(waits(&[1, 2], (14, &[3, 4])), Some(APART));
    }

    #[test]
    fn an_older_ring_proves_nothing_about_a_younger_one() {
        assert_eq!(waits(&[1], (6, &[1, 2])), Some(APART));
        assert_eq!(waits(&[1, 2], (6, &[2])), Some(APART));
        assert_eq!(
            waits(&[1, 2], (10, &[2])),
            Some(APART),
            "another of the same number"
        );
    }
}
