use super::{Reason, Session};
use crate::base::{RingId, Time};
use crate::wire::MsgType;

/// How far the client has come with its server. [C: qdevice-net-instance.h, `enum qdevice_net_instance_state`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// corosync has not told its ring yet, or the first heuristics run.
    Starting,
    /// The last connection is gone; a moment passes before the next attempt.
    Backoff,
    /// The addresses of the server are tried; or none is left and the connect timeout is awaited.
    Connecting(Attempt),
    /// PREINIT is sent with this sequence number.
    PreInit { asked: u32 },
    /// STARTTLS is sent, and the handshake is under way: no message may come.
    StartTls {
        /// Whether the server wants to see a certificate.
        certificate_asked: bool,
    },
    /// INIT is sent with this sequence number and ring.
    Init {
        asked: u32,
        ring: RingId,
        protection: Protection,
        at: Time,
    },
    /// The server has admitted this node; the heuristics run before anything is reported.
    Greeting(Session),
    /// Everything is reported; the server's votes count.
    Running { session: Session, since: Time },
    /// Nothing happens any more.
    Ended,
}

/// How an attempt to connect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Attempt {
    UnderWay,
    Failed,
}

/// How the bytes of a connection are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Protection {
    None,
    Tls { certificate_sent: bool },
}

impl Phase {
    /// Whether a connection to the server stands.
    pub(super) const fn has_link(self) -> bool {
        match self {
            Self::PreInit { .. }
            | Self::StartTls { .. }
            | Self::Init { .. }
            | Self::Greeting(_)
            | Self::Running { .. } => true,
            Self::Starting | Self::Backoff | Self::Connecting(_) | Self::Ended => false,
        }
    }

    /// Whether the server's votes count and changes are reported to it.
    pub(super) const fn is_running(self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// The session with a server that has admitted this node.
    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        match self {
            Self::Greeting(session) | Self::Running { session, .. } => Some(session),
            Self::Starting
            | Self::Backoff
            | Self::Connecting(_)
            | Self::PreInit { .. }
            | Self::StartTls { .. }
            | Self::Init { .. }
            | Self::Ended => None,
        }
    }

    /// The session in which `message` may arrive, which is one with everything reported.
    pub(super) fn running(&mut self, message: MsgType) -> Result<&mut Session, Reason> {
        match self {
            Self::Running { session, .. } => Ok(session),
            Self::Starting
            | Self::Backoff
            | Self::Connecting(_)
            | Self::PreInit { .. }
            | Self::StartTls { .. }
            | Self::Init { .. }
            | Self::Greeting(_)
            | Self::Ended => Err(Reason::Unexpected(message)),
        }
    }

    /// Whether an answer to PREINIT with this sequence number is due.
    pub(super) fn preinit_answered(self, seq: Option<u32>) -> Result<(), Reason> {
        match self {
            Self::PreInit { asked } if seq == Some(asked) => Ok(()),
            Self::PreInit { .. } => Err(Reason::WrongSequence),
            Self::Starting
            | Self::Backoff
            | Self::Connecting(_)
            | Self::StartTls { .. }
            | Self::Init { .. }
            | Self::Greeting(_)
            | Self::Running { .. }
            | Self::Ended => Err(Reason::Unexpected(MsgType::PreInitReply)),
        }
    }

    /// Whether an answer to INIT with this sequence number is due; the ring INIT told, how that was
    /// protected, and when it was sent.
    pub(super) fn init_answered(
        self,
        seq: Option<u32>,
    ) -> Result<(RingId, Protection, Time), Reason> {
        match self {
            Self::Init {
                asked,
                ring,
                protection,
                at,
            } if seq == Some(asked) => Ok((ring, protection, at)),
            Self::Init { .. } => Err(Reason::WrongSequence),
            Self::Starting
            | Self::Backoff
            | Self::Connecting(_)
            | Self::PreInit { .. }
            | Self::StartTls { .. }
            | Self::Greeting(_)
            | Self::Running { .. }
            | Self::Ended => Err(Reason::Unexpected(MsgType::InitReply)),
        }
    }
}
