//! Bytes and messages. Total: no input panics, none allocates beyond the limit it was given.
//!
//! Not here: what a message means. That is [`server`](crate::server) and [`client`](crate::client).
//!
//! A message is a header (type u16, length of the body u32) and a body of options (number u16, length
//! u16, value), all big endian. Options in the order in which they are sent; `!` marks those the
//! receiver insists on, the others may be left out:
//!
//! | message | from | options |
//! |---|---|---|
//! | `PreInit` | client | seq, cluster name! |
//! | `PreInitReply` | server | seq, tls supported!, client cert required! |
//! | `StartTls` | client | seq |
//! | `Init` | client | seq, supported messages, supported options, node id!, algorithm!, heartbeat!, tie-breaker!, ring id! |
//! | `InitReply` | server | error code!, supported messages, supported options, seq, maximum request size!, maximum reply size!, supported algorithms! |
//! | `ServerError` | server | seq, error code! |
//! | `SetOption`, `SetOptionReply` | client, server | seq, heartbeat, keep active partition, lease |
//! | `EchoRequest`, `EchoReply` | client, server | seq, anything else; the reply is a copy |
//! | `NodeList` | client | seq!, list type!, ring id (! in membership), config version, quorate (! in quorum), node info per node, heuristics |
//! | `NodeListReply` | server | seq!, list type!, ring id!, vote! |
//! | `AskForVote` | client | seq! |
//! | `AskForVoteReply`, `VoteInfo` | server | seq!, vote!, ring id! |
//! | `VoteInfoReply` | client | seq! |
//! | `HeuristicsChange` | client | seq!, heuristics! |
//! | `HeuristicsChangeReply` | server | seq!, vote!, ring id!, heuristics! |
//!
//! Decoding does not insist: it gives an `Option` per option, and the receiver says what its absence
//! earns. It does refuse a body without any option.

mod code;
mod decode;
mod encode;
mod error;
mod frame;
mod message;
#[cfg(test)]
mod strategies;
mod tlv;

pub use code::{LeaseNews, MsgType, NodeListKind, OptType, ReplyErrorCode};
pub use decode::decode;
pub use error::{DecodeError, DecodeFault, Malformed, SendFault, TooLong};
pub use frame::Deframer;
pub use message::{
    Echo, HeuristicsReply, HeuristicsReport, Init, InitReply, Message, NodeListReply,
    NodeListReport, Options, Plain, PreInit, PreInitReply, ServerError, VoteReply,
};

use crate::base::{Algorithm, TlsSupport};
use code::Numbered;

/// The algorithm with this number on the wire, if there is one.
#[must_use]
pub fn algorithm_of(number: u16) -> Option<Algorithm> {
    Algorithm::of_number(number)
}

/// How one side stands to TLS, as a number on the wire.
#[must_use]
pub fn tls_number(support: TlsSupport) -> u8 {
    support.to_number()
}

/// The algorithm's number on the wire.
#[must_use]
pub fn algorithm_number(algorithm: Algorithm) -> u16 {
    algorithm.to_number()
}
