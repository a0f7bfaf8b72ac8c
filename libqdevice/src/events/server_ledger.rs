use super::{
    DisconnectReason, Event, HeuristicsWord, NodePicture, ProtectionWord, RejectReason,
    ServerPicture, VoteReason, VoteWord,
};
use crate::base::{ClusterName, NodeId, RingId, Time, Vote};
use crate::server::{Cause, Notice, Party, Protection};
use crate::vote::{Finding, Occasion};
use std::collections::BTreeMap;

/// Makes events of what a server tells its operator.
///
/// It decides nothing and the server does not know of it. A notice costs O(log n).
#[derive(Debug, Clone, Default)]
pub struct ServerLedger {
    picture: ServerPicture,
    /// Why nodes that are about to leave do so, by address.
    leaving: BTreeMap<String, DisconnectReason>,
    /// What the arbiter saw last.
    findings: BTreeMap<ClusterName, (VoteReason, Vec<NodeId>)>,
    /// When a rejection for this reason was told last.
    rejections: BTreeMap<RejectReason, Time>,
}

impl ServerLedger {
    /// Everything there is, as of the last event.
    #[must_use]
    pub const fn picture(&self) -> &ServerPicture {
        &self.picture
    }

    /// Takes a notice in; the events that come of it are appended to `out`.
    pub fn note(&mut self, now: Time, notice: &Notice, out: &mut Vec<Event>) {
        match notice {
            Notice::TooManyClients { address } => {
                let party = Party {
                    address: address.clone(),
                    cluster: None,
                    node: None,
                };
                let text = "there are too many connections".to_owned();
                self.reject(now, &party, RejectReason::TooManyClients, text, out);
            }
            Notice::Admitted {
                party,
                algorithm,
                tie_breaker,
                protection,
            } => {
                let Some((cluster, node)) = place(party) else {
                    return;
                };
                if !self.picture.clusters.contains_key(&cluster) {
                    let event = Event::ClusterAppeared {
                        cluster: cluster.clone(),
                        algorithm: *algorithm,
                        tie_breaker: *tie_breaker,
                    };
                    self.tell(event, out);
                }
                let event = Event::NodeConnected {
                    cluster,
                    node,
                    address: party.address.clone(),
                    protection: word(*protection),
                };
                self.tell(event, out);
            }
            Notice::Left(party) => self.leave(party, out),
            Notice::GoingDown => *self = Self::default(),
            Notice::Refused(party, refusal) if party.node.is_none() => {
                self.reject(now, party, RejectReason::Refused, refusal.to_string(), out);
            }
            Notice::Dropped(party, cause) if party.node.is_none() => {
                self.reject(now, party, rejection(*cause), cause.to_string(), out);
            }
            Notice::Dropped(party, cause) => {
                self.leaving
                    .insert(party.address.clone(), departure(*cause));
            }
            Notice::TlsFailed(party, text) => {
                self.reject(now, party, RejectReason::TlsFailed, text.clone(), out);
            }
            Notice::Reported {
                party,
                occasion,
                ring,
                heuristics,
                nodes,
            } => {
                let heuristics = (*heuristics).into();
                self.report(party, *occasion, *ring, heuristics, nodes, out);
            }
            Notice::Answered { party, vote, ring }
            | Notice::Announced {
                party, vote, ring, ..
            } => self.vote(party, *vote, *ring, out),
            Notice::Judged {
                cluster,
                finding,
                changed,
            } => self.judged(cluster, finding, *changed, out),
            Notice::Connected { .. }
            | Notice::TestAlgorithm(_)
            | Notice::Refused(..)
            | Notice::Malformed(..)
            | Notice::Unprotected(..)
            | Notice::HeldUp { .. }
            | Notice::Confirmed { .. } => {}
        }
    }

    fn tell(&mut self, event: Event, out: &mut Vec<Event>) {
        self.picture.apply(&event);
        out.push(event);
    }

