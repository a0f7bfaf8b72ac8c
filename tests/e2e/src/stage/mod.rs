//! An arbiter and its nodes on loopback, each a process, all gone when the stage is.

mod place;
mod process;

use crate::node::SOCKET;
use crate::report::{Report, What};
use anyhow::{Context, Result, anyhow, bail};
use libqdevice::base::{Millis, RingId, Time};
use libqdevice::io::{clock, ipc_client};
use libqdevice::ipc::Status;
use place::Place;
use process::Process;
pub use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What runs on a stage.
#[derive(Debug, Clone)]
pub struct Programs {
    /// How to start the arbiter: a program and its first arguments.
    pub arbiter: Vec<PathBuf>,
    /// How to start a node.
    pub node: Vec<PathBuf>,
    /// `quorum.device.timeout` of the nodes, if not the default.
    pub timeout: Option<u32>,
}

/// An arbiter and its nodes.
#[derive(Debug)]
pub struct Stage {
    // First, so that it is dropped first: what runs ends before its folder goes.
    arbiter: Option<Process>,
    nodes: BTreeMap<u32, Node>,
    programs: Programs,
    news: Receiver<News>,
    sender: Sender<News>,
    history: Vec<(u32, Report)>,
    place: Place,
}

#[derive(Debug)]
struct Node {
    process: Process,
    /// Closed to show the node that nobody is left.
    orders: ChildStdin,
    standing: Standing,
    status: Option<ExitStatus>,
}

/// What a node did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The last poll: its ring, and whether it cast the vote.
    pub cast: Option<(RingId, bool)>,
    /// Whether its partition may go on; nothing while a membership is being formed.
    pub quorate: Option<bool>,
    /// The ring it is in.
    pub ring: Option<RingId>,
}

/// What the threads that read have to say.
#[derive(Debug, Clone, Copy)]
pub enum News {
    /// A node has reported.
    Report(u32, Report),
    /// The stdout of a node is closed.
    Ended(u32),
    /// The user wants it all to end.
    Interrupted,
}

impl Stage {
    /// An empty stage.
    pub fn new(programs: Programs) -> Result<Self> {
        let (sender, news) = channel();
        Ok(Self {
            arbiter: None,
            nodes: BTreeMap::new(),
            programs,
            news,
            sender,
            history: Vec::new(),
            place: Place::new()?,
        })
    }

    /// Where news can be put in from outside.
    #[must_use]
    pub fn sender(&self) -> Sender<News> {
        self.sender.clone()
    }

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

    /// What the arbiter's tool would show for this command.
    pub fn ask_arbiter(&self, command: &str) -> Result<String> {
        ask(&self.place.path("arbiter.socket"), command)
    }

    /// Starts a node that knows of `nodes`; `extra` are further options of `fake-node`.
    pub fn start_node(&mut self, id: u32, nodes: &[u32], extra: &[&str]) -> Result<()> {
        let dir = self.node_dir(id);
        fs::create_dir_all(&dir)?;
        let nodes: Vec<String> = nodes.iter().map(u32::to_string).collect();
        let mut command = program(&self.programs.node)?;
        command
            .args(["--node", &id.to_string(), "--nodes", &nodes.join(",")])
            .args(["--server", &self.place.address.to_string()])
            .arg("--dir")
            .arg(&dir)
            .args(extra)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(timeout) = self.programs.timeout {
            command.args(["--timeout", &timeout.to_string()]);
        }
        let mut process = Process::start(&format!("node {id}"), &mut command, &dir.join("log"))?;
        let orders = process.child.stdin.take().context("no stdin")?;
        let reports = BufReader::new(process.child.stdout.take().context("no stdout")?);
        let news = self.sender.clone();
        std::thread::spawn(move || {
            for report in reports
                .lines()
                .map_while(Result::ok)
                .filter_map(|line| line.parse().ok())
            {
                // Nobody reads any more when the stage is gone.
                let _ = news.send(News::Report(id, report));
            }
            let _ = news.send(News::Ended(id));
        });
        let node = Node {
            process,
            orders,
            standing: Standing::default(),
            status: None,
        };
        self.nodes.insert(id, node);
        Ok(())
    }

    /// Tells a node's corosync what happens: a line as [`Order`](crate::fake::Order) reads it.
    pub fn order(&mut self, node: u32, line: &str) -> Result<()> {
        Ok(writeln!(self.node_mut(node)?.orders, "{line}")?)
    }

    /// What the tool of a node would show for this command.
    pub fn ask(&self, node: u32, command: &str) -> Result<String> {
        ask(&self.node_dir(node).join(SOCKET), command)
    }

