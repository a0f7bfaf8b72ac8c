use super::claim::{Rules, choose};
use crate::base::{KeepActivePartition, NodeId, TieBreaker, Time, Vote};
use crate::vote::{
    Announcement, Departure, Finding, Members, Objection, Occasion, Past, Round, Verdict, View,
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
    /// The nodes of the partition that got the vote last; empty when none did.
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

    /// A cluster of which this is known.
    #[must_use]
    pub fn after(past: Past, tie_breaker: TieBreaker) -> Self {
        Self {
            chosen: past.active,
            round: Round::with_absent(past.absent),
            ..Self::new(tie_breaker)
        }
    }

    /// Judges a report of the view's subject.
    ///
    /// # Errors
    ///
    /// The sender is missing in its own list, or asks for a vote: votes of this algorithm are pushed.
    pub fn judge(
        &mut self,
        now: Time,
        occasion: Occasion,
        view: View<'_>,
    ) -> Result<Verdict, Objection> {
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
        Ok(self.decide(now, view))
    }

    /// A node has confirmed an announcement.
    pub fn confirm(
        &mut self,
        now: Time,
        node: NodeId,
        seq: u32,
        stored: &Members,
    ) -> Vec<Announcement> {
        let told = self.round.confirm(now, node, seq, stored);
        self.note(told)
    }

    /// Time has passed.
    pub fn lapse(&mut self, now: Time, stored: &Members) -> Vec<Announcement> {
        let told = self.round.lapse(now, stored);
        self.note(told)
    }

    /// A node has left; nobody is judged yet.
    pub fn forget(&mut self, node: NodeId, departure: Departure) {
        self.round.forget(node, departure);
    }

    /// The view's subject has left: the others are judged without it.
    pub fn leave(&mut self, now: Time, view: View<'_>, departure: Departure) -> Verdict {
        self.forget(view.subject(), departure);
        self.decide(now, view)
    }

    /// The nodes of the partition that got the vote last.
    #[must_use]
    pub const fn active(&self) -> &BTreeSet<NodeId> {
        &self.chosen
    }

    /// Who has been told what.
    #[must_use]
    pub const fn round(&self) -> &Round {
        &self.round
    }

    /// A partition that is told ACK is chosen from now on.
    fn note(&mut self, told: Vec<Announcement>) -> Vec<Announcement> {
        if let Some(heir) = self.round.heir().filter(|_| told.iter().any(is_ack)) {
            self.chosen.clone_from(&heir.nodes);
        }
        told
    }

    fn decide(&mut self, now: Time, view: View<'_>) -> Verdict {
        if view.members().next().is_none() {
            self.round.give_up();
            return Verdict::only(Vote::NoChange);
        }
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
        let announce = self.round.open(now, view, choice.map(|(winner, _)| winner));
        let may_last = choice.is_none() && !self.round.absent().is_empty();
        if !may_last && self.round.holdup(now).is_none() {
            self.chosen = choice.map_or_else(BTreeSet::new, |(winner, _)| winner.ids.clone());
        }
        let finding = choice.map_or(Finding::Nobody, |(winner, reason)| Finding::Partition {
            nodes: winner.ids.clone(),
            reason,
        });
        Verdict {
            reply: self.round.answer(now, view.subject()),
            announce,
            finding,
        }
    }
}

fn is_ack(told: &Announcement) -> bool {
    told.vote == Vote::Ack
}

/// Whether every connected node wants an active half to stay active.
fn keeps_active_partition(view: View<'_>) -> bool {
    view.members()
        .all(|(_, member)| member.keep_active_partition == KeepActivePartition::Enabled)
}
