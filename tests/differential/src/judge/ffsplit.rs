//! Who deserves the vote under ffsplit, written down a second time from the rules alone.
//!
//! The rules of the C server differ in places; each of them can be switched on by name, which is how
//! a wrong outcome of the C server is explained. [C: qnetd-algo-ffsplit.c]

use super::book::{Member, Tie};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A cluster at the moment of a decision.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// The connected nodes by id, as they are once the report counts; whoever leaves is not there.
    pub(super) members: Vec<Member>,
    /// Who leaves.
    pub(super) leaving: Option<Member>,
    /// Who has reported, and its heuristics before.
    pub(super) reporter: Option<(u32, i32)>,
    /// The partition chosen last.
    pub(super) active: BTreeSet<u32>,
}

/// What follows from a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The nodes do not agree yet.
    Unsettled,
    /// These nodes get ACK and all others NACK; nobody gets ACK when it is empty.
    Winners(BTreeSet<u32>),
}

/// A rule in which the C server differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quirk {
    /// Q17: the reporter's mates are scored with its old heuristics.
    OldHeuristics,
    /// Q18: whoever leaves still counts.
    LeaverCounts,
    /// Q22: list entries count, whether configured and distinct or not; a half may displace a majority.
    RawSizes,
    /// Q60: a node that has sent no configuration is a candidate.
    Unconfigured,
    /// Q61: of two majorities the one with the highest node id wins, not the younger ring.
    LastMajority,
}

impl Quirk {
    pub(super) const ALL: [Self; 5] = [
        Self::OldHeuristics,
        Self::LeaverCounts,
        Self::RawSizes,
        Self::Unconfigured,
        Self::LastMajority,
    ];

    /// The name under which it is counted.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OldHeuristics => "Q17",
            Self::LeaverCounts => "Q18",
            Self::RawSizes => "Q22",
            Self::Unconfigured => "Q60",
            Self::LastMajority => "Q61",
        }
    }
}

impl Scene {
    /// The outcome by the rules, except for the quirks.
    pub(super) fn decide(&self, quirks: &[Quirk]) -> Outcome {
        if !self.is_settled() {
            return Outcome::Unsettled;
        }
        let mut best: Option<&Member> = None;
        for candidate in &self.members {
            if self.is_better(candidate, best, quirks) {
                best = Some(candidate);
            }
        }
        let winners = best.map(|best| best.membership.iter().copied().collect());
        Outcome::Winners(winners.unwrap_or_default())
    }

    /// Whether all agree on the configuration, and the connected nodes of every ring on their ring.
    fn is_settled(&self) -> bool {
        let set = |list: &[u32]| list.iter().copied().collect::<BTreeSet<u32>>();
        let configured_alike = self
            .members
            .windows(2)
            .all(|pair| set(&pair[0].config) == set(&pair[1].config));
        let together = self.members.iter().all(|one| {
            let mates = self
                .members
                .iter()
                .filter(|other| one.membership.contains(&other.node));
            mates.into_iter().all(|other| {
                one.ring == other.ring && set(&one.membership) == set(&other.membership)
            })
        });
        configured_alike && together
    }

    fn is_better(&self, one: &Member, best: Option<&Member>, quirks: &[Quirk]) -> bool {
        let on = |quirk| quirks.contains(&quirk);
        if (one.config.is_empty() || one.membership.is_empty()) && !on(Quirk::Unconfigured) {
            return false;
        }
        let share = |member| share(member, on(Quirk::RawSizes));
        match (share(one), best.map(share)) {
            (Ordering::Less, _) => return false,
            (Ordering::Greater, Some(Ordering::Greater)) if !on(Quirk::LastMajority) => {
                return best.is_some_and(|best| one.ring_seq() > best.ring_seq());
            }
            (Ordering::Greater, _) => return true,
            (Ordering::Equal, Some(Ordering::Greater)) if !on(Quirk::RawSizes) => return false,
            (Ordering::Equal, _) => {}
        }
        // Two halves. Nobody at all scores 0.
        let stats = |member| self.score(member, quirks);
        let ours = stats(one);
        let theirs = best.map_or((0, 0), stats);
        if ours != theirs {
            return ours > theirs;
        }
        let was_active = |member: &Member| self.active.contains(&member.node);
        match best.map(was_active) {
            Some(old) if old != was_active(one) && self.keeps_active(on(Quirk::LeaverCounts)) => {
                return was_active(one);
            }
            _ => {}
        }
        preferred(one).is_some_and(|node| one.membership.contains(&node))
    }

    /// The score of a node's partition and how many of it are connected.
    fn score(&self, one: &Member, quirks: &[Quirk]) -> (i32, i32) {
        let on = |quirk| quirks.contains(&quirk);
        let (mut score, mut connected) = (0, 0);
        for (at, id) in one.membership.iter().enumerate() {
            if one.membership[..at].contains(id) && !on(Quirk::RawSizes) {
                continue;
            }
            let leaving = self.leaving.as_ref().filter(|_| on(Quirk::LeaverCounts));
            let Some(mate) = self.members.iter().chain(leaving).find(|m| m.node == *id) else {
                continue;
            };
            let heuristics = match self.reporter {
                Some((node, before))
                    if on(Quirk::OldHeuristics) && node == *id && node != one.node =>
                {
                    before
                }
                _ => mate.heuristics,
            };
            connected += 1;
            score += 1 + heuristics;
        }
        (score, connected)
    }

    fn keeps_active(&self, leaver_counts: bool) -> bool {
        let leaving = self.leaving.as_ref().filter(|_| leaver_counts);
        self.members.iter().chain(leaving).all(|member| member.kap)
    }
}

/// Whether a node's ring has more than half of its configured nodes, just half, or less.
fn share(member: &Member, raw: bool) -> Ordering {
    let config: BTreeSet<u32> = member.config.iter().copied().collect();
    let membership: BTreeSet<u32> = member.membership.iter().copied().collect();
    let (present, configured) = if raw {
        (member.membership.len(), member.config.len())
    } else {
        (membership.intersection(&config).count(), config.len())
    };
    if configured % 2 == 1 && present <= configured / 2 {
        return Ordering::Less;
    }
    present.cmp(&(configured / 2))
}

fn preferred(member: &Member) -> Option<u32> {
    match member.tie {
        Tie::Lowest => member.config.iter().copied().min(),
        Tie::Highest => member.config.iter().copied().max(),
        Tie::Node(node) => Some(node),
    }
}
