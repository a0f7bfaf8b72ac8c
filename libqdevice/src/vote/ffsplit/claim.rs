use crate::base::{NodeId, TieBreaker};
use crate::vote::{Partition, Reason, View};
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

/// What a partition can say for itself; the greater claim gets the vote.
///
/// Fields are compared from top to bottom. [C: qnetd-algo-ffsplit.c, `qnetd_algo_ffsplit_partition_cmp`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// It is one half of the cluster.
    Half {
        /// Connected members and their heuristics.
        score: usize,
        /// Connected members.
        connected: usize,
        /// It has members of the partition that is to keep the vote.
        active: bool,
        /// It has the node that the tie-breaker names.
        preferred: bool,
        /// The lowest of its connected members, or of those that were active if it has any.
        lowest: Reverse<NodeId>,
    },
    /// It is more than half of the cluster.
    ///
    /// Two of these can share only nodes that are not connected. Such a node has moved on from the
    /// older ring to the younger, so the younger is the one that still exists.
    Majority {
        /// The sequence number of its ring.
        ring: u64,
    },
}

/// What decides between two halves beside themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The half that gets the vote if nothing else tells them apart.
    pub(super) tie_breaker: TieBreaker,
    /// The nodes of the partition that is to keep the vote, if one is.
    pub(super) active: Option<&'a BTreeSet<NodeId>>,
}

/// Chooses the partition with the greatest claim.
///
/// The view is settled: its members agree on configuration and memberships.
pub(super) fn choose<'a, 'v>(
    partitions: &'a [Partition<'v>],
    view: View<'_>,
    rules: Rules<'_>,
) -> Option<(&'a Partition<'v>, Reason)> {
    let mut claims: Vec<_> = partitions
        .iter()
        .filter_map(|part| Some((claim(part, view, rules)?, part)))
        .collect();
    claims.sort_by_key(|&(claim, _)| Reverse(claim));
    let &(best, winner) = claims.first()?;
    Some((winner, reason(best, claims.get(1).map(|&(claim, _)| claim))))
}

/// The claim of a partition; `None` if it is too small to have one, or if nobody in it has said which
/// nodes are configured: of no nodes, none would be a half.
fn claim(partition: &Partition<'_>, view: View<'_>, rules: Rules<'_>) -> Option<Claim> {
    // Members of a settled view agree on the configuration, so that of any member will do.
    let config = view.member(*partition.connected.first()?)?.config.ids();
    let (&lowest, &highest) = (config.first()?, config.last()?);
    let preferred = match rules.tie_breaker {
        TieBreaker::Lowest => lowest,
        TieBreaker::Highest => highest,
        TieBreaker::Node(id) => id,
    };
    let present = partition.ids.intersection(config).count();
    match (present * 2).cmp(&config.len()) {
        Ordering::Less => None,
        Ordering::Greater => Some(Claim::Majority {
            ring: partition.ring.seq,
        }),
        Ordering::Equal => {
            let connected = &partition.connected;
            let was_active = |id: &&NodeId| rules.active.is_some_and(|nodes| nodes.contains(id));
            let active = connected.iter().find(was_active);
            Some(Claim::Half {
                score: partition.score(view),
                connected: connected.len(),
                active: active.is_some(),
                preferred: partition.ids.contains(&preferred),
                lowest: Reverse(*active.or(connected.first())?),
            })
        }
    }
}

/// Where the winning claim differs from the next one.
fn reason(best: Claim, second: Option<Claim>) -> Reason {
    match (best, second) {
        (Claim::Majority { .. }, _) | (_, Some(Claim::Majority { .. })) => Reason::Majority,
        (Claim::Half { .. }, None) => Reason::Alone,
        (
            Claim::Half {
                score,
                connected,
                active,
                preferred,
                ..
            },
            Some(Claim::Half {
                score: s,
                connected: c,
                active: a,
                preferred: p,
                ..
            }),
        ) => {
            if score != s {
                Reason::Score
            } else if connected != c {
                Reason::Connected
            } else if active != a {
                Reason::Active
            } else if preferred != p {
                Reason::TieBreaker
            } else {
                Reason::LowestConnected
            }
        }
    }
}
