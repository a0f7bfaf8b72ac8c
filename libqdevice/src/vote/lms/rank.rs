use crate::base::{NodeId, TieBreaker};
use crate::vote::{Partition, Reason, View};
use std::collections::BTreeSet;

/// What a partition can say for itself; the greater rank gets the vote.
///
/// Fields are compared from top to bottom. [C: qnetd-algo-lms.c, `do_lms_algorithm`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// It is not kept out: it has members that were judged before, or no partition is active.
    ///
    /// Nodes that have only just come never take the vote from nodes that work with it.
    seasoned: bool,
    /// Connected members and their heuristics.
    score: usize,
    /// Connected members.
    connected: usize,
}

/// What the past says about the nodes of a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct History<'a> {
    /// The nodes that are of the partition that has the vote.
    pub(super) active: &'a BTreeSet<NodeId>,
    /// The nodes that were judged and not kept out since they connected.
    pub(super) seasoned: &'a BTreeSet<NodeId>,
}

impl History<'_> {
    /// Whether a partition is made of newcomers while another one is active.
    pub(super) fn keeps_out(self, partition: &Partition<'_>, all: &[Partition<'_>]) -> bool {
        let any_of = |partition: &Partition<'_>, nodes: &BTreeSet<NodeId>| {
            partition.connected.iter().any(|id| nodes.contains(id))
        };
        !any_of(partition, self.seasoned) && all.iter().any(|other| any_of(other, self.active))
    }
}

/// Chooses the partition with the greatest rank; between equal ones the tie-breaker decides.
///
/// `None` if there is no partition.
pub(super) fn choose<'a, 'v>(
    partitions: &'a [Partition<'v>],
    view: View<'_>,
    past: History<'_>,
    tie_breaker: TieBreaker,
) -> Option<(&'a Partition<'v>, Reason)> {
    let rank = |partition: &Partition<'v>| Rank {
        seasoned: !past.keeps_out(partition, partitions),
        score: partition.score(view),
        connected: partition.connected.len(),
    };
    let mut ranks: Vec<Rank> = partitions.iter().map(rank).collect();
    let best = *ranks.iter().max()?;
    let tied: Vec<&Partition<'v>> = partitions
        .iter()
        .zip(&ranks)
        .filter_map(|(partition, &rank)| (rank == best).then_some(partition))
        .collect();
    if let [only] = tied[..] {
        ranks.retain(|&rank| rank != best);
        return Some((only, reason(best, ranks.into_iter().max())));
    }
    break_tie(&tied, tie_breaker)
}

/// Between equal partitions the one with the named node wins, or with the lowest connected node if
/// the named one is in none of them.
fn break_tie<'a, 'v>(
    tied: &[&'a Partition<'v>],
    tie_breaker: TieBreaker,
) -> Option<(&'a Partition<'v>, Reason)> {
    let lowest = || {
        tied.iter()
            .min_by_key(|partition| partition.connected.first())
    };
    let named = match tie_breaker {
        TieBreaker::Lowest => lowest(),
        TieBreaker::Highest => tied
            .iter()
            .max_by_key(|partition| partition.connected.last()),
        TieBreaker::Node(id) => tied
            .iter()
            .find(|partition| partition.connected.contains(&id)),
    };
    match named {
        Some(&partition) => Some((partition, Reason::TieBreaker)),
        None => lowest().map(|&partition| (partition, Reason::LowestConnected)),
    }
}

/// Where the winning rank differs from the next one.
fn reason(best: Rank, second: Option<Rank>) -> Reason {
    match second {
        None => Reason::Alone,
        Some(second) if best.seasoned != second.seasoned => Reason::Active,
        Some(second) if best.score != second.score => Reason::Score,
        Some(_) => Reason::Connected,
    }
}
