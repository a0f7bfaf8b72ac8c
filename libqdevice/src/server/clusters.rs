use super::pasts::Pasts;
use super::{PeerId, Refusal};
use crate::base::{Algorithm, ClusterName, NodeId, TieBreaker, Time};
use crate::vote::{Arbiter, Finding, Holdup, Member, Members, Past};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter;
use std::ops::Bound;

/// A cluster's number, in the order in which clusters came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClusterId(u64);

impl ClusterId {
    pub(super) const fn number(self) -> u64 {
        self.0
    }
}

/// The clusters that have at least one connected client. [C: qnetd-cluster-list.c]
///
/// Looking one up, by number or by name, costs O(log n).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Clusters {
    by_name: BTreeMap<ClusterName, ClusterId>,
    /// Boxed, because the nodes of a map that only grows are half empty.
    by_id: BTreeMap<ClusterId, Box<Cluster>>,
    created: u64,
    /// What is known of others.
    pasts: Pasts,
}

/// The connected clients of one cluster. [C: qnetd-cluster.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cluster {
    pub(super) name: ClusterName,
    pub(super) algorithm: Algorithm,
    pub(super) tie_breaker: TieBreaker,
    pub(super) arbiter: Arbiter,
    /// What they have reported, by node id.
    pub(super) members: Members,
    /// Their connections, by node id.
    pub(super) peers: BTreeMap<NodeId, PeerId>,
    /// What the arbiter saw when the cluster was settled last.
    pub(super) finding: Finding,
    /// What was told last about a vote that is held up.
    pub(super) holdup: Option<Holdup>,
}

/// What there is of a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// It has members.
    Present(&'a Cluster),
    /// It had some.
    Gone(&'a Past),
}

/// A client that wants to be a member.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) peer: PeerId,
    pub(super) node: NodeId,
    pub(super) algorithm: Algorithm,
    pub(super) tie_breaker: TieBreaker,
    pub(super) member: Member,
}

impl Clusters {
    /// Makes a client a member, as the first one of a new cluster or beside others.
    ///
    /// # Errors
    ///
    /// It does not fit to the members of the cluster, who agree with each other.
    pub(super) fn admit(
        &mut self,
        now: Time,
        name: &ClusterName,
        candidate: Candidate,
    ) -> Result<ClusterId, Refusal> {
        let id = self
            .by_name
            .get(name)
            .copied()
            .unwrap_or(ClusterId(self.created));
        let cluster = match self.by_id.entry(id) {
            Entry::Occupied(known) => {
                known.get().check(&candidate)?;
                known.into_mut()
            }
            Entry::Vacant(new) => {
                let past = self.pasts.take(now, name);
                let cluster = new.insert(Box::new(Cluster::new(name, &candidate, past)));
                self.by_name.insert(name.clone(), id);
                self.created += 1;
                cluster
            }
        };
        let member = Box::new(candidate.member);
        cluster.members.insert(candidate.node, member);
        cluster.peers.insert(candidate.node, candidate.peer);
        Ok(id)
    }

    /// A member is gone; a cluster without members is forgotten, but for votes that may still be cast.
    pub(super) fn remove(&mut self, now: Time, id: ClusterId, node: NodeId) {
        let Some(cluster) = self.by_id.get_mut(&id) else {
            return;
        };
        cluster.members.remove(&node);
        cluster.peers.remove(&node);
        if cluster.members.is_empty() {
            self.by_name.remove(&cluster.name);
            if let Some(gone) = self.by_id.remove(&id) {
                self.pasts.keep(now, gone.name, gone.arbiter.past());
            }
        }
    }

    /// All clusters that something is known of, by name, behind this one.
    pub(super) fn known_after(
        &self,
        after: Option<&ClusterName>,
    ) -> impl Iterator<Item = (&ClusterName, Known<'_>)> {
        let behind = (
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let present = self.by_name.range::<ClusterName, _>(behind);
        let mut present = present
            .filter_map(|(name, id)| Some((name, Known::Present(self.by_id.get(id)?))))
            .peekable();
        let gone = self.pasts.range(behind);
        let mut gone = gone
            .map(|(name, past)| (name, Known::Gone(past)))
            .peekable();
        iter::from_fn(move || match (present.peek(), gone.peek()) {
            (Some((one, _)), Some((other, _))) if one > other => gone.next(),
            (Some(_), _) => present.next(),
            (None, _) => gone.next(),
        })
    }

    /// Something is known of a cluster that is not there.
    pub(super) fn recall(&mut self, now: Time, name: ClusterName, past: Past) {
        if !self.by_name.contains_key(&name) {
            self.pasts.keep(now, name, past);
        }
    }

    pub(super) fn get(&self, id: ClusterId) -> Option<&Cluster> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: ClusterId) -> Option<&mut Cluster> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn named(&self, name: &ClusterName) -> Option<&Cluster> {
        self.get(*self.by_name.get(name)?)
    }

