mod text;

use super::{ConfigFault, LinkFault};
use crate::base::{Heuristics, Level, Millis, RingId, TlsSupport, Vote};
use crate::vote::StrategyFault;
use crate::wire::{Malformed, MsgType, ReplyErrorCode, SendFault};

/// What an operator may want to know. `Display` is the line of the log.
///
/// Texts that the C program has are its own, so that what watches its log goes on working.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A key of corosync.conf cannot be used.
    ConfigRefused(ConfigFault),
    /// The list of configured nodes cannot be used.
    NoNodeList,
    /// Heuristics have just changed to something that cannot be used; the old ones stay.
    HeuristicsKept,
    /// The algorithm cannot work with this cluster.
    StrategyRefused(StrategyFault),
    /// Heuristics are configured without commands.
    NoHeuristicsExecs,
    /// More heuristics commands than the settings allow.
    TooManyHeuristicsExecs {
        /// How many are configured.
        found: usize,
        /// How many are allowed.
        most: u64,
    },
    /// A heuristics command that is no string.
    ExecNotText {
        /// Its key.
        key: String,
    },
    /// A heuristics command whose name cannot be used.
    BadExecName {
        /// Its key.
        key: String,
    },
    /// A key under `logging.` has a value that is none; the text says which.
    BadDebugSwitch(&'static str),
    /// The heartbeat derived from the timeout is below the limit.
    HeartbeatTooSmall {
        /// As derived.
        interval: Millis,
        /// What is used.
        used: Millis,
    },
    /// The heartbeat derived from the timeout is above the limit.
    HeartbeatTooBig {
        /// As derived.
        interval: Millis,
        /// What is used.
        used: Millis,
    },
    /// An attempt to connect begins.
    Connecting {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// How long the attempt may take.
        timeout: Millis,
    },
    /// No address of the server could be reached.
    ConnectFailed(String),
    /// An attempt to connect has taken too long.
    ConnectTimeout,
    /// The server has admitted this node.
    Connected {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The connection is gone.
    LinkLost(LinkFault),
    /// A message could not be queued for the server.
    CannotSend(SendFault),
    /// Something arrived that is no message.
    Malformed(Malformed),
    /// A message arrived that has no place here.
    Unexpected(MsgType),
    /// A reply has another sequence number than its request.
    WrongSequence,
    /// A message lacks an option it needs.
    OptionMissing(MsgType),
    /// One side insists on TLS and the other has none.
    IncompatibleTls {
        /// How the server stands to TLS.
        server: TlsSupport,
        /// How this node is configured.
        client: TlsSupport,
    },
    /// TLS is wanted by both sides, and this build has none.
    TlsMissing {
        /// How the server stands to TLS.
        server: TlsSupport,
    },
    /// The server does not admit this node.
    InitRefused(u16),
    /// The refusal may pass.
    InitHint(InitHint),
    /// The server reads only messages that are too short.
    RequestsTooShort {
        /// Its limit, in bytes.
        server: u32,
        /// The least that is needed, in bytes.
        needed: u64,
    },
    /// The server may send messages that are too long.
    RepliesTooLong {
        /// Its limit, in bytes.
        server: u32,
        /// The most that is accepted, in bytes.
        accepted: u64,
    },
    /// The server does not know the configured algorithm.
    AlgorithmUnknownToServer,
    /// The server does not know heuristics, and they are configured.
    HeuristicsUnknownToServer,
    /// The server could not serve a request.
    ServerError(u16),
    /// No echo reply came within a heartbeat.
    EchoLate,
    /// An echo reply has an unknown number.
    EchoOutOfStep,
    /// What is cast has changed.
    VoteChanged {
        /// The vote until now.
        from: Vote,
        /// The vote from now on.
        to: Vote,
        /// The ring it is cast for.
        ring: Option<RingId>,
    },
    /// A vote for another ring than the one reported last was not taken over.
    VoteForOldRing {
        /// The vote.
        vote: Vote,
        /// Its ring.
        ring: RingId,
    },
    /// votequorum was polled for a ring that is gone.
    OldRingPolled,
    /// votequorum refused a poll; the text is the name of the error.
    PollFailed(String),
    /// The connection to corosync is lost; the text says which.
    CorosyncLost(String),
    /// The result of the heuristics has changed.
    HeuristicsChanged {
        /// The result until now.
        from: Heuristics,
        /// The new one.
        to: Heuristics,
    },
    /// The first run of the heuristics has not ended in time.
    FirstHeuristicsLate,
    /// The next attempt to connect waits a moment.
    Sleeping(Millis),
}

/// Why a refusal may pass: the server may not have noticed yet that the old connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InitHint {
    /// A client with this node id is connected.
    DuplicateNodeId,
    /// Other nodes have another tie-breaker.
    TieBreakerDiffers,
    /// Other nodes have another algorithm.
    AlgorithmDiffers,
}

