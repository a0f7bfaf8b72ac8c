use super::Debug;
use super::journal::Journal;
use super::line::Line;
use super::syslog::Syslog;
use std::io::{self, Write};

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
    pub(super) fn write(&mut self, line: &Line) {
        if self.stderr == Stderr::Yes {
            let _ = io::stderr().write_all(line.for_stderr().as_bytes());
        }
        match &mut self.system {
            System::Journal(journal) => journal.write(line),
            System::Syslog(syslog) => syslog.write(line),
        }
    }
}
