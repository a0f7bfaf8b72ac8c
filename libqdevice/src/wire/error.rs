use super::code::{OptType, ReplyErrorCode};

/// A complete message whose body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{fault}")]
pub struct DecodeError {
    /// The sequence number, if it stood before the faulty option.
    pub seq: Option<u32>,
    /// What is wrong.
    #[source]
    pub fault: DecodeFault,
}

/// What can be wrong with the body of a message. [C: msg.c, `msg_decode`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecodeFault {
    /// A message has at least one option.
    #[error("message has no option")]
    Empty,
    /// An option, or a piece of one, runs over the end of the message.
    #[error("option runs over the end of the message")]
    Truncated,
    /// An option of fixed size has another size.
    #[error("option {} has a wrong length", .0.number())]
    WrongLength(OptType),
    /// An option has a value that its type does not know.
    #[error("option {} has an invalid value", .0.number())]
    InvalidValue(OptType),
    /// A nested option of a node entry is broken or its node id is missing.
    #[error("node entry is malformed")]
    NodeInfo,
}

/// Something other than a message arrived; the stream itself goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// The type is unknown; the body was skipped.
    #[error("unsupported msg type {0}")]
    UnknownType(u16),
    /// The message is longer than allowed; the body, of this many bytes, was skipped.
    #[error("too long message {0} bytes")]
    TooLong(u32),
    /// The body could not be decoded.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

impl Malformed {
    /// What the server answers.
    #[must_use]
    pub const fn reply_code(self) -> ReplyErrorCode {
        match self {
            Self::UnknownType(_) => ReplyErrorCode::UnsupportedMessage,
            Self::TooLong(_) => ReplyErrorCode::MessageTooLong,
            Self::Undecodable(_) => ReplyErrorCode::ErrorDecoding,
        }
    }

    /// The sequence number to answer with, if it could be read.
    #[must_use]
    pub const fn seq(self) -> Option<u32> {
        match self {
            Self::Undecodable(error) => error.seq,
            Self::UnknownType(_) | Self::TooLong(_) => None,
        }
    }
}

/// A message does not fit into the bytes it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("message is longer than the send limit")]
pub struct TooLong;

/// Why a message could not be queued for its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SendFault {
    /// The receiver does not read: its queue is full.
    #[error("send queue is full")]
    QueueFull,
    /// The message is longer than the receiver was promised.
    #[error("message is longer than the send limit")]
    TooLong,
}

impl From<TooLong> for SendFault {
    fn from(TooLong: TooLong) -> Self {
        Self::TooLong
    }
}
