use super::{Last, Mended, TheirLms, Trial};
use crate::judge::book::{Member, Tie};
use crate::judge::held::Held;

impl TheirLms {
    /// Whether the node is new and nodes of another ring work with the vote.
    fn is_kept_out(&self, trial: Trial<'_>) -> bool {
        self.last(trial.node.node) == Last::New
            && trial
                .stored
                .iter()
                .any(|other| other.ring != trial.ring && self.last(other.node) == Last::Ack)
    }

    pub(super) fn judge_two(&self, trial: Trial<'_>) -> (Option<Last>, Held) {
        let Trial { stored, node, .. } = trial;
        let both = node.membership.len() == 2;
        let both_first = self.mended == Some(Mended::BothBeforeNew) && both;
        if self.is_kept_out(trial) && !both_first {
            return (None, Held::Nack);
        }
        if both || stored.len() == 1 {
            return verdict(true);
        }
        let other = stored.iter().rfind(|other| other.node != node.node);
        let theirs = other.map_or(0, |other| other.heuristics);
        if node.heuristics != theirs {
            return verdict(node.heuristics > theirs);
        }
        let ids = || stored.iter().map(|member| member.node);
        verdict(match node.tie {
            Tie::Lowest => ids().min() == Some(node.node),
            Tie::Highest => ids().max() == Some(node.node),
            Tie::Node(id) => id == node.node,
        })
    }

    pub(super) fn judge_any(&self, trial: Trial<'_>) -> (Option<Last>, Held) {
        let Trial { stored, node, ring } = trial;
        let wait = if self.mended == Some(Mended::WaitIsNew) {
            None
        } else {
            Some(Last::Wait)
        };
        let together = |other: &Member| {
            node.membership.contains(&other.node) || other.membership.contains(&node.node)
        };
        let rings = rings(stored);
        let apart =
            |other: &Member| other.node != node.node && together(other) && other.ring != ring;
        if stored.iter().any(apart) || rings.is_empty() {
            return (wait, Held::Nothing);
        }
        if rings.len() == 1 {
            return verdict(true);
        }
        if self.is_kept_out(trial) {
            return (None, Held::Nack);
        }
        let most = rings.iter().map(|ring| ring.score).max().unwrap_or(0);
        let best: Vec<&Ring<'_>> = rings.iter().filter(|ring| ring.score == most).collect();
        if let [only] = best[..] {
            return verdict(only.id == ring);
        }
        let rivals = if self.mended == Some(Mended::SizeAmongBest) {
            best
        } else {
            rings.iter().collect()
        };
        let size = rivals.iter().map(|ring| ring.nodes).max().unwrap_or(0);
        let largest: Vec<&&Ring<'_>> = rivals.iter().filter(|ring| ring.nodes == size).collect();
        if let [only] = largest[..] {
            return verdict(only.id == ring);
        }
        verdict(self.wins_tie(trial))
    }

    fn wins_tie(&self, trial: Trial<'_>) -> bool {
        let Trial { stored, node, ring } = trial;
        let end = if self.mended == Some(Mended::LargeIds) {
            u32::MAX
        } else {
            2_147_483_647
        };
        let named = match node.tie {
            Tie::Lowest => stored
                .iter()
                .filter(|m| m.node < end)
                .min_by_key(|m| m.node),
            Tie::Highest => stored.iter().filter(|m| m.node > 0).max_by_key(|m| m.node),
            Tie::Node(id) if self.mended == Some(Mended::NamedNode) => {
                stored.iter().find(|member| member.node == id)
            }
            // The last one visited, but for the named node only.
            Tie::Node(id) => stored.last().filter(|_| id == node.node),
        };
        let id = match (node.tie, named) {
            (Tie::Node(id), _) => id,
            (Tie::Lowest, None) => end,
            (Tie::Highest, None) => 0,
            (Tie::Lowest | Tie::Highest, Some(member)) => member.node,
        };
        let named_ring = named.map_or(&[0; 12][..], |member| &member.ring);
        node.node == id || named_ring == ring
    }
}

/// The nodes that are stored with one ring.
struct Ring<'a> {
    id: &'a [u8],
    nodes: usize,
    score: i32,
}

/// The rings that are stored, in the order of node ids; a ring with the number 0 is none.
fn rings(stored: &[Member]) -> Vec<Ring<'_>> {
    let mut rings: Vec<Ring<'_>> = Vec::new();
    for member in stored.iter().filter(|member| member.ring_seq() != 0) {
        let worth = 1 + member.heuristics;
        match rings.iter_mut().find(|ring| ring.id == member.ring) {
            Some(ring) => {
                ring.nodes += 1;
                ring.score += worth;
            }
            None => rings.push(Ring {
                id: &member.ring,
                nodes: 1,
                score: worth,
            }),
        }
    }
    rings
}

const fn verdict(wins: bool) -> (Option<Last>, Held) {
    if wins {
        (Some(Last::Ack), Held::Ack)
    } else {
        (Some(Last::Nack), Held::Nack)
    }
}
