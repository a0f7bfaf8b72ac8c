//! Going into the background.
//!
//! Upstream forks and its parent ends at once, so a daemon that cannot start looks started. Here the
//! program starts itself once more, the parent stays until the daemon serves, and its exit code says
//! whether it does.

use rustix::process::{getppid, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdout};
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Why there is no daemon; the text is for stderr.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// The program could not be started once more.
    #[error("Can't create child process: {0}")]
    NotStarted(#[from] io::Error),
    /// The daemon gave this reason.
    #[error("{0}")]
    Refused(String),
    /// The daemon gave no reason.
    #[error("daemon has ended before it was ready ({0})")]
    Died(std::process::ExitStatus),
}

/// Starts this program once more as a daemon and waits until it serves.
///
/// The daemon finds out by [`Readiness::of_daemon`] that it is one.
pub fn start_daemon() -> Result<(), DetachError> {
    let mut command = Command::new(env::current_exe()?);
    let mut args = env::args_os();
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    let mut daemon = command
        .args(args)
        .env(PARENT, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut word = String::new();
    if let Some(mut pipe) = daemon.stdout.take() {
        pipe.read_to_string(&mut word)?;
    }
    if word == READY {
        return Ok(());
    }
    let status = daemon.wait()?;
    match word.trim_end() {
        "" => Err(DetachError::Died(status)),
        reason => Err(DetachError::Refused(reason.to_owned())),
    }
}

/// Whether this process was started by [`start_daemon`].
#[must_use]
pub fn is_daemon() -> bool {
    let parent = getppid().map(|pid| pid.as_raw_nonzero().to_string());
    parent.is_some() && env::var(PARENT).ok() == parent
}

/// The daemon's word to the process that started it, to be given once.
#[derive(Debug)]
pub struct Readiness {
    pipe: File,
}

impl Readiness {
    /// `None` in a process that was not started by [`start_daemon`].
    ///
    /// Otherwise the process leaves its session and terminal; stderr stays until the daemon is ready.
    pub fn of_daemon() -> io::Result<Option<Self>> {
        if !is_daemon() {
            return Ok(None);
        }
        let pipe = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        dup2_stdout(null()?)?;
        setsid()?;
        Ok(Some(Self { pipe }))
    }

    /// The daemon serves; from now on it has no stderr.
    pub fn ready(mut self) -> io::Result<()> {
        dup2_stderr(null()?)?;
        self.tell(READY);
        Ok(())
    }

    /// The daemon cannot start.
    pub fn failed(mut self, reason: &str) {
        self.tell(reason);
    }

    fn tell(&mut self, word: &str) {
        // A parent that was killed meanwhile needs no answer.
        let _ = self.pipe.write_all(word.as_bytes());
    }
}

fn null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Tells a daemon that it is one: the process id of its parent, so that a value that was inherited
/// from elsewhere has no effect.
const PARENT: &str = "COROSYNC_DAEMON_OF";

const READY: &str = "ready\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_process_is_no_daemon() {
        assert!(Readiness::of_daemon().unwrap().is_none());
    }
}
