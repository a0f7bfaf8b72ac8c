//! Processes of a bed are known by a mark in their environment, which their children inherit: the
//! path of the folder of their host. Nothing else is ever ended.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The variable that carries the mark.
pub const MARK: &str = "COROSYNC_BED";

/// Kills every process whose mark is `folder` or lies below it, this one excepted, until none is
/// left. Returns how many there were.
#[must_use]
pub fn end_all(folder: &Path) -> usize {
    let (mut ended, mut quiet) = (0, 0);
    // A process may start another while it is looked for, and in the middle of exec it shows no
    // environment: only a second look that finds nothing is the end.
    for _ in 0..TURNS {
        let found = find(folder);
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 {
            break;
        }
        for process in found {
            ended += usize::from(pidfd_send_signal(&process, Signal::KILL).is_ok());
            // One that takes longer is found again in the next turn.
            let _ = crate::process::wait_for_end(&process, crate::process::SHORT);
        }
    }
    ended
}

/// Whether any process carries such a mark.
#[must_use]
pub fn any(folder: &Path) -> bool {
    !find(folder).is_empty()
}

const TURNS: usize = 20;

/// The descriptor is opened before the mark is read, so that a number that is used again in between
/// cannot hit a stranger.
fn find(folder: &Path) -> Vec<OwnedFd> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid: &i32| u32::try_from(pid) != Ok(std::process::id()))
        .filter_map(|pid| {
            let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            carries(&environment, folder).then_some(process)
        })
        .collect()
}

fn carries(environment: &[u8], folder: &Path) -> bool {
    environment
        .split(|&byte| byte == 0)
        .filter_map(|variable| variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="))
        .any(|mark| Path::new(std::ffi::OsStr::from_bytes(mark)).starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::SHORT;

    #[test]
    fn a_mark_counts_for_its_folder_and_those_above_but_not_for_a_similar_name() {
        let environment = b"PATH=/bin\0COROSYNC_BED=/tmp/run.1/n1\0HOME=/\0";
        assert!(carries(environment, Path::new("/tmp/run.1/n1")));
        assert!(carries(environment, Path::new("/tmp/run.1")));
        assert!(!carries(environment, Path::new("/tmp/run")));
        assert!(!carries(environment, Path::new("/tmp/run.1/n2")));
    }

    #[test]
    fn a_process_without_a_mark_is_not_ours() {
        assert!(!carries(b"PATH=/tmp/run.1\0", Path::new("/tmp/run.1")));
    }

    #[test]
    fn a_marked_process_is_ended_and_its_neighbour_is_not() {
        let folder = format!("/nowhere/marked.{}", std::process::id());
        let sleeper = |mark: &str| {
            std::process::Command::new("sleep")
                .arg("60")
                .env(MARK, mark)
                .spawn()
                .unwrap()
        };
        let mut ours = sleeper(&format!("{folder}/n1"));
        let mut other = sleeper(&format!("{folder}x"));
        let folder = Path::new(&folder);
        crate::interrupt::until("the child shows its environment", SHORT, || {
            Ok((!find(folder).is_empty()).then_some(()))
        })
        .unwrap();
        assert_eq!(end_all(folder), 1);
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
