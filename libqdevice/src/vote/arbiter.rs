use super::{Announcement, FfSplit, Grant, Members, View};
use crate::base::{Algorithm, NodeId, TieBreaker, Vote};
use std::collections::BTreeSet;

/// The server half of the algorithm a cluster has chosen, with all it remembers of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Arbiter {
    /// Fifty-fifty split.
    FfSplit(FfSplit),
}

/// What a node asks to be judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// It has sent its configured nodes.
    Config,
    /// It has sent the nodes of its ring.
    Membership,
    /// It has sent what votequorum knows.
    Quorum,
    /// Its heuristics have a new result.
    Heuristics,
    /// It asks for its vote.
    Question,
}

/// What follows from a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The answer to the sender.
    pub reply: Vote,
    /// What is pushed, in this order and before the answer.
    pub announce: Vec<Announcement>,
    /// What the algorithm saw.
    pub finding: Finding,
}

/// What an algorithm saw when it looked at a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Finding {
    /// It did not look: the event changes no vote.
    NotJudged,
    /// The nodes do not agree yet on who is with whom.
    Unsettled,
    /// No partition may have the vote.
    Nobody,
    /// One partition may have it.
    Partition {
        /// Its nodes, connected or not.
        nodes: BTreeSet<NodeId>,
        /// Why this one.
        reason: Reason,
    },
}

/// Why a partition was preferred to the next best one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no other.
    Alone,
    /// It is more than half of the cluster.
    Majority,
    /// More of its members are connected, or have better heuristics.
    Score,
    /// The scores are equal, but more of its members are connected.
    Connected,
    /// It had the vote before, and the nodes want it to keep it.
    Active,
    /// It has the node that the tie-breaker names.
    TieBreaker,
    /// It has the connected node with the lowest id; the tie-breaker names a node in no partition.
    LowestConnected,
}

/// Why an algorithm does not accept a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Objection {
    /// There is no node in the configuration.
    EmptyConfig,
    /// The sender is not in its own configuration.
    ConfigWithoutSender,
    /// There is no node in the membership.
    EmptyMembership,
    /// The sender is not in its own membership.
    MembershipWithoutSender,
    /// The algorithm has no use for such a message.
    Unsupported,
}

impl Verdict {
    /// An answer that changes nothing for anybody else.
    #[must_use]
    pub const fn only(reply: Vote) -> Self {
        Self {
            reply,
            announce: Vec::new(),
            finding: Finding::NotJudged,
        }
    }
}

impl Arbiter {
    /// Starts an algorithm for a new cluster; `None` if it has no server half yet.
    #[must_use]
    pub fn new(algorithm: Algorithm, tie_breaker: TieBreaker) -> Option<Self> {
        match algorithm {
            Algorithm::FfSplit => Some(Self::FfSplit(FfSplit::new(tie_breaker))),
            Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => None,
        }
    }

    /// Whether an algorithm has a server half.
    #[must_use]
    pub fn supports(algorithm: Algorithm) -> bool {
        Self::new(algorithm, TieBreaker::Lowest).is_some()
    }

    /// The algorithms that have a server half, by number.
    pub fn supported() -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL
            .into_iter()
            .filter(|&algorithm| Self::supports(algorithm))
    }

    /// Judges a report of the view's subject, which is not stored yet.
    ///
    /// # Errors
    ///
    /// The report is not accepted: nothing has changed, and it is not to be stored.
    pub fn judge(&mut self, occasion: Occasion, view: View<'_>) -> Result<Verdict, Objection> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.judge(occasion, view),
        }
    }

    /// A node has confirmed an announcement.
    pub fn confirm(&mut self, node: NodeId, seq: u32, stored: &Members) -> Vec<Announcement> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.confirm(node, seq, stored),
        }
    }

    /// The view's subject has left. There is nobody to answer, so the reply means nothing.
    pub fn leave(&mut self, view: View<'_>) -> Verdict {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.leave(view),
        }
    }

    /// Who may be casting the vote.
    #[must_use]
    pub fn grants(&self) -> Vec<(NodeId, Grant)> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.grants(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_algorithms_with_a_server_half_are_supported() {
        assert_eq!(
            Arbiter::supported().collect::<Vec<_>>(),
            [Algorithm::FfSplit]
        );
    }
}
