//! One cluster of a scenario: what is true in it, and what its nodes have not told yet.

use super::Subject;
use super::roll::Roll;
use super::traffic::{self, Admission};
use crate::trace::{Frame, Slot};
use libqdevice::base::Algorithm;

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) algorithm: u16,
    pub(super) tie: Vec<u8>,
    /// Whether nodes switch the keep-active-partition rule on: never, always, or as they like.
    pub(super) kap: u32,
    /// In how many cases of a hundred heuristics have a result.
    pub(super) heuristics: u32,
    pub(super) heartbeat: u32,
    pub(super) version: u64,
    pub(super) config: Vec<u32>,
    pub(super) ring_seq: u64,
    pub(super) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) slot: Slot,
    pub(super) id: u32,
    pub(super) data_center: u32,
    pub(super) connected: bool,
    pub(super) ring: (u32, u64),
    pub(super) sees: Vec<u32>,
    /// What it has not told yet, in order.
    pub(super) news: Vec<News>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Config { initial: bool },
    Membership,
    Quorum,
}

impl Cluster {
    pub(super) fn new(roll: &mut Roll, letter: char, size: u32, subject: Subject) -> Self {
        let algorithm = if roll.chance(92) {
            subject.algorithm
        } else {
            *roll.pick(&Algorithm::ALL)
        };
        let size = if algorithm == Algorithm::TwoNodeLms && roll.chance(90) {
            2
        } else {
            size
        };
        let first = *roll.pick(&[1, 1, 1, 7, 2_147_483_645, 3_000_000_000]);
        let ids: Vec<u32> = (first..).take(size as usize).collect();
        let nominated = *roll.pick(&ids) + u32::from(roll.chance(10)) * 50;
        let tie = match roll.below(5) {
            0 | 1 => vec![1, 0, 0, 0, 0],
            2 | 3 => vec![2, 0, 0, 0, 0],
            _ => [vec![3], nominated.to_be_bytes().to_vec()].concat(),
        };
        let ring_seq = *roll.pick(&[4, 4, 4, 0]);
        let nodes = ids
            .iter()
            .zip(1..)
            .map(|(&id, place)| Node {
                slot: Slot::new(format!("{letter}{place}")),
                id,
                data_center: u32::from(roll.chance(10)),
                connected: false,
                ring: (first, ring_seq),
                sees: ids.clone(),
                news: Vec::new(),
            })
            .collect();
        Self {
            name: letter.to_string(),
            algorithm: Algorithm::ALL
                .iter()
                .zip(0..)
                .find(|(one, _)| **one == algorithm)
                .map_or(0, |(_, n)| n),
            tie,
            kap: roll.below(3),
            heuristics: *roll.pick(&[0, 40, 70]),
            // Long enough that no timer of the C server's lms runs out in a scenario.
            heartbeat: 60_000 + roll.below(60_000),
            version: 1,
            config: ids,
            ring_seq,
            nodes,
        }
    }

    pub(super) fn admission(&self, roll: &mut Roll, node: usize) -> Admission {
        let node = &self.nodes[node];
        Admission {
            node: node.id,
            algorithm: self.algorithm,
            heartbeat: self.heartbeat,
            tie: self.tie.clone(),
            ring: node.ring,
            curious: roll.chance(80),
        }
    }

    /// The network falls into parts, or heals; the nodes form new rings.
    pub(super) fn split(&mut self, roll: &mut Roll) {
        let parts = match roll.below(10) {
            0..4 => 1,
            4..9 => 2,
            _ => 3,
        };
        let halves = parts == 2 && roll.chance(60);
        let size = u32::try_from(self.nodes.len()).unwrap_or(1);
        let part_of: Vec<u32> = (0..size)
            .map(|index| {
                if halves {
                    index * 2 / size
                } else {
                    roll.below(parts)
                }
            })
            .collect();
        // Nodes without a connection may be down.
        let up: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| node.connected || roll.chance(50))
            .collect();
        self.ring_seq += 4;
        for part in 0..parts {
            let members: Vec<usize> = (0..self.nodes.len())
                .filter(|&index| part_of[index] == part && up[index])
                .collect();
            let sees: Vec<u32> = members.iter().map(|&index| self.nodes[index].id).collect();
            for index in members {
                let node = &mut self.nodes[index];
                node.ring = (sees[0], self.ring_seq);
                node.sees.clone_from(&sees);
                node.news.retain(|news| matches!(news, News::Config { .. }));
                if node.connected {
                    node.news.extend([News::Membership, News::Quorum]);
                }
            }
        }
    }

    pub(super) fn report(&self, roll: &mut Roll, node: usize, news: News, seq: u32) -> Frame {
        let node = &self.nodes[node];
        match news {
            News::Config { initial } => {
                let entries = self
                    .config
                    .iter()
                    .map(|&id| traffic::entry(id, node.data_center, 0))
                    .collect();
                let version = roll.chance(80).then_some(self.version);
                traffic::config(seq, u8::from(!initial), version, entries)
            }
            News::Membership => {
                let tried = roll.chance(self.heuristics);
                let result = if tried {
                    1 + u8::from(roll.chance(40))
                } else {
                    0
                };
                traffic::membership(seq, node.ring, &node.sees, result)
            }
            News::Quorum => {
                let states: Vec<(u32, u8)> = self
                    .config
                    .iter()
                    .map(|id| (*id, if node.sees.contains(id) { 1 } else { 2 }))
                    .collect();
                traffic::quorum(seq, u8::from(roll.chance(50)), &states)
            }
        }
    }
}
