mod text;

pub(super) use text::link_lost;

use super::LinkFault;
use crate::base::{Level, TlsSupport};
use crate::vote::StrategyFault;
use crate::wire::{Malformed, MsgType, ReplyErrorCode, SendFault, tls_number};
use text::{HINTS, malformed};

/// Why the connection to the server, or the daemon, ends; the text is the log line.
/// [C: qdevice-net-disconnect-reason.h, whose numbers stand in the comments]
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// A message arrived that has no place here (1).
    #[error("Received unexpected {} message. Disconnecting from server", .0.in_words())]
    Unexpected(MsgType),
    /// Something arrived that is no message: an unknown type (2), undecodable (21), too long (23).
    #[error("{}", malformed(.0))]
    Malformed(Malformed),
    /// One side insists on TLS and the other has none (3).
    #[error("Incompatible tls configuration (server {} client {})", tls_number(*.server), tls_number(*.client))]
    IncompatibleTls {
        /// How the server stands to TLS.
        server: TlsSupport,
        /// How this node is configured.
        client: TlsSupport,
    },
    /// The server reads only messages that are too short (4).
    #[error(
        "Server accepts maximum {server} bytes message but this client minimum is {needed} bytes."
    )]
    RequestsTooShort {
        /// Its limit, in bytes.
        server: u32,
        /// The least that is needed, in bytes.
        needed: u64,
    },
    /// The server may send messages that are too long (4).
    #[error(
        "Server may send message up to {server} bytes message but this client maximum \
         is {accepted} bytes."
    )]
    RepliesTooLong {
        /// Its limit, in bytes.
        server: u32,
        /// The most that is accepted, in bytes.
        accepted: u64,
    },
    /// A reply has another sequence number than its request (5).
    #[error("Received message doesn't contain seq_number or it's not expected one.")]
    WrongSequence,
    /// A message lacks an option it needs (5).
    #[error("Received {} message without required options. Disconnecting from server", .0.in_words())]
    OptionMissing(MsgType),
    /// A message could not be queued for the server (6).
    #[error("Can't send message to server: {0}. Disconnecting from server")]
    CannotSend(SendFault),
    /// The list of configured nodes cannot be used (6).
    #[error("Can't get configuration node list.")]
    NoNodeList,
    /// votequorum refuses to be polled (8); the text is the name of the error.
    #[error("Can't call votequorum_qdevice_poll. Error {0}")]
    PollFailed(String),
    /// The server does not admit this node (15 to 18).
    #[error("Received init reply message with error code {0}. Disconnecting from server")]
    InitRefused(u16),
    /// The server could not serve a request (15).
    #[error("Received server error {0}. Disconnecting from server")]
    ServerError(u16),
    /// The server does not know the configured algorithm (19).
    #[error("Server doesn't support required decision algorithm")]
    AlgorithmUnknownToServer,
    /// The server does not know heuristics, and they are configured (20).
    #[error("Heuristics are enabled but not supported by server")]
    HeuristicsUnknownToServer,
    /// The transport has failed: closed (22), reading (23), writing (24), TLS (14, 23).
    #[error("{}", link_lost(.0))]
    LinkLost(LinkFault),
    /// The connection to corosync is lost (25); the text says which.
    #[error("{0}")]
    CorosyncLost(String),
    /// The daemon was asked to end (26).
    #[error("Ending as asked")]
    ShutdownAsked,
    /// An attempt to connect has taken too long (27).
    #[error("Connect timeout")]
    ConnectTimeout,
    /// The algorithm cannot work with this cluster any longer (29, 33).
    #[error(transparent)]
    StrategyRefused(#[from] StrategyFault),
    /// An echo reply has an unknown number (37).
    #[error("Received echo reply message seq_number is not expected one.")]
    EchoOutOfStep,
    /// No echo reply came within a heartbeat (38).
    #[error("Server didn't send echo reply message on time")]
    EchoLate,
    /// This process did not run for so long that the server has given it up, or soon will.
    #[error(
        "This process did not run for {0} ms and the server may have given its vote away. \
         Disconnecting from server"
    )]
    Overslept(u64),
    /// The first run of the heuristics has not ended in time.
    #[error("Timeout waiting for initial heuristics exec result")]
    FirstHeuristicsLate,
}

