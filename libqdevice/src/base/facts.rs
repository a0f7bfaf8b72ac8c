use super::{ClusterName, NodeId, RingId};

/// What a line of the log is about, beyond its words: the fields that it has in the journal.
///
/// docs/journal.md has their names there and what they may say. What does not apply is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The cluster.
    pub cluster: Option<&'a ClusterName>,
    /// The node in it.
    pub node: Option<NodeId>,
    /// The other end of the connection: `address:port`.
    pub peer: Option<&'a str>,
    /// The ring that a vote or a report is for.
    pub ring: Option<RingId>,
    /// The word for a vote.
    pub vote: Option<&'static str>,
    /// The word for a result of heuristics.
    pub heuristics: Option<&'static str>,
    /// The word for why it happened.
    pub reason: Option<&'static str>,
    /// The hook or the heuristics command.
    pub program: Option<&'a str>,
    /// What tells it from others with the same reason when they are counted; it has no field.
    pub detail: Option<&'a str>,
    /// What becomes of the line when it comes again and again.
    pub repeats: Repeats,
}

/// What becomes of lines that repeat themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Each is written: votes, and whatever changes.
    #[default]
    Written,
    /// The first is written, others with the same reason, cluster, node, address and program only counted
    /// for a while: failures that others can bring about as often as they like.
    Counted,
}
