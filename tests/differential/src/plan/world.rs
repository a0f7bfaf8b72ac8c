use super::Subject;
use super::cluster::{Cluster, News};
use super::malform;
use super::roll::Roll;
use super::traffic;
use crate::trace::{Flavour, Frame, Slot, Step, Which};

/// What is true in the clusters of a scenario, and what their nodes have told of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clusters: Vec<Cluster>,
    seq: u32,
}

impl World {
    pub(super) fn new(roll: &mut Roll, subject: Subject) -> Self {
        let count = 1 + roll.below(4) / 2;
        let mut room = 10;
        let mut clusters = Vec::new();
        for index in 0..count {
            let size = match roll.below(10) {
                0 => 1,
                1..=3 => 2,
                4 => 3,
                5..=7 => 4,
                8 => 5,
                _ => 5 + roll.below(4),
            };
            let size = size.min(room);
            if size == 0 {
                break;
            }
            room -= size;
            let letter = char::from(b'A' + u8::try_from(index).unwrap_or(0));
            clusters.push(Cluster::new(roll, letter, size, subject));
        }
        Self { clusters, seq: 0 }
    }

    pub(super) fn a_name(&self, roll: &mut Roll) -> String {
        roll.pick(&self.clusters).name.clone()
    }

    /// Most nodes arrive and tell what they know.
    pub(super) fn opening(&mut self, roll: &mut Roll) -> Vec<Step> {
        let mut steps = Vec::new();
        for at in 0..self.clusters.len() {
            for node in 0..self.clusters[at].nodes.len() {
                if roll.chance(85) {
                    steps.extend(self.arrive(roll, at, node));
                    while roll.chance(85) && !self.clusters[at].nodes[node].news.is_empty() {
                        steps.extend(self.tell(roll, at, node));
                    }
                }
            }
        }
        steps
    }

    /// All nodes tell what they know, so that nothing is left to wait for.
    pub(super) fn closing(&mut self, roll: &mut Roll) -> Vec<Step> {
        let mut steps = Vec::new();
        for at in 0..self.clusters.len() {
            for node in self.clusters[at]
                .nodes
                .iter_mut()
                .filter(|node| node.connected)
            {
                node.news.retain(|news| matches!(news, News::Config { .. }));
                node.news.push(News::Membership);
            }
            steps.extend(self.all_news(roll, at));
        }
        steps
    }

    /// Something that a cluster or one of its nodes may do.
    pub(super) fn turn(&mut self, roll: &mut Roll) -> Vec<Step> {
        let at = roll.index(self.clusters.len());
        let node = roll.index(self.clusters[at].nodes.len());
        if !self.clusters[at].nodes[node].connected {
            return if roll.chance(50) {
                self.arrive(roll, at, node)
            } else {
                Vec::new()
            };
        }
        let slot = self.clusters[at].nodes[node].slot.clone();
        if roll.chance(8) {
            let mut steps = self.episode(roll, at);
            if roll.chance(50) {
                steps.push(Step::Settle);
            }
            // What a settled cluster does next shows best who was counted how.
            if self.clusters[at].nodes[node].connected {
                steps.extend(match roll.below(4) {
                    0 => self.leave(roll, at, node),
                    1 => self.change_heuristics(roll, at, node),
                    _ => Vec::new(),
                });
            }
            return steps;
        }
        match roll.below(100) {
            0..28 => self.tell(roll, at, node),
            28..40 => {
                self.clusters[at].split(roll);
                Vec::new()
            }
            40..66 => vec![Step::Confirm(
                slot,
                if roll.chance(85) {
                    Which::Oldest
                } else {
                    Which::Newest
                },
            )],
            66..74 => self.change_heuristics(roll, at, node),
            74..79 => self.leave(roll, at, node),
            79..83 => self.reconfigure(roll, at),
            83..86 => vec![self.say(&slot, traffic::echo)],
            86..89 => self.set_options(roll, at, node),
            89..91 => vec![self.say(&slot, traffic::ask)],
            91..93 => {
                let old = roll.below(6);
                vec![Step::say(&slot, traffic::confirmation(old))]
            }
            93..96 => self.twin(roll, at, node),
            96..98 => self.merged(roll, at, node),
            _ => self.odd_membership(roll, at, node),
        }
    }

