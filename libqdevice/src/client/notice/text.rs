use super::{InitHint, Notice};
use crate::base::TlsSupport;
use crate::client::LinkFault;
use crate::wire::{DecodeFault, Malformed, MsgType};
use std::fmt;

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one text per notice")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigRefused(fault) => fault.fmt(f),
            Self::NoNodeList => f.write_str("Can't get configuration node list."),
            Self::HeuristicsKept => f.write_str("Heuristics stay as they were."),
            Self::StrategyRefused(fault) => fault.fmt(f),
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
            Self::BadDebugSwitch(text) => f.write_str(text),
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
            Self::ConnectFailed(text) => write!(f, "Can't connect to qnetd host. {text}"),
            Self::ConnectTimeout => f.write_str("Connect timeout"),
            Self::Connected { host, port } => {
                write!(f, "Connected to qnetd server {host}:{port}")
            }
            Self::LinkLost(fault) => link_lost(f, fault),
            Self::CannotSend(fault) => {
                write!(
                    f,
                    "Can't send message to server: {fault}. Disconnecting from server"
                )
            }
            Self::Malformed(what) => malformed(f, what),
            Self::Unexpected(message) => write!(
                f,
                "Received unexpected {} message. Disconnecting from server",
                name_of(*message)
            ),
            Self::WrongSequence => {
                f.write_str("Received message doesn't contain seq_number or it's not expected one.")
            }
            Self::OptionMissing(message) => write!(
                f,
                "Received {} message without required options. Disconnecting from server",
                name_of(*message)
            ),
            Self::IncompatibleTls { server, client } => write!(
                f,
                "Incompatible tls configuration (server {} client {})",
                tls_number(*server),
                tls_number(*client)
            ),
            Self::TlsMissing { server } => tls_missing(f, *server),
            Self::InitRefused(code) => write!(
                f,
                "Received init reply message with error code {code}. Disconnecting from server"
            ),
            Self::InitHint(hint) => init_hint(f, *hint),
            Self::RequestsTooShort { server, needed } => write!(
                f,
                "Server accepts maximum {server} bytes message but this client minimum \
                 is {needed} bytes."
            ),
            Self::RepliesTooLong { server, accepted } => write!(
                f,
                "Server may send message up to {server} bytes message but this client maximum \
                 is {accepted} bytes."
            ),
            Self::AlgorithmUnknownToServer => {
                f.write_str("Server doesn't support required decision algorithm")
            }
            Self::HeuristicsUnknownToServer => {
                f.write_str("Heuristics are enabled but not supported by server")
            }
            Self::ServerError(code) => {
                write!(f, "Received server error {code}. Disconnecting from server")
            }
            Self::EchoLate => f.write_str("Server didn't send echo reply message on time"),
            Self::EchoOutOfStep => {
                f.write_str("Received echo reply message seq_number is not expected one.")
            }
            Self::VoteChanged { from, to, ring } => {
                write!(f, "Vote changed from {} to {}", from.as_str(), to.as_str())?;
                ring.map_or(Ok(()), |ring| write!(f, " (ring {ring})"))
            }
            Self::VoteForOldRing { vote, ring } => {
                write!(f, "Vote {} is for old ring {ring}. Ignoring", vote.as_str())
            }
            Self::OldRingPolled => f.write_str("qdevice_votequorum_poll called with old ring id"),
            Self::PollFailed(error) => {
                write!(f, "Can't call votequorum_qdevice_poll. Error {error}")
            }
            Self::CorosyncLost(text) => f.write_str(text),
            Self::HeuristicsChanged { from, to } => write!(
                f,
                "Heuristics result changed from {} to {}",
                from.as_str(),
                to.as_str()
            ),
            Self::FirstHeuristicsLate => {
                f.write_str("Timeout waiting for initial heuristics exec result")
            }
            Self::Sleeping(delay) => write!(f, "Sleeping for {} ms before reconnect", delay.0),
        }
    }
}

fn link_lost(f: &mut fmt::Formatter<'_>, fault: &LinkFault) -> fmt::Result {
    match fault {
        LinkFault::ConnectFailed(text) => write!(f, "Can't connect to qnetd host. {text}"),
        LinkFault::Closed => f.write_str("Server closed connection"),
        LinkFault::ReadFailed(text) => write!(
            f,
            "Unhandled error when reading from server. Disconnecting from server ({text})"
        ),
        LinkFault::WriteFailed(text) => {
            write!(f, "Unhandled error when sending message to server ({text})")
        }
        LinkFault::TlsFailed(text) => write!(f, "Can't start TLS ({text})"),
    }
}

fn malformed(f: &mut fmt::Formatter<'_>, what: &Malformed) -> fmt::Result {
    match what {
        Malformed::UnknownType(number) => {
            write!(
                f,
                "Server sent unsupported msg type {number}. Disconnecting from server"
            )
        }
        Malformed::TooLong(size) => write!(
            f,
            "Server wants to send too long message {size} bytes. Disconnecting from server"
        ),
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
            write!(f, "{text}. Disconnecting from server ({error})")
        }
    }
}

fn tls_missing(f: &mut fmt::Formatter<'_>, server: TlsSupport) -> fmt::Result {
    f.write_str(
        "The server offers TLS and quorum.device.net.tls asks for it, but this version of \
         corosync-qdevice has no TLS. Set quorum.device.net.tls to off",
    )?;
    match server {
        TlsSupport::Required => f.write_str(" and let corosync-qnetd accept plain text (-s on)"),
        TlsSupport::Supported | TlsSupport::Unsupported => Ok(()),
    }
}

fn init_hint(f: &mut fmt::Formatter<'_>, hint: InitHint) -> fmt::Result {
    f.write_str(match hint {
        InitHint::DuplicateNodeId => "Duplicate node id may be result",
        InitHint::TieBreakerDiffers => {
            "Configured tie-breaker differs in cluster. This may be result"
        }
        InitHint::AlgorithmDiffers => "Configured algorithm differs in cluster. This may be result",
    })?;
    f.write_str(" of server not yet accepted this node disconnect. Retry again.")
}

const fn tls_number(tls: TlsSupport) -> u8 {
    match tls {
        TlsSupport::Unsupported => 0,
        TlsSupport::Supported => 1,
        TlsSupport::Required => 2,
    }
}

const fn name_of(message: MsgType) -> &'static str {
    match message {
        MsgType::PreInit => "preinit",
        MsgType::PreInitReply => "preinit reply",
        MsgType::StartTls => "starttls",
        MsgType::Init => "init",
        MsgType::InitReply => "init reply",
        MsgType::ServerError => "server error",
        MsgType::SetOption => "set option",
        MsgType::SetOptionReply => "set option reply",
        MsgType::EchoRequest => "echo request",
        MsgType::EchoReply => "echo reply",
        MsgType::NodeList => "node list",
        MsgType::NodeListReply => "node list reply",
        MsgType::AskForVote => "ask for vote",
        MsgType::AskForVoteReply => "ask for vote reply",
        MsgType::VoteInfo => "vote info",
        MsgType::VoteInfoReply => "vote info reply",
        MsgType::HeuristicsChange => "heuristics change",
        MsgType::HeuristicsChangeReply => "heuristics change reply",
    }
}
