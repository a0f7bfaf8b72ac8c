//! Who deserves the vote under lms and 2nodelms, written down a second time from the rules alone.

use super::book::{Member, Tie};
use super::ffsplit::Outcome;
use std::collections::BTreeSet;

/// What a cluster remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct LastMan {
    /// The nodes that were given the vote last and have not left since.
    active: BTreeSet<u32>,
    /// The nodes that have come to work since they connected; the others are newcomers.
    settled_in: BTreeSet<u32>,
}

/// One ring with its connected nodes.
#[derive(Debug, Clone)]
struct Part<'a> {
    nodes: Vec<&'a Member>,
    ids: BTreeSet<u32>,
}

impl LastMan {
    /// Decides on the connected nodes as they are now.
    pub(super) fn decide(&mut self, members: &[Member]) -> Outcome {
        let Some(mut parts) = parts(members) else {
            return Outcome::Unsettled;
        };
        // Number 0 is a ring that was not formed yet.
        parts.retain(|part| part.nodes[0].algorithm != 3 || part.nodes[0].ring_seq() != 0);
        let allowed: Vec<&Part<'_>> = parts
            .iter()
            .filter(|p| !self.keeps_out(p, &parts))
            .collect();
        let Some(winner) = best(&allowed, members) else {
            return Outcome::Unsettled;
        };
        self.active = winner.nodes.iter().map(|member| member.node).collect();
        let working = allowed.iter().flat_map(|part| &part.nodes);
        self.settled_in.extend(working.map(|member| member.node));
        Outcome::Winners(winner.nodes.iter().map(|member| member.node).collect())
    }

    /// A node has left; if it comes back it is a newcomer.
    pub(super) fn leave(&mut self, node: u32) {
        self.settled_in.remove(&node);
        self.active.remove(&node);
    }

    /// Newcomers never take the vote from nodes that work with it.
    fn keeps_out(&self, part: &Part<'_>, all: &[Part<'_>]) -> bool {
        let has = |part: &Part<'_>, nodes: &BTreeSet<u32>| {
            part.nodes.iter().any(|member| nodes.contains(&member.node))
        };
        !has(part, &self.settled_in) && all.iter().any(|other| has(other, &self.active))
    }
}

/// Whether a node has sent a membership that does not name it; that counts as none.
pub(super) fn denies_itself(member: &Member) -> bool {
    !member.membership.is_empty() && !member.membership.contains(&member.node)
}

/// The rings; `None` while the connected nodes of one do not agree on it.
fn parts(members: &[Member]) -> Option<Vec<Part<'_>>> {
    let set = |member: &Member| member.membership.iter().copied().collect::<BTreeSet<u32>>();
    let mut parts: Vec<Part<'_>> = Vec::new();
    for one in members
        .iter()
        .filter(|member| member.membership.contains(&member.node))
    {
        let ids = set(one);
        for other in members.iter().filter(|other| ids.contains(&other.node)) {
            if other.ring != one.ring || set(other) != ids {
                return None;
            }
        }
        match parts.iter_mut().find(|part| part.ids == ids) {
            Some(part) => part.nodes.push(one),
            None => parts.push(Part {
                nodes: vec![one],
                ids,
            }),
        }
    }
    Some(parts)
}

/// The best score, then the most nodes, then the tie-breaker, then the lowest node.
fn best<'a, 'm>(allowed: &[&'a Part<'m>], members: &[Member]) -> Option<&'a Part<'m>> {
    let worth = |part: &Part<'_>| {
        let count = i32::try_from(part.nodes.len()).unwrap_or(i32::MAX);
        let heuristics: i32 = part.nodes.iter().map(|member| member.heuristics).sum();
        (count + heuristics, count)
    };
    let most = allowed.iter().map(|part| worth(part)).max()?;
    let tied: Vec<&&Part<'_>> = allowed.iter().filter(|part| worth(part) == most).collect();
    let nodes = || {
        tied.iter()
            .flat_map(|part| &part.nodes)
            .map(|member| member.node)
    };
    let named = match members.first()?.tie {
        Tie::Lowest => nodes().min(),
        Tie::Highest => nodes().max(),
        Tie::Node(node) => nodes().find(|&one| one == node).or_else(|| nodes().min()),
    };
    tied.into_iter()
        .find(|part| part.nodes.iter().any(|member| Some(member.node) == named))
        .copied()
}
