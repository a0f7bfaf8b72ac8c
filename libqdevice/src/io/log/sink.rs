use super::Debug;
use super::journal::Journal;
use super::line::Line;
use super::syslog::Syslog;
use rustix::fs::fstat;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Whether lines go to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stderr {
    Yes,
    No,
}

/// Everything a line is written to.
#[derive(Debug)]
pub(super) struct Sinks {
    stderr: Stderr,
    system: System,
}

#[derive(Debug)]
enum System {
    Journal(Journal),
    Syslog(Syslog),
}

impl Sinks {
    pub(super) fn open(ident: &'static str, stderr: Stderr, debug: Debug) -> Self {
        let system = Journal::open(ident, debug).map_or_else(
            |_| System::Syslog(Syslog::new(ident, debug)),
            System::Journal,
        );
        let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        let stderr = match system {
            // A unit's stderr is the journal already; nobody wants each line twice.
            System::Journal(_) if is_journal(io::stderr().as_fd(), &named) => Stderr::No,
            System::Journal(_) | System::Syslog(_) => stderr,
        };
        Self { stderr, system }
    }

    /// Whether somebody takes the lines at present.
    pub(super) fn are_heard(&mut self) -> bool {
        self.stderr == Stderr::Yes
            || match &mut self.system {
                System::Journal(_) => true,
                System::Syslog(syslog) => syslog.is_heard(),
            }
    }

    /// Writes to all of them; a sink that fails has nobody left to tell.
    pub(super) fn write(&mut self, lines: &[Line]) {
        if self.stderr == Stderr::Yes {
            let text: String = lines.iter().map(Line::for_stderr).collect();
            let _ = io::stderr().write_all(text.as_bytes());
        }
        match &mut self.system {
            System::Journal(journal) => lines.iter().for_each(|line| journal.write(line)),
            System::Syslog(syslog) => syslog.write(lines),
        }
    }
}

/// Whether the service manager has connected this to the journal. [`systemd.exec(5)`: `JOURNAL_STREAM`]
fn is_journal(stream: BorrowedFd<'_>, named: &str) -> bool {
    fstat(stream).is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_to_the_journal_once() {
        let stream = std::fs::File::open("/dev/null").unwrap();
        let stat = fstat(&stream).unwrap();
        let named = format!("{}:{}", stat.st_dev, stat.st_ino);
        assert!(is_journal(stream.as_fd(), &named));
        assert!(!is_journal(stream.as_fd(), ""));
        assert!(!is_journal(stream.as_fd(), "1:2"));
    }
}