    /// Whoever is not admitted can be anybody: their number must not crowd out what matters.
    fn reject(
        &mut self,
        now: Time,
        party: &Party,
        reason: RejectReason,
        text: String,
        out: &mut Vec<Event>,
    ) {
        let last = self.rejections.get(&reason);
        if last.is_some_and(|last| now.since(*last) < SECOND) {
            return;
        }
        self.rejections.insert(reason, now);
        let event = Event::ClientRejected {
            address: party.address.clone(),
            cluster: party.cluster.clone(),
            reason,
            text,
        };
        self.tell(event, out);
    }

    fn leave(&mut self, party: &Party, out: &mut Vec<Event>) {
        let reason = self.leaving.remove(&party.address);
        let Some((cluster, node)) = place(party) else {
            return;
        };
        let Some(old) = self.picture.node(&cluster, node) else {
            return;
        };
        let (old, ring) = (old.vote, old.ring);
        if old != VoteWord::None {
            let event = Event::VoteChanged {
                cluster: cluster.clone(),
                node,
                old,
                new: VoteWord::None,
                ring,
                reason: VoteReason::Disconnected,
                winners: Vec::new(),
            };
            self.tell(event, out);
        }
        let event = Event::NodeDisconnected {
            cluster: cluster.clone(),
            node,
            address: party.address.clone(),
            reason: reason.unwrap_or(DisconnectReason::Closed),
        };
        self.tell(event, out);
        let own = self.picture.clusters.get(&cluster);
        if own.is_some_and(|own| own.nodes.is_empty()) {
            self.findings.remove(&cluster);
            self.tell(Event::ClusterGone { cluster }, out);
        }
    }

    fn report(
        &mut self,
        party: &Party,
        occasion: Occasion,
        ring: RingId,
        heuristics: HeuristicsWord,
        nodes: &[NodeId],
        out: &mut Vec<Event>,
    ) {
        let Some((cluster, node)) = place(party) else {
            return;
        };
        let Some(known) = self.picture.node(&cluster, node) else {
            return;
        };
        let old = known.heuristics;
        if let Some(event) = list_report(&cluster, node, known, occasion, ring, nodes) {
            self.tell(event, out);
        }
        if old != heuristics {
            let event = Event::HeuristicsChanged {
                cluster,
                node,
                old,
                new: heuristics,
            };
            self.tell(event, out);
        }
    }

    fn vote(&mut self, party: &Party, vote: Vote, ring: RingId, out: &mut Vec<Event>) {
        let (Some((cluster, node)), Some(new)) = (place(party), VoteWord::told(vote)) else {
            return;
        };
        let Some(known) = self.picture.node(&cluster, node) else {
            return;
        };
        let old = known.vote;
        if old == new {
            return;
        }
        let (reason, winners) = match self.findings.get(&cluster) {
            Some((reason, winners)) => (*reason, winners.clone()),
            None => (self.unjudged(&cluster), Vec::new()),
        };
        let event = Event::VoteChanged {
            cluster,
            node,
            old,
            new,
            ring,
            reason,
            winners,
        };
        self.tell(event, out);
    }

    /// Why votes are as they are in a cluster that has not been judged.
    fn unjudged(&self, cluster: &ClusterName) -> VoteReason {
        use crate::base::Algorithm;
        match self.picture.clusters.get(cluster).map(|own| own.algorithm) {
            Some(Algorithm::Test) => VoteReason::Test,
            Some(Algorithm::FfSplit | Algorithm::TwoNodeLms | Algorithm::Lms) | None => {
                VoteReason::Unsettled
            }
        }
    }

    fn judged(
        &mut self,
        cluster: &ClusterName,
        finding: &Finding,
        changed: bool,
        out: &mut Vec<Event>,
    ) {
        // What is judged of a cluster without a connected node is nobody's vote.
        if !self.picture.clusters.contains_key(cluster) {
            return;
        }
        let Some(reason) = finding.vote_reason() else {
            return;
        };
        let nodes: Vec<NodeId> = match finding {
            Finding::Partition { nodes, .. } => nodes.iter().copied().collect(),
            Finding::NotJudged | Finding::Unsettled | Finding::Nobody => Vec::new(),
        };
        if changed {
            let event = Event::PartitionChosen {
                cluster: cluster.clone(),
                nodes: nodes.clone(),
                reason,
            };
            self.tell(event, out);
        }
        self.findings.insert(cluster.clone(), (reason, nodes));
    }
}

