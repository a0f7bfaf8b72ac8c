//! What the server tells of itself in JSON.

use super::chronicle::Annals;
use super::clusters::{Cluster, ClusterId};
use super::peer::{Peer, Seat, Stage};
use super::protection::Protection;
use super::scroll::Entry;
use super::{Party, Server};
use crate::base::{Algorithm, ClusterName, KeepActivePartition, NodeId, Time, Vote};
use crate::report::{
    Clients, ClusterReport, ConfiguredNode, Heading, HeuristicsResults, History, Moment,
    NodeReport, Protection as Protected, ServerReport, Trigger, WaitsFor,
};
use crate::vote::{Announcement, Finding, Member, Occasion};
use std::collections::BTreeSet;

/// A place in the list of clusters, where the next piece of it begins. The default is its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor(pub(super) u64);

impl Cursor {
    /// The place with this number.
    #[must_use]
    pub const fn at(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Since when a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// When it connected.
    pub connected: Time,
    /// When it was heard last.
    pub heard: Time,
}

/// What gives a moment of the server's clock its place on the calendar.
pub type Wall<'a> = &'a dyn Fn(Time) -> Moment;

impl Server {
    /// The answer to `json status`. What only the driver knows is left at nothing.
    #[must_use]
    pub fn server_report(&self, heading: Heading) -> ServerReport {
        let config = &self.config;
        let chronicle = &self.chronicle;
        let failures = chronicle.auth_failures.iter();
        ServerReport {
            heading,
            started_at_ms: Moment::default(),
            listen: config.address.clone(),
            tls: config.tls,
            client_certificate_required: config.client_cert_required,
            clients: self.clients(),
            clusters: count(self.clusters.len()),
            max_receive_bytes: config.settings.max_client_receive_size,
            max_send_bytes: config.settings.max_client_send_size,
            event_loop_lag_ms: 0,
            auth_failures: failures.map(|(&why, &n)| (why.to_owned(), n)).collect(),
            too_many_clients: chronicle.too_many_clients,
            revoked_certificates: count(self.revoked.len()),
            certificates: Vec::new(),
        }
    }

    /// The cluster with this name, if one of its nodes is connected.
    #[must_use]
    pub fn cluster_report(&self, name: &ClusterName, wall: Wall<'_>) -> Option<ClusterReport> {
        Some(self.report_of(self.clusters.named(name)?, wall))
    }

    /// Since when a node is there; `None` if it is not connected.
    #[must_use]
    pub fn presence(&self, cluster: &ClusterName, node: NodeId) -> Option<Presence> {
        let id = self.clusters.named(cluster)?.peers.get(&node)?;
        let peer = self.peers.get(id)?;
        Some(Presence {
            connected: *peer.since,
            heard: peer.heard,
        })
    }

    /// At most `most` clusters in the order in which they came up, from a place on, and where the next
    /// piece begins.
    #[must_use]
    pub fn cluster_page(
        &self,
        from: Cursor,
        most: usize,
        wall: Wall<'_>,
    ) -> (Vec<ClusterReport>, Option<Cursor>) {
        let (page, next) = self.clusters.page(from.0, most);
        let reports = page.into_iter().map(|own| self.report_of(own, wall));
        (reports.collect(), next.map(Cursor))
    }

    /// What was decided about a cluster; `None` if it is not known, or not any more.
    #[must_use]
    pub fn history(&self, name: &ClusterName, heading: Heading, wall: Wall<'_>) -> Option<History> {
        let decisions = &self.chronicle.of(name)?.decisions;
        Some(History {
            heading,
            cluster: ClusterReport::name_of(name).0,
            connected: self.clusters.named(name).is_some(),
            decisions: decisions.decisions(wall).collect(),
        })
    }

    /// Keeps a decision, unless nothing was decided.
    pub(super) fn keep_decision(
        &mut self,
        cluster: ClusterId,
        trigger: (Trigger, NodeId),
        finding: &Finding,
        reply: Option<Vote>,
        announced: &[Announcement],
    ) {
        let Some(own) = self.clusters.get(cluster) else {
            return;
        };
        if let Some(vote) = reply {
            self.chronicle.sent(&own.name, vote);
        }
        if *finding == Finding::NotJudged && announced.is_empty() {
            return;
        }
        let entry = Entry {
            trigger,
            members: &own.members,
            finding,
            reply,
            announced,
        };
        self.chronicle.decided(&own.name, &entry);
    }

