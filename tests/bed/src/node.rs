//! A cluster node of a bed: a host with corosync, a qdevice and a watcher of votequorum.

use crate::clock::Moment;
use crate::conf::{Conf, LOG, PLACE, address_of};
use crate::daemon::Daemon;
use crate::host::Host;
use crate::process::Finished;
use crate::program::{Program, Programs, Side};
use crate::switch::Switch;
use crate::votes::{Entry, Votes};
use anyhow::{Context as _, Result, anyhow, bail};
use libqdevice::base::NodeId;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A node; its programs end when this is dropped.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    side: Side,
    // Dropped in this order: the programs before the host they run in.
    watcher: Watcher,
    qdevice: Option<Daemon>,
    corosync: Option<Daemon>,
    host: Host,
}

impl Node {
    /// Makes a node that runs nothing but its watcher.
    pub fn new(
        programs: &Programs,
        side: Side,
        switch: &Switch,
        folder: &Path,
        id: NodeId,
        votes: &Arc<Votes>,
    ) -> Result<Self> {
        let host = Host::new(&programs.bed, folder.join(format!("n{id}")))?;
        switch.connect(&host, address_of(id))?;
        let watcher = Watcher::start(&programs.bed, &host, id, Arc::clone(votes))?;
        Ok(Self {
            id,
            side,
            watcher,
            qdevice: None,
            corosync: None,
            host,
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The host it is.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whose qdevice it runs.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Writes its corosync.conf.
    pub fn configure(&self, conf: &Conf) -> Result<()> {
        self.host.write(PLACE, &conf.to_string())
    }

    /// Starts corosync.
    pub fn start_corosync(&mut self) -> Result<()> {
        self.corosync = Some(Daemon::start(&self.host, Path::new("corosync"), &["-f"])?);
        Ok(())
    }

    /// Starts the qdevice; corosync has to be up.
    pub fn start_qdevice(&mut self, programs: &Programs, options: &[String]) -> Result<()> {
        let path = programs.path(self.side, Program::Qdevice);
        let path = path.map_err(|why| anyhow!(why))?;
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        self.qdevice = Some(Daemon::start(&self.host, &path, &options)?);
        Ok(())
    }

    /// The running corosync, to be ended.
    pub fn take_corosync(&mut self) -> Result<Daemon> {
        let gone = || format!("node {} runs no corosync", self.id);
        self.corosync.take().with_context(gone)
    }

    /// The running qdevice, to be ended.
    pub fn take_qdevice(&mut self) -> Result<Daemon> {
        let gone = || format!("node {} runs no qdevice", self.id);
        self.qdevice.take().with_context(gone)
    }

    /// The running corosync.
    pub fn corosync(&self) -> Result<&Daemon> {
        let gone = || format!("node {} runs no corosync", self.id);
        self.corosync.as_ref().with_context(gone)
    }

    /// The running qdevice.
    pub fn qdevice(&self) -> Result<&Daemon> {
        let gone = || format!("node {} runs no qdevice", self.id);
        self.qdevice.as_ref().with_context(gone)
    }

    /// Runs a tool of a side on this node.
    pub fn tool(&self, programs: &Programs, side: Side, args: &[&str]) -> Result<Finished> {
        let path = programs.path(side, Program::QdeviceTool);
        self.host.run(path.map_err(|why| anyhow!(why))?, args)
    }

    /// Fails if one of its daemons ended by itself, or if nobody watched its votes to the end.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.watcher.child.try_wait()? {
            bail!(
                "the watcher of node {} ended unexpectedly: {status}",
                self.id
            );
        }
        for daemon in self.corosync.iter_mut().chain(&mut self.qdevice) {
            daemon.check()?;
        }
        Ok(())
    }

    /// The log corosync wrote.
    pub fn corosync_log(&self) -> Result<String> {
        self.host.read(LOG)
    }
}

/// Feeds what `bed watch` sees on a node into the votes.
#[derive(Debug)]
struct Watcher {
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Watcher {
    fn start(bed: &Path, host: &Host, node: NodeId, votes: Arc<Votes>) -> Result<Self> {
        let mut child = host
            .command(bed)
            .arg("watch")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the watcher cannot be started")?;
        let lines = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                match read(node, &line) {
                    Ok(entry) => votes.record(entry),
                    Err(error) => eprintln!("bed: watcher of node {node}: {error}"),
                }
            }
        });
        Ok(Self {
            child,
            reader: Some(reader),
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // It may have ended already; then both are no news.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The thread ends with the pipe, and it does not panic.
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// Reads a line of a watcher: `MILLISECONDS none`, or `MILLISECONDS` and a standing.
fn read(node: NodeId, line: &str) -> Result<Entry> {
    let (millis, rest) = line.split_once(' ').context("a line without a time")?;
    let standing = match rest {
        NONE => None,
        rest => Some(rest.parse().map_err(|why: String| anyhow!(why))?),
    };
    Ok(Entry {
        at: Moment::from_millis(millis.parse()?),
        node,
        standing,
    })
}

/// What a watcher says instead of a standing when no corosync answers.
pub const NONE: &str = "none";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_watcher_become_entries() {
        let entry = read(NodeId(1), "1500 none").unwrap();
        assert_eq!(
            (entry.at, entry.standing),
            (Moment::from_millis(1500), None)
        );
        let entry = read(NodeId(1), "1500 ring=1.a total=2").unwrap();
        assert_eq!(entry.standing.unwrap().total, 2);
        assert!(read(NodeId(1), "soon none").is_err());
    }
}
