//! Asks the invariants about this world.

use crate::invariants::{Acting, Checked, Part, at_rest, bounded, one_partition};
use crate::world::World;
use libqdevice::base::Algorithm;
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// All of a moment has happened.
    pub(crate) fn check_moment(&self) -> Checked {
        if self.plan.algorithm == Algorithm::Test {
            return Ok(());
        }
        let acting = self.nodes.iter().filter(|node| {
            let votequorum = &node.votequorum;
            let whole = || {
                votequorum.members.iter().all(|&index| {
                    let other = &self.nodes[index];
                    other.runs()
                        && other.part == node.part
                        && other.votequorum.ring.seq <= votequorum.ring.seq
                })
            };
            node.runs()
                && votequorum.quorate
                && !votequorum.syncing
                && !node.is_beyond_rule()
                && whole()
        });
        let mut parts = acting.map(|node| Acting {
            node: node.id,
            ring: node.votequorum.ring,
        });
        // Almost always there is none or one: nothing to be collected then.
        let Some(first) = parts.next() else {
            return Ok(());
        };
        let others: Vec<Acting> = parts.filter(|other| other.ring != first.ring).collect();
        if others.is_empty() {
            return Ok(());
        }
        let all: Vec<Acting> = std::iter::once(first).chain(others).collect();
        one_partition(&all)
    }

    /// Nothing has gone wrong for a long time.
    pub(crate) fn check_rest(&self) -> Checked {
        let mut parts: BTreeMap<u8, BTreeSet<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            parts.entry(node.part).or_default().insert(index);
        }
        let parts: Vec<Part> = parts
            .into_values()
            .map(|members| {
                let ring = self.nodes[*members.first().unwrap_or(&0)].votequorum.ring;
                let casts = |index: &&usize| {
                    let votequorum = &self.nodes[**index].votequorum;
                    votequorum.cast && !votequorum.syncing && votequorum.ring == ring
                };
                Part {
                    casting: members.iter().filter(casts).count(),
                    nodes: members.iter().map(|&index| self.nodes[index].id).collect(),
                }
            })
            .collect();
        let tie_breaker =
            (!self.plan.keep && !self.plan.heuristics).then_some(self.plan.tie_breaker);
        at_rest(self.plan.algorithm, self.plan.nodes, tie_breaker, &parts)
    }

    pub(crate) fn check_memory(&self) -> Checked {
        match &self.arbiter.server {
            Some(server) => bounded(server, self.nodes.len() + 1),
            None => Ok(()),
        }
    }
}
