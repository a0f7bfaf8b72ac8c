//! Child processes that somebody waits for, in a process where somebody else collects all others.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError, TryLockError};

/// The numbers of the children that are watched. Children belong to the process, so there is one set.
static WATCHED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child that leads a process group of its own. Its end is taken by [`end`](Self::end) and by nobody else.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    leader: Pid,
    /// How it ended. From then on its number may belong to another.
    status: Option<ExitStatus>,
}

impl Watched {
    /// Starts a command; blocks as long as the system takes to start it.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        // Locked until its number is known: it may end at once.
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.process_group(0).spawn()?;
        watched.insert(child.id());
        Ok(Self {
            leader: Pid::from_child(&child),
            child,
            status: None,
        })
    }

    /// Whether it has ended; its number stays its own until [`end`](Self::end).
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.leader), look) {
            Ok(status) => status.is_some(),
            Err(Errno::INTR) => false,
            Err(_) => true,
        }
    }

    /// Sends a signal to it and all it has started that is still in its group.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            // Fails when only its remains are left.
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// Kills what is left of it and takes its end.
    ///
    /// # Errors
    ///
    /// Its end was taken by somebody else.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        self.signal(Signal::KILL);
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.end();
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.remove(&self.child.id());
    }
}

/// Lets `collect` take the ends of children for which the function it is given says no; not now, if a child is
/// just being started.
pub fn collect_others(collect: impl FnOnce(&dyn Fn(u32) -> bool)) {
    let watched = match WATCHED.try_lock() {
        Ok(watched) => watched,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    collect(&|child| watched.contains(&child));
}
