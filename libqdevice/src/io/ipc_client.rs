//! The tools' end of the local socket.

use crate::ipc::Status;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Why there is no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The line could not be sent.
    #[error("Can't send command: {0}")]
    Send(#[source] io::Error),
    /// The daemon closed the connection and said nothing, as it does when too many tools ask at once.
    #[error("Connection closed by the IPC server without an answer")]
    NoAnswer,
    /// The answer does not begin as an answer does.
    #[error("Unknown status line returned by IPC server")]
    UnknownStatus,
    /// The answer begins with a line that is too long.
    #[error("Internal error during IPC status line read")]
    StatusTooLong,
    /// The answer breaks off.
    #[error("Can't read answer: {0}")]
    Read(#[source] io::Error),
    /// The answer cannot be passed on.
    #[error("Can't write answer: {0}")]
    Write(#[source] io::Error),
}

/// Connects to a daemon.
///
/// A path that is empty or too long for a socket is told with the same error as upstream.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().is_empty() || path.as_os_str().len() > PATH_MAX {
        return Err(rustix::io::Errno::NAMETOOLONG.into());
    }
    UnixStream::connect(path)
}

/// Sends a line and passes the text of the answer on: to `out` if it is what was asked for, to `err`
/// behind `Error: ` if not.
pub fn ask(
    mut daemon: UnixStream,
    line: &[u8],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, AskError> {
    match daemon.write_all(line) {
        // It may have closed because it had already answered.
        Err(error) if is_closed(&error) => {}
        result => result.map_err(AskError::Send)?,
    }
    let mut answer = BufReader::new(daemon);
    let status = read_status(&mut answer)?;
    match status {
        Status::Ok => pass_on(&mut answer, out)?,
        Status::Error => {
            err.write_all(b"Error: ").map_err(AskError::Write)?;
            pass_on(&mut answer, err)?;
        }
    }
    Ok(status)
}

fn read_status(answer: &mut impl BufRead) -> Result<Status, AskError> {
    let mut line = Vec::new();
    match answer.take(STATUS_MAX).read_until(b'\n', &mut line) {
        Err(error) if is_closed(&error) => return Err(AskError::NoAnswer),
        result => result.map_err(AskError::Read)?,
    };
    match line.strip_suffix(b"\n") {
        Some(line) => Status::parse(line).ok_or(AskError::UnknownStatus),
        None if line.len() as u64 == STATUS_MAX => Err(AskError::StatusTooLong),
        None => Err(AskError::NoAnswer),
    }
}

fn pass_on(answer: &mut impl Read, out: &mut dyn Write) -> Result<(), AskError> {
    let mut buffer = [0; 8192];
    loop {
        match answer.read(&mut buffer) {
            Ok(0) => return out.flush().map_err(AskError::Write),
            Ok(len) => out.write_all(&buffer[..len]).map_err(AskError::Write)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(AskError::Read(error)),
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

/// Longest path of a local socket.
pub(super) const PATH_MAX: usize = 107;

const STATUS_MAX: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Asks a daemon that reads a line and answers with `answer`; gives what was printed, too.
    fn asked(answer: &'static [u8]) -> (Result<Status, AskError>, String, String) {
        let (tool, mut daemon) = UnixStream::pair().unwrap();
        let daemon = thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(&daemon).read_line(&mut line).unwrap();
            daemon.write_all(answer).unwrap();
            line
        });
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = ask(tool, b"status \n", &mut out, &mut err);
        assert_eq!(daemon.join().unwrap(), "status \n");
        (
            result,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn what_was_asked_for_goes_to_out() {
        let (result, out, err) = asked(b"ok\r\nText\n\nMore");
        assert!(matches!(result, Ok(Status::Ok)));
        assert_eq!((out.as_str(), err.as_str()), ("Text\n\nMore", ""));
    }

    #[test]
    fn a_refusal_goes_to_err() {
        let (result, out, err) = asked(b"Error\nNo command specified\n");
        assert!(matches!(result, Ok(Status::Error)));
        assert_eq!(
            (out.as_str(), err.as_str()),
            ("", "Error: No command specified\n")
        );
    }

    #[test]
    fn an_answer_without_a_whole_status_line_is_no_answer() {
        assert!(matches!(asked(b"").0, Err(AskError::NoAnswer)));
        assert!(matches!(asked(b"OK").0, Err(AskError::NoAnswer)));
    }

    #[test]
    fn a_status_line_must_be_one() {
        assert!(matches!(
            asked(b"220 ready\n").0,
            Err(AskError::UnknownStatus)
        ));
        assert!(matches!(
            asked(&[b'x'; 600]).0,
            Err(AskError::StatusTooLong)
        ));
    }

    #[test]
    fn a_daemon_that_closes_at_once_gives_no_answer() {
        let (tool, daemon) = UnixStream::pair().unwrap();
        drop(daemon);
        let result = ask(tool, b"status \n", &mut Vec::new(), &mut Vec::new());
        assert!(matches!(result, Err(AskError::NoAnswer)));
    }

    #[test]
    fn an_impossible_path_has_upstreams_error() {
        for path in [String::new(), "x".repeat(108)] {
            let error = connect(Path::new(&path)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(36));
        }
    }
}
