use super::NodeId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one membership of a corosync cluster: who formed it, and a number that grows.
///
/// Two nodes that report the same ring id see the same membership.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RingId {
    /// The representative of the membership.
    pub node: NodeId,
    /// Its sequence number.
    pub seq: u64,
}

impl RingId {
    /// The ring that node `node` formed with sequence number `seq`.
    #[must_use]
    pub const fn new(node: u32, seq: u64) -> Self {
        Self {
            node: NodeId(node),
            seq,
        }
    }
}

impl fmt::Display for RingId {
    /// Lower-case hexadecimal without padding, as the status text shows it: `1.5b`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.node.0, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_prints_in_plain_hexadecimal() {
        assert_eq!(RingId::new(26, 0x5b).to_string(), "1a.5b");
    }
}
