//! What single nodes do beside telling their news.

use super::cluster::News;
use super::malform;
use super::roll::Roll;
use super::traffic;
use super::world::World;
use crate::trace::{Ending, Slot, Step};

impl World {
    pub(super) fn change_heuristics(
        &mut self,
        roll: &mut Roll,
        at: usize,
        node: usize,
    ) -> Vec<Step> {
        if self.clusters[at].heuristics == 0 {
            return Vec::new();
        }
        let slot = self.clusters[at].nodes[node].slot.clone();
        let result = 1 + u8::from(roll.chance(50));
        vec![self.say(&slot, |seq| traffic::heuristics(seq, result))]
    }

    pub(super) fn leave(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let node = &mut self.clusters[at].nodes[node];
        node.connected = false;
        node.news.clear();
        let how = match roll.below(6) {
            0 => Ending::Reset,
            1 => Ending::Cut,
            _ => Ending::Closed,
        };
        vec![Step::End(node.slot.clone(), how)]
    }

    /// Nodes are added to or taken from the configuration, and every node learns of it sooner or later.
    pub(super) fn reconfigure(&mut self, roll: &mut Roll, at: usize) -> Vec<Step> {
        let cluster = &mut self.clusters[at];
        cluster.version += 1;
        match cluster.config.len() {
            len if len > 1 && roll.chance(40) => {
                cluster.config.remove(roll.index(len));
            }
            _ => {
                let new = cluster
                    .config
                    .iter()
                    .copied()
                    .max()
                    .unwrap_or(0)
                    .saturating_add(1);
                cluster.config.push(new);
            }
        }
        for node in cluster.nodes.iter_mut().filter(|node| node.connected) {
            node.news.insert(0, News::Config { initial: false });
        }
        Vec::new()
    }

    pub(super) fn set_options(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let slot = self.clusters[at].nodes[node].slot.clone();
        let heartbeat = roll
            .chance(50)
            .then(|| *roll.pick(&[90_000, 120_000, 60_000, 120_001, 999]));
        let kap = roll.chance(60).then(|| u8::from(roll.chance(60)));
        vec![self.say(&slot, |seq| traffic::options(seq, heartbeat, kap))]
    }

    /// A second connection with a node id, a tie-breaker or an algorithm that does not fit.
    pub(super) fn twin(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let (first, second) = (self.next_seq(), self.next_seq());
        let cluster = &self.clusters[at];
        let slot = Slot::new(format!("{}x", cluster.nodes[node].slot));
        let mut admission = cluster.admission(roll, node);
        match roll.below(4) {
            0 => admission.tie = vec![3, 0, 0, 0, 77],
            1 => admission.algorithm = (admission.algorithm + 1) % 4,
            2 => admission.heartbeat = 5,
            _ => {}
        }
        let mut steps = vec![
            Step::Connect(slot.clone()),
            Step::say(&slot, traffic::preinit(first, &cluster.name)),
            Step::say(&slot, traffic::init(second, &admission)),
        ];
        if roll.chance(50) {
            steps.push(self.say(&slot, traffic::echo));
        }
        if roll.chance(70) {
            steps.push(Step::End(slot, Ending::Closed));
        }
        steps
    }

    /// Several messages in one segment, or cut where no message ends.
    pub(super) fn merged(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let mut frames = Vec::new();
        for _ in 0..2 + roll.below(3) {
            let seq = self.next_seq();
            let cluster = &mut self.clusters[at];
            frames.push(match roll.below(4) {
                0 => cluster.report(roll, node, News::Config { initial: false }, seq),
                1 => cluster.report(roll, node, News::Membership, seq),
                2 => traffic::options(seq, None, Some(1)),
                _ => traffic::echo(seq),
            });
        }
        vec![Step::Send {
            from: self.clusters[at].nodes[node].slot.clone(),
            frames,
            cuts: if roll.chance(50) {
                malform::cuts(roll)
            } else {
                Vec::new()
            },
        }]
    }

    /// A membership no corosync would form.
    pub(super) fn odd_membership(&mut self, roll: &mut Roll, at: usize, node: usize) -> Vec<Step> {
        let seq = self.next_seq();
        let cluster = &self.clusters[at];
        let own = &cluster.nodes[node];
        let mut sees: Vec<u32> = cluster
            .config
            .iter()
            .copied()
            .filter(|_| roll.chance(50))
            .collect();
        if roll.chance(80) && !sees.contains(&own.id) {
            sees.push(own.id);
        }
        match roll.below(6) {
            0 => sees.push(77),
            1 => sees.extend(sees.first().copied()),
            _ => {}
        }
        let ring = (own.id, cluster.ring_seq + u64::from(roll.below(2)));
        vec![Step::say(
            &own.slot,
            traffic::membership(seq, ring, &sees, 0),
        )]
    }
}
