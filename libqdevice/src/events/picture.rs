use super::{Event, HeuristicsWord, ProtectionWord, QuorumWord, VoteReason, VoteWord};
use crate::base::{Algorithm, ClusterName, NodeId, RingId, TieBreaker};
use std::collections::BTreeMap;

/// The clusters of a server as its events tell them.
///
/// Whoever has a picture and every later event has the picture of that moment: so the voting path never
/// waits for whoever wants to show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerPicture {
    /// The clusters with a connected node.
    pub clusters: BTreeMap<ClusterName, ClusterPicture>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPicture {
    /// How it decides.
    pub algorithm: Algorithm,
    /// Who wins between equals.
    pub tie_breaker: TieBreaker,
    /// The partition chosen last.
    pub chosen: Vec<NodeId>,
    /// Why that one.
    pub reason: VoteReason,
    /// The connected nodes. Boxed, because a map of values takes room for eleven at least.
    pub nodes: BTreeMap<NodeId, Box<NodePicture>>,
}

/// One connected node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePicture {
    /// `address:port`.
    pub address: String,
    /// How its connection is protected.
    pub protection: ProtectionWord,
    /// Its ring.
    pub ring: RingId,
    /// The nodes it is configured with.
    pub configured: Vec<NodeId>,
    /// The nodes of its ring.
    pub membership: Vec<NodeId>,
    /// The latest result of its heuristics.
    pub heuristics: HeuristicsWord,
    /// What it was told last.
    pub vote: VoteWord,
}

/// A node as its own events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePicture {
    /// Whether a server has admitted it, and which.
    pub server: Option<(String, u16)>,
    /// What it casts.
    pub vote: VoteWord,
    /// Why.
    pub reason: VoteReason,
    /// The ring it votes in.
    pub ring: RingId,
    /// The latest result of its heuristics.
    pub heuristics: HeuristicsWord,
    /// What votequorum says of its partition.
    pub quorum: QuorumWord,
}

impl Default for DevicePicture {
    fn default() -> Self {
        Self {
            server: None,
            vote: VoteWord::None,
            reason: VoteReason::NoServer,
            ring: RingId::default(),
            heuristics: HeuristicsWord::Undefined,
            quorum: QuorumWord::Inquorate,
        }
    }
}

impl ServerPicture {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::ClusterAppeared {
                cluster,
                algorithm,
                tie_breaker,
            } => {
                let new = ClusterPicture {
                    algorithm: *algorithm,
                    tie_breaker: *tie_breaker,
                    chosen: Vec::new(),
                    reason: VoteReason::Unsettled,
                    nodes: BTreeMap::new(),
                };
                self.clusters.insert(cluster.clone(), new);
            }
            Event::ClusterGone { cluster } => {
                self.clusters.remove(cluster);
            }
            Event::PartitionChosen {
                cluster,
                nodes,
                reason,
            } => {
                if let Some(cluster) = self.clusters.get_mut(cluster) {
                    cluster.chosen.clone_from(nodes);
                    cluster.reason = *reason;
                }
            }
            Event::NodeConnected {
                cluster,
                node,
                address,
                protection,
            } => {
                if let Some(cluster) = self.clusters.get_mut(cluster) {
                    let new = NodePicture::new(address.clone(), *protection);
                    cluster.nodes.insert(*node, Box::new(new));
                }
            }
            Event::NodeDisconnected { cluster, node, .. } => {
                if let Some(cluster) = self.clusters.get_mut(cluster) {
                    cluster.nodes.remove(node);
                }
            }
            Event::VoteChanged { .. }
            | Event::MembershipReported { .. }
            | Event::ConfigurationReported { .. }
            | Event::HeuristicsChanged { .. } => {
                if let Some(node) = self.subject_mut(event) {
                    node.apply(event);
                }
            }
            Event::ClientRejected { .. }
            | Event::ServerConnected { .. }
            | Event::ServerDisconnected { .. }
            | Event::ServerUnavailable { .. }
            | Event::QuorumChanged { .. }
            | Event::CertificateExpiring { .. }
            | Event::CertificatesReloaded { .. }
            | Event::CertificatesKept { .. } => {}
        }
    }

    /// A connected node.
    #[must_use]
    pub fn node(&self, cluster: &ClusterName, node: NodeId) -> Option<&NodePicture> {
        let nodes = &self.clusters.get(cluster)?.nodes;
        nodes.get(&node).map(Box::as_ref)
    }

    fn subject_mut(&mut self, event: &Event) -> Option<&mut NodePicture> {
        let cluster = self.clusters.get_mut(event.cluster()?)?;
        cluster.nodes.get_mut(&event.node()?).map(Box::as_mut)
    }
}

impl NodePicture {
    const fn new(address: String, protection: ProtectionWord) -> Self {
        Self {
            address,
            protection,
            ring: RingId::new(0, 0),
            configured: Vec::new(),
            membership: Vec::new(),
            heuristics: HeuristicsWord::Undefined,
            vote: VoteWord::None,
        }
    }

    fn apply(&mut self, event: &Event) {
        if let Event::VoteChanged { new, .. } = event {
            self.vote = *new;
        }
        if let Event::MembershipReported {
            ring, membership, ..
        } = event
        {
            self.ring = *ring;
            self.membership.clone_from(membership);
        }
        if let Event::ConfigurationReported { configured, .. } = event {
            self.configured.clone_from(configured);
        }
        if let Event::HeuristicsChanged { new, .. } = event {
            self.heuristics = *new;
        }
    }
}

impl DevicePicture {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::VoteChanged {
                new, reason, ring, ..
            } => {
                self.vote = *new;
                self.reason = *reason;
                self.ring = *ring;
            }
            Event::HeuristicsChanged { new, .. } => self.heuristics = *new,
            Event::QuorumChanged { new, .. } => self.quorum = *new,
            Event::ServerConnected { host, port } => self.server = Some((host.clone(), *port)),
            Event::ServerDisconnected { .. } => self.server = None,
            Event::MembershipReported { ring, .. } => self.ring = *ring,
            Event::ConfigurationReported { .. }
            | Event::PartitionChosen { .. }
            | Event::ClusterAppeared { .. }
            | Event::ClusterGone { .. }
            | Event::NodeConnected { .. }
            | Event::NodeDisconnected { .. }
            | Event::ClientRejected { .. }
            | Event::ServerUnavailable { .. }
            | Event::CertificateExpiring { .. }
            | Event::CertificatesReloaded { .. }
            | Event::CertificatesKept { .. } => {}
        }
    }
}