impl InitHint {
    /// The hint for an error code, if it has one.
    #[must_use]
    pub fn for_code(code: u16) -> Option<Self> {
        [
            (ReplyErrorCode::DuplicateNodeId, Self::DuplicateNodeId),
            (ReplyErrorCode::TieBreakerDiffers, Self::TieBreakerDiffers),
            (ReplyErrorCode::AlgorithmDiffers, Self::AlgorithmDiffers),
        ]
        .into_iter()
        .find_map(|(known, hint)| (known.number() == code).then_some(hint))
    }
}

impl Notice {
    /// How urgent it is. The C program's level, but the loss of a connection is a warning and not
    /// only a debug message: without the server the cluster has no arbiter.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::StrategyRefused(_) | Self::PollFailed(_) => Level::Crit,
            Self::ConfigRefused(_)
            | Self::NoNodeList
            | Self::HeuristicsKept
            | Self::TooManyHeuristicsExecs { .. }
            | Self::ConnectFailed(_)
            | Self::ConnectTimeout
            | Self::CannotSend(_)
            | Self::Unexpected(_)
            | Self::WrongSequence
            | Self::OptionMissing(_)
            | Self::IncompatibleTls { .. }
            | Self::TlsMissing { .. }
            | Self::InitRefused(_)
            | Self::InitHint(_)
            | Self::RequestsTooShort { .. }
            | Self::RepliesTooLong { .. }
            | Self::AlgorithmUnknownToServer
            | Self::HeuristicsUnknownToServer
            | Self::ServerError(_)
            | Self::EchoLate
            | Self::CorosyncLost(_)
            | Self::FirstHeuristicsLate => Level::Error,
            Self::LinkLost(fault) => match fault {
                LinkFault::Closed => Level::Warning,
                LinkFault::ConnectFailed(_)
                | LinkFault::ReadFailed(_)
                | LinkFault::WriteFailed(_)
                | LinkFault::TlsFailed(_) => Level::Error,
            },
            Self::ExecNotText { .. }
            | Self::BadExecName { .. }
            | Self::BadDebugSwitch(_)
            | Self::HeartbeatTooSmall { .. }
            | Self::HeartbeatTooBig { .. }
            | Self::Malformed(_)
            | Self::EchoOutOfStep => Level::Warning,
            Self::HeuristicsChanged { to, .. } => match to {
                Heuristics::Pass => Level::Notice,
                Heuristics::Fail | Heuristics::Undefined => Level::Error,
            },
            Self::Connected { .. } => Level::Notice,
            Self::NoHeuristicsExecs | Self::OldRingPolled | Self::VoteChanged { .. } => Level::Info,
            Self::Connecting { .. } | Self::VoteForOldRing { .. } | Self::Sleeping(_) => {
                Level::Debug
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusals_that_may_pass_have_the_hints_of_the_c_program() {
        let text = |code| InitHint::for_code(code).map(|hint| Notice::InitHint(hint).to_string());
        let end = "of server not yet accepted this node disconnect. Retry again.";
        assert_eq!(
            text(17),
            Some(format!("Duplicate node id may be result {end}"))
        );
        assert_eq!(
            text(15),
            Some(format!(
                "Configured tie-breaker differs in cluster. This may be result {end}"
            ))
        );
        assert_eq!(
            text(16),
            Some(format!(
                "Configured algorithm differs in cluster. This may be result {end}"
            ))
        );
        assert_eq!(text(10), None);
    }

    #[test]
    fn the_loss_of_the_server_is_seen_without_debug_messages() {
        for fault in [LinkFault::Closed, LinkFault::ReadFailed(String::new())] {
            assert!(Notice::LinkLost(fault).level() <= Level::Warning);
        }
    }

    #[test]
    fn a_build_without_tls_says_what_to_set() {
        let text = |server| Notice::TlsMissing { server }.to_string();
        assert!(text(TlsSupport::Supported).ends_with("Set quorum.device.net.tls to off"));
        assert!(text(TlsSupport::Required).contains("-s on"));
    }
}
