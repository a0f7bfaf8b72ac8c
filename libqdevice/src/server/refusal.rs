use crate::base::Millis;
use crate::vote::Objection;
use crate::wire::{MsgType, ReplyErrorCode, SendFault};

/// Why a complete and well-formed message is not served.
///
/// Displays as the C program logs it. [C: qnetd-client-msg-received.c]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The server insists on TLS.
    #[error("TLS is required but doesn't started yet")]
    TlsRequired,
    /// A message that only servers send, or that has no place any more.
    #[error("Received {} message", .0.in_words())]
    Unexpected(MsgType),
    /// The client has not named its cluster.
    #[error("Received {} before preinit message", .0.in_words())]
    BeforePreinit(MsgType),
    /// The client is not admitted.
    #[error("Received {} message before init message", .0.in_words())]
    BeforeInit(MsgType),
    /// An option is missing.
    #[error("Received {} message without {}", .0.in_words(), .1)]
    Missing(MsgType, &'static str),
    /// The name of the cluster could be mistaken for something else in texts.
    #[error("Received preinit message with control characters in the cluster name")]
    UnprintableName,
    /// The heartbeat is outside the limits of the settings, or too long for dead peer detection.
    #[error("Client requested invalid heartbeat interval {0}")]
    Heartbeat(u32),
    /// No such algorithm here.
    #[error("Client requested unsupported decision algorithm {0}")]
    Algorithm(u16),
    /// The members of the cluster have another tie-breaker.
    #[error("Received init message contains tie-breaker which differs from rest of cluster")]
    TieBreakerDiffers,
    /// The members of the cluster have another algorithm.
    #[error("Received init message contains algorithm which differs from rest of cluster")]
    AlgorithmDiffers,
    /// A member of the cluster has the same node id, or the client is a member already.
    #[error("Received init message contains node id which is duplicate of other node in cluster")]
    DuplicateNodeId,
    /// The algorithm does not accept the report.
    #[error("{}", objection(*.0))]
    Objection(Objection),
}

impl Refusal {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> ReplyErrorCode {
        match self {
            Self::TlsRequired => ReplyErrorCode::TlsRequired,
            Self::Unexpected(_) => ReplyErrorCode::UnexpectedMessage,
            Self::BeforePreinit(_) => ReplyErrorCode::PreinitRequired,
            Self::BeforeInit(_) => ReplyErrorCode::InitRequired,
            Self::Missing(..) => ReplyErrorCode::RequiredOptionMissing,
            Self::UnprintableName => ReplyErrorCode::ErrorDecoding,
            Self::Heartbeat(_) => ReplyErrorCode::InvalidHeartbeatInterval,
            Self::Algorithm(_) | Self::Objection(Objection::NotTwoNodes) => {
                ReplyErrorCode::UnsupportedDecisionAlgorithm
            }
            Self::TieBreakerDiffers => ReplyErrorCode::TieBreakerDiffers,
            Self::AlgorithmDiffers => ReplyErrorCode::AlgorithmDiffers,
            Self::DuplicateNodeId => ReplyErrorCode::DuplicateNodeId,
            Self::Objection(Objection::EmptyConfig | Objection::ConfigWithoutSender) => {
                ReplyErrorCode::InvalidConfigNodeList
            }
            Self::Objection(Objection::EmptyMembership | Objection::MembershipWithoutSender) => {
                ReplyErrorCode::InvalidMembershipNodeList
            }
            Self::Objection(Objection::Unsupported) => {
                ReplyErrorCode::UnsupportedDecisionAlgorithmMessage
            }
        }
    }
}

/// Why the server disconnects a client.
///
/// Displays as the C program logs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// It was silent for longer than it may be.
    #[error("Client doesn't sent any message during {0}")]
    Silent(Millis),
    /// A message could not be queued for it.
    #[error("Can't send message to client, {0}")]
    SendFailed(SendFault),
    /// It wants TLS, which the server does not have.
    #[error("Can't start TLS")]
    NoTls,
    /// It shows no certificate.
    #[error("Client doesn't sent valid certificate")]
    NoCertificate,
    /// Its certificate is not that of its cluster.
    #[error("Client doesn't sent certificate with valid CN")]
    WrongCertificate,
    /// Its certificate counts no longer.
    #[error("The client's certificate is revoked")]
    Revoked,
    /// An administrator wants it.
    #[error("An administrator asked for it")]
    Asked,
}

impl Cause {
    /// The word for it in reports and metrics.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Silent(_) => "silent",
            Self::SendFailed(_) => "send-failed",
            Self::NoTls => "no-tls",
            Self::NoCertificate => "no-certificate",
            Self::WrongCertificate => "wrong-certificate",
            Self::Revoked => "revoked",
            Self::Asked => "asked",
        }
    }

    /// Whether the client is sent away for who it is, or is not.
    #[must_use]
    pub const fn is_of_trust(self) -> bool {
        match self {
            Self::NoTls | Self::NoCertificate | Self::WrongCertificate | Self::Revoked => true,
            Self::Silent(_) | Self::SendFailed(_) | Self::Asked => false,
        }
    }
}

/// What comes of a message that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// An answer with an error; the client stays.
    Refused(Refusal),
    /// The end of the connection, without an answer.
    Dropped(Cause),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self::Dropped(cause)
    }
}

const fn objection(objection: Objection) -> &'static str {
    match objection {
        Objection::EmptyConfig => "Received empty config node list",
        Objection::ConfigWithoutSender => "Received config node list without its sender",
        Objection::EmptyMembership => "Received empty membership node list",
        Objection::MembershipWithoutSender => "Received membership node list without its sender",
        Objection::NotTwoNodes => "Received config node list of other than two nodes",
        Objection::Unsupported => {
            "Received ask for vote message, which the algorithm does not support"
        }
    }
}
