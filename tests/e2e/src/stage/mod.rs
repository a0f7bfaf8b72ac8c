//! An arbiter and its nodes on loopback, each a process, all gone when the stage is.

mod arbiter;
mod place;
mod process;
mod standing;
mod two_nodes;

use crate::node::SOCKET;
use crate::report::Report;
use anyhow::{Context, Result, bail};
pub use arbiter::upstream_arbiter;
use libqdevice::base::{Millis, RingId, Time};
use libqdevice::io::{clock, ipc_client};
use libqdevice::ipc::Status;
use place::Place;
use process::Process;
pub use rustix::process::Signal;
pub use standing::Standing;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
pub use two_nodes::{LEFT, RIGHT, TOGETHER};

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

    /// Where the tool of a node finds its daemon.
    #[must_use]
    pub fn node_socket(&self, node: u32) -> PathBuf {
        self.node_dir(node).join(SOCKET)
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
