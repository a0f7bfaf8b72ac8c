//! Bytes and messages. Total: no input panics, none allocates beyond the limit it was given.
//!
//! Not here: what a message means. That is [`server`](crate::server) and [`client`](crate::client).

mod code;
mod error;
mod message;

pub use code::{MsgType, NodeListKind, OptType, ReplyErrorCode};
pub use error::{DecodeError, DecodeFault, Malformed, SendFault};
pub use message::{
    Echo, HeuristicsReply, HeuristicsReport, Init, InitReply, Message, NodeListReply,
    NodeListReport, Options, Plain, PreInit, PreInitReply, ServerError, VoteReply,
};

use crate::base::Algorithm;
use code::Numbered;

/// The algorithm with this number on the wire, if there is one.
#[must_use]
pub fn algorithm_of(number: u16) -> Option<Algorithm> {
    Algorithm::of_number(number)
}

/// The algorithm's number on the wire.
#[must_use]
pub fn algorithm_number(algorithm: Algorithm) -> u16 {
    algorithm.to_number()
}
