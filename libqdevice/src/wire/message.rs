//! The messages, each with the options it can carry.
//!
//! The payloads mirror the wire: an option a peer may leave out is an `Option` here, and whoever needs
//! it says what its absence earns. `seq` is the sequence number, the option that nearly all carry.

use super::code::{LeaseNews, MsgType, NodeListKind, Numbered as _};
use crate::base::{
    Algorithm, ClusterName, Heuristics, KeepActivePartition, Millis, NodeId, NodeList, Quorate,
    RingId, TieBreaker, TlsSupport, Vote,
};

/// One message of the protocol, of either direction. [C: msg.h]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are documented at `MsgType`")]
pub enum Message {
    PreInit(PreInit),
    PreInitReply(PreInitReply),
    StartTls(Plain),
    Init(Init),
    InitReply(InitReply),
    ServerError(ServerError),
    SetOption(Options),
    SetOptionReply(Options),
    EchoRequest(Echo),
    EchoReply(Echo),
    NodeList(NodeListReport),
    NodeListReply(NodeListReply),
    AskForVote(Plain),
    AskForVoteReply(VoteReply),
    VoteInfo(VoteReply),
    VoteInfoReply(Plain),
    HeuristicsChange(HeuristicsReport),
    HeuristicsChangeReply(HeuristicsReply),
}

/// A message that says nothing but its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Plain {
    /// Sequence number.
    pub seq: Option<u32>,
}

/// The first message of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PreInit {
    /// Sequence number.
    pub seq: Option<u32>,
    /// The cluster the client belongs to; required.
    pub cluster: Option<ClusterName>,
}

impl PreInit {
    /// The greeting of a node of this cluster.
    #[must_use]
    pub fn new(seq: u32, cluster: impl Into<ClusterName>) -> Self {
        Self {
            seq: Some(seq),
            cluster: Some(cluster.into()),
        }
    }
}

/// How the server stands to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PreInitReply {
    /// Sequence number of the request.
    pub seq: Option<u32>,
    /// TLS or plain text.
    pub tls: Option<TlsSupport>,
    /// Whether the server wants a client certificate: 0 for no, anything else for yes.
    pub client_cert_required: Option<u8>,
}

/// A client asks to be admitted to its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Init {
    /// Sequence number.
    pub seq: Option<u32>,
    /// Message types the client knows; asks the server to list its own.
    pub supported_messages: Option<Vec<u16>>,
    /// Options the client knows; asks the server to list its own.
    pub supported_options: Option<Vec<u16>>,
    /// The client's node id; required.
    pub node: Option<NodeId>,
    /// Number of the decision algorithm; required. [`Numbered`](super::algorithm_of) gives its meaning.
    pub algorithm: Option<u16>,
    /// How often the client will send an echo request; required.
    pub heartbeat: Option<Millis>,
    /// Who wins between equal halves; required.
    pub tie_breaker: Option<TieBreaker>,
    /// The ring the client is in; required.
    pub ring: Option<RingId>,
}

impl Init {
    /// A node of an ffsplit cluster for which nothing else is configured: ties go to the lowest node id, a
    /// heartbeat comes every 8 seconds.
    #[must_use]
    pub fn ffsplit(seq: u32, node: NodeId, ring: RingId) -> Self {
        Self {
            seq: Some(seq),
            node: Some(node),
            algorithm: Some(Algorithm::FfSplit.to_number()),
            heartbeat: Some(Millis(8000)),
            tie_breaker: Some(TieBreaker::Lowest),
            ring: Some(ring),
            ..Self::default()
        }
    }
}

/// The server's answer to [`Init`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct InitReply {
    /// Sequence number of the request.
    pub seq: Option<u32>,
    /// 0 when admitted, else a [`ReplyErrorCode`](super::ReplyErrorCode).
    pub error: Option<u16>,
    /// Message types the server knows.
    pub supported_messages: Option<Vec<u16>>,
    /// Options the server knows.
    pub supported_options: Option<Vec<u16>>,
    /// Longest request the server reads, in bytes with the header.
    pub max_request_size: Option<u32>,
    /// Longest reply the server sends, in bytes with the header.
    pub max_reply_size: Option<u32>,
    /// Numbers of the algorithms the server knows.
    pub supported_algorithms: Option<Vec<u16>>,
}

/// A request could not be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServerError {
    /// Sequence number of the request, as far as it could be read.
    pub seq: Option<u32>,
    /// A [`ReplyErrorCode`](super::ReplyErrorCode).
    pub error: Option<u16>,
}

/// Options a client changes, and the server's confirmation of just these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Options {
    /// Sequence number.
    pub seq: Option<u32>,
    /// New heartbeat interval.
    pub heartbeat: Option<Millis>,
    /// New keep-active-partition flag.
    pub keep_active_partition: Option<KeepActivePartition>,
    /// What becomes of the client's lease; only between programs that both list the option.
    pub lease: Option<LeaseNews>,
}

/// A heartbeat or its answer.
///
/// The answer is the request byte for byte, unknown options included, so the body is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Echo {
    seq: Option<u32>,
    body: Vec<u8>,
}

