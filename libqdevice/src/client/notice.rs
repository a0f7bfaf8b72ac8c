use super::reason::link_lost;
use super::{ConfigFault, LinkFault, Reason};
use crate::base::{Heuristics, Level, Millis, RingId, Vote, VoteReason};
use std::fmt;

/// What an operator may want to know. `Display` is the line of the log.
///
/// Texts that the C program has are its own, so that what watches its log goes on working.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Keys of corosync.conf cannot be used.
    ConfigRefused(ConfigFault),
    /// The heuristics were changed to something that cannot be used.
    HeuristicsKept,
    /// The timeouts were changed to something that cannot be used.
    TimeoutsKept,
    /// Keys were changed that are only read at a start.
    RestartNeeded {
        /// The keys, in order.
        keys: Vec<String>,
    },
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
    /// A heuristics command without a word in it.
    EmptyExec {
        /// Its key.
        key: String,
    },
    /// A key under `logging.` has a value that is none.
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
    ConnectFailed(LinkFault),
    /// The server has no TLS, and this node goes on without.
    NotEncrypted,
    /// The server has admitted this node.
    Connected {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The connection to the server, or the daemon, ends.
    Ended(Reason),
    /// It ends for a reason that was told a moment ago.
    EndedAgain(Reason),
    /// Why a refusal by the server may pass.
    Hint(&'static str),
    /// The next attempt to connect waits a moment.
    Sleeping(Millis),
    /// What is cast has changed.
    VoteChanged {
        /// The vote until now.
        from: Vote,
        /// The vote from now on.
        to: Vote,
        /// The ring it is cast for.
        ring: Option<RingId>,
        /// Why.
        reason: VoteReason,
    },
    /// A vote for another ring than the one reported last is not taken over.
    VoteForOldRing {
        /// The vote.
        vote: Vote,
        /// Its ring.
        ring: RingId,
    },
    /// The server does not want another heartbeat while the membership is complete.
    HeartbeatRefused,
    /// votequorum was polled for a ring that is gone.
    OldRingPolled,
    /// The result of the heuristics has changed.
    HeuristicsChanged {
        /// The result until now.
        from: Heuristics,
        /// The new one.
        to: Heuristics,
    },
}

impl Notice {
    /// How urgent it is: the C program's level.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::Ended(reason) => reason.level(),
            Self::ConfigRefused(_)
            | Self::EmptyExec { .. }
            | Self::HeuristicsKept
            | Self::TimeoutsKept
            | Self::TooManyHeuristicsExecs { .. }
            | Self::ConnectFailed(_)
            | Self::Hint(_) => Level::Error,
            Self::RestartNeeded { .. }
            | Self::ExecNotText { .. }
            | Self::BadExecName { .. }
            | Self::BadDebugSwitch(_)
            | Self::NotEncrypted
            | Self::HeartbeatTooSmall { .. }
            | Self::HeartbeatTooBig { .. } => Level::Warning,
            Self::HeuristicsChanged { to, .. } => match to {
                Heuristics::Pass => Level::Notice,
                Heuristics::Fail | Heuristics::Undefined => Level::Error,
            },
            Self::Connected { .. } => Level::Notice,
            Self::NoHeuristicsExecs
            | Self::HeartbeatRefused
            | Self::OldRingPolled
            | Self::VoteChanged { .. } => Level::Info,
            Self::Connecting { .. }
            | Self::EndedAgain(_)
            | Self::VoteForOldRing { .. }
            | Self::Sleeping(_) => Level::Debug,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigRefused(fault) => fault.fmt(f),
            Self::Ended(reason) | Self::EndedAgain(reason) => reason.fmt(f),
            Self::Hint(text) | Self::BadDebugSwitch(text) => f.write_str(text),
            Self::HeuristicsKept => f.write_str("Heuristics stay as they were."),
            Self::TimeoutsKept => f.write_str("Timeouts and heuristics stay as they were."),
            Self::RestartNeeded { keys } => write!(
                f,
                "Changes of {} take effect when corosync-qdevice is started again",
                keys.join(", ")
            ),
            Self::NoHeuristicsExecs => {
                f.write_str("No valid heuristics execs defined. Disabling heuristics.")
            }
            Self::TooManyHeuristicsExecs { found, most } => write!(
                f,
                "Too much ({found}) heuristics execs defined (max is {most}). Disabling heuristics."
            ),
            Self::ExecNotText { key } => write!(f, "{key} key is not of string type. Ignoring"),
            Self::BadExecName { key } => {
                write!(f, "{key} key is not correct heuristics exec name. Ignoring")
            }
            Self::EmptyExec { key } => write!(f, "{key} is empty. It fails in every run."),
            Self::HeartbeatTooSmall { interval, used } => {
                write!(
                    f,
                    "Heartbeat interval too small {}. Adjusting to {}.",
                    interval.0, used.0
                )
            }
            Self::HeartbeatTooBig { interval, used } => {
                write!(
                    f,
                    "Heartbeat interval too big {}. Adjusting to {}.",
                    interval.0, used.0
                )
            }
            Self::Connecting {
                host,
                port,
                timeout,
            } => {
                write!(
                    f,
                    "Trying connect to qnetd server {host}:{port} (timeout = {timeout})"
                )
            }
            Self::ConnectFailed(fault) => f.write_str(&link_lost(fault)),
            Self::NotEncrypted => f.write_str(
                "The server does not offer TLS: anybody on the network can read and forge votes. \
                 Set quorum.device.net.tls to required to refuse such a server, or to off to \
                 accept it",
            ),
            Self::Connected { host, port } => write!(f, "Connected to qnetd server {host}:{port}"),
            Self::Sleeping(delay) => write!(f, "Sleeping for {} ms before reconnect", delay.0),
            Self::VoteChanged {
                from, to, ring, ..
            } => {
                write!(f, "Vote changed from {} to {}", from.as_str(), to.as_str())?;
                ring.map_or(Ok(()), |ring| write!(f, " (ring {ring})"))
            }
            Self::VoteForOldRing { vote, ring } => {
                write!(f, "Vote {} is for old ring {ring}. Ignoring", vote.as_str())
            }
            Self::HeartbeatRefused => f.write_str(
                "The server does not accept a shorter heartbeat, the configured one stays. Its setting \
                 heartbeat_interval_min is above net_adaptive_heartbeat_interval of this node",
            ),
            Self::OldRingPolled => f.write_str("qdevice_votequorum_poll called with old ring id"),
            Self::HeuristicsChanged { from, to } => {
                write!(
                    f,
                    "Heuristics result changed from {} to {}",
                    from.as_str(),
                    to.as_str()
                )
            }
        }
    }
}
