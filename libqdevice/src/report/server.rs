use super::{Heading, Moment};
use crate::base::{
    Algorithm, ClusterName, Heuristics, NodeId, RingId, TieBreaker, TlsSupport, Vote,
};
use crate::vote::Finding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `corosync-qnetd-tool -s --json`: the server itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerReport {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// Since when it serves.
    pub started_at_ms: Moment,
    /// Where it listens: `host:port`, `*` for any host.
    pub listen: String,
    /// How it stands to TLS.
    pub tls: TlsSupport,
    /// Whether clients that use TLS have to show the certificate of their cluster.
    pub client_certificate_required: bool,
    /// Its connections.
    pub clients: Clients,
    /// How many clusters are connected.
    pub clusters: u64,
    /// Longest message of a client, in bytes.
    pub max_receive_bytes: u64,
    /// Longest message to a client, in bytes.
    pub max_send_bytes: u64,
    /// How long this question waited until the server looked at it: what a vote would wait.
    pub event_loop_lag_ms: u64,
    /// Clients refused for what they showed or did not show, by reason.
    pub auth_failures: BTreeMap<String, u64>,
    /// Connections closed because there were too many.
    pub too_many_clients: u64,
    /// How many certificates are revoked.
    pub revoked_certificates: u64,
    /// The certificates the server depends on.
    pub certificates: Vec<Certificate>,
}

/// Connections by how they are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Clients {
    /// All of them.
    pub connected: u64,
    /// How many there may be, if that is limited.
    pub maximum: Option<u64>,
    /// Those that are no member of a cluster yet.
    pub not_admitted: u64,
    /// Members by TLS, their certificate verified.
    pub verified: u64,
    /// Members by TLS, of whom no certificate was asked.
    pub encrypted: u64,
    /// Members without TLS.
    pub plain: u64,
}

/// A certificate that a daemon depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// When it ends.
    pub not_after_ms: Moment,
}

/// `corosync-qnetd-tool -l --json`: the clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterList {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// The connected clusters in the order in which they came up. Each is as it was at one moment, all
    /// of them within the time the answer took.
    pub clusters: Vec<ClusterReport>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// Its name; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// The bytes of the name in hexadecimal, if they are no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// How it decides.
    pub algorithm: Algorithm,
    /// Who wins between equals.
    pub tie_breaker: TieBreaker,
    /// Whether an active half stays active between equals.
    pub keep_active_partition: bool,
    /// What the arbiter saw when it looked last.
    pub finding: Finding,
    /// Whom those wait for who deserve the vote, although nobody is left to confirm.
    pub waits_for: Option<WaitsFor>,
    /// The number of the last decision; 0 when none was kept.
    pub last_decision: u64,
    /// What was sent to its nodes and why they went, since the server keeps the cluster in mind.
    pub counts: Counts,
    /// The connected nodes, by id.
    pub nodes: Vec<NodeReport>,
}

/// A node that is gone and may still cast the vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsFor {
    /// Its id.
    pub node: NodeId,
    /// And for how long.
    pub until_ms: Moment,
}

/// What has happened in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Votes pushed or answered.
    pub votes_sent: VotesSent,
    /// Connections that ended, by reason.
    pub disconnects: Disconnects,
}

/// How often something was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VotesSent {
    /// The vote is yours.
    pub ack: u64,
    /// The vote is not yours.
    pub nack: u64,
}

/// How often connections ended, by reason: `closed`, `silent`, `send-failed`, `no-tls`,
/// `no-certificate`, `wrong-certificate`, `revoked`, `tls-failed`, `asked`.
pub type Disconnects = BTreeMap<String, u64>;

/// One connected node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its id.
    pub id: NodeId,
    /// Where it comes from: `address:port`.
    pub address: String,
    /// How its connection is protected.
    pub protection: Protection,
    /// Since when it is connected.
    pub connected_at_ms: Moment,
    /// When it was heard last.
    pub last_heard_at_ms: Moment,
    /// How often it sends at least an echo request.
    pub heartbeat_ms: u64,
    /// The version of its configuration.
    pub configuration_version: Option<u64>,
    /// The nodes it is configured with.
    pub configured: Vec<ConfiguredNode>,
    /// Its ring.
    pub ring: RingId,
    /// The nodes of its ring.
    pub membership: Vec<NodeId>,
    /// The results of its heuristics.
    pub heuristics: HeuristicsResults,
    /// What it was told last.
    pub vote: Option<Vote>,
    /// The last of these that was ACK or NACK.
    pub ruling: Option<Vote>,
    /// Whether it may be casting the vote now, as far as the algorithm keeps it from others.
    pub may_cast: bool,
}

/// An entry of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredNode {
    /// Its id.
    pub id: NodeId,
    /// The data centre it stands in; 0 if that is not said.
    pub data_center: u32,
}

/// The heuristics of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeuristicsResults {
    /// The one that counts.
    pub latest: Heuristics,
    /// With the last membership.
    pub membership: Heuristics,
    /// The last change between memberships.
    pub regular: Heuristics,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Not at all.
    Plain,
    /// By TLS, with anybody.
    Encrypted,
    /// By TLS, and the certificate of the cluster was verified.
    Verified,
}

impl ClusterReport {
    /// The name and, if it is no UTF-8, its bytes.
    #[must_use]
    pub fn name_of(name: &ClusterName) -> (String, Option<String>) {
        let bytes = name.as_bytes();
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (text.to_owned(), None);
        }
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = String::from_utf8_lossy(bytes).into_owned();
        (name, Some(digits.concat()))
    }
}