impl Echo {
    /// A heartbeat with a sequence number and nothing else.
    #[must_use]
    pub fn new(seq: u32) -> Self {
        let mut body = vec![0, 0, 0, 4];
        body.extend_from_slice(&seq.to_be_bytes());
        Self {
            seq: Some(seq),
            body,
        }
    }

    /// An echo as it was received: its body, and the sequence number found in it.
    #[must_use]
    pub const fn received(seq: Option<u32>, body: Vec<u8>) -> Self {
        Self { seq, body }
    }

    /// The sequence number, if one stands in the body.
    #[must_use]
    pub const fn seq(&self) -> Option<u32> {
        self.seq
    }

    /// Everything behind the message header.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A client reports one of its node lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct NodeListReport {
    /// Sequence number; required.
    pub seq: Option<u32>,
    /// Which list this is; required.
    pub kind: Option<NodeListKind>,
    /// The ring of a membership list; required there.
    pub ring: Option<RingId>,
    /// Version of the configuration, with configured lists.
    pub config_version: Option<u64>,
    /// Whether the partition is quorate; required in quorum lists.
    pub quorate: Option<Quorate>,
    /// The nodes.
    pub nodes: NodeList,
    /// Result of the heuristics, with membership lists; undefined is left out on the wire.
    pub heuristics: Heuristics,
}

impl NodeListReport {
    /// A list of this kind, without what only some kinds have.
    #[must_use]
    pub fn new(seq: u32, kind: NodeListKind, nodes: NodeList) -> Self {
        Self {
            seq: Some(seq),
            kind: Some(kind),
            nodes,
            ..Self::default()
        }
    }

    /// The nodes of a ring, without heuristics.
    #[must_use]
    pub fn membership(seq: u32, ring: RingId, nodes: NodeList) -> Self {
        Self {
            ring: Some(ring),
            ..Self::new(seq, NodeListKind::Membership, nodes)
        }
    }
}

/// The server's vote on a node list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NodeListReply {
    /// Sequence number of the request.
    pub seq: Option<u32>,
    /// Which list is answered.
    pub kind: Option<NodeListKind>,
    /// The ring the vote is for.
    pub ring: Option<RingId>,
    /// The vote.
    pub vote: Option<Vote>,
}

/// A vote: pushed by the server, or the answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VoteReply {
    /// Sequence number: the server's own for a pushed vote, else that of the request.
    pub seq: Option<u32>,
    /// The vote.
    pub vote: Option<Vote>,
    /// The ring the vote is for.
    pub ring: Option<RingId>,
}

/// A client's heuristics have a new result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HeuristicsReport {
    /// Sequence number; required.
    pub seq: Option<u32>,
    /// The result; required, so undefined means that it was left out.
    pub heuristics: Heuristics,
}

/// The server's vote on changed heuristics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HeuristicsReply {
    /// Sequence number of the request.
    pub seq: Option<u32>,
    /// The vote.
    pub vote: Option<Vote>,
    /// The ring the vote is for.
    pub ring: Option<RingId>,
    /// The result as received.
    pub heuristics: Heuristics,
}

impl Message {
    /// Its type.
    #[must_use]
    pub const fn msg_type(&self) -> MsgType {
        match self {
            Self::PreInit(_) => MsgType::PreInit,
            Self::PreInitReply(_) => MsgType::PreInitReply,
            Self::StartTls(_) => MsgType::StartTls,
            Self::Init(_) => MsgType::Init,
            Self::InitReply(_) => MsgType::InitReply,
            Self::ServerError(_) => MsgType::ServerError,
            Self::SetOption(_) => MsgType::SetOption,
            Self::SetOptionReply(_) => MsgType::SetOptionReply,
            Self::EchoRequest(_) => MsgType::EchoRequest,
            Self::EchoReply(_) => MsgType::EchoReply,
            Self::NodeList(_) => MsgType::NodeList,
            Self::NodeListReply(_) => MsgType::NodeListReply,
            Self::AskForVote(_) => MsgType::AskForVote,
            Self::AskForVoteReply(_) => MsgType::AskForVoteReply,
            Self::VoteInfo(_) => MsgType::VoteInfo,
            Self::VoteInfoReply(_) => MsgType::VoteInfoReply,
            Self::HeuristicsChange(_) => MsgType::HeuristicsChange,
            Self::HeuristicsChangeReply(_) => MsgType::HeuristicsChangeReply,
        }
    }

    /// Its sequence number, if it carries one.
    #[must_use]
    pub const fn seq(&self) -> Option<u32> {
        match self {
            Self::PreInit(m) => m.seq,
            Self::PreInitReply(m) => m.seq,
            Self::StartTls(m) | Self::AskForVote(m) | Self::VoteInfoReply(m) => m.seq,
            Self::Init(m) => m.seq,
            Self::InitReply(m) => m.seq,
            Self::ServerError(m) => m.seq,
            Self::SetOption(m) | Self::SetOptionReply(m) => m.seq,
            Self::EchoRequest(m) | Self::EchoReply(m) => m.seq(),
            Self::NodeList(m) => m.seq,
            Self::NodeListReply(m) => m.seq,
            Self::AskForVoteReply(m) | Self::VoteInfo(m) => m.seq,
            Self::HeuristicsChange(m) => m.seq,
            Self::HeuristicsChangeReply(m) => m.seq,
        }
    }
}
