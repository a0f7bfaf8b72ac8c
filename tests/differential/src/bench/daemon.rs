use crate::trace::Flavour;
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs, process};

/// A server program that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is called in reports.
    pub name: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// What it is told so that it can be compared.
    settings: &'static [&'static str],
}

impl Program {
    /// The C server of the distribution; `None` if it is not installed.
    #[must_use]
    pub fn theirs() -> Option<Self> {
        let name = "theirs";
        [
            "/usr/bin/corosync-qnetd",
            "/usr/sbin/corosync-qnetd",
            "/usr/local/bin/corosync-qnetd",
        ]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
        .map(|path| Self {
            name,
            path,
            settings: &[],
        })
    }

    /// The same program as somebody else.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self {
            name: "twin",
            ..self.clone()
        }
    }

    /// Our server: `$COROSYNC_QNETD`, or the one built into the folder this program was built into.
    #[must_use]
    pub fn ours() -> Option<Self> {
        let name = "ours";
        let named = env::var_os("COROSYNC_QNETD").map(PathBuf::from);
        let built = || {
            let here = env::current_exe().ok()?;
            here.ancestors()
                .skip(1)
                .take(2)
                .map(|folder| folder.join("corosync-qnetd"))
                .find(|path| path.is_file())
        };
        Some(Self {
            name,
            path: named.or_else(built)?,
            // A vote passes on at once, as the C server has it.
            settings: &["-S", "vote_handover=c"],
        })
    }
}

/// A running server with a port and files of its own; it ends when this value does.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    folder: PathBuf,
    port: u16,
}

/// How long a server may take to start or to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

impl Daemon {
    /// Starts a server and waits until it says that it is ready.
    ///
    /// # Errors
    ///
    /// It ended or said nothing; its own words are in the error.
    pub fn start(program: &Program, flavour: Flavour) -> anyhow::Result<Self> {
        let mut tries = 0;
        loop {
            match Self::try_start(program, flavour) {
                Ok(daemon) => return Ok(daemon),
                // Somebody else may have taken the port in the meantime.
                Err(_) if tries < 3 => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn try_start(program: &Program, flavour: Flavour) -> anyhow::Result<Self> {
        let folder = new_folder()?;
        let port = free_port()?;
        let ready = UnixDatagram::bind(folder.join("notify"))?;
        let log = fs::File::create(folder.join("log"))?;
        let files = format!(
            "lock_file={0}/lock,local_socket_file={0}/socket",
            folder.display()
        );
        let child = Command::new(&program.path)
            .args(["-f", "-s", "off", "-l", "127.0.0.1", "-p"])
            .arg(port.to_string())
            .arg("-S")
            .arg(files)
            .args(program.settings)
            .args(flavour.arguments())
            .env("NOTIFY_SOCKET", folder.join("notify"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.path.display()))?;
        let mut daemon = Self {
            child,
            folder,
            port,
        };
        daemon
            .wait_until_ready(&ready)
            .with_context(|| format!("{} did not start", program.path.display()))?;
        Ok(daemon)
    }

    fn wait_until_ready(&mut self, ready: &UnixDatagram) -> anyhow::Result<()> {
        let step = Duration::from_millis(100);
        ready.set_read_timeout(Some(step))?;
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            let mut note = [0; 256];
            let len = ready.recv(&mut note).unwrap_or(0);
            if note[..len].starts_with(b"READY=1") {
                return Ok(());
            }
            if let Some(end) = self.end() {
                bail!("{end}");
            }
            waited += step;
        }
        bail!("no sign of being ready\n{}", self.last_words())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Asks the local socket one line and returns the whole answer.
    ///
    /// # Errors
    ///
    /// The socket is gone or silent.
    pub fn ask(&self, line: &str) -> std::io::Result<String> {
        let mut stream = UnixStream::connect(self.folder.join("socket"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(line.as_bytes())?;
        stream.write_all(b"\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// How the process ended, with its last words; `None` while it runs.
    pub fn end(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("{status}\n{}", self.last_words()))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn new_folder() -> std::io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder =
        Path::new(&env::temp_dir()).join(format!("differential-{}-{number}", process::id()));
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
