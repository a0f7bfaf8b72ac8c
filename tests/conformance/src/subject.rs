use crate::clock;
use crate::connection::{Arrival, Connection};
use crate::script::{Dialect, PATIENCE, bytes_of, preinit_reply};
use anyhow::{Context as _, bail};
use libqdevice::wire::{Message, PreInit};
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A server of our own: loopback, a free port, private files, no TLS. It ends with the value.
#[derive(Debug)]
pub struct Subject {
    child: Child,
    address: SocketAddr,
    dir: PathBuf,
}

impl Subject {
    /// Starts `program`, which has the options of `corosync-qnetd`, and waits until it serves.
    ///
    /// # Errors
    /// The program cannot be started or does not serve; its log is in the error.
    pub fn start(program: &Path, dialect: Dialect, options: &[&str]) -> anyhow::Result<Self> {
        // Between finding a port free and using it another process may take it.
        let mut tries = 1;
        loop {
            match Self::start_once(program, dialect, options) {
                Ok(subject) => return Ok(subject),
                Err(_) if tries < 5 => tries += 1,
                Err(error) => {
                    return Err(error.context(format!("cannot start {}", program.display())));
                }
            }
        }
    }

    fn start_once(program: &Path, dialect: Dialect, options: &[&str]) -> anyhow::Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let address = free_address(number).context("cannot find a free port")?;
        let dir = std::env::temp_dir().join(format!("conformance-{}-{number}", std::process::id()));
        std::fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let log = File::create(dir.join("log"))?;
        let files = format!(
            "lock_file={0}/lock,local_socket_file={0}/socket",
            dir.to_string_lossy()
        );
        let child = Command::new(program)
            .args([
                "-f",
                "-s",
                "off",
                "-l",
                &address.ip().to_string(),
                "-p",
                &address.port().to_string(),
            ])
            .args(["-S", &files])
            .args(dialect.options())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                let _ = std::fs::remove_dir_all(&dir);
                return Err(error.into());
            }
        };
        let mut subject = Self {
            child,
            address,
            dir,
        };
        subject.wait_until_it_serves()?;
        Ok(subject)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the server.
    ///
    /// # Errors
    /// It had ended by itself, which no server may do.
    pub fn stop(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server has ended by itself, {status}\n{}", self.log());
        }
        Ok(())
    }

    fn wait_until_it_serves(&mut self) -> anyhow::Result<()> {
        let start = clock::now();
        while clock::left(start, START).is_some() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{status}\n{}", self.log());
            }
            if self.is_serving(PATIENCE) {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        bail!("does not serve\n{}", self.log());
    }

    /// Whether a guest is answered and, when it half-closes, sent away: then it does not count as a
    /// client any more.
    fn is_serving(&self, patience: Duration) -> bool {
        let guest = || -> std::io::Result<bool> {
            let mut guest = Connection::open(self.address, patience)?;
            let preinit = PreInit {
                seq: Some(1),
                cluster: Some("guest".into()),
            };
            guest.send(&bytes_of(&Message::PreInit(preinit)))?;
            let welcome = Arrival::Frame(bytes_of(&preinit_reply(1)));
            if guest.receive(patience)? != welcome {
                return Ok(false);
            }
            guest.half_close()?;
            Ok(guest.receive(patience)? == Arrival::End)
        };
        guest().unwrap_or(false)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const START: Duration = Duration::from_secs(10);

/// A free port of a loopback address that is ours alone.
///
/// With one address for all, a port that is free now may be another server's a moment later. The port
/// lies below those that the system hands out: who connects to one of these before the server listens
/// may be given the same port as its own, and then talks to itself.
fn free_address(number: u32) -> std::io::Result<SocketAddr> {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let [.., last] = (number % 254 + 1).to_be_bytes();
    let ip = Ipv4Addr::new(127, high, low, last);
    let mut refusal = None;
    for port in 15_403..15_503 {
        match TcpListener::bind((ip, port)) {
            Ok(listener) => return listener.local_addr(),
            Err(error) => refusal = Some(error),
        }
    }
    Err(refusal.unwrap_or(ErrorKind::AddrInUse.into()))
}
