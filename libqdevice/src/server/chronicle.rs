use super::scroll::{Entry, Scroll};
use crate::base::{ClusterName, Time, Vote};
use crate::report::{Counts, VotesSent};
use std::collections::{BTreeMap, VecDeque};

/// What has happened to the clusters, in bounded memory and only to be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Chronicle {
    /// How many decisions are kept of each cluster; with none, nothing at all is kept.
    depth: usize,
    /// The moment of what is being handled.
    pub(super) now: Time,
    /// The number of the last decision.
    sequence: u64,
    /// Boxed, because the nodes of a map that only grows are half empty.
    clusters: BTreeMap<ClusterName, Box<Annals>>,
    /// The clusters without a connected node; who has been gone for longest comes first.
    gone: VecDeque<ClusterName>,
    /// Clients refused for what they showed or did not show, by reason.
    pub(super) auth_failures: BTreeMap<&'static str, u64>,
    /// Connections closed because there were too many.
    pub(super) too_many_clients: u64,
}

/// What has happened to one cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Annals {
    pub(super) decisions: Scroll,
    votes_sent: VotesSent,
    /// Why connections ended, and how often, in the order in which it happened first.
    ends: Vec<(&'static str, u64)>,
}

impl Annals {
    /// How often something happened to the cluster.
    pub(super) fn counts(&self) -> Counts {
        let ends = self.ends.iter();
        Counts {
            votes_sent: self.votes_sent,
            disconnects: ends.map(|&(why, n)| (why.to_owned(), n)).collect(),
        }
    }
}

impl Chronicle {
    pub(super) fn new(depth: usize) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }

    pub(super) fn of(&self, cluster: &ClusterName) -> Option<&Annals> {
        self.clusters.get(cluster).map(Box::as_ref)
    }

    /// A node of the cluster was admitted.
    pub(super) fn came(&mut self, cluster: &ClusterName) {
        if self.depth == 0 {
            return;
        }
        if self.clusters.contains_key(cluster) {
            self.gone.retain(|gone| gone != cluster);
        } else {
            self.clusters.insert(cluster.clone(), Box::default());
        }
    }

    /// The last node of the cluster has left. It is remembered until too many others have left as well.
    pub(super) fn left(&mut self, cluster: &ClusterName) {
        if self.clusters.contains_key(cluster) {
            self.gone.push_back(cluster.clone());
        }
        while self.gone.len() > GONE_MAX {
            if let Some(oldest) = self.gone.pop_front() {
                self.clusters.remove(&oldest);
            }
        }
    }

    /// Keeps a decision; the oldest of the cluster gives way.
    pub(super) fn decided(&mut self, cluster: &ClusterName, entry: &Entry<'_>) {
        let Some(annals) = self.clusters.get_mut(cluster) else {
            return;
        };
        self.sequence += 1;
        annals
            .decisions
            .add(self.depth, self.sequence, self.now, entry);
    }

    /// A node is sent a vote.
    pub(super) fn sent(&mut self, cluster: &ClusterName, vote: Vote) {
        let Some(annals) = self.clusters.get_mut(cluster) else {
            return;
        };
        match vote {
            Vote::Ack => annals.votes_sent.ack += 1,
            Vote::Nack => annals.votes_sent.nack += 1,
            Vote::AskLater | Vote::WaitForReply | Vote::NoChange => {}
        }
    }

    /// A member of the cluster has gone, or was sent away.
    pub(super) fn disconnected(&mut self, cluster: &ClusterName, reason: &'static str) {
        let Some(annals) = self.clusters.get_mut(cluster) else {
            return;
        };
        if let Some((_, count)) = annals.ends.iter_mut().find(|end| end.0 == reason) {
            *count += 1;
        } else {
            annals.ends.reserve_exact(1);
            annals.ends.push((reason, 1));
        }
    }

    /// A client was refused for what it showed.
    pub(super) fn refused(&mut self, reason: &'static str) {
        if self.depth != 0 {
            *self.auth_failures.entry(reason).or_default() += 1;
        }
    }
}

/// How many clusters without a connected node are remembered.
const GONE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::report::{Moment, Trigger};
    use crate::vote::{Finding, Members};

    fn decide(chronicle: &mut Chronicle, cluster: &str) {
        let entry = Entry {
            trigger: (Trigger::Membership, NodeId(1)),
            members: &Members::new(),
            finding: &Finding::Nobody,
            reply: None,
            announced: &[],
        };
        chronicle.decided(&cluster.into(), &entry);
    }

    fn numbers(chronicle: &Chronicle, cluster: &str) -> Vec<u64> {
        let kept = &chronicle.of(&cluster.into()).unwrap().decisions;
        let decisions = kept.decisions(&|_| Moment(0));
        decisions.map(|kept| kept.sequence).collect()
    }

    #[test]
    fn the_oldest_decisions_of_a_cluster_give_way() {
        let mut chronicle = Chronicle::new(3);
        chronicle.came(&"a".into());
        (0..5).for_each(|_| decide(&mut chronicle, "a"));
        assert_eq!(numbers(&chronicle, "a"), [3, 4, 5]);
    }

    #[test]
    fn a_cluster_that_has_left_is_remembered_until_many_others_have_left_too() {
        let mut chronicle = Chronicle::new(3);
        chronicle.came(&"first".into());
        decide(&mut chronicle, "first");
        chronicle.left(&"first".into());
        for number in 1..GONE_MAX {
            let name = ClusterName::new(number.to_string());
            chronicle.came(&name);
            chronicle.left(&name);
        }
        assert!(chronicle.of(&"first".into()).is_some());
        chronicle.came(&"last".into());
        chronicle.left(&"last".into());
        assert!(chronicle.of(&"first".into()).is_none());
        assert_eq!(chronicle.clusters.len(), GONE_MAX);
    }

    #[test]
    fn a_cluster_that_comes_back_goes_on_with_its_history() {
        let mut chronicle = Chronicle::new(3);
        chronicle.came(&"a".into());
        decide(&mut chronicle, "a");
        chronicle.left(&"a".into());
        chronicle.came(&"a".into());
        assert_eq!(numbers(&chronicle, "a"), [1]);
        assert!(chronicle.gone.is_empty());
    }

    #[test]
    fn ends_are_counted_by_reason() {
        let mut chronicle = Chronicle::new(3);
        chronicle.came(&"a".into());
        for reason in ["silent", "closed", "silent"] {
            chronicle.disconnected(&"a".into(), reason);
        }
        let counted = chronicle.of(&"a".into()).unwrap().counts().disconnects;
        assert_eq!(
            counted,
            [("closed".to_owned(), 1), ("silent".to_owned(), 2)].into()
        );
    }

    #[test]
    fn with_a_depth_of_nothing_nothing_is_kept() {
        let mut chronicle = Chronicle::new(0);
        chronicle.came(&"a".into());
        decide(&mut chronicle, "a");
        chronicle.sent(&"a".into(), Vote::Ack);
        chronicle.refused("x");
        assert!(chronicle.of(&"a".into()).is_none() && chronicle.auth_failures.is_empty());
    }
}
