use super::daemon::PATIENCE;
use crate::trace::Frame;
use rustix::net::sockopt;
use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// What a server says on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A message.
    Message {
        /// Number of its type.
        kind: u16,
        /// What follows the header.
        body: Vec<u8>,
    },
    /// The answer to the echo that ends every step: an error code, or 0 for an echo.
    Alive(u16),
    /// The end of the connection.
    Ended,
}

impl Said {
    /// The message as options; `None` for anything else.
    #[must_use]
    pub fn frame(&self) -> Option<Frame> {
        match self {
            Self::Message { kind, body } => Some(Frame::decode(*kind, body)),
            Self::Alive(_) | Self::Ended => None,
        }
    }

    /// Number of the message's type; `None` for anything else.
    #[must_use]
    pub const fn kind(&self) -> Option<u16> {
        match self {
            Self::Message { kind, .. } => Some(*kind),
            Self::Alive(_) | Self::Ended => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { kind, body } => Frame::decode(*kind, body).fmt(f),
            Self::Alive(0) => f.write_str("(echo answered)"),
            Self::Alive(code) => write!(f, "(echo answered with error {code})"),
            Self::Ended => f.write_str("(connection ended)"),
        }
    }
}

/// One connection to a server.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    /// Our port, by which the server's texts name the connection.
    pub(super) port: u16,
    /// Bytes received and not understood yet.
    buffer: Vec<u8>,
    /// Whether nothing more can come.
    pub(super) ended: bool,
    /// Numbers of the pushed votes that are not confirmed yet.
    pub(super) unconfirmed: VecDeque<u32>,
}

/// An answer did not come in time.
#[derive(Debug)]
pub(super) struct Silent;

impl Link {
    pub(super) fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            port: stream.local_addr()?.port(),
            stream,
            buffer: Vec::new(),
            ended: false,
            unconfirmed: VecDeque::new(),
        })
    }

    /// Sends bytes; that the other side is gone shows when reading.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends the echo that ends a step.
    pub(super) fn write_echo(&mut self, token: u32) {
        let mut echo = [0, 8, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 0];
        echo[10..].copy_from_slice(&token.to_be_bytes());
        self.write(&echo);
    }

    /// Says that nothing more will be sent.
    pub(super) fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Resets the connection.
    pub(super) fn reset(&mut self) {
        let _ = sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        self.ended = true;
    }

    /// Reads until the echo with this number is answered or the connection ends.
    pub(super) fn read_until(&mut self, token: u32) -> Result<Vec<Said>, Silent> {
        let mut said = Vec::new();
        loop {
            while let Some(one) = self.next_message(token) {
                let last = matches!(one, Said::Alive(_));
                said.push(one);
                if last {
                    return Ok(said);
                }
            }
            if self.ended {
                said.push(Said::Ended);
                return Ok(said);
            }
            if !said.is_empty() {
                // The C server holds the next small message back until this one is acknowledged, and
                // the kernel is in no hurry to do that unless it is told so each time.
                let _ = sockopt::set_tcp_quickack(&self.stream, true);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Silent> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(len) => self.buffer.extend(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                return Err(Silent);
            }
            // Reset by the other side, in whatever words.
            Err(_) => self.ended = true,
        }
        Ok(())
    }

    /// Takes the first complete message off the buffer.
    fn next_message(&mut self, token: u32) -> Option<Said> {
        let (head, rest) = self.buffer.split_at_checked(6)?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let len = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
        let body = rest.get(..len)?.to_vec();
        self.buffer.drain(..6 + len);
        if kind == 14 {
            self.unconfirmed
                .extend(Frame::decode(kind, &body).number(0));
        }
        let mut own = [0, 0, 0, 4, 0, 0, 0, 0];
        own[4..].copy_from_slice(&token.to_be_bytes());
        if kind == 9 && body == own {
            return Some(Said::Alive(0));
        }
        match body.strip_prefix(&own) {
            Some([0, 6, 0, 2, high, low]) if kind == 5 => {
                Some(Said::Alive(u16::from_be_bytes([*high, *low])))
            }
            _ => Some(Said::Message { kind, body }),
        }
    }
}
