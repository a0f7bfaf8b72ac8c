//! What votequorum of one node makes of memberships and polls. [C: corosync, exec/votequorum.c]

use libqdevice::base::{Algorithm, RingId};

/// One node's votequorum. Every configured node has one vote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "flags of votequorum")]
pub(crate) struct Votequorum {
    nodes: usize,
    device_votes: usize,
    /// `quorum.wait_for_all`.
    wait_for_all: bool,
    pub(crate) ring: RingId,
    /// The nodes of the ring, counted from 0.
    pub(crate) members: Vec<usize>,
    /// A device has registered, and has not been given up since.
    pub(crate) registered: bool,
    alive: bool,
    /// The device's vote is cast for this node.
    pub(crate) cast: bool,
    /// The true moment at which the device is given up.
    pub(crate) timer: Option<u64>,
    /// The membership is not in force yet: the node serves nobody.
    pub(crate) syncing: bool,
    /// The sync waits for a poll of the device.
    pub(crate) awaits_poll: bool,
    pub(crate) quorate: bool,
    /// Once inquorate, all nodes have to be there.
    waits_for_all: bool,
}

/// What votequorum says to a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Taken,
    OldRing,
    NotRegistered,
}

impl Votequorum {
    /// A node that has just booted: alone, in a ring of its own.
    pub(crate) fn booted(
        algorithm: Algorithm,
        nodes: usize,
        wait_for_all: bool,
        own: usize,
        ring: RingId,
    ) -> Self {
        let device_votes = match algorithm {
            Algorithm::FfSplit => 1,
            Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => nodes - 1,
        };
        Self {
            nodes,
            device_votes,
            wait_for_all,
            ring,
            members: vec![own],
            registered: false,
            alive: false,
            cast: false,
            timer: None,
            syncing: false,
            awaits_poll: false,
            quorate: false,
            waits_for_all: wait_for_all,
        }
    }

    /// Those of all nodes and of the device.
    pub(crate) fn expected_votes(&self) -> u32 {
        u32::try_from(self.nodes + self.device_votes).unwrap_or(u32::MAX)
    }

    pub(crate) const fn register(&mut self) {
        self.registered = true;
    }

    pub(crate) fn unregister(&mut self) {
        (self.registered, self.alive, self.cast) = (false, false, false);
        (self.timer, self.awaits_poll) = (None, false);
    }

    /// A new membership; with a living device it waits for a poll until `patience`.
    pub(crate) fn form(&mut self, ring: RingId, members: Vec<usize>, patience: u64) {
        (self.ring, self.members, self.syncing) = (ring, members, true);
        self.awaits_poll = self.registered && self.alive;
        if self.awaits_poll {
            self.timer = Some(patience);
        }
    }

    /// `votequorum_qdevice_poll`; the device is given up at `patience` if it does not poll again.
    pub(crate) fn poll(&mut self, ring: RingId, vote: bool, patience: u64) -> Polled {
        if !self.registered {
            return Polled::NotRegistered;
        }
        if ring != self.ring {
            return Polled::OldRing;
        }
        (self.alive, self.cast, self.awaits_poll) = (true, vote, false);
        self.timer = Some(patience);
        Polled::Taken
    }

    /// The device has not polled in time.
    pub(crate) const fn give_device_up(&mut self) {
        (self.alive, self.cast, self.awaits_poll) = (false, false, false);
        self.timer = None;
    }

    /// Judges the quorum again. While a membership is formed the old judgement stands.
    ///
    /// `won_by_master` says that a member with `master_wins` casts its vote for all.
    pub(crate) fn judge(&mut self, won_by_master: bool) -> bool {
        if self.syncing {
            return false;
        }
        let expected = self.nodes + self.device_votes;
        let device = if self.cast || won_by_master {
            self.device_votes
        } else {
            0
        };
        let total = self.members.len() + device;
        let quorum = expected.max(total).midpoint(2);
        let enough = total >= quorum;
        let quorate = enough && (!self.waits_for_all || total == expected);
        self.waits_for_all = self.wait_for_all && !quorate;
        std::mem::replace(&mut self.quorate, quorate) != quorate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: RingId = RingId::new(1, 4);

    fn node(algorithm: Algorithm, nodes: usize, wait_for_all: bool) -> Votequorum {
        let mut node = Votequorum::booted(algorithm, nodes, wait_for_all, 0, RING);
        node.register();
        node
    }

    /// Lets the node be in a ring of `members` nodes and cast.
    fn quorate(node: &mut Votequorum, members: usize, vote: bool) -> bool {
        node.form(RING, (0..members).collect(), 0);
        node.poll(RING, vote, 0);
        node.syncing = false;
        node.judge(false);
        node.quorate
    }

    #[test]
    fn half_of_the_nodes_and_the_device_are_quorate() {
        let mut two = node(Algorithm::FfSplit, 2, false);
        assert!(quorate(&mut two, 1, true));
        assert!(!quorate(&mut two, 1, false));
        assert!(quorate(&mut two, 2, false));
        let mut five = node(Algorithm::FfSplit, 5, false);
        assert!(!quorate(&mut five, 2, true));
        assert!(quorate(&mut five, 3, true));
    }

    #[test]
    fn the_last_man_is_quorate_with_the_device() {
        let mut five = node(Algorithm::Lms, 5, false);
        assert!(quorate(&mut five, 1, true));
        assert!(!quorate(&mut five, 4, false));
        assert!(quorate(&mut five, 5, false));
    }

    #[test]
    fn who_waits_for_all_and_was_inquorate_needs_every_vote() {
        let mut two = node(Algorithm::FfSplit, 2, true);
        assert!(!quorate(&mut two, 1, true));
        assert!(!quorate(&mut two, 2, false));
        assert!(quorate(&mut two, 2, true));
        assert!(quorate(&mut two, 1, true));
        assert!(!quorate(&mut two, 1, false));
        assert!(!quorate(&mut two, 1, true));
    }

    #[test]
    fn a_membership_waits_for_a_poll_with_its_ring_if_a_device_lives() {
        let mut two = node(Algorithm::FfSplit, 2, false);
        two.form(RING, vec![0], 9);
        assert!(!two.awaits_poll, "it has never polled");
        two.poll(RING, true, 1);
        let next = RingId::new(1, 8);
        two.form(next, vec![0], 9);
        assert_eq!((two.awaits_poll, two.timer), (true, Some(9)));
        assert_eq!(two.poll(RING, true, 1), Polled::OldRing);
        assert!(two.awaits_poll);
        assert_eq!(two.poll(next, true, 1), Polled::Taken);
        assert!(!two.awaits_poll);
    }
}
