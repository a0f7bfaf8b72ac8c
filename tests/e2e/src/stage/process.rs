use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A process that is killed and reaped at the latest when this is dropped. Its log is a file.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a process whose stderr is appended to `log`.
    pub(super) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let stderr = OpenOptions::new().create(true).append(true).open(log)?;
        let child = command
            .stderr(Stdio::from(stderr))
            .spawn()
            .with_context(|| {
                format!(
                    "{} cannot be started",
                    command.get_program().to_string_lossy()
                )
            })?;
        Ok(Self {
            child,
            name: name.to_owned(),
            log: log.to_owned(),
        })
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).context("cannot send a signal")
    }

    pub(super) fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// What it has logged so far, under its name.
    pub(super) fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("--- {} ---\n{text}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
