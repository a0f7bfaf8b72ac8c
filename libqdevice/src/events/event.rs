use super::{
    DisconnectReason, HeuristicsWord, ProtectionWord, QuorumWord, RejectReason, ServerLoss,
    VoteReason, VoteWord,
};
use crate::base::{Algorithm, ClusterName, NodeId, RingId, TieBreaker};
use serde::{Serialize, Serializer};

/// Something that has happened, as D-Bus, hooks and `--watch` tell it.
///
/// The names of events and fields are never given another meaning; new ones may come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// What a node was told about the vote has changed; on a node, what it casts.
    VoteChanged {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// Until now.
        old: VoteWord,
        /// From now on.
        new: VoteWord,
        /// The ring the vote is for.
        ring: RingId,
        /// Why.
        reason: VoteReason,
        /// The nodes of the partition that has the vote, or is to have it, as far as that is known here.
        winners: Vec<NodeId>,
    },
    /// The server has chosen another partition, or none.
    PartitionChosen {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The nodes of the partition, connected or not.
        nodes: Vec<NodeId>,
        /// Why this one.
        reason: VoteReason,
    },
    /// The first node of a cluster is connected.
    ClusterAppeared {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// How it decides.
        algorithm: Algorithm,
        /// Who wins between equals.
        tie_breaker: TieBreaker,
    },
    /// The last node of a cluster is gone.
    ClusterGone {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
    },
    /// A node is admitted to its cluster.
    NodeConnected {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// `address:port`.
        address: String,
        /// How its connection is protected.
        protection: ProtectionWord,
    },
    /// A node is gone.
    NodeDisconnected {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// `address:port`.
        address: String,
        /// Why.
        reason: DisconnectReason,
    },
    /// A node has reported its membership.
    MembershipReported {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// Its ring.
        ring: RingId,
        /// The nodes of its ring.
        membership: Vec<NodeId>,
    },
    /// A node has reported the nodes it is configured with.
    ConfigurationReported {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// The nodes.
        configured: Vec<NodeId>,
    },
    /// The heuristics of a node have another result.
    HeuristicsChanged {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// The node.
        node: NodeId,
        /// Until now.
        old: HeuristicsWord,
        /// From now on.
        new: HeuristicsWord,
    },
    /// A client was not admitted. Told once a second at most for each reason.
    ClientRejected {
        /// `address:port`.
        address: String,
        /// The cluster it has named.
        #[serde(serialize_with = "maybe_shown")]
        cluster: Option<ClusterName>,
        /// Why.
        reason: RejectReason,
        /// Why, in words.
        text: String,
    },
    /// The server has admitted this node.
    ServerConnected {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
    /// This node has lost its server.
    ServerDisconnected {
        /// Why.
        reason: ServerLoss,
        /// Why, in words.
        text: String,
    },
    /// The server cannot be had. Told once until there is one.
    ServerUnavailable {
        /// Why.
        reason: ServerLoss,
        /// Why, in words.
        text: String,
    },
    /// votequorum lets this partition go on, or not any more.
    QuorumChanged {
        /// The cluster.
        #[serde(serialize_with = "shown")]
        cluster: ClusterName,
        /// This node.
        node: NodeId,
        /// Until now.
        old: QuorumWord,
        /// From now on.
        new: QuorumWord,
    },
    /// A certificate ends soon, or has ended. Told once a day, and when the certificate is first seen.
    CertificateExpiring {
        /// Whose it is.
        subject: String,
        /// When it ends: seconds since 1970, UTC.
        not_after: i64,
        /// What is to be done, in words.
        text: String,
    },
    /// Certificates were loaded again.
    CertificatesReloaded {
        /// From where.
        directory: String,
    },
    /// Certificates could not be loaded again and stay as they were.
    CertificatesKept {
        /// From where they were to come.
        directory: String,
        /// Why, in words.
        text: String,
    },
}

