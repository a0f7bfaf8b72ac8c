use super::Heading;
use crate::base::NodeId;
use crate::vote::Finding;
use serde::{Deserialize, Serialize};

/// `corosync-qnetd-tool --what-if --json`: what would be decided if a cluster were split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// The cluster.
    pub cluster: String,
    /// The parts it is split into.
    pub parts: Vec<Vec<NodeId>>,
    /// The nodes that do not reach the server.
    pub unreachable: Vec<NodeId>,
    /// The nodes that are in a part but not connected now; they are taken to be like the others.
    pub assumed: Vec<NodeId>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// What comes of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the arbiter would see, and the rule that would decide.
    pub finding: Finding,
    /// The nodes that would have the vote in the end.
    pub ack: Vec<NodeId>,
    /// The nodes that would be told that they do not have it.
    pub nack: Vec<NodeId>,
    /// The nodes that would be told nothing, or to wait.
    pub waiting: Vec<NodeId>,
}