/// What follows the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// Connect again.
    Retry,
    /// End the daemon with failure, unless the algorithm never gives its server up.
    GiveUp,
    /// End the daemon.
    Exit {
        /// Whether with success.
        ok: bool,
    },
}

impl Reason {
    /// What follows; a reason added to the enum does not compile until it has an answer here.
    ///
    /// The C program also ends when a server misbehaves: unexpected or unknown messages, missing
    /// options, server errors, echoes out of step, a full send queue. Such a fault passes with the
    /// server that has it; to end would only leave it to the service manager to start again, a few
    /// times at most, and then the cluster has no arbiter. The vote is withdrawn in either case. What
    /// only an administrator can mend still ends the daemon, as in C.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::LinkLost(_)
            | Self::ConnectTimeout
            | Self::EchoLate
            | Self::Overslept(_)
            | Self::Malformed(_)
            | Self::Unexpected(_)
            | Self::WrongSequence
            | Self::OptionMissing(_)
            | Self::CannotSend(SendFault::QueueFull)
            | Self::EchoOutOfStep => Next::Retry,
            Self::InitRefused(code) | Self::ServerError(code) => {
                if is_configuration_fault(*code) {
                    Next::GiveUp
                } else {
                    Next::Retry
                }
            }
            Self::IncompatibleTls { .. }
            | Self::RequestsTooShort { .. }
            | Self::RepliesTooLong { .. }
            | Self::CannotSend(SendFault::TooLong)
            | Self::NoNodeList
            | Self::AlgorithmUnknownToServer
            | Self::HeuristicsUnknownToServer => Next::GiveUp,
            Self::PollFailed(_)
            | Self::CorosyncLost(_)
            | Self::StrategyRefused(_)
            | Self::FirstHeuristicsLate => Next::Exit { ok: false },
            Self::ShutdownAsked => Next::Exit { ok: true },
        }
    }

    /// How urgent its line is: C's level, but a closed connection is a warning and not only a debug
    /// message, because without the server the cluster has no arbiter.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::PollFailed(_) | Self::StrategyRefused(_) => Level::Crit,
            Self::Unexpected(_)
            | Self::IncompatibleTls { .. }
            | Self::RequestsTooShort { .. }
            | Self::RepliesTooLong { .. }
            | Self::WrongSequence
            | Self::OptionMissing(_)
            | Self::CannotSend(_)
            | Self::NoNodeList
            | Self::InitRefused(_)
            | Self::ServerError(_)
            | Self::AlgorithmUnknownToServer
            | Self::HeuristicsUnknownToServer
            | Self::CorosyncLost(_)
            | Self::ConnectTimeout
            | Self::EchoLate
            | Self::Overslept(_)
            | Self::FirstHeuristicsLate
            | Self::LinkLost(
                LinkFault::ConnectFailed(_)
                | LinkFault::ReadFailed(_)
                | LinkFault::WriteFailed(_)
                | LinkFault::TlsFailed(_),
            ) => Level::Error,
            Self::LinkLost(LinkFault::Closed) | Self::Malformed(_) | Self::EchoOutOfStep => {
                Level::Warning
            }
            Self::ShutdownAsked => Level::Debug,
        }
    }

    /// What the C program adds when the server's refusal may pass by itself: the server may not have
    /// noticed yet that the old connection of this node is gone.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let Self::InitRefused(code) = self else {
            return None;
        };
        HINTS
            .iter()
            .find(|(hinted, _)| hinted.number() == *code)
            .map(|(_, hint)| *hint)
    }
}