    /// Sends a signal to a node.
    pub fn signal(&self, node: u32, signal: Signal) -> Result<()> {
        self.nodes
            .get(&node)
            .context("no such node")?
            .process
            .signal(signal)
    }

    /// What a node did last.
    #[must_use]
    pub fn standing(&self, node: u32) -> Standing {
        self.nodes
            .get(&node)
            .map(|node| node.standing)
            .unwrap_or_default()
    }

    /// Everything that was reported so far, in the order of arrival, with the node.
    #[must_use]
    pub fn history(&self) -> &[(u32, Report)] {
        &self.history
    }

    /// Takes the next news, if some come before `end`.
    pub fn follow(&mut self, end: Time) -> Result<Option<News>> {
        let left = Duration::from_millis(end.since(clock::now()));
        let Ok(news) = self.news.recv_timeout(left) else {
            return Ok(None);
        };
        match news {
            News::Report(id, report) => {
                self.history.push((id, report));
                self.node_mut(id)?.standing.note(report.what);
            }
            News::Ended(id) => {
                let node = self.node_mut(id)?;
                node.status = Some(node.process.child.wait()?);
            }
            News::Interrupted => bail!("interrupted"),
        }
        Ok(Some(news))
    }

    /// Follows the news until `done`; it is an error if that takes too long.
    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let end = clock::now().after(Millis(PATIENCE_MS));
        while !done(self) {
            if self.follow(end)?.is_none() {
                bail!(
                    "waited in vain for {what}
{}{}",
                    self.reports(),
                    self.logs()
                );
            }
        }
        Ok(())
    }

    /// Waits until every node of the list has polled with this ring and cast, or not cast, its vote.
    pub fn until_cast(&mut self, nodes: &[u32], ring: RingId, vote: bool) -> Result<()> {
        self.until(&format!("{nodes:?} to cast {vote} for {ring}"), |stage| {
            nodes
                .iter()
                .all(|node| stage.standing(*node).cast == Some((ring, vote)))
        })
    }

    /// Waits for the end of a node.
    pub fn end_of(&mut self, id: u32) -> Result<ExitStatus> {
        self.until(&format!("the end of node {id}"), |stage| {
            stage.status(id).is_some()
        })?;
        self.status(id).context("just seen")
    }

    /// How a node ended, if it has.
    #[must_use]
    pub fn status(&self, id: u32) -> Option<ExitStatus> {
        self.nodes.get(&id)?.status
    }

    fn reports(&self) -> String {
        let line = |(node, report): &(u32, Report)| format!("node {node}: {report}\n");
        self.history.iter().map(line).collect()
    }

    /// What everybody has logged.
    #[must_use]
    pub fn logs(&self) -> String {
        let nodes = self.nodes.values().map(|node| &node.process);
        self.arbiter.iter().chain(nodes).map(Process::log).collect()
    }

    fn node_mut(&mut self, id: u32) -> Result<&mut Node> {
        self.nodes
            .get_mut(&id)
            .with_context(|| format!("no node {id}"))
    }

    fn node_dir(&self, id: u32) -> PathBuf {
        self.place.dir().join(format!("node{id}"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}

impl Standing {
    fn note(&mut self, what: What) {
        match what {
            What::Forming(ring) => (self.ring, self.quorate) = (Some(ring), None),
            What::CastFor(ring) => self.cast = Some((ring, true)),
            What::CastAgainst(ring) => self.cast = Some((ring, false)),
            What::Quorate(_) => self.quorate = Some(true),
            What::Blocked(_) => self.quorate = Some(false),
            What::Registered | What::Refused(_) | What::Frozen | What::Left => {}
        }
    }

    /// Whether it has the vote in this ring, and serves.
    #[must_use]
    pub fn serves_with_vote(&self, ring: RingId) -> bool {
        self.cast == Some((ring, true)) && self.quorate == Some(true)
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

fn program(words: &[PathBuf]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("no program given")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

fn ask(socket: &Path, command: &str) -> Result<String> {
    let daemon = ipc_client::connect(socket)
        .with_context(|| format!("cannot connect to {}", socket.display()))?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = format!("{command}\n");
    match ipc_client::ask(daemon, line.as_bytes(), &mut out, &mut err)? {
        Status::Ok => Ok(String::from_utf8(out)?),
        Status::Error => bail!("{}", String::from_utf8_lossy(&err)),
    }
}

/// No single step takes longer, unless it fails.
const PATIENCE_MS: u32 = 30_000;
const PATIENCE: Duration = Duration::from_millis(PATIENCE_MS as u64);