impl Event {
    /// Its name: that of the JSON, of the hooks, and in `CamelCase` of the D-Bus signal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::VoteChanged { .. } => "vote-changed",
            Self::PartitionChosen { .. } => "partition-chosen",
            Self::ClusterAppeared { .. } => "cluster-appeared",
            Self::ClusterGone { .. } => "cluster-gone",
            Self::NodeConnected { .. } => "node-connected",
            Self::NodeDisconnected { .. } => "node-disconnected",
            Self::MembershipReported { .. } => "membership-reported",
            Self::ConfigurationReported { .. } => "configuration-reported",
            Self::HeuristicsChanged { .. } => "heuristics-changed",
            Self::ClientRejected { .. } => "client-rejected",
            Self::ServerConnected { .. } => "server-connected",
            Self::ServerDisconnected { .. } => "server-disconnected",
            Self::ServerUnavailable { .. } => "server-unavailable",
            Self::QuorumChanged { .. } => "quorum-changed",
            Self::CertificateExpiring { .. } => "certificate-expiring",
            Self::CertificatesReloaded { .. } => "certificates-reloaded",
            Self::CertificatesKept { .. } => "certificates-kept",
        }
    }

    /// Whether somebody may want to be told; the others only keep a picture up to date, and hooks are not
    /// run for them.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        !matches!(
            self,
            Self::MembershipReported { .. } | Self::ConfigurationReported { .. }
        )
    }

    /// The cluster it is about.
    #[must_use]
    pub const fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::VoteChanged { cluster, .. }
            | Self::PartitionChosen { cluster, .. }
            | Self::ClusterAppeared { cluster, .. }
            | Self::ClusterGone { cluster }
            | Self::NodeConnected { cluster, .. }
            | Self::NodeDisconnected { cluster, .. }
            | Self::MembershipReported { cluster, .. }
            | Self::ConfigurationReported { cluster, .. }
            | Self::HeuristicsChanged { cluster, .. }
            | Self::QuorumChanged { cluster, .. } => Some(cluster),
            Self::ClientRejected { cluster, .. } => cluster.as_ref(),
            Self::ServerConnected { .. }
            | Self::ServerDisconnected { .. }
            | Self::ServerUnavailable { .. }
            | Self::CertificateExpiring { .. }
            | Self::CertificatesReloaded { .. }
            | Self::CertificatesKept { .. } => None,
        }
    }

    /// The node it is about.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        match self {
            Self::VoteChanged { node, .. }
            | Self::NodeConnected { node, .. }
            | Self::NodeDisconnected { node, .. }
            | Self::MembershipReported { node, .. }
            | Self::ConfigurationReported { node, .. }
            | Self::HeuristicsChanged { node, .. }
            | Self::QuorumChanged { node, .. } => Some(*node),
            Self::PartitionChosen { .. }
            | Self::ClusterAppeared { .. }
            | Self::ClusterGone { .. }
            | Self::ClientRejected { .. }
            | Self::ServerConnected { .. }
            | Self::ServerDisconnected { .. }
            | Self::ServerUnavailable { .. }
            | Self::CertificateExpiring { .. }
            | Self::CertificatesReloaded { .. }
            | Self::CertificatesKept { .. } => None,
        }
    }

    /// What was before and what is now, where it tells of a change.
    #[must_use]
    pub const fn change(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::VoteChanged { old, new, .. } => Some((old.as_str(), new.as_str())),
            Self::HeuristicsChanged { old, new, .. } => Some((old.as_str(), new.as_str())),
            Self::QuorumChanged { old, new, .. } => Some((old.as_str(), new.as_str())),
            Self::PartitionChosen { .. }
            | Self::ClusterAppeared { .. }
            | Self::ClusterGone { .. }
            | Self::NodeConnected { .. }
            | Self::NodeDisconnected { .. }
            | Self::MembershipReported { .. }
            | Self::ConfigurationReported { .. }
            | Self::ClientRejected { .. }
            | Self::ServerConnected { .. }
            | Self::ServerDisconnected { .. }
            | Self::ServerUnavailable { .. }
            | Self::CertificateExpiring { .. }
            | Self::CertificatesReloaded { .. }
            | Self::CertificatesKept { .. } => None,
        }
    }

    /// Why it happened, where there is a word for it.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::VoteChanged { reason, .. } | Self::PartitionChosen { reason, .. } => {
                Some(reason.as_str())
            }
            Self::NodeDisconnected { reason, .. } => Some(reason.as_str()),
            Self::ClientRejected { reason, .. } => Some(reason.as_str()),
            Self::ServerDisconnected { reason, .. } | Self::ServerUnavailable { reason, .. } => {
                Some(reason.as_str())
            }
            Self::ClusterAppeared { .. }
            | Self::ClusterGone { .. }
            | Self::NodeConnected { .. }
            | Self::MembershipReported { .. }
            | Self::ConfigurationReported { .. }
            | Self::HeuristicsChanged { .. }
            | Self::ServerConnected { .. }
            | Self::QuorumChanged { .. }
            | Self::CertificateExpiring { .. }
            | Self::CertificatesReloaded { .. }
            | Self::CertificatesKept { .. } => None,
        }
    }

    /// The same in words, where there are any.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::ClientRejected { text, .. }
            | Self::ServerDisconnected { text, .. }
            | Self::ServerUnavailable { text, .. }
            | Self::CertificateExpiring { text, .. }
            | Self::CertificatesKept { text, .. } => Some(text),
            Self::VoteChanged { .. }
            | Self::PartitionChosen { .. }
            | Self::ClusterAppeared { .. }
            | Self::ClusterGone { .. }
            | Self::NodeConnected { .. }
            | Self::NodeDisconnected { .. }
            | Self::MembershipReported { .. }
            | Self::ConfigurationReported { .. }
            | Self::HeuristicsChanged { .. }
            | Self::ServerConnected { .. }
            | Self::QuorumChanged { .. }
            | Self::CertificatesReloaded { .. } => None,
        }
    }
}

fn shown<S: Serializer>(name: &ClusterName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

#[expect(clippy::ref_option, reason = "what serde asks for a function")]
fn maybe_shown<S: Serializer>(
    name: &Option<ClusterName>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match name {
        Some(name) => serializer.collect_str(name),
        None => serializer.serialize_none(),
    }
}
