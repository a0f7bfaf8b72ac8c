//! How the C server decides under lms and 2nodelms: each node alone, when it says something.
//!
//! The model must agree with the C server; then a wrong outcome is explained by its rules. A copy in
//! which one rule is mended is kept for each rule with a number: if it comes to the right outcome, the
//! rule is named. [C: qnetd-algo-lms.c, qnetd-algo-2nodelms.c, qnetd-algo-utils.c]

mod rules;

use super::book::Member;
use super::held::Held;
use std::collections::BTreeMap;

/// A rule of the C server that can be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mended {
    /// Q24: a named node takes its partners along.
    NamedNode,
    /// Q25: large node ids can be the lowest.
    LargeIds,
    /// Q26: sizes are compared among the best scores.
    SizeAmongBest,
    /// Q27: a membership is judged by itself and not by the one before.
    NewMembership,
    /// Q28: who was told to wait is still new.
    WaitIsNew,
    /// Q29, Q31: everybody is judged again at every event.
    Everybody,
    /// Q30: everybody is judged again when a node leaves or its heuristics change.
    AtDepartures,
    /// Q33: a membership of both nodes comes before the question who is new.
    BothBeforeNew,
}

impl Mended {
    pub(super) const ALL: [Self; 8] = [
        Self::NamedNode,
        Self::LargeIds,
        Self::SizeAmongBest,
        Self::NewMembership,
        Self::WaitIsNew,
        Self::AtDepartures,
        Self::BothBeforeNew,
        Self::Everybody,
    ];

    /// The name under which it is counted.
    pub(super) const fn name(self, two_nodes: bool) -> &'static str {
        match self {
            Self::NamedNode => "Q24",
            Self::LargeIds => "Q25",
            Self::SizeAmongBest => "Q26",
            Self::NewMembership => "Q27",
            Self::WaitIsNew => "Q28",
            Self::Everybody if two_nodes => "Q31",
            Self::Everybody => "Q29",
            Self::AtDepartures => "Q30",
            Self::BothBeforeNew => "Q33",
        }
    }
}

/// The model of one cluster.
#[derive(Debug, Clone)]
pub(super) struct TheirLms {
    mended: Option<Mended>,
    two_nodes: bool,
    nodes: BTreeMap<u32, Standing>,
}

/// What the C server remembers of a node, and what the node holds.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    last: Last,
    held: Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    New,
    Ack,
    Nack,
    Wait,
}

/// A node is judged.
#[derive(Debug, Clone, Copy)]
struct Trial<'a> {
    /// The connected nodes as they are stored.
    stored: &'a [Member],
    /// Who is judged.
    node: &'a Member,
    /// By which ring.
    ring: &'a [u8],
}

/// What is asked of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A membership was reported.
    Membership,
    /// A list of votequorum was reported.
    Quorum,
    /// A vote was asked for.
    Question,
    /// Heuristics changed.
    Heuristics,
    /// A node left.
    Departure,
}

impl TheirLms {
    pub(super) const fn new(two_nodes: bool, mended: Option<Mended>) -> Self {
        Self {
            mended,
            two_nodes,
            nodes: BTreeMap::new(),
        }
    }

    pub(super) const fn mended(&self) -> Option<Mended> {
        self.mended
    }

    /// What a node holds by this model.
    pub(super) fn held(&self, node: u32) -> Held {
        self.nodes.get(&node).copied().unwrap_or_default().held
    }

    /// Something has happened; `before` and `after` are the connected nodes as they were and are stored.
    pub(super) fn note(&mut self, asked: Asked, node: u32, before: &[Member], after: &[Member]) {
        self.nodes
            .retain(|id, _| after.iter().any(|member| member.node == *id));
        if asked != Asked::Departure {
            self.answer(asked, node, before, after);
        }
        let everybody = match self.mended {
            Some(Mended::Everybody) => true,
            Some(Mended::AtDepartures) => matches!(asked, Asked::Departure | Asked::Heuristics),
            _ => false,
        };
        if everybody {
            for member in after.iter().filter(|member| !member.membership.is_empty()) {
                self.judge(Trial {
                    stored: after,
                    node: member,
                    ring: &member.ring,
                });
            }
        }
    }

    fn answer(&mut self, asked: Asked, node: u32, before: &[Member], after: &[Member]) {
        let find = |members: &[Member]| members.iter().position(|member| member.node == node);
        let (Some(old), Some(new)) = (find(before), find(after)) else {
            return;
        };
        let stored = if self.mended == Some(Mended::NewMembership) {
            after
        } else {
            before
        };
        let at = if self.mended == Some(Mended::NewMembership) {
            new
        } else {
            old
        };
        match asked {
            Asked::Membership if self.two_nodes => {
                // The list and the heuristics of the message itself count here.
                let mut stored = before.to_vec();
                stored[old] = after[new].clone();
                self.judge(Trial {
                    stored: &stored,
                    node: &after[new],
                    ring: &after[new].ring,
                });
            }
            Asked::Membership => self.judge(Trial {
                stored,
                node: &stored[at],
                ring: &after[new].ring,
            }),
            Asked::Question if self.two_nodes => {
                let standing = self.nodes.entry(node).or_default();
                standing.held = match standing.last {
                    Last::Ack => Held::Ack,
                    Last::Nack => Held::Nack,
                    Last::New | Last::Wait => Held::Nothing,
                };
            }
            Asked::Question | Asked::Quorum if !self.two_nodes => self.judge(Trial {
                stored: after,
                node: &after[new],
                ring: &after[new].ring,
            }),
            Asked::Question | Asked::Quorum | Asked::Heuristics | Asked::Departure => {}
        }
    }

    fn judge(&mut self, trial: Trial<'_>) {
        let (last, held) = if self.two_nodes {
            self.judge_two(trial)
        } else {
            self.judge_any(trial)
        };
        let standing = self.nodes.entry(trial.node.node).or_default();
        standing.held = held;
        if let Some(last) = last {
            standing.last = last;
        }
    }

    fn last(&self, node: u32) -> Last {
        self.nodes.get(&node).copied().unwrap_or_default().last
    }
}
