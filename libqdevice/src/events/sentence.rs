//! Events as plain sentences, for hooks that mail them and for the live view.

use super::{Event, VoteWord};
use crate::base::NodeId;
use std::fmt;

impl fmt::Display for Event {
    #[expect(clippy::too_many_lines, reason = "a sentence for each event")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VoteChanged {
                cluster,
                node,
                old,
                new,
                ring,
                reason,
                ..
            } => write!(
                f,
                "Node {node} of cluster {cluster} {} (vote {} instead of {}, ring {ring}, {})",
                meaning(*new),
                new.as_str(),
                old.as_str(),
                reason.as_str()
            ),
            Self::PartitionChosen {
                cluster,
                nodes,
                reason,
            } if nodes.is_empty() => {
                let reason = reason.as_str();
                write!(
                    f,
                    "No partition of cluster {cluster} gets the vote ({reason})"
                )
            }
            Self::PartitionChosen {
                cluster,
                nodes,
                reason,
            } => write!(
                f,
                "Partition {} of cluster {cluster} gets the vote ({})",
                ids(nodes),
                reason.as_str()
            ),
            Self::ClusterAppeared { cluster, .. } => write!(f, "Cluster {cluster} has appeared"),
            Self::ClusterGone { cluster } => {
                write!(f, "The last node of cluster {cluster} is gone")
            }
            Self::NodeConnected {
                cluster,
                node,
                address,
                protection,
            } => write!(
                f,
                "Node {node} of cluster {cluster} has connected from {address} ({})",
                protection.as_str()
            ),
            Self::NodeDisconnected {
                cluster,
                node,
                address,
                reason,
            } => write!(
                f,
                "Node {node} of cluster {cluster} at {address} is gone ({})",
                reason.as_str()
            ),
            Self::MembershipReported {
                cluster,
                node,
                ring,
                membership,
            } => write!(
                f,
                "Node {node} of cluster {cluster} is in ring {ring} with nodes {}",
                ids(membership)
            ),
            Self::ConfigurationReported {
                cluster,
                node,
                configured,
            } => write!(
                f,
                "Node {node} of cluster {cluster} is configured with nodes {}",
                ids(configured)
            ),
            Self::HeuristicsChanged {
                cluster,
                node,
                old,
                new,
            } => write!(
                f,
                "The heuristics of node {node} of cluster {cluster} have the result {} instead of {}",
                new.as_str(),
                old.as_str()
            ),
            Self::ClientRejected {
                address,
                cluster,
                text,
                ..
            } => {
                write!(f, "Client {address}")?;
                if let Some(cluster) = cluster {
                    write!(f, " of cluster {cluster}")?;
                }
                write!(f, " was not admitted: {text}")
            }
            Self::ServerConnected { host, port } => {
                write!(f, "The server {host}:{port} has admitted this node")
            }
            Self::ServerDisconnected { text, .. } => {
                write!(f, "This node has lost its server: {text}")
            }
            Self::ServerUnavailable { text, .. } => write!(f, "This node has no server: {text}"),
            Self::QuorumChanged {
                cluster, node, new, ..
            } => write!(
                f,
                "The partition of node {node} of cluster {cluster} is {}",
                new.as_str()
            ),
            Self::CertificateExpiring { text, .. } => f.write_str(text),
            Self::CertificatesReloaded { directory } => {
                write!(f, "Certificates were loaded again from {directory}")
            }
            Self::CertificatesKept { text, .. } => {
                write!(f, "Certificates stay as they were: {text}")
            }
        }
    }
}

const fn meaning(vote: VoteWord) -> &'static str {
    match vote {
        VoteWord::Ack => "has the vote",
        VoteWord::Nack => "does not have the vote",
        VoteWord::AskLater | VoteWord::WaitForReply => "waits for a decision",
        VoteWord::None => "is told nothing",
    }
}

fn ids(nodes: &[NodeId]) -> String {
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    nodes.join(", ")
}