/// What is new in a list.
fn list_report(
    cluster: &ClusterName,
    node: NodeId,
    known: &NodePicture,
    occasion: Occasion,
    ring: RingId,
    nodes: &[NodeId],
) -> Option<Event> {
    let cluster = cluster.clone();
    match occasion {
        Occasion::Config => (known.configured != nodes).then(|| Event::ConfigurationReported {
            cluster,
            node,
            configured: nodes.to_vec(),
        }),
        Occasion::Membership => {
            let is_new = known.ring != ring || known.membership != nodes;
            is_new.then(|| Event::MembershipReported {
                cluster,
                node,
                ring,
                membership: nodes.to_vec(),
            })
        }
        Occasion::Quorum | Occasion::Heuristics | Occasion::Question => None,
    }
}

fn place(party: &Party) -> Option<(ClusterName, NodeId)> {
    Some((party.cluster.clone()?, party.node?))
}

const fn word(protection: Protection) -> ProtectionWord {
    match protection {
        Protection::None => ProtectionWord::Plain,
        Protection::Encrypted => ProtectionWord::Encrypted,
        Protection::Verified => ProtectionWord::Verified,
    }
}

pub(super) const fn rejection(cause: Cause) -> RejectReason {
    match cause {
        Cause::Silent(_) => RejectReason::Silent,
        Cause::SendFailed(_) => RejectReason::SendFailed,
        Cause::NoTls => RejectReason::NoTls,
        Cause::NoCertificate => RejectReason::NoCertificate,
        Cause::WrongCertificate => RejectReason::WrongCertificate,
        Cause::Revoked => RejectReason::Revoked,
        Cause::Asked => RejectReason::Refused,
    }
}

const fn departure(cause: Cause) -> DisconnectReason {
    match cause {
        Cause::Silent(_) => DisconnectReason::Silent,
        Cause::SendFailed(_) => DisconnectReason::SendFailed,
        Cause::Revoked => DisconnectReason::Revoked,
        Cause::Asked => DisconnectReason::Asked,
        Cause::NoTls | Cause::NoCertificate | Cause::WrongCertificate => DisconnectReason::Refused,
    }
}

