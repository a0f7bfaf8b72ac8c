use super::NodeId;
use serde::{Deserialize, Serialize};

/// Who gets the vote when both halves are equal: `quorum.device.net.tie_breaker`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(tag = "rule", content = "node", rename_all = "kebab-case")]
pub enum TieBreaker {
    /// The half with the lowest node id.
    #[default]
    Lowest,
    /// The half with the highest node id.
    Highest,
    /// The half with this node.
    Node(NodeId),
}

/// Whether the half that has the vote keeps it when both halves are equal:
/// `quorum.device.net.keep_active_partition_tie_breaker`, "KAP" for short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum KeepActivePartition {
    /// The tie-breaker alone decides.
    #[default]
    Disabled,
    /// The half that was active before wins, then the tie-breaker decides.
    Enabled,
}
