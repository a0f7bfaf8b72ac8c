//! What would be decided if a cluster were split: a copy of its arbiter is told of the parts.

use super::Server;
use super::clusters::Cluster;
use crate::base::{ClusterName, NodeId, RingId, Time, Vote};
use crate::report::{ClusterReport, Heading, Outcome, WhatIf};
use crate::vote::{Announcement, Arbiter, Departure, Finding, Member, Members, Occasion, View};
use std::collections::{BTreeMap, BTreeSet};

/// Why there is no answer to such a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfFault {
    /// None of its nodes is connected.
    #[error("Cluster {0} is not connected: nothing is known of it to decide on")]
    NotConnected(ClusterName),
    /// A node of the split is none of the cluster.
    #[error("Node {0} is not configured in this cluster")]
    NotConfigured(NodeId),
    /// No node reaches the server in such a split.
    #[error("No node is left that reaches the server")]
    NobodyLeft,
}

impl Server {
    /// What would be decided if the cluster fell into these parts, and some nodes did not reach the
    /// server. Heuristics stay as they are; nodes that are not connected now are taken to be like those
    /// that are.
    ///
    /// # Errors
    ///
    /// The cluster or a node of the split is not known.
    pub fn what_if(
        &self,
        name: &ClusterName,
        parts: &[BTreeSet<NodeId>],
        unreachable: &BTreeSet<NodeId>,
        heading: Heading,
    ) -> Result<WhatIf, WhatIfFault> {
        let own = self.clusters.named(name);
        let own = own.ok_or_else(|| WhatIfFault::NotConnected(name.clone()))?;
        let mut world = World::of(own);
        let connected = |node: &&NodeId| own.members.contains_key(node);
        let assumed = parts.iter().flatten().filter(|node| !connected(node));
        let assumed: Vec<NodeId> = assumed.copied().collect();
        let known: BTreeSet<NodeId> = own
            .members
            .values()
            .flat_map(|member| configured(member))
            .collect();
        if let Some(stranger) = assumed.iter().find(|node| !known.contains(node)) {
            return Err(WhatIfFault::NotConfigured(*stranger));
        }
        let present: BTreeSet<NodeId> = parts.iter().flatten().copied().collect();
        let present: BTreeSet<NodeId> = present.difference(unreachable).copied().collect();
        if present.is_empty() {
            return Err(WhatIfFault::NobodyLeft);
        }
        world.form(parts, &present);
        Ok(WhatIf {
            heading,
            cluster: ClusterReport::name_of(name).0,
            parts: parts
                .iter()
                .map(|part| part.iter().copied().collect())
                .collect(),
            unreachable: unreachable.iter().copied().collect(),
            assumed,
            outcome: world.outcome(),
        })
    }
}

/// When it would be decided: nobody waits for the vote of a node that is gone any more.
const LATER: Time = Time::from_millis(u64::MAX);

/// A copy of a cluster whose nodes confirm whatever they are told.
struct World {
    arbiter: Arbiter,
    members: Members,
    finding: Finding,
    /// What the nodes have been told last.
    told: BTreeMap<NodeId, Vote>,
}

impl World {
    fn of(cluster: &Cluster) -> Self {
        Self {
            arbiter: cluster.arbiter.clone(),
            members: cluster.members.clone(),
            finding: cluster.finding.clone(),
            told: BTreeMap::new(),
        }
    }

    /// Nodes report the parts, then those that are not there leave: so nobody profits from being the last
    /// one who was heard of.
    fn form(&mut self, parts: &[BTreeSet<NodeId>], present: &BTreeSet<NodeId>) {
        let rings = self.members.values().map(|member| member.ring.seq);
        let seq = rings.max().unwrap_or_default() + 4;
        let model = self.members.values().next().cloned().unwrap_or_default();
        let known: Vec<NodeId> = self.members.keys().copied().collect();
        for node in known.into_iter().filter(|node| !present.contains(node)) {
            self.leave(node);
        }
        for part in parts {
            let Some(first) = part.first() else { continue };
            let ring = RingId::new(first.0, seq);
            for &node in part.intersection(present) {
                let member = self.members.get(&node).cloned();
                let mut member = member.unwrap_or_else(|| {
                    Box::new(Member {
                        heuristics: crate::base::Heuristics::Undefined,
                        ..Member::clone(&model)
                    })
                });
                member.ring = ring;
                member.membership = part
                    .iter()
                    .copied()
                    .collect::<crate::base::NodeList>()
                    .into();
                self.report(node, *member);
            }
        }
    }

    fn leave(&mut self, node: NodeId) {
        let verdict = self.arbiter.leave(
            LATER,
            View::without(&self.members, node),
            Departure::Withdrawn,
        );
        self.members.remove(&node);
        self.told.remove(&node);
        self.see(verdict.finding);
        self.tell(verdict.announce);
    }

