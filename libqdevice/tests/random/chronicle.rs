//! last man standing as the manual page puts it, told from what the server has heard.

use crate::Flaw;
use libqdevice::base::{Heuristics, NodeId, RingId, TieBreaker, Vote};
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
    two_nodes: bool,
    nodes: BTreeMap<u32, Heard>,
    winners: Option<BTreeSet<u32>>,
    /// 2nodelms: somebody left apart from the others who may still have the vote.
    absent_holder: bool,
}

struct Heard {
    peer: PeerId,
    membership: Option<(RingId, BTreeSet<u32>)>,
    heuristics: Heuristics,
    /// It has taken part in a decision since it connected.
    veteran: bool,
    /// It is in the partition that was chosen last.
    holder: bool,
    /// It was told ACK, and has not confirmed a NACK since.
    granted: bool,
    /// The vote it is to confirm.
    told: Option<(Option<u32>, Vote)>,
}

impl Chronicle {
    pub(crate) fn new(tie_breaker: TieBreaker, two_nodes: bool, flaw: Flaw) -> Self {
        Self {
            two_nodes,
            absent_holder: false,
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
            granted: false,
            told: None,
        };
        assert!(self.nodes.insert(node, heard).is_none(), "admitted twice");
    }

    /// Whether nobody may get the vote although all are settled.
    pub(crate) fn is_withheld(&self) -> bool {
        self.absent_holder
    }

    pub(crate) fn told(&mut self, peer: PeerId, seq: Option<u32>, vote: Vote) {
        if let Some(node) = self.nodes.values_mut().find(|node| node.peer == peer) {
            node.granted |= vote == Vote::Ack;
            node.told = Some((seq, vote));
        }
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
                self.absent_holder = false;
            }
            Message::VoteInfoReply(reply) => {
                if node.told == Some((reply.seq, Vote::Nack)) {
                    node.granted = false;
                }
                return;
            }
            Message::HeuristicsChange(report) => node.heuristics = report.heuristics,
            _ => return,
        }
        self.decide();
    }

    pub(crate) fn left(&mut self, peer: PeerId) {
        let Some(id) = self.nodes.iter().find(|(_, node)| node.peer == peer) else {
            return;
        };
        let id = *id.0;
        let gone = self.nodes.remove(&id).unwrap();
        let apart = gone
            .membership
            .is_some_and(|(_, members)| !self.nodes.keys().any(|other| members.contains(other)));
        self.absent_holder |= self.two_nodes && gone.granted && apart;
        self.decide();
    }

    fn decide(&mut self) {
        self.winners = None;
        self.nodes.values_mut().for_each(|node| node.told = None);
        if self.absent_holder {
            return;
        }
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
