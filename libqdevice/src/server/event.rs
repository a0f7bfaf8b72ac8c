use super::Notice;
use crate::base::{ClusterName, Fingerprint, NodeId};
use crate::wire::{Malformed, Message, SendFault};
use std::collections::BTreeSet;

/// A connection, numbered by the driver; a number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// Who the peer's certificate says it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The names it is certified for, byte for byte; one of them has to be its cluster's.
    pub names: Vec<Vec<u8>>,
    /// The certificate itself.
    pub certificate: Fingerprint,
}

/// What happens to the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// A client has connected from `address`, the text for status and log.
    Accepted {
        /// Its new number.
        peer: PeerId,
        /// `address:port`.
        address: String,
    },
    /// A complete frame has arrived.
    Received {
        /// From whom.
        peer: PeerId,
        /// The message, or what arrived instead of one.
        message: Result<Message, Malformed>,
    },
    /// The TLS handshake asked for by [`Action::StartTls`] has succeeded.
    TlsUp {
        /// With whom.
        peer: PeerId,
        /// What the peer's verified certificate says, if it showed one.
        identity: Option<Identity>,
    },
    /// The TLS handshake asked for by [`Action::StartTls`] has failed, and the connection is gone.
    TlsFailed {
        /// With whom.
        peer: PeerId,
        /// Why, for the log.
        reason: String,
    },
    /// The certificates that count no longer, whatever they were found to be; replaces what was said
    /// before.
    Revoked(BTreeSet<Fingerprint>),
    /// A message could not be queued for the peer.
    SendFailed {
        /// For whom.
        peer: PeerId,
        /// Why.
        fault: SendFault,
    },
    /// The other side has closed or reset the connection.
    Gone {
        /// Which.
        peer: PeerId,
    },
    /// The transport has failed in a way of which the other side may know nothing.
    Lost {
        /// Which.
        peer: PeerId,
    },
    /// An administrator wants a node to be disconnected.
    Dismissed {
        /// Its cluster.
        cluster: ClusterName,
        /// The node.
        node: NodeId,
    },
    /// The daemon was asked to end.
    Shutdown,
}

/// What the driver owes, in order.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Queue a message; if that fails, answer with [`Event::SendFailed`].
    Send {
        /// To whom.
        peer: PeerId,
        /// What.
        message: Message,
    },
    /// Read no further plain byte from the peer and start the TLS handshake as the server.
    StartTls {
        /// With whom.
        peer: PeerId,
    },
    /// Drop the connection and what is queued for it. No [`Event::Gone`] is owed for it.
    Close {
        /// Which.
        peer: PeerId,
    },
    /// Tell the operator.
    Tell(Notice),
}
