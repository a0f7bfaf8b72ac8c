use super::{ClusterConfig, ConfigFault, Notice};
use crate::base::{Heuristics, Millis, NodeList, Quorate, RingId};
use crate::vote::VoteFacts;
use crate::wire::{Malformed, Message, SendFault};

/// What happens to the client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// Something about the connection to the server.
    Link(Link),
    /// Something about the local corosync.
    Corosync(Corosync),
    /// A run of the heuristics commands has ended.
    Heuristics {
        /// The number the run was given.
        run: u32,
        /// Its result; undefined when heuristics are off.
        result: Heuristics,
    },
    /// An administrator wants the heuristics to run now.
    HeuristicsAsked,
    /// The daemon was asked to end.
    Shutdown,
}

/// The connection to the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// The connection asked for by [`Action::Connect`] stands.
    Up,
    /// The TLS handshake has succeeded.
    TlsUp {
        /// Whether there is a certificate of ours, which the server gets if it asks.
        has_certificate: bool,
    },
    /// A complete frame has arrived.
    Received(Result<Message, Malformed>),
    /// A message could not be queued.
    SendFailed(SendFault),
    /// The attempt has failed or the connection is gone.
    Down(LinkFault),
}

/// How a connection attempt or a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LinkFault {
    /// No address of the server could be reached; the text says why.
    ConnectFailed(String),
    /// The server closed the connection.
    Closed,
    /// Reading failed; the text says why.
    ReadFailed(String),
    /// Writing failed; the text says why.
    WriteFailed(String),
    /// The TLS handshake failed; the text says why.
    TlsFailed(String),
}

/// The local corosync, as libvotequorum and libcmap report it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Corosync {
    /// votequorum: a new membership is being formed; it waits for a poll with this ring.
    Membership {
        /// The new ring.
        ring: RingId,
        /// Its nodes.
        nodes: NodeList,
    },
    /// votequorum: the membership is formed, or its quorum has changed.
    Quorum {
        /// Whether this partition may go on.
        quorate: Quorate,
        /// All nodes votequorum knows, the entry of the device (node id 0) included.
        nodes: NodeList,
    },
    /// votequorum: the number of expected votes has changed.
    ExpectedVotes {
        /// The new number.
        votes: u32,
        /// The votes of the configured nodes, read after the change.
        facts: VoteFacts,
    },
    /// cmap: corosync.conf was loaded again and something we follow has changed.
    Reloaded {
        /// What it says now, or why that cannot be used.
        config: Result<ClusterConfig, ConfigFault>,
        /// The votes of the configured nodes, read after the change.
        facts: VoteFacts,
    },
    /// votequorum did not take an [`Action::Cast`].
    CastFailed(CastFault),
    /// The connection to votequorum or cmap is lost; the text says which.
    Closed(String),
}

/// Why a poll of votequorum did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CastFault {
    /// `CS_ERR_TRY_AGAIN`: corosync is busy.
    TryAgain,
    /// `CS_ERR_MESSAGE_ERROR`: the ring is no longer the one votequorum is in.
    OldRing,
    /// Anything else; the text is the name of the error.
    Refused(String),
}

/// What the driver owes, in order.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Resolve the server's name and try its addresses in order; answer with [`Link::Up`], or with
    /// [`Link::Down`] once when no address is left. An attempt under way is given up first. The limits
    /// for messages are those of the settings (`net_initial_msg_*_size`) again.
    Connect,
    /// Read no further plain byte and start the TLS handshake as the client.
    StartTls,
    /// Queue a message for the server; if that fails, answer with [`Link::SendFailed`].
    Send(Message),
    /// As [`Send`](Self::Send), for the confirmation that a vote is withdrawn. Left out when a
    /// [`Cast`](Self::Cast) before it, in the same turn, has failed: then votequorum may still have the
    /// vote. It is confirmed when votequorum has taken a later one.
    Confirm(Message),
    /// Say this and nothing more: the vote is withdrawn, and [`HangUp`](Self::HangUp) follows. What is
    /// queued goes before it, as far as the connection takes it without waiting; what it does not take
    /// is lost. Left out when a [`Cast`](Self::Cast) before it, in the same turn, has failed: then the
    /// vote may not be withdrawn.
    SayGoodbye(Message),
    /// From now on read and send no longer messages than these, in bytes with the header. Holds for
    /// this connection only.
    Limit {
        /// Of a message received.
        receive: u32,
        /// Of a message sent.
        send: u32,
    },
    /// Drop the connection or the attempt. No [`Link::Down`] is owed for it, and nothing that is still
    /// under way from it may be reported afterwards: the next [`Link`] event is about the next one.
    HangUp,
    /// `votequorum_qdevice_poll`, finished before the next action is begun: a vote is withdrawn before
    /// the server learns that this node is gone. A failure comes back as [`Corosync::CastFailed`].
    Cast {
        /// The ring the vote is for.
        ring: RingId,
        /// Whether the vote is cast.
        vote: bool,
    },
    /// Run the heuristics commands; answer with [`Event::Heuristics`].
    RunHeuristics {
        /// The number of the run; a new run ends an older one.
        run: u32,
        /// How long the commands may take.
        timeout: Millis,
    },
    /// The service is up: tell systemd.
    Ready,
    /// Tell the operator.
    Tell(Notice),
    /// End the daemon: with success, or with failure.
    Exit {
        /// Whether the end was asked for.
        ok: bool,
    },
}
