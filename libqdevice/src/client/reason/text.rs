//! The longer texts, the C program's where it has them.

use crate::client::LinkFault;
use crate::wire::{DecodeFault, Malformed, ReplyErrorCode};

pub(in crate::client) fn link_lost(fault: &LinkFault) -> String {
    match fault {
        LinkFault::ConnectFailed(text) => format!("Can't connect to qnetd host. {text}"),
        LinkFault::Closed => "Server closed connection".to_owned(),
        LinkFault::ReadFailed(text) => {
            format!("Unhandled error when reading from server. Disconnecting from server ({text})")
        }
        LinkFault::WriteFailed(text) => {
            format!("Unhandled error when sending message to server ({text})")
        }
        LinkFault::TlsFailed(text) => format!("Can't start TLS. {text}"),
    }
}

pub(super) fn malformed(what: &Malformed) -> String {
    match what {
        Malformed::UnknownType(number) => {
            format!("Server sent unsupported msg type {number}. Disconnecting from server")
        }
        Malformed::TooLong(size) => {
            format!("Server wants to send too long message {size} bytes. Disconnecting from server")
        }
        Malformed::Undecodable(error) => {
            let text = match error.fault {
                DecodeFault::Truncated | DecodeFault::Empty => {
                    "Received inconsistent msg (tlv len > msg size)"
                }
                DecodeFault::WrongLength(_) | DecodeFault::NodeInfo => {
                    "Received message with option with invalid length"
                }
                DecodeFault::InvalidValue(_) => "Received message with option with invalid value",
            };
            format!("{text}. Disconnecting from server ({error})")
        }
    }
}

pub(super) const HINTS: [(ReplyErrorCode, &str); 3] = [
    (
        ReplyErrorCode::DuplicateNodeId,
        "Duplicate node id may be result of server not yet accepted this node disconnect. \
         Retry again.",
    ),
    (
        ReplyErrorCode::TieBreakerDiffers,
        "Configured tie-breaker differs in cluster. This may be result of server not yet \
         accepted this node disconnect. Retry again.",
    ),
    (
        ReplyErrorCode::AlgorithmDiffers,
        "Configured algorithm differs in cluster. This may be result of server not yet \
         accepted this node disconnect. Retry again.",
    ),
];