/// Whether only an administrator can mend what the server complains about.
fn is_configuration_fault(code: u16) -> bool {
    [
        ReplyErrorCode::UnsupportedNeededMessage,
        ReplyErrorCode::UnsupportedNeededOption,
        ReplyErrorCode::TlsRequired,
        ReplyErrorCode::UnsupportedDecisionAlgorithm,
        ReplyErrorCode::InvalidHeartbeatInterval,
        ReplyErrorCode::InvalidConfigNodeList,
    ]
    .iter()
    .any(|fault| fault.number() == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DecodeError, DecodeFault};

    const EXIT: Next = Next::Exit { ok: false };

    #[test]
    fn a_lost_server_is_tried_again() {
        for fault in [
            LinkFault::Closed,
            LinkFault::ReadFailed(String::new()),
            LinkFault::WriteFailed(String::new()),
            LinkFault::TlsFailed(String::new()),
        ] {
            assert_eq!(Reason::LinkLost(fault).next(), Next::Retry);
        }
        assert_eq!(Reason::ConnectTimeout.next(), Next::Retry);
        assert_eq!(Reason::EchoLate.next(), Next::Retry);
        assert_eq!(Reason::Overslept(60_000).next(), Next::Retry);
    }

    #[test]
    fn a_server_that_misbehaves_is_tried_again() {
        let undecodable = DecodeError {
            seq: None,
            fault: DecodeFault::Truncated,
        };
        for reason in [
            Reason::Unexpected(MsgType::Init),
            Reason::Malformed(Malformed::UnknownType(99)),
            Reason::Malformed(Malformed::TooLong(1)),
            Reason::Malformed(Malformed::Undecodable(undecodable)),
            Reason::WrongSequence,
            Reason::OptionMissing(MsgType::VoteInfo),
            Reason::CannotSend(SendFault::QueueFull),
            Reason::EchoOutOfStep,
        ] {
            assert_eq!(reason.next(), Next::Retry, "{reason}");
        }
    }

    #[test]
    fn what_an_administrator_must_mend_is_given_up() {
        let no_tls = TlsSupport::Unsupported;
        for reason in [
            Reason::IncompatibleTls {
                server: no_tls,
                client: TlsSupport::Required,
            },
            Reason::RequestsTooShort {
                server: 1,
                needed: 2,
            },
            Reason::RepliesTooLong {
                server: 2,
                accepted: 1,
            },
            Reason::CannotSend(SendFault::TooLong),
            Reason::NoNodeList,
            Reason::AlgorithmUnknownToServer,
            Reason::HeuristicsUnknownToServer,
        ] {
            assert_eq!(reason.next(), Next::GiveUp, "{reason}");
        }
    }

    #[test]
    fn what_no_server_can_help_with_ends_the_daemon() {
        let refused = Reason::StrategyRefused(StrategyFault::ConfiguredVotes);
        assert_eq!(refused.next(), EXIT);
        assert_eq!(Reason::CorosyncLost(String::new()).next(), EXIT);
        assert_eq!(Reason::PollFailed("CS_ERR_ACCESS".into()).next(), EXIT);
    }

    #[test]
    fn only_an_end_that_was_asked_for_is_a_success() {
        assert_eq!(Reason::ShutdownAsked.next(), Next::Exit { ok: true });
    }

    #[test]
    fn an_error_of_the_server_is_given_up_only_when_the_configuration_is_at_fault() {
        let ends = |reason: fn(u16) -> Reason| -> Vec<u16> {
            (1..=20)
                .filter(|code| reason(*code).next() == Next::GiveUp)
                .collect()
        };
        assert_eq!(ends(Reason::InitRefused), [1, 2, 3, 12, 13, 18]);
        assert_eq!(ends(Reason::ServerError), [1, 2, 3, 12, 13, 18]);
    }

    #[test]
    fn refusals_that_may_pass_have_a_hint() {
        let hinted: Vec<u16> = (1..=20)
            .filter(|code| Reason::InitRefused(*code).hint().is_some())
            .collect();
        assert_eq!(hinted, [15, 16, 17]);
        assert_eq!(Reason::ServerError(17).hint(), None);
        let text = Reason::InitRefused(15).hint().unwrap();
        assert_eq!(
            text,
            "Configured tie-breaker differs in cluster. This may be result of server not yet \
             accepted this node disconnect. Retry again."
        );
    }

    #[test]
    fn the_loss_of_the_server_is_seen_without_debug_messages() {
        for fault in [LinkFault::Closed, LinkFault::ReadFailed(String::new())] {
            assert!(Reason::LinkLost(fault).level() <= Level::Warning);
        }
    }
}
