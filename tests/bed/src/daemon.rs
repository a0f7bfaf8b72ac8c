//! A program of a host that runs until it is told not to.

use crate::clock::Moment;
use crate::host::Host;
use crate::process;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running daemon. It is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    handle: OwnedFd,
    output: PathBuf,
}

impl Daemon {
    /// Starts a program in a host. Its output is added to what an earlier start wrote.
    pub fn start(host: &Host, program: &Path, args: &[&str]) -> Result<Self> {
        let file = program.file_name().unwrap_or(program.as_os_str());
        let file = file.to_string_lossy();
        let name = format!("{file} on {}", host.name());
        let path = host.output_of(&file);
        let mut output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        writeln!(output, "--- started at {}", Moment::now())?;
        let mut command: Command = host.command(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let handle = process::handle(&child)?;
        Ok(Self {
            name,
            child,
            handle,
            output: path,
        })
    }

    /// The file with everything it wrote.
    #[must_use]
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without giving it a chance to do anything.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops it from running, as a machine that swaps or hangs would.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen one go on.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to end.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits for it to end by itself.
    pub fn wait(mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = process::wait_for_end(&self.handle, limit);
        ensure!(ended, "{} still runs after {limit:?}", self.name);
        Ok(self.child.wait()?)
    }

    /// Fails if it has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended unexpectedly: {status}", self.name);
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        // The number cannot be another's: a child that nobody waited for keeps it.
        kill_process(pid, signal).with_context(|| format!("no signal for {}", self.name))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; then both are no news.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