/// In milliseconds.
const SECOND: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Algorithm, Heuristics, TieBreaker};
    use crate::vote::Reason;
    use std::collections::BTreeSet;

    const RING: RingId = RingId::new(1, 8);

    fn party(node: u32) -> Party {
        Party {
            address: format!("192.0.2.{node}:1"),
            cluster: Some("K".into()),
            node: Some(NodeId(node)),
        }
    }

    fn admitted(node: u32) -> Notice {
        Notice::Admitted {
            party: party(node),
            algorithm: Algorithm::FfSplit,
            tie_breaker: TieBreaker::Lowest,
            protection: Protection::Verified,
        }
    }

    fn answered(node: u32, vote: Vote) -> Notice {
        Notice::Answered {
            party: party(node),
            vote,
            ring: RING,
        }
    }

    fn judged(nodes: &[u32], reason: Reason, changed: bool) -> Notice {
        let nodes: BTreeSet<NodeId> = nodes.iter().copied().map(NodeId).collect();
        Notice::Judged {
            cluster: "K".into(),
            finding: Finding::Partition { nodes, reason },
            changed,
        }
    }

    /// The events of these notices in words.
    fn told(ledger: &mut ServerLedger, notices: &[Notice]) -> Vec<String> {
        let mut out = Vec::new();
        for notice in notices {
            ledger.note(Time::from_millis(0), notice, &mut out);
        }
        out.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_split_is_told_as_a_choice_and_the_votes_that_follow_from_it() {
        let mut ledger = ServerLedger::default();
        told(
            &mut ledger,
            &[
                admitted(1),
                admitted(2),
                judged(&[1, 2], Reason::Alone, true),
                answered(1, Vote::Ack),
                answered(2, Vote::Ack),
            ],
        );
        assert_eq!(
            told(
                &mut ledger,
                &[
                    answered(1, Vote::WaitForReply),
                    judged(&[1], Reason::TieBreaker, true),
                    answered(2, Vote::Nack),
                    judged(&[1], Reason::TieBreaker, false),
                    answered(1, Vote::Ack),
                    answered(1, Vote::NoChange),
                    answered(1, Vote::Ack),
                ]
            ),
            [
                "Node 1 of cluster K waits for a decision (vote wait-for-reply instead of ack, ring \
                 1.8, alone)",
                "Partition 1 of cluster K gets the vote (tie-breaker)",
                "Node 2 of cluster K does not have the vote (vote nack instead of ack, ring 1.8, \
                 tie-breaker)",
                "Node 1 of cluster K has the vote (vote ack instead of wait-for-reply, ring 1.8, \
                 tie-breaker)",
            ]
        );
    }

    #[test]
    fn a_node_that_leaves_loses_its_vote_first_and_the_last_one_takes_its_cluster_along() {
        let mut ledger = ServerLedger::default();
        told(&mut ledger, &[admitted(1), answered(1, Vote::Ack)]);
        let dropped = Notice::Dropped(party(1), Cause::Revoked);
        assert_eq!(
            told(&mut ledger, &[dropped, Notice::Left(party(1))]),
            [
                "Node 1 of cluster K is told nothing (vote none instead of ack, ring 0.0, disconnected)",
                "Node 1 of cluster K at 192.0.2.1:1 is gone (revoked)",
                "The last node of cluster K is gone",
            ]
        );
        assert_eq!(*ledger.picture(), ServerPicture::default());
        assert_eq!(
            told(&mut ledger, &[judged(&[1], Reason::Alone, true)]),
            [""; 0]
        );
    }

    #[test]
    fn whoever_is_not_admitted_cannot_crowd_out_what_matters() {
        let mut ledger = ServerLedger::default();
        let mut out = Vec::new();
        let stranger = Party {
            node: None,
            ..party(1)
        };
        for millis in 0..2500 {
            let failed = Notice::TlsFailed(stranger.clone(), "no".into());
            ledger.note(Time::from_millis(millis), &failed, &mut out);
        }
        assert_eq!(out.len(), 3);
        let silent = Notice::Dropped(stranger, Cause::NoCertificate);
        ledger.note(Time::from_millis(2500), &silent, &mut out);
        assert_eq!(out.len(), 4, "another reason is another matter");
    }

    #[test]
    fn only_what_is_new_in_a_report_is_told() {
        let mut ledger = ServerLedger::default();
        let report = |occasion, heuristics, nodes: &[u32]| Notice::Reported {
            party: party(1),
            occasion,
            ring: RING,
            heuristics,
            nodes: nodes.iter().copied().map(NodeId).collect(),
        };
        let (config, membership) = (Occasion::Config, Occasion::Membership);
        let undefined = Heuristics::Undefined;
        told(&mut ledger, &[admitted(1)]);
        let notices = [
            report(config, undefined, &[1, 2]),
            report(membership, Heuristics::Pass, &[1, 2]),
            report(membership, Heuristics::Pass, &[1, 2]),
            report(Occasion::Heuristics, Heuristics::Fail, &[]),
        ];
        assert_eq!(
            told(&mut ledger, &notices),
            [
                "Node 1 of cluster K is configured with nodes 1, 2",
                "Node 1 of cluster K is in ring 1.8 with nodes 1, 2",
                "The heuristics of node 1 of cluster K have the result pass instead of undefined",
                "The heuristics of node 1 of cluster K have the result fail instead of pass",
            ]
        );
    }

    #[test]
    fn a_picture_and_the_events_after_it_are_the_later_picture() {
        let mut ledger = ServerLedger::default();
        told(&mut ledger, &[admitted(1)]);
        let mut picture = ledger.picture().clone();
        let mut later = Vec::new();
        for notice in [admitted(2), answered(2, Vote::Ack), Notice::Left(party(1))] {
            ledger.note(Time::from_millis(0), &notice, &mut later);
        }
        for event in &later {
            picture.apply(event);
        }
        assert_eq!(picture, *ledger.picture());
    }
}
