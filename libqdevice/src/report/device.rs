use super::{Certificate, ConfiguredNode, Heading, Moment, Protection};
use crate::base::{
    Algorithm, Heuristics, NodeId, NodeState, RingId, TieBreaker, TlsSupport, Vote, VoteReason,
};
use serde::{Deserialize, Serialize};

/// `corosync-qdevice-tool -s --json`: the node, its server and its vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// This node.
    pub node: NodeId,
    /// Its cluster; bytes that are no UTF-8 are replaced.
    pub cluster: String,
    /// How long votequorum keeps a vote.
    pub timeout_ms: u64,
    /// The same while a membership is formed.
    pub sync_timeout_ms: u64,
    /// The version of the configuration.
    pub configuration_version: Option<u64>,
    /// The configured nodes.
    pub configured: Vec<ConfiguredNode>,
    /// The ring of the membership; `null` before corosync has told one.
    pub ring: Option<RingId>,
    /// Its nodes.
    pub membership: Vec<NodeId>,
    /// Whether votequorum says that this partition may go on.
    pub quorate: bool,
    /// What votequorum said of the nodes it knows.
    pub quorum_nodes: Vec<QuorumNode>,
    /// The votes votequorum expects.
    pub expected_votes: u32,
    /// The server that is configured.
    pub server: ServerChoice,
    /// The connection to it.
    pub link: LinkReport,
    /// The vote of this device.
    pub cast: CastReport,
    /// The heuristics.
    pub heuristics: HeuristicsReport,
    /// The certificates this node depends on.
    pub certificates: Vec<Certificate>,
    /// What the vote became and why, the oldest first. There may have been more.
    pub history: Vec<VoteChange>,
}

/// What votequorum said of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumNode {
    /// Its id.
    pub id: NodeId,
    /// Its state.
    pub state: Option<NodeState>,
}

/// The server as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerChoice {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How this node stands to TLS.
    pub tls: TlsSupport,
    /// How it is to decide.
    pub algorithm: Algorithm,
    /// Who wins between equals.
    pub tie_breaker: TieBreaker,
    /// Whether an active half shall stay active between equals.
    pub keep_active_partition: bool,
    /// How long an attempt to connect may take.
    pub connect_timeout_ms: u64,
    /// How often it hears of this node.
    pub heartbeat_ms: u64,
}

/// The connection to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// How far it has come.
    pub state: ConnectionState,
    /// How it is protected, while it is connected.
    pub protection: Option<Protection>,
    /// Since when.
    pub connected_at_ms: Option<Moment>,
    /// When the server answered an echo last.
    pub echo_reply_at_ms: Option<Moment>,
    /// When the vote will be withdrawn unless the server answers before.
    pub lease_ends_at_ms: Option<Moment>,
    /// How often the server has admitted this node since the daemon was started.
    pub connects: u64,
}

/// How far the connection to the server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// There is none; the next attempt waits a moment.
    Disconnected,
    /// It is being made.
    Connecting,
    /// No address could be reached; the next attempt comes when the connect timeout is over.
    ConnectFailed,
    /// The server's votes count.
    Connected,
}

/// The vote of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastReport {
    /// The vote in force.
    pub vote: Vote,
    /// Whether it is cast again and again.
    pub active: bool,
    /// How often.
    pub interval_ms: u64,
    /// When votequorum was told last.
    pub last_poll_at_ms: Option<Moment>,
    /// Whether that was a vote for this partition.
    pub last_poll_for: Option<bool>,
}

/// The heuristics of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeuristicsReport {
    /// `off`, `sync` or `on`.
    pub mode: HeuristicsWhen,
    /// The result that counts.
    pub latest: Heuristics,
    /// The last regular one.
    pub regular: Heuristics,
    /// With the last membership.
    pub membership: Heuristics,
    /// With the last connection.
    pub connect: Heuristics,
}

/// When heuristics run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeuristicsWhen {
    /// Never.
    Off,
    /// With memberships and connections.
    Sync,
    /// From time to time, too.
    On,
}

/// A change of the vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteChange {
    /// Its number; grows by one with every change.
    pub sequence: u64,
    /// When.
    pub at_ms: Moment,
    /// The vote until then.
    pub old: Vote,
    /// The vote from then on.
    pub new: Vote,
    /// The ring it was for.
    pub ring: Option<RingId>,
    /// Why: a word that D-Bus and the hooks have too.
    pub reason: VoteReason,
}

/// `corosync-qdevice-tool --heuristics --json`: the last run of the commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeuristicsRun {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// Its number; `null` if none has run.
    pub run: Option<u32>,
    /// When it was over.
    pub ended_at_ms: Option<Moment>,
    /// Its result.
    pub result: Heuristics,
    /// The commands in the order of their names.
    pub commands: Vec<CommandResult>,
}

/// How a command has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The name behind `exec_`.
    pub name: String,
    /// Whether it speaks for this node.
    pub pass: bool,
    /// How it ended.
    pub end: CommandEnd,
    /// The status, if it ended with one.
    pub status: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it was not started.
    pub error: Option<String>,
    /// From its start to its end, or to the end of the run.
    pub took_ms: u64,
    /// The last lines it wrote to stderr.
    pub stderr: Vec<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandEnd {
    /// With a status.
    Exited,
    /// By a signal.
    Killed,
    /// It was not started.
    NotStarted,
    /// Not before the run was over.
    Unfinished,
}

/// `corosync-qdevice-tool --quorum --json`: what votequorum itself says, as corosync-quorumtool shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumView {
    /// What every answer begins with.
    #[serde(flatten)]
    pub heading: Heading,
    /// This node.
    pub node: NodeId,
    /// Whether this partition may go on.
    pub quorate: bool,
    /// Votes expected.
    pub expected_votes: u32,
    /// The highest number of votes that was expected.
    pub highest_expected: u32,
    /// Votes there are.
    pub total_votes: u32,
    /// Votes needed.
    pub quorum: u32,
    /// What votequorum says of this cluster: `quorate`, `two-node`, `wait-for-all`, `qdevice` and so on.
    pub flags: Vec<String>,
    /// The nodes votequorum knows.
    pub nodes: Vec<VoterReport>,
    /// The votes of the device, as far as they count.
    pub device_votes: u32,
}

/// What votequorum says of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoterReport {
    /// Its id.
    pub id: NodeId,
    /// Its state.
    pub state: NodeState,
    /// Its votes.
    pub votes: u32,
    /// Its device: `registered`, `alive`, `cast-vote`, `master-wins`.
    pub device: Vec<String>,
}
