use super::rank::{History, choose};
use crate::base::{NodeId, TieBreaker, Time, Vote};
use crate::vote::{
    Announcement, Departure, Finding, Members, Objection, Occasion, Past, Round, Verdict, View,
    partitions,
};
use std::collections::BTreeSet;

/// For which clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Any.
    AnySize,
    /// Two nodes, no more and no less.
    TwoNodes,
}

/// The server half: who deserves the vote.
///
/// A cluster is judged whenever a membership is reported, heuristics change or a node leaves. In C
/// every node is judged alone, by what is stored of it when it happens to ask: two partitions can have
/// the vote then, and members of one partition different votes.
/// [C: qnetd-algo-lms.c, qnetd-algo-2nodelms.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LastMan {
    scope: Scope,
    tie_breaker: TieBreaker,
    /// The nodes that were connected in the partition that got the vote last, and have not left since
    /// or may still cast it.
    chosen: BTreeSet<NodeId>,
    /// The nodes that were judged since they connected, and not kept out as newcomers; among them
    /// all that are chosen.
    seasoned: BTreeSet<NodeId>,
    /// Whether the nodes agreed on who is with whom when they were judged last.
    settled: bool,
    /// A node has left that had the vote, lived apart from all others, and keeps it.
    ///
    /// The C client of 2nodelms does so when it loses the server. Nobody else gets the vote then until
    /// a membership is reported.
    absent_holder: bool,
    round: Round,
}

impl LastMan {
    /// A cluster of which nothing is known yet.
    #[must_use]
    pub fn new(scope: Scope, tie_breaker: TieBreaker) -> Self {
        Self {
            scope,
            tie_breaker,
            chosen: BTreeSet::new(),
            seasoned: BTreeSet::new(),
            settled: false,
            absent_holder: false,
            round: Round::default(),
        }
    }

    /// A cluster of which this is known.
    #[must_use]
    pub fn after(past: Past, scope: Scope, tie_breaker: TieBreaker) -> Self {
        Self {
            seasoned: past.active.clone(),
            chosen: past.active,
            round: Round::with_absent(past.absent),
            ..Self::new(scope, tie_breaker)
        }
    }

    /// Judges a report of the view's subject.
    ///
    /// # Errors
    ///
    /// The configuration has not the two nodes the algorithm is for.
    pub fn judge(
        &mut self,
        now: Time,
        occasion: Occasion,
        view: View<'_>,
    ) -> Result<Verdict, Objection> {
        match occasion {
            Occasion::Config => self
                .check_config(view)
                .map(|()| Verdict::only(Vote::NoChange)),
            // Nothing that counts has changed, and what counts was judged when it did.
            Occasion::Quorum => Ok(Verdict::only(Vote::NoChange)),
            Occasion::Question => Ok(Verdict::only(self.standing(view.subject()))),
            Occasion::Heuristics => Ok(Verdict {
                reply: Vote::NoChange,
                ..self.decide(now, view)
            }),
            Occasion::Membership => {
                self.absent_holder = false;
                Ok(self.decide(now, view))
            }
        }
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

    /// The view's subject has left; nobody is judged yet.
    pub fn forget(&mut self, view: View<'_>, departure: Departure) {
        let node = view.subject();
        let has_vote = self.round.grants().any(|(id, _)| id == node);
        self.absent_holder |= departure == Departure::Kept && has_vote && lived_apart(view);
        self.round.forget(node, departure);
        // A holder that may still cast its vote is no newcomer if it comes back.
        let may_cast = has_vote && matches!(departure, Departure::Until(_));
        if !may_cast {
            self.chosen.remove(&node);
            self.seasoned.remove(&node);
        }
    }

    /// The view's subject has left: the others are judged without it.
    pub fn leave(&mut self, now: Time, view: View<'_>, departure: Departure) -> Verdict {
        self.forget(view, departure);
        self.decide(now, view)
    }

    /// The nodes that were connected in the partition that got the vote last.
    #[must_use]
    pub const fn active(&self) -> &BTreeSet<NodeId> {
        &self.chosen
    }

    /// Who has been told what.
    #[must_use]
    pub const fn round(&self) -> &Round {
        &self.round
    }

    /// Whoever is told ACK is chosen from now on.
    fn note(&mut self, told: Vec<Announcement>) -> Vec<Announcement> {
        let winners = told.iter().filter(|told| told.vote == Vote::Ack);
        let winners: BTreeSet<NodeId> = winners.map(|told| told.to).collect();
        if !winners.is_empty() {
            self.seasoned.extend(&winners);
            self.chosen = winners;
        }
        told
    }

    fn check_config(&self, view: View<'_>) -> Result<(), Objection> {
        let reported = view
            .member(view.subject())
            .map(|member| member.config.list().len());
        match (self.scope, reported) {
            (Scope::TwoNodes, Some(nodes)) if nodes != 2 => Err(Objection::NotTwoNodes),
            (Scope::TwoNodes | Scope::AnySize, _) => Ok(()),
        }
    }

    /// What a node that asks is told; its vote is pushed anyway.
    fn standing(&self, node: NodeId) -> Vote {
        let told = self.round.told(node).filter(|_| self.settled);
        match (told, self.scope) {
            (Some(vote), _) => vote,
            (None, Scope::AnySize) => Vote::WaitForReply,
            (None, Scope::TwoNodes) => Vote::AskLater,
        }
    }

    fn decide(&mut self, now: Time, view: View<'_>) -> Verdict {
        let round = &self.round;
        let stays = |id: &NodeId| view.member(*id).is_some() || round.is_absent_holder(now, *id);
        self.chosen.retain(stays);
        self.seasoned.retain(stays);
        if self.absent_holder {
            self.round.give_up();
            return Verdict::only(Vote::NoChange);
        }
        let mut found = partitions(view);
        if let (Some(all), Scope::AnySize) = (&mut found, self.scope) {
            // Number 0 is a ring that corosync has not formed yet. [C: qnetd-algo-utils.c]
            all.retain(|partition| partition.ring.seq != 0);
        }
        let found = found.filter(|partitions| !partitions.is_empty());
        self.settled = found.is_some();
        let past = History {
            active: &self.chosen,
            seasoned: &self.seasoned,
        };
        let choice = found
            .as_ref()
            .and_then(|all| choose(all, view, past, self.tie_breaker));
        let (Some(found), Some((winner, reason))) = (&found, choice) else {
            self.round.give_up();
            return Verdict {
                reply: Vote::WaitForReply,
                announce: Vec::new(),
                finding: Finding::Unsettled,
            };
        };
        let judged = found
            .iter()
            .filter(|partition| !past.keeps_out(partition, found));
        let judged: BTreeSet<NodeId> = judged
            .flat_map(|partition| &partition.connected)
            .copied()
            .collect();
        let announce = self.round.open_among_reported(now, view, Some(winner));
        if self.round.holdup(now).is_none() {
            self.seasoned.extend(judged);
            self.chosen = winner.connected.iter().copied().collect();
        }
        Verdict {
            reply: self.round.answer(now, view.subject()),
            announce,
            finding: Finding::Partition {
                nodes: winner.ids.clone(),
                reason,
            },
        }
    }
}

/// Whether the membership of a node that has left names none of those that are still connected.
fn lived_apart(view: View<'_>) -> bool {
    view.departed().is_some_and(|gone| {
        !gone.membership.is_empty() && view.members().all(|(id, _)| !gone.membership.contains(id))
    })
}
