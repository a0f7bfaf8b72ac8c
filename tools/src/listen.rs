//! Metrics over HTTP, for a scraper on this machine.
//!
//! One connection after the other, each with one request: whoever scrapes comes every few seconds.

use crate::metrics::MEDIA_TYPE;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// What there is to be served, at the moment of the request.
pub(super) type Metrics<'a> = dyn Fn() -> String + 'a;

/// Serves until that fails; says where on `out`.
pub(super) fn serve(
    address: SocketAddr,
    metrics: &Metrics<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let place = listener.local_addr()?;
    writeln!(out, "Metrics are served on http://{place}/metrics")?;
    out.flush()?;
    loop {
        match listener.accept() {
            // What goes wrong with one client is no reason to give up the others.
            Ok((stream, _)) => drop(answer(&stream, metrics)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // No descriptor is left, for example: whoever started this may start it again.
            Err(error) => return Err(error),
        }
    }
}

fn answer(stream: &TcpStream, metrics: &Metrics<'_>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (status, kind, body) = match asked(stream)? {
        Asked::Metrics => ("200 OK", MEDIA_TYPE, metrics()),
        Asked::Other => (
            "404 Not Found",
            TEXT,
            "Metrics are at /metrics\n".to_owned(),
        ),
        Asked::NoGet => (
            "405 Method Not Allowed",
            TEXT,
            "Only GET is served\n".to_owned(),
        ),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Metrics,
    Other,
    NoGet,
}

/// The whole head is read, so that closing does not destroy the answer.
fn asked(stream: impl Read) -> io::Result<Asked> {
    let mut head = BufReader::new(stream.take(HEAD_MAX));
    let (mut first, mut line) = (Vec::new(), Vec::new());
    head.read_until(b'\n', &mut first)?;
    while head.read_until(b'\n', &mut line)? > 0 && !line.trim_ascii().is_empty() {
        line.clear();
    }
    let mut words = first.split(|&byte| byte == b' ');
    if words.next() != Some(b"GET") {
        return Ok(Asked::NoGet);
    }
    let path = words.next().unwrap_or_default();
    let path = path.split(|&byte| byte == b'?').next();
    if path == Some(b"/metrics") {
        Ok(Asked::Metrics)
    } else {
        Ok(Asked::Other)
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

/// How long a client may take for anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest head of a request, in bytes.
const HEAD_MAX: u64 = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &str) -> Asked {
        asked(head.as_bytes()).unwrap()
    }

    #[test]
    fn only_getting_the_metrics_gets_them() {
        assert_eq!(
            of("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
            Asked::Metrics
        );
        assert_eq!(of("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), Asked::Metrics);
        assert_eq!(of("GET / HTTP/1.1\r\n\r\n"), Asked::Other);
        assert_eq!(of("POST /metrics HTTP/1.1\r\n\r\n"), Asked::NoGet);
        assert_eq!(of(""), Asked::NoGet);
    }

    #[test]
    fn an_endless_head_takes_bounded_memory() {
        let endless = io::repeat(b'x');
        assert_eq!(asked(endless).unwrap(), Asked::NoGet);
    }
}
