use super::book::{Book, Happening, Member, Occasion};
use super::ffsplit::Outcome;
use super::held::Held;
use super::last_man::{LastMan, denies_itself};
use super::their_lms::{Asked, Mended, TheirLms};
use crate::trace::Slot;
use std::collections::{BTreeMap, BTreeSet};

/// What has been decided under lms and 2nodelms, by the rules and by the C server.
#[derive(Debug, Default)]
pub struct LastManDocket {
    cases: BTreeMap<Vec<u8>, Case>,
}

/// One cluster.
#[derive(Debug)]
struct Case {
    two_nodes: bool,
    rules: LastMan,
    /// Who is to hold the vote at rest; none while nothing is settled.
    winners: Option<BTreeSet<u32>>,
    /// The nodes that were told of it; whoever came later was not.
    told: BTreeSet<u32>,
    /// 2nodelms: a node that lived apart has left. If it had the vote, ours gives it to nobody before a
    /// membership changes; whether it had is not known here, so from then on only safety is judged.
    is_withheld: bool,
    /// The C server as it is, then with one rule mended each.
    models: Vec<TheirLms>,
}

impl LastManDocket {
    /// Something has happened; the book already says so.
    pub fn note(&mut self, book: &Book, happening: &Happening) {
        let cluster = &happening.cluster;
        let members = book.members(cluster).into_iter();
        let after: Vec<Member> = members.map(|(_, member)| member.clone()).collect();
        let Some(algorithm) = after.first().map(|member| member.algorithm) else {
            self.cases.remove(cluster);
            return;
        };
        if !matches!(algorithm, 2 | 3) {
            return;
        }
        let case = self
            .cases
            .entry(cluster.clone())
            .or_insert_with(|| Case::new(algorithm == 2));
        case.note(happening, &after);
    }

    /// Who is to hold the vote at rest; `None` if that was not decided.
    #[must_use]
    pub fn expects(&self, cluster: &[u8]) -> Option<&BTreeSet<u32>> {
        self.cases.get(cluster)?.winners.as_ref()
    }

    /// The nodes that hold something else than the rules say.
    #[must_use]
    pub fn wronged(&self, book: &Book, held: &BTreeMap<Slot, Held>, cluster: &[u8]) -> Vec<u32> {
        let Some(case) = self.cases.get(cluster) else {
            return Vec::new();
        };
        let Some(winners) = &case.winners else {
            return Vec::new();
        };
        let wrong = |slot: &Slot, member: &Member| {
            let holds = held.get(slot).copied().unwrap_or_default();
            let right = if winners.contains(&member.node) {
                Held::Ack
            } else {
                Held::Nack
            };
            // A node without a membership has not had a vote to follow.
            let silent = holds == Held::Nothing && member.membership.is_empty();
            case.told.contains(&member.node) && holds != right && !silent
        };
        nodes_that(book, cluster, wrong)
    }

    /// The nodes that hold something else than the model of the C server says.
    #[must_use]
    pub fn unlike_model(
        &self,
        book: &Book,
        held: &BTreeMap<Slot, Held>,
        cluster: &[u8],
    ) -> Vec<u32> {
        let Some(model) = self.cases.get(cluster).and_then(|case| case.models.first()) else {
            return Vec::new();
        };
        nodes_that(book, cluster, |slot, member| {
            held.get(slot).copied().unwrap_or_default() != model.held(member.node)
        })
    }

    /// Why the C server, which does what its model says, has come to other votes.
    #[must_use]
    pub fn explain(&self, book: &Book, cluster: &[u8]) -> &'static str {
        let Some(case) = self.cases.get(cluster) else {
            return "nothing";
        };
        if book
            .members(cluster)
            .iter()
            .any(|(_, member)| denies_itself(member))
        {
            return "Q34";
        }
        let Some(winners) = &case.winners else {
            return "Q62";
        };
        let right = |model: &&TheirLms| {
            case.told.iter().all(|&node| {
                let holds = model.held(node);
                (holds == Held::Ack) == winners.contains(&node)
            })
        };
        let mut mended = case.models.iter().skip(1);
        let mended = mended.find(right).and_then(TheirLms::mended);
        let nobody = case
            .told
            .iter()
            .all(|&node| case.models[0].held(node) != Held::Ack);
        let mended = mended.unwrap_or(Mended::Everybody);
        if mended == Mended::Everybody && case.two_nodes && nobody {
            return "Q32";
        }
        mended.name(case.two_nodes)
    }
}

impl Case {
    fn new(two_nodes: bool) -> Self {
        let mended = Mended::ALL.into_iter().map(Some);
        let models = [None].into_iter().chain(mended);
        Self {
            two_nodes,
            rules: LastMan::default(),
            winners: None,
            told: BTreeSet::new(),
            is_withheld: false,
            models: models
                .map(|mended| TheirLms::new(two_nodes, mended))
                .collect(),
        }
    }

    fn note(&mut self, happening: &Happening, after: &[Member]) {
        let mut before: Vec<Member> = after
            .iter()
            .filter(|member| member.node != happening.node)
            .cloned()
            .collect();
        before.push(happening.before.as_ref().clone());
        before.sort_by_key(|member| member.node);
        let asked = match happening.occasion {
            Occasion::Config { .. } => return,
            Occasion::Membership => Asked::Membership,
            Occasion::Quorum => Asked::Quorum,
            Occasion::Heuristics => Asked::Heuristics,
            Occasion::Question => Asked::Question,
            Occasion::Left => Asked::Departure,
        };
        for model in &mut self.models {
            model.note(asked, happening.node, &before, after);
        }
        if matches!(asked, Asked::Quorum | Asked::Question) {
            return;
        }
        if asked == Asked::Departure {
            self.rules.leave(happening.node);
        }
        let gone = happening.before.as_ref();
        let apart = after
            .iter()
            .all(|member| !gone.membership.contains(&member.node));
        self.is_withheld |= asked == Asked::Departure && self.two_nodes && apart;
        self.winners = match self.rules.decide(after) {
            Outcome::Winners(winners) if !self.is_withheld => Some(winners),
            Outcome::Winners(_) | Outcome::Unsettled => None,
        };
        self.told = after.iter().map(|member| member.node).collect();
    }
}

/// The nodes of a cluster of which something is true and that follow what they are told.
fn nodes_that(book: &Book, cluster: &[u8], wrong: impl Fn(&Slot, &Member) -> bool) -> Vec<u32> {
    let members = book.members(cluster).into_iter();
    members
        .filter(|(slot, member)| book.is_up_to_date(slot, member) && wrong(slot, member))
        .map(|(_, member)| member.node)
        .collect()
}
