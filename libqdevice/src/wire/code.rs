//! The numbers of the protocol and the closed enums they stand for. [C: msg.h, tlv.h]
//!
//! On the wire every one of them is open: a peer may send a number nobody knows yet. The conversions
//! here are therefore partial in one direction and total in the other.

use crate::base::{Algorithm, KeepActivePartition, NodeState, Quorate, TlsSupport, Vote};

/// Declares a closed enum together with its numbers on the wire.
macro_rules! numbered {
    ($(#[$meta:meta])* $vis:vis enum $name:ident: $raw:ty {
        $($(#[$doc:meta])* $variant:ident = $number:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> $raw {
                match self { $(Self::$variant => $number),+ }
            }

            /// The meaning of a number, if it has one.
            #[must_use]
            pub const fn from_number(number: $raw) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// What a message is.
    pub enum MsgType: u16 {
        /// Client names its cluster.
        PreInit = 0,
        /// Server says how it stands to TLS.
        PreInitReply = 1,
        /// Client asks for TLS; the next byte is TLS.
        StartTls = 2,
        /// Client names node, ring, algorithm.
        Init = 3,
        /// Server admits the client or says why not.
        InitReply = 4,
        /// Server could not serve a request.
        ServerError = 5,
        /// Client changes its options.
        SetOption = 6,
        /// Server confirms them.
        SetOptionReply = 7,
        /// Heartbeat.
        EchoRequest = 8,
        /// Its answer, the same bytes.
        EchoReply = 9,
        /// Client reports nodes.
        NodeList = 10,
        /// Server's vote on it.
        NodeListReply = 11,
        /// Client asks for its vote.
        AskForVote = 12,
        /// The vote.
        AskForVoteReply = 13,
        /// Server pushes a vote.
        VoteInfo = 14,
        /// Client confirms it.
        VoteInfoReply = 15,
        /// Client's heuristics changed.
        HeuristicsChange = 16,
        /// Server's vote on it.
        HeuristicsChangeReply = 17,
    }
}

impl MsgType {
    /// The name in the text of `-v`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::PreInit => "Preinit",
            Self::PreInitReply => "Preinit reply",
            Self::StartTls => "StartTLS",
            Self::Init => "Init",
            Self::InitReply => "Init reply",
            Self::ServerError => "Server error",
            Self::SetOption => "Set option",
            Self::SetOptionReply => "Set option reply",
            Self::EchoRequest => "Echo request",
            Self::EchoReply => "Echo reply",
            Self::NodeList => "Node list",
            Self::NodeListReply => "Node list reply",
            Self::AskForVote => "Ask for vote",
            Self::AskForVoteReply => "Ask for vote reply",
            Self::VoteInfo => "Vote info",
            Self::VoteInfoReply => "Vote info reply",
            Self::HeuristicsChange => "Heuristics change",
            Self::HeuristicsChangeReply => "Heuristics change reply",
        }
    }

    /// The name within a line of the log.
    #[must_use]
    pub fn in_words(self) -> String {
        self.title().to_ascii_lowercase()
    }
}

numbered! {
    /// What an option (TLV) is.
    pub enum OptType: u16 {
        /// Sequence number, u32.
        MsgSeqNumber = 0,
        /// Raw bytes.
        ClusterName = 1,
        /// u8.
        TlsSupported = 2,
        /// u8.
        TlsClientCertRequired = 3,
        /// u16 array.
        SupportedMessages = 4,
        /// u16 array.
        SupportedOptions = 5,
        /// u16.
        ReplyErrorCode = 6,
        /// u32, bytes.
        ServerMaximumRequestSize = 7,
        /// u32, bytes.
        ServerMaximumReplySize = 8,
        /// u32.
        NodeId = 9,
        /// u16 array.
        SupportedDecisionAlgorithms = 10,
        /// u16.
        DecisionAlgorithm = 11,
        /// u32, milliseconds.
        HeartbeatInterval = 12,
        /// u32 and u64.
        RingId = 13,
        /// u64.
        ConfigVersion = 14,
        /// u32, 0 for not set.
        DataCenterId = 15,
        /// u8.
        NodeState = 16,
        /// Nested options.
        NodeInfo = 17,
        /// u8.
        NodeListType = 18,
        /// u8.
        Vote = 19,
        /// u8, 0 or 1.
        Quorate = 20,
        /// u8 and u32.
        TieBreaker = 21,
        /// u8.
        Heuristics = 22,
        /// u8, 0 or 1.
        KeepActivePartitionTieBreaker = 23,
        /// u8. Ours, unknown to the C programs: see [`LeaseNews`].
        Lease = 0x8000,
    }
}

impl OptType {
    /// Those that the C programs know too.
    pub fn upstream() -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|kind| *kind != Self::Lease)
    }
}