    /// Keeps why the connection of a member ended.
    pub(super) fn keep_end(&mut self, party: &Party, reason: &'static str) {
        if let (Some(cluster), Some(_)) = (&party.cluster, party.node) {
            self.chronicle.disconnected(cluster, reason);
        }
    }

    fn clients(&self) -> Clients {
        let mut clients = Clients {
            connected: count(self.peers.len()),
            maximum: self.config.max_clients,
            ..Clients::default()
        };
        for peer in self.peers.values() {
            *match (&peer.stage, Protection::of(peer, &self.config)) {
                (Stage::Fresh | Stage::Named(_), _) => &mut clients.not_admitted,
                (Stage::Admitted(_), Protection::None) => &mut clients.plain,
                (Stage::Admitted(_), Protection::Encrypted) => &mut clients.encrypted,
                (Stage::Admitted(_), Protection::Verified) => &mut clients.verified,
            } += 1;
        }
        clients
    }

    fn report_of(&self, cluster: &Cluster, wall: Wall<'_>) -> ClusterReport {
        let grants = cluster.arbiter.grants();
        let may_cast: BTreeSet<NodeId> = grants.into_iter().map(|(node, _)| node).collect();
        let annals = self.chronicle.of(&cluster.name);
        let (name, name_hex) = ClusterReport::name_of(&cluster.name);
        let node = |(node, id)| {
            let (peer, member) = (self.peers.get(id)?, cluster.members.get(node)?);
            let Stage::Admitted(seat) = &peer.stage else {
                return None;
            };
            let mut report = self.node_report(peer, seat, member, wall);
            report.may_cast = may_cast.contains(node);
            Some(report)
        };
        ClusterReport {
            name,
            name_hex,
            algorithm: cluster.algorithm,
            tie_breaker: cluster.tie_breaker,
            keep_active_partition: keeps_active(cluster),
            finding: cluster.finding.clone(),
            waits_for: cluster.holdup.map(|holdup| WaitsFor {
                node: holdup.holder,
                until_ms: wall(holdup.until),
            }),
            last_decision: annals.map_or(0, |annals| annals.decisions.last()),
            counts: annals.map(Annals::counts).unwrap_or_default(),
            nodes: cluster.peers.iter().filter_map(node).collect(),
        }
    }