    fn report(&mut self, node: NodeId, member: Member) {
        let view = View::with(&self.members, node, &member);
        // A report of a node that stands in its own ring is not objected to.
        let Ok(verdict) = self.arbiter.judge(LATER, Occasion::Membership, view) else {
            return;
        };
        self.members.insert(node, Box::new(member));
        self.told.insert(node, verdict.reply);
        self.see(verdict.finding);
        self.tell(verdict.announce);
    }

    fn see(&mut self, finding: Finding) {
        if finding != Finding::NotJudged {
            self.finding = finding;
        }
    }

    /// Whoever is told something confirms it.
    fn tell(&mut self, announced: Vec<Announcement>) {
        let mut due: std::collections::VecDeque<_> = announced.into();
        while let Some(next) = due.pop_front() {
            self.told.insert(next.to, next.vote);
            due.extend(
                self.arbiter
                    .confirm(LATER, next.to, next.seq, &self.members),
            );
        }
    }

    fn outcome(self) -> Outcome {
        let mut outcome = Outcome {
            finding: self.finding,
            ack: Vec::new(),
            nack: Vec::new(),
            waiting: Vec::new(),
        };
        for node in self.members.keys() {
            let list = match self.told.get(node) {
                Some(Vote::Ack) => &mut outcome.ack,
                Some(Vote::Nack) => &mut outcome.nack,
                Some(Vote::AskLater | Vote::WaitForReply | Vote::NoChange) | None => {
                    &mut outcome.waiting
                }
            };
            list.push(*node);
        }
        outcome
    }
}

fn configured(member: &Member) -> impl Iterator<Item = NodeId> + '_ {
    member.config.ids().iter().copied()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, confirmation, membership};
    use super::super::{Event, PeerId};
    use super::*;
    use crate::report::Moment;
    use crate::vote::Reason;

    fn four() -> Bench {
        Bench::new().together(&[1, 2, 3, 4])
    }

    fn set(ids: &[u32]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    fn ask(bench: &Bench, parts: &[&[u32]], without: &[u32]) -> Result<Outcome, WhatIfFault> {
        let parts: Vec<_> = parts.iter().map(|part| set(part)).collect();
        let heading = Heading::of("test", Moment(0));
        let answer = bench
            .server
            .what_if(&"K".into(), &parts, &set(without), heading)?;
        Ok(answer.outcome)
    }

    fn numbers(nodes: &[NodeId]) -> Vec<u32> {
        nodes.iter().map(|node| node.0).collect()
    }

    #[test]
    fn the_answer_is_what_the_split_then_brings() {
        let mut bench = four();
        let asked = ask(&bench, &[&[1, 2], &[3, 4]], &[]).unwrap();
        assert_eq!(numbers(&asked.ack), [1, 2]);
        assert_eq!(numbers(&asked.nack), [3, 4]);
        let reason = Reason::TieBreaker;
        let nodes = set(&[1, 2]);
        assert_eq!(asked.finding, Finding::Partition { nodes, reason });

        for (peer, half) in [(3, [3, 4]), (4, [3, 4]), (1, [1, 2]), (2, [1, 2])] {
            bench.send(peer, membership(RingId::new(half[0], 12), &half));
        }
        for peer in [3, 4] {
            bench.send(peer, confirmation(2));
        }
        assert_eq!(bench.granted(), [1, 2]);
    }

    #[test]
    fn asking_changes_nothing() {
        let bench = four();
        let before = bench.server.clone();
        ask(&bench, &[&[1], &[2, 3, 4]], &[2]).unwrap();
        assert_eq!(bench.server, before);
    }

    #[test]
    fn nodes_that_do_not_reach_the_server_count_for_less() {
        let outcome = ask(&four(), &[&[1, 2], &[3, 4]], &[1]).unwrap();
        assert_eq!(
            (numbers(&outcome.ack), numbers(&outcome.nack)),
            (vec![3, 4], vec![2])
        );
    }

    #[test]
    fn a_node_that_is_not_connected_now_is_taken_to_be_like_the_others() {
        let mut bench = four();
        bench.handle(Event::Gone { peer: PeerId(1) });
        let outcome = ask(&bench, &[&[1, 2], &[3, 4]], &[]).unwrap();
        assert_eq!(numbers(&outcome.ack), [1, 2]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let refused = |parts: &[&[u32]], without| ask(&four(), parts, without).unwrap_err();
        assert_eq!(
            refused(&[&[1, 9]], &[]),
            WhatIfFault::NotConfigured(NodeId(9))
        );
        assert_eq!(refused(&[&[1]], &[1]), WhatIfFault::NobodyLeft);
        let bench = Bench::new();
        assert_eq!(
            ask(&bench, &[&[1]], &[]),
            Err(WhatIfFault::NotConnected("K".into()))
        );
    }
}