    /// Something that no client should do.
    pub(super) fn mischief(&mut self, roll: &mut Roll, flavour: Flavour) -> Vec<Step> {
        let at = roll.index(self.clusters.len());
        let node = roll.index(self.clusters[at].nodes.len());
        let seq = self.next_seq();
        let own = self.clusters[at].nodes[node].slot.clone();
        let slot = if roll.chance(30) { Slot::new("S") } else { own };
        let news = *roll.pick(&[
            News::Config { initial: true },
            News::Membership,
            News::Quorum,
        ]);
        let sample = match roll.below(8) {
            0 => traffic::preinit(seq, &self.clusters[at].name),
            1 => traffic::init(seq, &self.clusters[at].admission(roll, node)),
            2..=4 => self.clusters[at].report(roll, node, news, seq),
            5 => traffic::heuristics(seq, 1),
            6 => traffic::options(seq, Some(80_000), Some(1)),
            _ => traffic::echo(seq),
        };
        let mut steps = vec![Step::Connect(slot.clone())];
        steps.push(malform::spoil(roll, &slot, sample, flavour));
        steps
    }

    pub(super) fn next_seq(&mut self) -> u32 {
        self.seq += 1;
        self.seq
    }

    pub(super) fn say(&mut self, slot: &Slot, frame: impl FnOnce(u32) -> Frame) -> Step {
        Step::say(slot, frame(self.next_seq()))
    }

    fn arrive(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let (first, second) = (self.next_seq(), self.next_seq());
        let cluster = &mut self.clusters[at];
        let preinit = traffic::preinit(first, &cluster.name);
        let init = traffic::init(second, &cluster.admission(roll, node));
        let active = cluster.kap == 1 || (cluster.kap == 2 && roll.chance(50));
        let node = &mut cluster.nodes[node];
        node.connected = true;
        node.news = vec![
            News::Config { initial: true },
            News::Membership,
            News::Quorum,
        ];
        if roll.chance(8) {
            node.news.swap(0, 1);
        }
        let slot = node.slot.clone();
        let mut steps = vec![Step::Connect(slot.clone())];
        if roll.chance(15) {
            steps.push(Step::Send {
                from: slot.clone(),
                frames: vec![preinit, init],
                cuts: malform::cuts(roll),
            });
        } else {
            steps.extend([Step::say(&slot, preinit), Step::say(&slot, init)]);
        }
        if active {
            steps.push(self.say(&slot, |seq| traffic::options(seq, None, Some(1))));
        }
        steps
    }

    /// The next piece of news, or the last one again.
    fn tell(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let seq = self.next_seq();
        let cluster = &mut self.clusters[at];
        let news = match cluster.nodes[node].news.is_empty() {
            false => cluster.nodes[node].news.remove(0),
            true if roll.chance(30) => *roll.pick(&[
                News::Membership,
                News::Quorum,
                News::Config { initial: false },
            ]),
            true => return Vec::new(),
        };
        let frame = cluster.report(roll, node, news, seq);
        let cuts = if roll.chance(10) {
            malform::cuts(roll)
        } else {
            Vec::new()
        };
        vec![Step::Send {
            from: cluster.nodes[node].slot.clone(),
            frames: vec![frame],
            cuts,
        }]
    }

    /// The nodes of a cluster form new rings and tell all of it, in any order.
    fn episode(&mut self, roll: &mut Roll, at: usize) -> Vec<Step> {
        if roll.chance(80) {
            self.clusters[at].split(roll);
        }
        self.all_news(roll, at)
    }

    /// The nodes of a cluster tell all they know, in any order.
    fn all_news(&mut self, roll: &mut Roll, at: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let connected = |cluster: &Cluster| -> Vec<usize> {
            let nodes = cluster.nodes.iter().enumerate();
            nodes
                .filter(|(_, node)| node.connected && !node.news.is_empty())
                .map(|(at, _)| at)
                .collect()
        };
        loop {
            let talkers = connected(&self.clusters[at]);
            if talkers.is_empty() {
                return steps;
            }
            let node = *roll.pick(&talkers);
            steps.extend(self.tell(roll, at, node));
            if roll.chance(30) {
                steps.push(Step::Confirm(
                    self.clusters[at].nodes[node].slot.clone(),
                    Which::Oldest,
                ));
            }
        }
    }
}
