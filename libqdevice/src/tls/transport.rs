use super::fault::{TlsFault, explained};
use crate::certs::Side;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// The bytes of a connection, plain or within TLS.
#[derive(Debug)]
pub enum Transport {
    /// As they are.
    Plain(TcpStream),
    /// Within TLS.
    Tls(Box<Encrypted>),
}

/// A connection whose TLS handshake has succeeded.
///
/// The other side is told when it ends, as far as that needs no waiting.
#[derive(Debug)]
pub struct Encrypted {
    stream: SslStream<Rewound>,
    /// Which side we are.
    side: Side,
}

impl Transport {
    /// The stream below, on which TLS may begin.
    pub(super) fn plain(self) -> Result<TcpStream, TlsFault> {
        match self {
            Self::Plain(stream) => Ok(stream),
            Self::Tls(_) => Err(TlsFault::internal("TLS within TLS")),
        }
    }
}

impl Encrypted {
    pub(super) fn new(stream: SslStream<Rewound>, side: Side) -> Self {
        Self { stream, side }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(tls) => {
                let side = tls.side;
                let read = Pin::new(&mut tls.stream).poll_read(cx, buffer);
                read.map_err(|error| explained(error, side))
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(tls) => {
                let side = tls.side;
                let written = Pin::new(&mut tls.stream).poll_write(cx, bytes);
                written.map_err(|error| explained(error, side))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut tls.stream).poll_shutdown(cx),
        }
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        // A socket that takes nothing more is closed without a farewell.
        let mut cx = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut cx);
    }
}

/// A stream of which some bytes were read already, as the last plain message was looked for: they are
/// the first of TLS.
#[derive(Debug)]
pub(super) struct Rewound {
    stream: TcpStream,
    start: Vec<u8>,
    at: usize,
}

impl Rewound {
    pub(super) const fn new(stream: TcpStream, start: Vec<u8>) -> Self {
        Self {
            stream,
            start,
            at: 0,
        }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.at == this.start.len() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let left = &this.start[this.at..];
        let taken = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..taken]);
        this.at += taken;
        if this.at == this.start.len() {
            (this.start, this.at) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