numbered! {
    /// What a client says about its lease in a set option message.
    ///
    /// A client that lists [`OptType::Lease`] among the options it supports promises that its vote ends
    /// by 1.4 heartbeats after it has sent the last echo that was answered, and that it says goodbye. A
    /// server that lists it reads this option. To others it is not sent.
    pub enum LeaseNews: u8 {
        /// The vote is withdrawn, and the client leaves.
        Goodbye = 0,
    }
}

numbered! {
    /// Why the server could not serve a request. 0 on the wire means no error.
    pub enum ReplyErrorCode: u16 {
        /// A message the server needs is not supported by the client.
        UnsupportedNeededMessage = 1,
        /// An option the server needs is not supported by the client.
        UnsupportedNeededOption = 2,
        /// The server insists on TLS.
        TlsRequired = 3,
        /// Unknown message type.
        UnsupportedMessage = 4,
        /// Message longer than the server reads.
        MessageTooLong = 5,
        /// The client has not named its cluster yet.
        PreinitRequired = 6,
        /// An option that the message needs is missing.
        RequiredOptionMissing = 7,
        /// A message of this type has no place here.
        UnexpectedMessage = 8,
        /// The body could not be decoded.
        ErrorDecoding = 9,
        /// The server failed.
        InternalError = 10,
        /// The client is not admitted yet.
        InitRequired = 11,
        /// The server does not know the algorithm.
        UnsupportedDecisionAlgorithm = 12,
        /// The heartbeat is outside the server's limits.
        InvalidHeartbeatInterval = 13,
        /// The algorithm has no use for the message.
        UnsupportedDecisionAlgorithmMessage = 14,
        /// Another node of the cluster has another tie-breaker.
        TieBreakerDiffers = 15,
        /// Another node of the cluster has another algorithm.
        AlgorithmDiffers = 16,
        /// A client with this node id is connected.
        DuplicateNodeId = 17,
        /// The configured node list is empty or lacks the sender.
        InvalidConfigNodeList = 18,
        /// The membership node list is empty or lacks the sender.
        InvalidMembershipNodeList = 19,
    }
}

numbered! {
    /// Which list a node list message carries.
    pub enum NodeListKind: u8 {
        /// The configured nodes, first time on this connection.
        InitialConfig = 0,
        /// The configured nodes after a change.
        ChangedConfig = 1,
        /// The nodes of the sender's ring.
        Membership = 2,
        /// All known nodes with their state.
        Quorum = 3,
    }
}

/// A word of the domain with a fixed number on the wire.
pub(super) trait Numbered<N>: Sized {
    /// The number on the wire.
    fn to_number(self) -> N;
    /// The meaning of a number, if it has one.
    fn of_number(number: N) -> Option<Self>;
}

macro_rules! numbers_of {
    ($type:ty as $raw:ty { $($variant:ident = $number:literal),+ $(,)? }) => {
        impl Numbered<$raw> for $type {
            fn to_number(self) -> $raw {
                match self { $(Self::$variant => $number),+ }
            }
            fn of_number(number: $raw) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbers_of!(Algorithm as u16 { Test = 0, FfSplit = 1, TwoNodeLms = 2, Lms = 3 });
numbers_of!(Vote as u8 { Ack = 1, Nack = 2, AskLater = 3, WaitForReply = 4, NoChange = 5 });
numbers_of!(Quorate as u8 { No = 0, Yes = 1 });
numbers_of!(KeepActivePartition as u8 { Disabled = 0, Enabled = 1 });
numbers_of!(NodeState as u8 { Member = 1, Dead = 2, Leaving = 3 });
numbers_of!(TlsSupport as u8 { Unsupported = 0, Supported = 1, Required = 2 });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_writes_names_of_messages_small() {
        assert_eq!(MsgType::StartTls.in_words(), "starttls");
        assert_eq!(
            MsgType::HeuristicsChangeReply.in_words(),
            "heuristics change reply"
        );
    }

    #[test]
    fn the_c_programs_know_the_options_from_0_to_23() {
        let known: Vec<u16> = OptType::upstream().map(OptType::number).collect();
        assert_eq!(known, (0..=23).collect::<Vec<u16>>());
    }
}
