//! What votequorum of one node makes of memberships and polls. [C: corosync, exec/votequorum.c]

use libqdevice::base::{Algorithm, RingId};
use libqdevice::client::StartFacts;

/// One node's votequorum. Every configured node has one vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "flags of votequorum")]
pub struct Votequorum {
    nodes: usize,
    device_votes: usize,
    /// `quorum.wait_for_all`.
    wait_for_all: bool,
    /// The present ring.
    pub ring: RingId,
    /// The nodes of the ring, counted from 0.
    pub members: Vec<usize>,
    /// A device has registered, and has not been given up since.
    pub registered: bool,
    alive: bool,
    /// The device's vote is cast for this node.
    pub cast: bool,
    /// The true moment at which the device is given up.
    pub timer: Option<u64>,
    /// The membership is not in force yet: the node serves nobody.
    pub syncing: bool,
    /// The sync waits for a poll of the device.
    pub awaits_poll: bool,
    /// Whether the node may go on.
    pub quorate: bool,
    /// Once inquorate, all nodes have to be there.
    waits_for_all: bool,
}

/// What votequorum says to a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// It holds from now on.
    Taken,
    /// The ring is another one by now.
    OldRing,
    /// No device has registered.
    NotRegistered,
}

impl Votequorum {
    /// A node that has just booted: alone, in a ring of its own.
    #[must_use]
    pub fn booted(
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

    /// What a device is told of the votes when it starts: those of all nodes and of the device.
    #[must_use]
    pub fn facts(&self) -> StartFacts {
        StartFacts {
            expected_votes: u32::try_from(self.nodes + self.device_votes).unwrap_or(u32::MAX),
            ..StartFacts::default()
        }
    }

    /// A device has come.
    pub const fn register(&mut self) {
        self.registered = true;
    }

    /// The device has gone in order.
    pub fn unregister(&mut self) {
        (self.registered, self.alive, self.cast) = (false, false, false);
        (self.timer, self.awaits_poll) = (None, false);
    }

    /// A new membership; with a living device it waits for a poll until `patience`.
    pub fn form(&mut self, ring: RingId, members: Vec<usize>, patience: u64) {
        (self.ring, self.members, self.syncing) = (ring, members, true);
        self.awaits_poll = self.registered && self.alive;
        if self.awaits_poll {
            self.timer = Some(patience);
        }
    }

    /// `votequorum_qdevice_poll`; the device is given up at `patience` if it does not poll again.
    pub fn poll(&mut self, ring: RingId, vote: bool, patience: u64) -> Polled {
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
    pub const fn give_device_up(&mut self) {
        (self.alive, self.cast, self.awaits_poll) = (false, false, false);
        self.timer = None;
    }

    /// Judges the quorum again. While a membership is formed the old judgement stands.
    ///
    /// `won_by_master` says that a member with `master_wins` casts its vote for all.
    pub fn judge(&mut self, won_by_master: bool) -> bool {
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
