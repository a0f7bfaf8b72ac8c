use super::{Heading, Moment};
use crate::base::{Heuristics, NodeId, RingId, Vote};
use crate::vote::Finding;
use serde::{Deserialize, Serialize};

/// `corosync-qnetd-tool --history --json`: what was decided about a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// The cluster.
    pub cluster: String,
    /// Whether one of its nodes is connected.
    pub connected: bool,
    /// The last decisions, the oldest first. There may have been more.
    pub decisions: Vec<Decision>,
}

/// One decision with all it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number; grows by one with every decision of the server.
    pub sequence: u64,
    /// When it was made.
    pub at_ms: Moment,
    /// What it followed.
    pub trigger: Trigger,
    /// The node that sent the report, confirmed its vote or left.
    pub node: Option<NodeId>,
    /// The connected nodes as they were then.
    pub inputs: Vec<Input>,
    /// What the arbiter saw, and the rule that decided.
    pub finding: Finding,
    /// What the sender was answered.
    pub reply: Option<Vote>,
    /// Who was told what, in this order.
    pub told: Vec<Told>,
}

/// What a decision follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A node has sent its configured nodes.
    Config,
    /// A node has sent its membership.
    Membership,
    /// A node has sent what votequorum knows.
    Quorum,
    /// The heuristics of a node have a new result.
    Heuristics,
    /// A node asks for its vote.
    Question,
    /// A node has confirmed what it was told.
    Confirmed,
    /// A node has left.
    Left,
    /// Nothing but time has passed.
    Time,
}

impl Trigger {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Config,
        Self::Membership,
        Self::Quorum,
        Self::Heuristics,
        Self::Question,
        Self::Confirmed,
        Self::Left,
        Self::Time,
    ];
}

/// What a node had reported when a decision was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Input {
    /// Its id.
    pub node: NodeId,
    /// Its ring.
    pub ring: RingId,
    /// The nodes of its ring.
    pub membership: Box<[NodeId]>,
    /// How many nodes it is configured with.
    pub configured: u32,
    /// Its heuristics.
    pub heuristics: Heuristics,
    /// Whether it wants an active half to stay active.
    pub keep_active_partition: bool,
}

/// A vote that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Told {
    /// To whom.
    pub node: NodeId,
    /// Which.
    pub vote: Vote,
    /// For which ring.
    pub ring: RingId,
}
