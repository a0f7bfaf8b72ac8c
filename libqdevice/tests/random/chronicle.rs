//! last man standing as the manual page puts it, told from what the server has heard.

use crate::Flaw;
use libqdevice::base::{Heuristics, NodeId, RingId, TieBreaker};
use libqdevice::server::PeerId;
use libqdevice::wire::{Message, NodeListKind};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What the server has heard of the nodes that are connected, and who should have the vote.
///
/// The newcomer rule makes the past count, so every event is followed.
pub(crate) struct Chronicle {
    tie_breaker: TieBreaker,
    flaw: Flaw,
    nodes: BTreeMap<u32, Heard>,
    winners: Option<BTreeSet<u32>>,
}

struct Heard {
    peer: PeerId,
    membership: Option<(RingId, BTreeSet<u32>)>,
    heuristics: Heuristics,
    /// It has taken part in a decision since it connected.
    veteran: bool,
    /// It is in the partition that was chosen last.
    holder: bool,
}

impl Chronicle {
    pub(crate) fn new(tie_breaker: TieBreaker, flaw: Flaw) -> Self {
        Self {
            tie_breaker,
            flaw,
            nodes: BTreeMap::new(),
            winners: None,
        }
    }

    /// Who should have the vote: `None` while the nodes do not agree on who is with whom.
    pub(crate) fn winners(&self) -> Option<&BTreeSet<u32>> {
        self.winners.as_ref()
    }

    pub(crate) fn admitted(&mut self, node: u32, peer: PeerId) {
        let heard = Heard {
            peer,
            membership: None,
            heuristics: Heuristics::Undefined,
            veteran: false,
            holder: false,
        };
        assert!(self.nodes.insert(node, heard).is_none(), "admitted twice");
    }

    pub(crate) fn heard(&mut self, peer: PeerId, message: &Message) {
        let Some(node) = self.nodes.values_mut().find(|node| node.peer == peer) else {
            return;
        };
        match message {
            Message::NodeList(list) if list.kind == Some(NodeListKind::Membership) => {
                let members = list.nodes.ids().map(|id| id.0).collect();
                node.membership = Some((list.ring.unwrap(), members));
                node.heuristics = list.heuristics;
            }
            Message::HeuristicsChange(report) => node.heuristics = report.heuristics,
            _ => return,
        }
        self.decide();
    }

    pub(crate) fn left(&mut self, peer: PeerId) {
        let before = self.nodes.len();
        self.nodes.retain(|_, node| node.peer != peer);
        if self.nodes.len() < before {
            self.decide();
        }
    }

    fn decide(&mut self) {
        self.winners = None;
        let mut groups: BTreeMap<&(RingId, BTreeSet<u32>), BTreeSet<u32>> = BTreeMap::new();
        for (&id, node) in &self.nodes {
            let Some(membership) = &node.membership else {
                continue;
            };
            for mate in &membership.1 {
                let theirs = self.nodes.get(mate).map(|mate| mate.membership.as_ref());
                if theirs.is_some_and(|theirs| theirs != Some(membership)) {
                    return;
                }
            }
            groups.entry(membership).or_default().insert(id);
        }
        let mut groups: Vec<BTreeSet<u32>> = groups.into_values().collect();
        let somebody_holds_it = self.nodes.values().any(|node| node.holder);
        if somebody_holds_it && self.flaw != Flaw::NoNewcomers {
            groups.retain(|group| group.iter().any(|id| self.nodes[id].veteran));
        }
        let best = groups.iter().max_by_key(|group| {
            let lowest = Reverse(*group.first().unwrap());
            let preference = match self.tie_breaker {
                TieBreaker::Lowest => 0,
                TieBreaker::Highest => *group.last().unwrap(),
                TieBreaker::Node(NodeId(id)) => u32::from(group.contains(&id)),
            };
            (self.score(group), group.len(), preference, lowest)
        });
        self.winners = best.cloned();
        let judged: BTreeSet<u32> = groups.into_iter().flatten().collect();
        for (id, node) in &mut self.nodes {
            node.veteran |= judged.contains(id);
            let won = self.winners.as_ref();
            if let Some(won) = won {
                node.holder = won.contains(id);
            }
        }
    }

    fn score(&self, group: &BTreeSet<u32>) -> usize {
        let count = |result| {
            let of = group
                .iter()
                .filter(|id| self.nodes[id].heuristics == result);
            of.count()
        };
        group.len() + count(Heuristics::Pass) - count(Heuristics::Fail)
    }
}
