use super::claim::{Rules, choose};
use crate::base::{KeepActivePartition, NodeId, TieBreaker, Vote};
use crate::vote::{
    Announcement, Finding, Grant, Members, Objection, Occasion, Round, Verdict, View,
    configurations_agree, partitions,
};
use std::collections::BTreeSet;

/// The server half: who deserves the vote.
///
/// A cluster is judged whenever a node sends its nodes, changes its heuristics or leaves. As long as
/// its nodes do not agree on who is with whom, everybody waits; then one partition is chosen and a
/// [`Round`] tells them. [C: qnetd-algo-ffsplit.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FfSplit {
    tie_breaker: TieBreaker,
    /// The nodes of the partition chosen last; empty when none was.
    chosen: BTreeSet<NodeId>,
    round: Round,
}

impl FfSplit {
    /// A cluster of which nothing is known yet.
    #[must_use]
    pub fn new(tie_breaker: TieBreaker) -> Self {
        Self {
            tie_breaker,
            chosen: BTreeSet::new(),
            round: Round::default(),
        }
    }

    /// Judges a report of the view's subject.
    ///
    /// # Errors
    ///
    /// The sender is missing in its own list, or asks for a vote: votes of this algorithm are pushed.
    pub fn judge(&mut self, occasion: Occasion, view: View<'_>) -> Result<Verdict, Objection> {
        let sender = view.subject();
        let Some(reported) = view.member(sender) else {
            return Ok(Verdict::only(Vote::NoChange));
        };
        match occasion {
            Occasion::Quorum => return Ok(Verdict::only(Vote::NoChange)),
            Occasion::Question => return Err(Objection::Unsupported),
            Occasion::Config if reported.config.is_empty() => return Err(Objection::EmptyConfig),
            Occasion::Config if !reported.config.contains(sender) => {
                return Err(Objection::ConfigWithoutSender);
            }
            Occasion::Membership if reported.membership.is_empty() => {
                return Err(Objection::EmptyMembership);
            }
            Occasion::Membership if !reported.membership.contains(sender) => {
                return Err(Objection::MembershipWithoutSender);
            }
            Occasion::Config | Occasion::Membership | Occasion::Heuristics => {}
        }
        if reported.config.is_empty() || reported.membership.is_empty() {
            // The other list is still to come.
            return Ok(Verdict::only(Vote::AskLater));
        }
        Ok(self.decide(view))
    }

    /// A node has confirmed an announcement.
    pub fn confirm(&mut self, node: NodeId, seq: u32, stored: &Members) -> Vec<Announcement> {
        self.round.confirm(node, seq, stored)
    }

    /// A node has left; nobody is judged yet.
    pub fn forget(&mut self, node: NodeId) {
        self.round.forget(node);
    }

    /// The view's subject has left: the others are judged without it.
    pub fn leave(&mut self, view: View<'_>) -> Verdict {
        self.forget(view.subject());
        self.decide(view)
    }

    /// Who may be casting the vote.
    #[must_use]
    pub fn grants(&self) -> Vec<(NodeId, Grant)> {
        self.round.grants().collect()
    }

    fn decide(&mut self, view: View<'_>) -> Verdict {
        let settled = if configurations_agree(view) {
            partitions(view)
        } else {
            None
        };
        let Some(partitions) = settled else {
            self.round.give_up();
            let finding = Finding::Unsettled;
            return Verdict {
                reply: Vote::WaitForReply,
                announce: Vec::new(),
                finding,
            };
        };
        let rules = Rules {
            tie_breaker: self.tie_breaker,
            active: keeps_active_partition(view).then_some(&self.chosen),
        };
        let choice = choose(&partitions, view, rules);
        self.chosen = choice.map(|(nodes, _)| nodes.clone()).unwrap_or_default();
        let announce = self.round.open(view, |id| self.chosen.contains(&id));
        let finding = choice.map_or(Finding::Nobody, |(nodes, reason)| Finding::Partition {
            nodes: nodes.clone(),
            reason,
        });
        Verdict {
            reply: Vote::NoChange,
            announce,
            finding,
        }
    }
}

/// Whether every connected node wants an active half to stay active.
fn keeps_active_partition(view: View<'_>) -> bool {
    view.members()
        .all(|(_, member)| member.keep_active_partition == KeepActivePartition::Enabled)
}