    /// All clusters in the order in which they came up.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Cluster> {
        self.by_id.values().map(Box::as_ref)
    }

    /// At most `most` clusters from this number on, and the number of the one behind them.
    pub(super) fn page(&self, from: u64, most: usize) -> (Vec<&Cluster>, Option<u64>) {
        let mut rest = self.by_id.range(ClusterId(from)..);
        let page = rest
            .by_ref()
            .take(most)
            .map(|(_, cluster)| cluster.as_ref())
            .collect();
        (page, rest.next().map(|(id, _)| id.0))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}

impl Cluster {
    /// A cluster as its first member wants it, still without that member.
    fn new(name: &ClusterName, first: &Candidate, past: Past) -> Self {
        Self {
            name: name.clone(),
            algorithm: first.algorithm,
            tie_breaker: first.tie_breaker,
            arbiter: Arbiter::new(first.algorithm, first.tie_breaker, past),
            members: Members::new(),
            peers: BTreeMap::new(),
            finding: Finding::NotJudged,
            holdup: None,
        }
    }

    /// [C: qnetd-client-msg-received.c, `qnetd_client_msg_received_init_check_new_client`]
    fn check(&self, candidate: &Candidate) -> Result<(), Refusal> {
        if candidate.tie_breaker != self.tie_breaker {
            return Err(Refusal::TieBreakerDiffers);
        }
        if candidate.algorithm != self.algorithm {
            return Err(Refusal::AlgorithmDiffers);
        }
        if self.members.contains_key(&candidate.node) {
            return Err(Refusal::DuplicateNodeId);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(0);

    fn candidate(peer: u64, node: u32) -> Candidate {
        Candidate {
            peer: PeerId(peer),
            node: NodeId(node),
            algorithm: Algorithm::FfSplit,
            tie_breaker: TieBreaker::Lowest,
            member: Member::default(),
        }
    }

    #[test]
    fn clusters_are_kept_in_the_order_in_which_they_came_up() {
        let mut clusters = Clusters::default();
        for (peer, name) in [(1, "b"), (2, "c"), (3, "a")] {
            clusters
                .admit(NOW, &name.into(), candidate(peer, 1))
                .unwrap();
        }
        let names: Vec<_> = clusters
            .iter()
            .map(|cluster| cluster.name.to_string())
            .collect();
        assert_eq!(names, ["b", "c", "a"]);
    }

    #[test]
    fn the_last_member_takes_its_cluster_along() {
        let mut clusters = Clusters::default();
        let id = clusters.admit(NOW, &"a".into(), candidate(1, 1)).unwrap();
        clusters.admit(NOW, &"a".into(), candidate(2, 2)).unwrap();
        clusters.remove(NOW, id, NodeId(1));
        assert_eq!(clusters.len(), 1);
        clusters.remove(NOW, id, NodeId(2));
        assert_eq!((clusters.len(), clusters.named(&"a".into())), (0, None));
    }

    #[test]
    fn a_newcomer_fits_to_the_tie_breaker_first_then_to_the_algorithm_then_to_the_ids() {
        let mut clusters = Clusters::default();
        clusters.admit(NOW, &"a".into(), candidate(1, 1)).unwrap();
        let mut wrong = Candidate {
            algorithm: Algorithm::Lms,
            tie_breaker: TieBreaker::Highest,
            ..candidate(2, 1)
        };
        let mut check = |candidate: &Candidate| clusters.admit(NOW, &"a".into(), candidate.clone());
        assert_eq!(check(&wrong), Err(Refusal::TieBreakerDiffers));
        wrong.tie_breaker = TieBreaker::Lowest;
        assert_eq!(check(&wrong), Err(Refusal::AlgorithmDiffers));
        wrong.algorithm = Algorithm::FfSplit;
        assert_eq!(check(&wrong), Err(Refusal::DuplicateNodeId));
        wrong.node = NodeId(2);
        assert!(check(&wrong).is_ok());
    }

    #[test]
    fn tie_breakers_naming_different_nodes_differ() {
        let mut clusters = Clusters::default();
        let naming = |peer, node| Candidate {
            tie_breaker: TieBreaker::Node(NodeId(node)),
            ..candidate(peer, u32::try_from(peer).unwrap())
        };
        clusters.admit(NOW, &"a".into(), naming(1, 1)).unwrap();
        assert_eq!(
            clusters.admit(NOW, &"a".into(), naming(2, 2)),
            Err(Refusal::TieBreakerDiffers)
        );
        assert!(clusters.admit(NOW, &"a".into(), naming(2, 1)).is_ok());
    }
}
