use super::process::Process;
use super::{PATIENCE, Stage, ask, program};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Stdio;

impl Stage {
    /// Starts the arbiter and waits until it serves.
    pub fn start_arbiter(&mut self) -> Result<()> {
        let notify = self.place.path("notify");
        let _ = fs::remove_file(&notify);
        let ready = UnixDatagram::bind(&notify)?;
        ready.set_read_timeout(Some(PATIENCE))?;
        let own = |name| format!("{}", self.place.path(name).display());
        let mut command = program(&self.programs.arbiter)?;
        command
            .args([
                "-fd",
                "-s",
                "off",
                "-l",
                &self.place.address.ip().to_string(),
            ])
            .args(["-p", &self.place.address.port().to_string()])
            .args(["-S", &format!("lock_file={}", own("arbiter.lock"))])
            .args([
                "-S",
                &format!("local_socket_file={}", own("arbiter.socket")),
            ])
            .args(
                if self.programs.arbiter.last() == upstream_arbiter().as_ref() {
                    vec![]
                } else {
                    vec![
                        "-S".to_owned(),
                        format!("state_file={}", own("arbiter.state")),
                    ]
                },
            )
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = Process::start("arbiter", &mut command, &self.place.path("arbiter.log"))?;
        let process = self.arbiter.insert(process);
        let mut word = [0; 512];
        loop {
            let length = ready.recv(&mut word);
            let length = length.map_err(|_| anyhow!("no READY=1\n{}", process.log()))?;
            if word[..length].starts_with(b"READY=1") {
                return Ok(());
            }
        }
    }

    /// Ends the arbiter without giving it a chance to say so.
    pub fn kill_arbiter(&mut self) -> Result<()> {
        self.arbiter.take().context("no arbiter")?.kill()?;
        Ok(())
    }

    /// Where the arbiter's tool finds it.
    #[must_use]
    pub fn arbiter_socket(&self) -> PathBuf {
        self.place.path("arbiter.socket")
    }

    /// Where the arbiter listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// The process number of the arbiter.
    #[must_use]
    pub fn arbiter_id(&self) -> Option<u32> {
        Some(self.arbiter.as_ref()?.child.id())
    }

    /// What the arbiter's tool would show for this command.
    pub fn ask_arbiter(&self, command: &str) -> Result<String> {
        ask(&self.place.path("arbiter.socket"), command)
    }
}

/// The upstream arbiter, if it is installed.
#[must_use]
pub fn upstream_arbiter() -> Option<PathBuf> {
    ["/usr/bin/corosync-qnetd", "/usr/sbin/corosync-qnetd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
}
