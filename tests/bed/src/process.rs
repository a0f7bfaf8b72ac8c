//! Running a program to its end within a time limit, and waiting for the end of one.

use crate::clock::Moment;
use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a program may take that only does something small.
pub const SHORT: Duration = Duration::from_secs(5);

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Finished {
    /// What it wrote, if it ended with 0.
    pub fn success(self, name: &str) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let code = self.code.map_or("a signal".into(), |code| code.to_string());
        bail!("{name} ended with {code}: {}{}", self.stderr, self.stdout)
    }
}

/// Runs a program to its end. One that takes longer than `limit` is killed, which is an error.
pub fn finish(command: &mut Command, limit: Duration) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{:?} cannot be started", command.get_program()))?;
    let stdout = collect(child.stdout.take().context("no pipe")?);
    let stderr = collect(child.stderr.take().context("no pipe")?);
    let ended = wait_for_end(&handle(&child)?, limit);
    if !ended {
        // A failure means that it has just ended, and wait() says so.
        let _ = child.kill();
    }
    let status = child.wait()?;
    if !ended {
        bail!("{command:?} takes longer than {limit:?}");
    }
    Ok(Finished {
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

/// A descriptor of a running child.
pub fn handle(child: &Child) -> Result<OwnedFd> {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty())
        .context("no descriptor for a process (Linux 5.3 has them)")
}

/// Waits until a process ends. Returns whether it did within `limit`.
#[must_use]
pub fn wait_for_end(process: &impl AsFd, limit: Duration) -> bool {
    let end = Moment::now() + limit;
    loop {
        let left = end.left();
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
            Ok(ready) => return ready > 0,
            Err(_) => return false,
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn text(pipe: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&pipe.join().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_leaves_its_code_and_both_outputs() {
        let finished = finish(&mut shell("echo out; echo err >&2; exit 3"), SHORT).unwrap();
        let expected = Finished {
            code: Some(3),
            stdout: "out\n".into(),
            stderr: "err\n".into(),
        };
        assert_eq!(finished, expected);
    }

    #[test]
    fn a_program_that_takes_too_long_is_an_error_that_names_it() {
        let error = finish(&mut shell("exec sleep 60"), Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("sleep 60"), "{error}");
    }

    #[test]
    fn success_is_the_output_and_failure_says_what_the_program_said() {
        let run = |script| finish(&mut shell(script), SHORT).unwrap();
        assert_eq!(run("echo fine").success("sh").unwrap(), "fine\n");
        let error = run("echo bad >&2; exit 1").success("sh").unwrap_err();
        assert_eq!(error.to_string(), "sh ended with 1: bad\n");
    }
}
