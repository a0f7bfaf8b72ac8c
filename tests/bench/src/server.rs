use crate::clock;
use crate::keys::Keys;
use crate::scratch::Scratch;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One of the two programs that are compared.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// `ours` or `C`.
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
}

/// A running server on loopback; ended when dropped.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
    pub(crate) address: SocketAddr,
    _scratch: Scratch,
}

impl Server {
    /// A server without TLS, with these settings (`name=value,...`).
    pub(crate) fn plain(program: &Program, settings: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start(program, settings, &["-s", "off"], port)
    }

    /// The same on a port that was in use a moment ago.
    pub(crate) fn plain_again(program: &Program, settings: &str, port: u16) -> Result<Self> {
        Self::start(program, settings, &["-s", "off"], port)
    }

    /// A server that requires TLS and client certificates.
    pub(crate) fn with_tls(program: &Program, keys: &Keys) -> Result<Self> {
        let settings = format!("nss_db_dir={},listen_backlog=4096", keys.dir().display());
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start(program, &settings, &["-s", "req"], port)
    }

    fn start(program: &Program, settings: &str, options: &[&str], port: u16) -> Result<Self> {
        let scratch = Scratch::new()?;
        let file = |name: &str| scratch.path().join(name);
        let manager = UnixDatagram::bind(file("notify"))?;
        manager.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut all = format!(
            "lock_file={},local_socket_file={},ipc_max_send_size=104857600",
            file("lock").display(),
            file("socket").display()
        );
        if program.name == "ours" {
            // The C program has none.
            all = format!("{all},state_file={}", file("state").display());
        }
        if !settings.is_empty() {
            all = format!("{all},{settings}");
        }
        // Whatever ends the benchmark, SIGKILL included, ends the server too.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&program.path)
            .args(["-f", "-l", "127.0.0.1", "-p", &port.to_string(), "-S", &all])
            .args(options)
            .env("NOTIFY_SOCKET", file("notify"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(file("log"))?)
            .spawn()
            .with_context(|| format!("setpriv (util-linux) {}", program.path.display()))?;
        let server = Self {
            child,
            socket: file("socket"),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            _scratch: scratch,
        };
        let mut told = [0; 64];
        if manager.recv(&mut told).is_err() {
            let log = fs::read_to_string(server.socket.with_file_name("log"))?;
            bail!("{}: {log}", program.path.display());
        }
        Ok(server)
    }

    /// Seconds of processor time it has used.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may contain anything; user and system time are the 12th and 13th behind.
        let (_, rest) = stat.rsplit_once(") ").context("no process")?;
        let mut fields = rest.split(' ').skip(11);
        let mut ticks = || -> Result<f64> { Ok(fields.next().context("no field")?.parse()?) };
        Ok((ticks()? + ticks()?) / TICKS_PER_SECOND)
    }

    /// Kilobytes (1024 bytes) of memory that belong to it alone.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let line = line.context("the server is gone")?;
        let number = line.split_ascii_whitespace().nth(1).context("no number")?;
        Ok(number.parse()?)
    }

    /// What the tool asks for: the time it takes, and how long the answer is.
    pub(crate) fn question(&self) -> Question {
        Question {
            socket: self.socket.clone(),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a server on its local socket, as the tool does.
pub(crate) struct Question {
    socket: PathBuf,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) took: clock::Micros,
    pub(crate) lines: usize,
}

impl Question {
    pub(crate) fn ask(&self, line: &str) -> Result<Answered> {
        let begin = clock::now();
        let mut stream = UnixStream::connect(Path::new(&self.socket))?;
        stream.write_all(line.as_bytes())?;
        stream.write_all(b"\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let took = clock::now() - begin;
        if !answer.starts_with(b"OK\n") {
            bail!("{line}: {}", String::from_utf8_lossy(&answer));
        }
        let lines = answer.split(|&byte| byte == b'\n').count();
        Ok(Answered { took, lines })
    }
}

/// [Linux: `USER_HZ` is 100 everywhere]
const TICKS_PER_SECOND: f64 = 100.0;
