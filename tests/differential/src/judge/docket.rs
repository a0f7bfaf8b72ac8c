use super::book::{Book, Happening, Occasion};
use super::ffsplit::{Outcome, Quirk, Scene};
use super::held::Held;
use crate::trace::Slot;
use std::collections::{BTreeMap, BTreeSet};

/// By whose rules a docket is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should be.
    Right,
    /// As the C server decides.
    Theirs,
}

/// What one server has had to decide so far, cluster by cluster.
#[derive(Debug)]
pub struct Docket {
    manner: Manner,
    cases: BTreeMap<Vec<u8>, Case>,
}

/// One ffsplit cluster.
#[derive(Debug, Clone, Default)]
struct Case {
    /// The last partition chosen.
    active: BTreeSet<u32>,
    /// The rules of the C server that had a part in choosing it.
    active_by: BTreeSet<&'static str>,
    /// The same for all decisions since the cluster was judged.
    blamed: BTreeSet<&'static str>,
    /// The last decision; none while nothing is settled.
    decision: Option<Outcome>,
    /// The nodes that were told of it; whoever came later was not.
    told: BTreeSet<u32>,
    /// How many decisions there were.
    count: u64,
    /// Whether a node was answered without a decision although there was enough for one (Q21).
    put_off: bool,
}

impl Docket {
    /// A docket without a case.
    #[must_use]
    pub const fn new(manner: Manner) -> Self {
        Self {
            manner,
            cases: BTreeMap::new(),
        }
    }

    /// By whose rules it is kept.
    #[must_use]
    pub const fn manner(&self) -> Manner {
        self.manner
    }

    /// How many decisions there were in a cluster.
    #[must_use]
    pub fn count(&self, cluster: &[u8]) -> u64 {
        self.cases.get(cluster).map_or(0, |case| case.count)
    }

    /// Whether the C server has answered a node without a decision although there was enough for one
    /// (Q21), and has not decided since.
    #[must_use]
    pub fn has_put_off(&self, cluster: &[u8]) -> bool {
        self.cases.get(cluster).is_some_and(|case| case.put_off)
    }

    /// The rules of the C server without which it would have decided otherwise, in the last decision
    /// or in one since the cluster was judged.
    #[must_use]
    pub fn blamed(&self, cluster: &[u8]) -> BTreeSet<&'static str> {
        let case = self.cases.get(cluster);
        case.map(|case| &case.active_by | &case.blamed)
            .unwrap_or_default()
    }

    /// The partition of a cluster that was chosen last.
    #[must_use]
    pub fn active(&self, cluster: &[u8]) -> Option<&BTreeSet<u32>> {
        Some(&self.cases.get(cluster)?.active)
    }

    /// All clusters have been judged.
    pub fn judged(&mut self) {
        for case in self.cases.values_mut() {
            case.blamed.clear();
        }
    }

    /// Something has happened; the book already says so.
    pub fn note(&mut self, book: &Book, happening: &Happening) {
        let members: Vec<_> = book
            .members(&happening.cluster)
            .into_iter()
            .map(|(_, member)| member.clone())
            .collect();
        if members.is_empty() {
            self.cases.remove(&happening.cluster);
            return;
        }
        if members.iter().any(|member| member.algorithm != 1) {
            return;
        }
        let case = self.cases.entry(happening.cluster.clone()).or_default();
        let reporter = members.iter().find(|member| member.node == happening.node);
        let complete = reporter.is_some_and(|m| !m.config.is_empty() && !m.membership.is_empty());
        let leaving = match happening.occasion {
            Occasion::Left => Some(happening.before.as_ref().clone()),
            Occasion::Config { initial: true } if self.manner == Manner::Theirs => {
                case.put_off |= complete;
                return;
            }
            Occasion::Config { .. } | Occasion::Membership | Occasion::Heuristics if complete => {
                None
            }
            Occasion::Config { .. }
            | Occasion::Membership
            | Occasion::Heuristics
            | Occasion::Quorum
            | Occasion::Question => return,
        };
        case.decide(
            Scene {
                members,
                reporter: leaving
                    .is_none()
                    .then_some((happening.node, happening.before.heuristics)),
                leaving,
                active: case.active.clone(),
            },
            self.manner,
        );
    }

    /// What the nodes of a cluster are to hold at rest; `None` if that was not decided.
    #[must_use]
    pub fn expects(&self, cluster: &[u8]) -> Option<&BTreeSet<u32>> {
        match self.cases.get(cluster)?.decision.as_ref()? {
            Outcome::Unsettled => None,
            Outcome::Winners(winners) => Some(winners),
        }
    }

    /// The nodes of a cluster that hold something else than they should.
    #[must_use]
    pub fn wronged(&self, book: &Book, held: &BTreeMap<Slot, Held>, cluster: &[u8]) -> Vec<u32> {
        let Some(winners) = self.expects(cluster) else {
            return Vec::new();
        };
        let told = self.cases.get(cluster).map(|case| &case.told);
        book.members(cluster)
            .into_iter()
            .filter(|(_, member)| told.is_some_and(|told| told.contains(&member.node)))
            // A node that has moved on to a ring the server refused to hear of ignores all votes.
            .filter(|(slot, member)| book.is_up_to_date(slot, member))
            .filter(|(slot, member)| {
                let holds = held.get(slot).copied().unwrap_or_default();
                match (winners.contains(&member.node), holds) {
                    (true, Held::Ack) | (false, Held::Nack) => false,
                    // With one list only there is nothing to vote on, and it was told to wait since.
                    (_, Held::Nothing) => {
                        !member.config.is_empty() && !member.membership.is_empty()
                    }
                    (true, Held::Nack) | (false, Held::Ack) => true,
                }
            })
            .map(|(_, member)| member.node)
            .collect()
    }
}

impl Case {
    fn decide(&mut self, scene: Scene, manner: Manner) {
        let quirks: &[Quirk] = match manner {
            Manner::Right => &[],
            Manner::Theirs => &Quirk::ALL,
        };
        let outcome = scene.decide(quirks);
        let Outcome::Winners(winners) = &outcome else {
            self.decision = None;
            return;
        };
        self.put_off = false;
        self.count += 1;
        self.active.clone_from(winners);
        if manner == Manner::Theirs {
            self.active_by = blame(&scene, &outcome);
            self.blamed.extend(&self.active_by);
        }
        self.told = scene.members.iter().map(|member| member.node).collect();
        self.decision = Some(outcome);
    }
}

/// The fewest rules of the C server that lead to this outcome; none if the right rules do.
fn blame(scene: &Scene, outcome: &Outcome) -> BTreeSet<&'static str> {
    if scene.decide(&[]) == *outcome {
        return BTreeSet::new();
    }
    let single = Quirk::ALL
        .into_iter()
        .find(|&quirk| scene.decide(&[quirk]) == *outcome);
    match single {
        Some(quirk) => [quirk.name()].into(),
        None => Quirk::ALL
            .into_iter()
            .filter(|&quirk| {
                let others: Vec<Quirk> = Quirk::ALL.into_iter().filter(|&q| q != quirk).collect();
                scene.decide(&others) != *outcome
            })
            .map(Quirk::name)
            .collect(),
    }
}
