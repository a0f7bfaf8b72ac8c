use super::View;
use crate::base::{Heuristics, NodeId, RingId};
use std::collections::BTreeSet;

/// The nodes of one ring, as all its connected members see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition<'a> {
    /// The ring.
    pub ring: RingId,
    /// Its nodes, connected or not.
    pub ids: &'a BTreeSet<NodeId>,
    /// Those of them that are connected, by id.
    pub connected: Vec<NodeId>,
}

impl Partition<'_> {
    /// How many members are connected, one more for each whose heuristics pass, one less for each
    /// whose heuristics fail.
    #[must_use]
    pub fn score(&self, view: View<'_>) -> usize {
        let worth = |id: &NodeId| match view.member(*id).map(|member| member.heuristics) {
            Some(Heuristics::Pass) => 2,
            Some(Heuristics::Undefined) => 1,
            Some(Heuristics::Fail) | None => 0,
        };
        self.connected.iter().map(worth).sum()
    }
}

/// Whether all connected nodes are configured with the same nodes.
///
/// A node that has not sent its configuration agrees only with others that have not.
#[must_use]
pub fn configurations_agree(view: View<'_>) -> bool {
    let mut configs = view.members().map(|(_, member)| member.config.ids());
    let first = configs.next();
    configs.all(|config| Some(config) == first)
}

/// Cuts a cluster into its partitions, in the order of their lowest connected members.
///
/// `None` while the members of a ring do not agree yet: a connected node that somebody counts as a
/// member has not reported the same ring with the same nodes. Nodes without a membership, or whose
/// membership does not name themselves, are in no partition.
#[must_use]
pub fn partitions(view: View<'_>) -> Option<Vec<Partition<'_>>> {
    let mut placed = BTreeSet::new();
    let mut found = Vec::new();
    for (id, member) in view.members() {
        if !member.membership.contains(id) || placed.contains(&id) {
            continue;
        }
        let mut connected = Vec::new();
        for &mate in member.membership.ids() {
            let Some(other) = view.member(mate) else {
                continue;
            };
            if other.ring != member.ring || other.membership.ids() != member.membership.ids() {
                return None;
            }
            placed.insert(mate);
            connected.push(mate);
        }
        found.push(Partition {
            ring: member.ring,
            ids: member.membership.ids(),
            connected,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeList;
    use crate::vote::{Member, Members};
    use proptest::prelude::*;

    fn member(ring: u64, sees: &[u32]) -> Member {
        Member {
            ring: RingId::new(1, ring),
            membership: NodeList::of_ids(sees.iter().copied()).into(),
            ..Member::default()
        }
    }

    /// The cluster after nobody's change: node 0 does not exist.
    fn all(members: &Members) -> View<'_> {
        View::without(members, NodeId(0))
    }

    fn cluster(of: &[(u32, u64, &[u32])]) -> Members {
        of.iter()
            .map(|&(id, ring, sees)| (NodeId(id), Box::new(member(ring, sees))))
            .collect()
    }

    fn ids(of: &[Partition<'_>]) -> Vec<Vec<u32>> {
        of.iter()
            .map(|part| part.connected.iter().map(|id| id.0).collect())
            .collect()
    }

    #[test]
    fn interleaved_halves_come_in_the_order_of_their_lowest_members() {
        let members = cluster(&[
            (1, 5, &[1, 3]),
            (2, 6, &[4, 2]),
            (3, 5, &[3, 1]),
            (4, 6, &[2, 4]),
        ]);
        assert_eq!(ids(&partitions(all(&members)).unwrap()), [[1, 3], [2, 4]]);
    }

    #[test]
    fn nodes_that_are_not_connected_need_not_agree_and_do_not_count_as_connected() {
        let members = cluster(&[(1, 5, &[1, 2, 3])]);
        let found = partitions(all(&members)).unwrap();
        assert_eq!(ids(&found), [[1]]);
        assert_eq!(found[0].ids.len(), 3);
    }

    #[test]
    fn a_ring_of_which_a_member_has_not_heard_is_not_settled() {
        assert_eq!(
            partitions(all(&cluster(&[(1, 5, &[1, 2]), (2, 4, &[1, 2])]))),
            None
        );
        assert_eq!(
            partitions(all(&cluster(&[(1, 5, &[1, 2]), (2, 5, &[2])]))),
            None
        );
        assert_eq!(
            partitions(all(&cluster(&[(1, 5, &[1, 2]), (2, 5, &[])]))),
            None
        );
    }

    #[test]
    fn one_failed_heuristics_outweighs_one_connection() {
        let mut members = cluster(&[(1, 5, &[1, 2, 3]), (2, 5, &[1, 2, 3]), (3, 5, &[1, 2, 3])]);
        let score = |members: &Members| partitions(all(members)).unwrap()[0].score(all(members));
        assert_eq!(score(&members), 3);
        members.get_mut(&NodeId(1)).unwrap().heuristics = Heuristics::Fail;
        assert_eq!(score(&members), 2);
        members.get_mut(&NodeId(2)).unwrap().heuristics = Heuristics::Pass;
        assert_eq!(score(&members), 3);
    }

    /// The rule as the C program walks it, pair by pair and both ways.
    /// [C: qnetd-algo-ffsplit.c, `qnetd_algo_ffsplit_is_membership_stable`]
    fn settled_pair_by_pair(members: &Members) -> bool {
        members.values().all(|one| {
            one.membership
                .ids()
                .iter()
                .filter_map(|mate| members.get(mate))
                .all(|other| {
                    one.ring == other.ring
                        && one
                            .membership
                            .ids()
                            .iter()
                            .all(|id| other.membership.contains(*id))
                })
        })
    }

    proptest! {
        #[test]
        fn a_cut_exists_when_every_pair_agrees(
            reports in prop::collection::vec((1_u64..3, 0_u32..32, any::<bool>()), 1..5)
        ) {
            let members: Members = (1..)
                .zip(&reports)
                .map(|(id, &(ring, mask, sent))| {
                    // Whoever has sent a membership stands in it.
                    let sees: Vec<_> =
                        (1..=5).filter(|&n| sent && (n == id || mask >> (n - 1) & 1 == 1)).collect();
                    (NodeId(id), Box::new(member(ring, &sees)))
                })
                .collect();
            prop_assert_eq!(partitions(all(&members)).is_some(), settled_pair_by_pair(&members));
        }
    }
}
