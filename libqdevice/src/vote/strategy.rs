use super::ffsplit::strategy as ffsplit;
use super::lms::strategy as lms;
use crate::base::{Algorithm, NodeId, NodeList, Quorate, Vote};
use std::collections::BTreeMap;

/// The client half of a decision algorithm: what a node does on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strategy(Algorithm);

/// `quorum.wait_for_all`: whether a partition that lost quorum waits for every node before it is
/// quorate again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum WaitForAll {
    /// It does not.
    #[default]
    No,
    /// It does.
    Yes,
}

/// Whether a node connects again after the server or its configuration gave reason to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Persistence {
    /// Only after faults that may pass by themselves.
    Reasonable,
    /// After every fault of the connection or the server.
    Always,
}

impl Strategy {
    /// The client half of `algorithm`.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Self {
        Self(algorithm)
    }

    /// The algorithm this is the client half of.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        self.0
    }

    /// Whether the configuration allows the algorithm: asked once, before anything else.
    pub const fn check_configuration(self, device_votes: Option<u32>) -> Result<(), StrategyFault> {
        match self.0 {
            Algorithm::FfSplit => ffsplit::check_configuration(device_votes),
            Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => Ok(()),
        }
    }

    /// Whether votequorum counts votes in a way that suits the algorithm: asked at the start and
    /// whenever the configured nodes or the expected votes have changed.
    pub fn check_votes(self, nodes: &NodeList, facts: &VoteFacts) -> Result<(), StrategyFault> {
        match self.0 {
            Algorithm::FfSplit => ffsplit::check_votes(nodes, facts),
            Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => Ok(()),
        }
    }

    /// What to cast when the server is lost.
    ///
    /// 2nodelms gives the vote back, unlike C: the server gives it to the other node as soon as it
    /// misses this one. The algorithm for tests keeps what it has, as in C.
    #[must_use]
    pub const fn vote_when_disconnected(self, quorate: Quorate, wait_for_all: WaitForAll) -> Vote {
        match self.0 {
            Algorithm::Test => Vote::NoChange,
            Algorithm::FfSplit => ffsplit::vote_when_disconnected(),
            Algorithm::TwoNodeLms => Vote::Nack,
            Algorithm::Lms => lms::vote_when_disconnected(quorate, wait_for_all),
        }
    }

    /// Whether the server is tried again whatever went wrong with it. [C: lms sets `try_reconnect`]
    #[must_use]
    pub const fn persistence(self) -> Persistence {
        match self.0 {
            Algorithm::Lms => Persistence::Always,
            Algorithm::Test | Algorithm::FfSplit | Algorithm::TwoNodeLms => Persistence::Reasonable,
        }
    }
}

/// How many votes votequorum gives a node and its device. [C: `struct votequorum_info`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeVotes {
    /// The node's own votes.
    pub node_votes: u32,
    /// The votes of the device.
    pub qdevice_votes: u32,
}

/// What `votequorum_getinfo` said about the configured nodes. A node that it does not know
/// (`CS_ERR_NOT_EXIST`) has no entry; any other failure is the name of the error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct VoteFacts(BTreeMap<NodeId, Result<NodeVotes, String>>);

impl VoteFacts {
    /// What was said about `node`.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<&Result<NodeVotes, String>> {
        self.0.get(&node)
    }
}

impl FromIterator<(NodeId, Result<NodeVotes, String>)> for VoteFacts {
    fn from_iter<I: IntoIterator<Item = (NodeId, Result<NodeVotes, String>)>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
    }
}

/// Why an algorithm cannot work with this cluster; the text is the log line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StrategyFault {
    /// `quorum.device.votes` is not 1.
    #[error(
        "50:50 split algorithm works only if quorum.device.votes configuration key is set to 1!"
    )]
    ConfiguredVotes,
    /// A node has another number of votes than 1.
    #[error(
        "50:50 split algorithm works only if all nodes have exactly 1 vote. \
         Node {node} has {votes} votes!"
    )]
    NodeVotes {
        /// Which.
        node: NodeId,
        /// How many.
        votes: u32,
    },
    /// The device has another number of votes than 1.
    #[error(
        "50:50 split algorithm works only if qdevice has exactly 1 vote. \
         Node {node} has {votes} votes!"
    )]
    DeviceVotes {
        /// On which node.
        node: NodeId,
        /// How many.
        votes: u32,
    },
    /// votequorum does not tell.
    #[error("Can't get votequorum information for node {node}. Error {error}")]
    NoVotes {
        /// About which node.
        node: NodeId,
        /// The name of the error.
        error: String,
    },
}