    fn node_report(&self, peer: &Peer, seat: &Seat, member: &Member, wall: Wall<'_>) -> NodeReport {
        let configured = member.config.list().0.iter();
        NodeReport {
            id: seat.node,
            address: peer.address.clone(),
            protection: match Protection::of(peer, &self.config) {
                Protection::None => Protected::Plain,
                Protection::Encrypted => Protected::Encrypted,
                Protection::Verified => Protected::Verified,
            },
            connected_at_ms: wall(*peer.since),
            last_heard_at_ms: wall(peer.heard),
            heartbeat_ms: peer.heartbeat.0.into(),
            configuration_version: seat.config_version,
            configured: configured
                .map(|node| ConfiguredNode {
                    id: node.id,
                    data_center: node.data_center,
                })
                .collect(),
            ring: member.ring,
            membership: member.membership.list().ids().collect(),
            heuristics: HeuristicsResults {
                latest: member.heuristics,
                membership: seat.membership_heuristics,
                regular: seat.regular_heuristics,
            },
            vote: seat.votes.any,
            ruling: seat.votes.ruling,
            may_cast: false,
        }
    }
}

impl From<Occasion> for Trigger {
    fn from(occasion: Occasion) -> Self {
        match occasion {
            Occasion::Config => Self::Config,
            Occasion::Membership => Self::Membership,
            Occasion::Quorum => Self::Quorum,
            Occasion::Heuristics => Self::Heuristics,
            Occasion::Question => Self::Question,
        }
    }
}

/// Whether the active half of a cluster stays active, which only ffsplit asks.
fn keeps_active(cluster: &Cluster) -> bool {
    let wants = |member: &Member| member.keep_active_partition == KeepActivePartition::Enabled;
    cluster.algorithm == Algorithm::FfSplit && cluster.members.values().all(|member| wants(member))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::ServerConfig;
    use super::super::fixture::{Bench, confirmation, membership};
    use super::*;
    use crate::base::RingId;
    use crate::report::Decision;
    use crate::vote::Reason;

    fn bench() -> Bench {
        Bench::with(ServerConfig {
            history: 8,
            ..ServerConfig::default()
        })
    }

    fn wall(at: Time) -> Moment {
        Moment(1_000_000 + at.as_millis())
    }

    fn heading() -> Heading {
        Heading::of("test", Moment(0))
    }

    /// Nodes 1 and 2.
    fn pair() -> Bench {
        bench().together(&[1, 2])
    }

    #[test]
    fn a_split_is_kept_with_its_inputs_and_the_rule_that_decided() {
        let mut bench = pair();
        bench.wait(500);
        bench.send(2, membership(RingId::new(2, 12), &[2]));
        bench.send(1, membership(RingId::new(1, 12), &[1]));
        bench.send(2, confirmation(2));
        let history = bench.server.history(&"K".into(), heading(), &wall).unwrap();
        let [.., unsettled, judged, confirmed] = history.decisions.as_slice() else {
            panic!("three decisions")
        };
        assert_eq!(unsettled.finding, Finding::Unsettled);
        assert_eq!(
            (unsettled.node, unsettled.at_ms),
            (Some(NodeId(2)), Moment(1_000_500))
        );
        assert_eq!(
            judged.finding,
            Finding::Partition {
                nodes: [NodeId(1)].into(),
                reason: Reason::TieBreaker
            }
        );
        let seen: Vec<_> = judged
            .inputs
            .iter()
            .map(|input| (input.node.0, input.ring))
            .collect();
        assert_eq!(seen, [(1, RingId::new(1, 12)), (2, RingId::new(2, 12))]);
        let votes = |of: &Decision| {
            of.told
                .iter()
                .map(|told| (told.node.0, told.vote))
                .collect::<Vec<_>>()
        };
        assert_eq!(votes(judged), [(2, Vote::Nack)]);
        assert_eq!(confirmed.trigger, Trigger::Confirmed);
        assert_eq!(votes(confirmed), [(1, Vote::Ack)]);
    }

    #[test]
    fn a_cluster_is_reported_with_who_may_cast_and_what_was_sent() {
        let bench = pair();
        let report = bench.server.cluster_report(&"K".into(), &wall).unwrap();
        assert_eq!(report.nodes.iter().filter(|node| node.may_cast).count(), 2);
        assert_eq!(report.counts.votes_sent.ack, 2);
        assert_eq!(bench.server.cluster_report(&"L".into(), &wall), None);
    }

    #[test]
    fn a_cluster_that_is_gone_still_has_its_history() {
        let mut bench = pair();
        for peer in [1, 2] {
            bench.handle(super::super::Event::Gone {
                peer: super::super::PeerId(peer),
            });
        }
        let history = bench.server.history(&"K".into(), heading(), &wall).unwrap();
        assert!(!history.connected);
        let last = history.decisions.last().unwrap();
        assert_eq!((last.trigger, last.node), (Trigger::Left, Some(NodeId(1))));
        assert_eq!(bench.server.history(&"L".into(), heading(), &wall), None);
    }

    #[test]
    fn clusters_come_in_pages() {
        let mut bench = bench();
        for (peer, name) in [(1, "c"), (2, "a"), (3, "b")] {
            bench.admitted(peer, name, 1);
        }
        let names =
            |page: &[ClusterReport]| page.iter().map(|own| own.name.clone()).collect::<Vec<_>>();
        let (page, next) = bench.server.cluster_page(Cursor::default(), 2, &wall);
        assert_eq!(names(&page), ["c", "a"]);
        // One that is gone meanwhile does not end the list.
        bench.handle(super::super::Event::Gone {
            peer: super::super::PeerId(3),
        });
        let (page, next) = bench.server.cluster_page(next.unwrap(), 2, &wall);
        assert_eq!((names(&page), next), (vec![], None));
    }

    #[test]
    fn what_is_kept_makes_no_state_another_one() {
        let (with, mut without) = (pair(), Bench::new());
        without.connect(1);
        assert_ne!(with.server, without.server);
        let mut later = pair();
        later.server.chronicle.now = Time::from_millis(77);
        later.server.chronicle.too_many_clients = 5;
        assert_eq!(with.server, later.server);
    }
}
