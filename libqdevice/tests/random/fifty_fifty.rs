//! ffsplit as an administrator would put it.

use crate::world::{Node, World};
use libqdevice::base::{Heuristics, KeepActivePartition, NodeId, TieBreaker, Vote};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// Everything is delivered: who is online has the vote if its group deserves it, and only then.
    pub(crate) fn check_fifty_fifty(&self) -> Result<(), String> {
        let mut groups: BTreeMap<&BTreeSet<u32>, Vec<&Node>> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| node.online) {
            groups.entry(&node.group).or_default().push(node);
        }
        let best = groups
            .iter()
            .filter_map(|(ids, online)| self.worth(ids, online))
            .max();
        let mut winners = 0;
        for (ids, online) in &groups {
            let casts: BTreeSet<_> = online.iter().map(|node| node.casts).collect();
            let deserves = best.is_some() && self.worth(ids, online) == best;
            match casts.into_iter().collect::<Vec<_>>()[..] {
                [Some(Vote::Ack)] if deserves => winners += 1,
                // With keep either of two equal halves may be the active one.
                [Some(Vote::Nack)] if !deserves || self.keep == KeepActivePartition::Enabled => {}
                ref other => return self.fail(&format!("at rest {ids:?} casts {other:?}")),
            }
        }
        if winners == usize::from(best.is_some()) {
            Ok(())
        } else {
            self.fail(&format!("at rest {winners} partitions have the vote"))
        }
    }

    /// What a group can say for itself.
    fn worth(&self, ids: &BTreeSet<u32>, online: &[&Node]) -> Option<(bool, usize, usize, bool)> {
        if ids.len() * 2 > self.nodes.len() {
            return Some((true, 0, 0, false));
        }
        if ids.len() * 2 < self.nodes.len() {
            return None;
        }
        let count = |result| {
            online
                .iter()
                .filter(|node| node.heuristics == result)
                .count()
        };
        let score = online.len() + count(Heuristics::Pass) - count(Heuristics::Fail);
        let preferred = match self.expected_tie_breaker {
            TieBreaker::Lowest => 1,
            TieBreaker::Highest => u32::try_from(self.nodes.len()).unwrap(),
            TieBreaker::Node(NodeId(id)) => id,
        };
        let preferred = self.keep == KeepActivePartition::Disabled && ids.contains(&preferred);
        Some((false, score, online.len(), preferred))
    }
}
