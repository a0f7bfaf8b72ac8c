use crate::clock;
use crate::script::LIMIT;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What came, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A message, header included.
    Frame(Vec<u8>),
    /// The server has ended the connection.
    End,
    /// Nothing in the time given, or not all of a message.
    Nothing,
}

/// One connection to the server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    last_heard: Instant,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr, patience: Duration) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        // What a script sends in pieces has to leave in pieces.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            last_heard: clock::now(),
        })
    }

    /// When the server had the last sign of life, a moment later at most.
    pub(crate) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        // Before the write, so that the server cannot have them earlier.
        self.last_heard = clock::now();
        self.send_unheard(bytes)
    }

    /// Sends bytes that are no sign of life.
    pub(crate) fn send_unheard(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn half_close(&self) -> std::io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Waits for a message or the end.
    pub(crate) fn receive(&mut self, patience: Duration) -> std::io::Result<Arrival> {
        let start = clock::now();
        loop {
            if let Some(frame) = self.whole_frame()? {
                return Ok(Arrival::Frame(frame));
            }
            let Some(left) = clock::left(start, patience) else {
                return Ok(Arrival::Nothing);
            };
            self.stream.set_read_timeout(Some(left))?;
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(Arrival::End),
                Ok(count) => self.unread.extend_from_slice(&piece[..count]),
                // A server that closes with bytes unread resets the connection.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Ok(Arrival::End);
                }
                Err(error) if is_timeout(error.kind()) => return Ok(Arrival::Nothing),
                Err(error) => return Err(error),
            }
        }
    }

    fn whole_frame(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let Some((header, _)) = self.unread.split_first_chunk::<6>() else {
            return Ok(None);
        };
        let [_, _, length @ ..] = *header;
        let length = 6 + usize::try_from(u32::from_be_bytes(length)).unwrap_or(LIMIT);
        if length > LIMIT {
            let text = format!("the server announces a message of {length} bytes");
            return Err(std::io::Error::new(ErrorKind::InvalidData, text));
        }
        if self.unread.len() < length {
            return Ok(None);
        }
        let rest = self.unread.split_off(length);
        Ok(Some(std::mem::replace(&mut self.unread, rest)))
    }
}

const fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
