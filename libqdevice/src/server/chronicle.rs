use crate::base::{ClusterName, KeepActivePartition, NodeId, Time, Vote};
use crate::report::{Counts, Input, Told, Trigger};
use crate::vote::{Finding, Member, Members};
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
    clusters: BTreeMap<ClusterName, Annals>,
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
    pub(super) decisions: VecDeque<Record>,
    pub(super) counts: Counts,
}

/// A decision as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) sequence: u64,
    pub(super) at: Time,
    pub(super) trigger: Trigger,
    pub(super) node: NodeId,
    pub(super) inputs: Box<[Input]>,
    pub(super) finding: Finding,
    pub(super) reply: Option<Vote>,
    pub(super) told: Box<[Told]>,
}

impl Chronicle {
    pub(super) fn new(depth: usize) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }

    pub(super) fn of(&self, cluster: &ClusterName) -> Option<&Annals> {
        self.clusters.get(cluster)
    }

    /// A node of the cluster was admitted.
    pub(super) fn came(&mut self, cluster: &ClusterName) {
        if self.depth == 0 {
            return;
        }
        if self.clusters.contains_key(cluster) {
            self.gone.retain(|gone| gone != cluster);
        } else {
            self.clusters.insert(cluster.clone(), Annals::default());
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
    pub(super) fn decided(
        &mut self,
        cluster: &ClusterName,
        (trigger, node): (Trigger, NodeId),
        members: &Members,
        finding: Finding,
        reply: Option<Vote>,
        told: Box<[Told]>,
    ) {
        let Some(annals) = self.clusters.get_mut(cluster) else {
            return;
        };
        self.sequence += 1;
        while annals.decisions.len() >= self.depth {
            annals.decisions.pop_front();
        }
        annals.decisions.push_back(Record {
            sequence: self.sequence,
            at: self.now,
            trigger,
            node,
            inputs: inputs(members),
            finding,
            reply,
            told,
        });
    }

    /// A node is sent a vote.
    pub(super) fn sent(&mut self, cluster: &ClusterName, vote: Vote) {
        let Some(annals) = self.clusters.get_mut(cluster) else {
            return;
        };
        match vote {
            Vote::Ack => annals.counts.votes_sent.ack += 1,
            Vote::Nack => annals.counts.votes_sent.nack += 1,
            Vote::AskLater | Vote::WaitForReply | Vote::NoChange => {}
        }
    }

    /// A member of the cluster has gone, or was sent away.
    pub(super) fn disconnected(&mut self, cluster: &ClusterName, reason: &str) {
        if let Some(annals) = self.clusters.get_mut(cluster) {
            let count = annals.counts.disconnects.entry(reason.to_owned());
            *count.or_default() += 1;
        }
    }

    /// A client was refused for what it showed.
    pub(super) fn refused(&mut self, reason: &'static str) {
        if self.depth != 0 {
            *self.auth_failures.entry(reason).or_default() += 1;
        }
    }
}

fn inputs(members: &Members) -> Box<[Input]> {
    let input = |node: NodeId, member: &Member| Input {
        node,
        ring: member.ring,
        membership: member.membership.ids().iter().copied().collect(),
        configured: u32::try_from(member.config.ids().len()).unwrap_or(u32::MAX),
        heuristics: member.heuristics,
        keep_active_partition: member.keep_active_partition == KeepActivePartition::Enabled,
    };
    let members = members.iter();
    members.map(|(&node, member)| input(node, member)).collect()
}

/// How many clusters without a connected node are remembered.
const GONE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(chronicle: &mut Chronicle, cluster: &str) {
        chronicle.decided(
            &cluster.into(),
            (Trigger::Membership, NodeId(1)),
            &Members::new(),
            Finding::Nobody,
            None,
            Box::default(),
        );
    }

    #[test]
    fn the_oldest_decisions_of_a_cluster_give_way() {
        let mut chronicle = Chronicle::new(3);
        chronicle.came(&"a".into());
        (0..5).for_each(|_| decide(&mut chronicle, "a"));
        let kept = &chronicle.of(&"a".into()).unwrap().decisions;
        let numbers: Vec<u64> = kept.iter().map(|kept| kept.sequence).collect();
        assert_eq!(numbers, [3, 4, 5]);
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
        assert_eq!(chronicle.of(&"a".into()).unwrap().decisions.len(), 1);
        assert!(chronicle.gone.is_empty());
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
