//! Memberships: how corosync forms them and what votequorum makes of them.

use crate::device::SYNC_TIMEOUT;
use crate::world::{Event, World};
use libqdevice::base::RingId;
use std::collections::BTreeMap;

impl World {
    /// Who can talk to whom has changed; corosync notices after a while.
    pub(crate) fn topology_changed(&mut self) {
        self.topology += 1;
        let delay = self.plan.token + self.rng.below(300);
        self.plan_in(delay, Event::Regroup(self.topology));
    }

    /// Every part of the network that is not one membership yet forms one.
    pub(crate) fn regroup(&mut self, topology: u64) {
        if topology != self.topology {
            return;
        }
        let mut parts: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (index, node) in self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.runs())
        {
            parts.entry(node.part).or_default().push(index);
        }
        for members in parts.into_values() {
            let first = &self.nodes[members[0]].votequorum;
            let ring = first.ring;
            let formed = members.iter().all(|&index| {
                let own = &self.nodes[index].votequorum;
                own.ring == ring && own.members == members
            });
            if formed {
                continue;
            }
            self.rings += 4;
            let ring = RingId::new(self.nodes[members[0]].id, self.rings);
            for &index in &members {
                let jitter = self.rng.below(60);
                self.plan_in(jitter, Event::Sync(index, ring, members.clone()));
            }
        }
    }

    pub(crate) fn sync(&mut self, node: usize, ring: RingId, members: Vec<usize>) {
        if !self.nodes[node].runs() || ring.seq <= self.nodes[node].votequorum.ring.seq {
            return;
        }
        self.note(|| format!("node {} enters {ring} with {members:?} (from 0)", node + 1));
        let own = &mut self.nodes[node];
        let patience = self.now + own.clock.lasts(SYNC_TIMEOUT);
        own.votequorum.form(ring, members, patience);
        if own.votequorum.awaits_poll {
            self.plan_at(patience, Event::DeviceGivenUp(node));
        }
        self.notify_membership(node, ring);
        self.released(node);
    }

    /// A node may have stopped waiting: when nobody of its ring waits, the membership is in force.
    pub(crate) fn released(&mut self, node: usize) {
        let own = &self.nodes[node].votequorum;
        if !own.syncing || own.awaits_poll {
            return;
        }
        let (ring, members) = (own.ring, own.members.clone());
        let ready = members.iter().all(|&index| {
            let other = &self.nodes[index];
            other.runs() && other.votequorum.ring == ring && !other.votequorum.awaits_poll
        });
        if ready {
            for index in members {
                let jitter = self.rng.below(4);
                self.plan_in(jitter, Event::Activate(index, ring));
            }
        }
    }

    pub(crate) fn activate(&mut self, node: usize, ring: RingId) {
        let own = &mut self.nodes[node].votequorum;
        if own.ring != ring || !own.syncing {
            return;
        }
        own.syncing = false;
        let won = self.won_by_master(node);
        self.nodes[node].votequorum.judge(won);
        let quorate = self.nodes[node].votequorum.quorate;
        self.note(|| format!("node {}: {ring} is in force, quorate {quorate}", node + 1));
        self.notify_quorum(node);
    }

    /// A poll or its absence may have changed the quorum, here or under `master_wins` anywhere.
    pub(crate) fn judge(&mut self, node: usize) {
        let concerned: Vec<usize> = if self.plan.master_wins {
            (0..self.nodes.len()).collect()
        } else {
            vec![node]
        };
        for index in concerned {
            let won = self.won_by_master(index);
            if self.nodes[index].votequorum.judge(won) {
                let quorate = self.nodes[index].votequorum.quorate;
                self.note(|| format!("node {} is quorate: {quorate}", index + 1));
                self.notify_quorum(index);
            }
        }
    }

    fn won_by_master(&self, node: usize) -> bool {
        let own = &self.nodes[node].votequorum;
        self.plan.master_wins
            && own.members.iter().any(|&index| {
                let other = &self.nodes[index].votequorum;
                other.ring == own.ring && other.cast
            })
    }

    pub(crate) fn device_given_up(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        if !own.runs() || own.votequorum.timer != Some(self.now) {
            return;
        }
        own.votequorum.give_device_up();
        self.note(|| format!("node {}: lost contact with the device", node + 1));
        self.released(node);
        self.judge(node);
    }
}
