//! The process groups of commands: counted until they are empty, and ended whole.

use libqdevice::base::{Millis, Time};
use libqdevice::io::watched::collect_others;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::collections::BTreeMap;

/// The groups that may have a process, by the number of their leader.
///
/// The number of a group is not given to another process while one of ours has not been waited for, so no signal
/// goes to a stranger.
#[derive(Debug)]
pub(super) struct Groups {
    by_leader: BTreeMap<Pid, Group>,
    grace: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    leader: Leader,
    /// When SIGKILL follows; `None` while nothing was asked of it.
    kill_at: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    Alive,
    Gone,
}

impl Groups {
    pub(super) const fn new(grace: Millis) -> Self {
        Self {
            by_leader: BTreeMap::new(),
            grace,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_leader.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_leader.is_empty()
    }

    pub(super) fn add(&mut self, leader: Pid) {
        let group = Group {
            leader: Leader::Alive,
            kill_at: None,
        };
        self.by_leader.insert(leader, group);
    }

    /// The command itself has ended; what it has left behind is ended too.
    pub(super) fn leader_ended(&mut self, leader: Pid, now: Time) {
        if let Some(group) = self.by_leader.get_mut(&leader) {
            group.leader = Leader::Gone;
        }
        if self.is_inhabited(leader) {
            self.terminate(leader, now);
        }
    }

    /// Asks all processes of all groups to end.
    pub(super) fn terminate_all(&mut self, now: Time) {
        let leaders: Vec<Pid> = self.by_leader.keys().copied().collect();
        for leader in leaders {
            self.terminate(leader, now);
        }
    }

    /// Asks the processes of a group to end, once.
    pub(super) fn terminate(&mut self, leader: Pid, now: Time) {
        if let Some(group) = self.by_leader.get_mut(&leader) {
            if group.kill_at.is_none() {
                group.kill_at = Some(now.after(self.grace));
                tell(leader, Signal::SIGTERM);
            }
        }
    }

    pub(super) fn kill_all(&self) {
        for &leader in self.by_leader.keys() {
            tell(leader, Signal::SIGKILL);
        }
    }

    /// Ends by force what was asked to end and had its time.
    pub(super) fn handle_timeout(&mut self, now: Time) {
        for (&leader, group) in &mut self.by_leader {
            if group.kill_at.is_some_and(|at| at <= now) {
                group.kill_at = Some(now.after(self.grace));
                tell(leader, Signal::SIGKILL);
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.by_leader
            .values()
            .filter_map(|group| group.kill_at)
            .min()
    }

    /// Some process has ended: forgets the groups that are empty.
    pub(super) fn sweep(&mut self) {
        let leaderless: Vec<Pid> = self
            .by_leader
            .iter()
            .filter(|(_, group)| group.leader == Leader::Gone)
            .map(|(&leader, _)| leader)
            .collect();
        for leader in leaderless {
            let _ = self.is_inhabited(leader);
        }
    }

    /// Takes the ends of processes that have left their group and become our children, so that no zombie stays.
    /// Must not be called while a command is being started: its end belongs to whoever starts it.
    pub(super) fn reap_strangers(&self) {
        collect_others(|is_watched| self.reap_others(is_watched));
    }

    fn reap_others(&self, is_watched: &dyn Fn(u32) -> bool) {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, look) {
            match status.pid() {
                // The one who watches it takes its end; then it is our turn again.
                Some(pid) if self.by_leader.contains_key(&pid) => return,
                Some(pid) if is_watched(pid.as_raw().unsigned_abs()) => return,
                Some(pid) => {
                    let _ = waitid(Id::Pid(pid), ended());
                }
                None => return,
            }
        }
    }

    /// Whether a process is left in a group without its leader; takes the ends of those that are not, and forgets
    /// the group with the last of them.
    fn is_inhabited(&mut self, leader: Pid) -> bool {
        loop {
            match waitid(Id::PGid(leader), ended()) {
                Ok(WaitStatus::StillAlive) => return true,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => {
                    self.by_leader.remove(&leader);
                    return false;
                }
            }
        }
    }
}

const fn ended() -> WaitPidFlag {
    WaitPidFlag::WEXITED.union(WaitPidFlag::WNOHANG)
}

fn tell(leader: Pid, signal: Signal) {
    // It may just have ended.
    let _ = killpg(leader, signal);
}
