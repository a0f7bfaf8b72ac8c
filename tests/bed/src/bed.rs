//! A whole bed: a switch, nodes, and the host of the arbiter; and what can go wrong between them.

use crate::clock::Moment;
use crate::conf::{Conf, QNETD, address_of};
use crate::daemon::Daemon;
use crate::host::Host;
use crate::interrupt;
use crate::node::Node;
use crate::pretender::Pretence;
use crate::process::Finished;
use crate::program::{Pairing, Program, Programs, Side};
use crate::run_folder::RunFolder;
use crate::switch::{Cable, Switch};
use crate::votes::Votes;
use anyhow::{Context as _, Result, anyhow};
use libqdevice::base::NodeId;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take that does not wait for a timeout of the cluster.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster and its arbiter. Everything of it goes when this is dropped.
#[derive(Debug)]
pub struct Bed {
    programs: Programs,
    pairing: Pairing,
    conf: Conf,
    qdevice_options: Vec<String>,
    votes: Arc<Votes>,
    born: Moment,
    // Dropped in this order: programs before hosts, hosts before the switch.
    nodes: BTreeMap<NodeId, Node>,
    qnetd: Option<Daemon>,
    qnetd_host: Host,
    switch: Switch,
    folder: PathBuf,
}

/// An end of a path that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A node.
    Node(u32),
    /// The host of the arbiter.
    Qnetd,
}

impl Bed {
    /// Makes the hosts of a cluster; nothing runs on them yet.
    pub fn new(run: &RunFolder, programs: &Programs, pairing: Pairing, conf: Conf) -> Result<Self> {
        let folder = run.next_bed();
        let switch = Switch::new(&programs.bed, folder.join("switch"))?;
        let qnetd_host = Host::new(&programs.bed, folder.join("qnetd"))?;
        switch.connect(&qnetd_host, QNETD)?;
        let mut bed = Self {
            programs: programs.clone(),
            pairing,
            conf: conf.clone(),
            qdevice_options: vec!["-f".into(), "-d".into()],
            votes: Arc::default(),
            born: Moment::now(),
            nodes: BTreeMap::new(),
            qnetd: None,
            qnetd_host,
            switch,
            folder,
        };
        for &id in &conf.nodes {
            bed.add_node(id)?;
        }
        Ok(bed)
    }

    /// Starts everything and waits until all nodes have all votes.
    pub fn boot(&mut self) -> Result<()> {
        self.start_qnetd(&[])?;
        self.start_cluster()?;
        self.wait_for_all_votes()?;
        Ok(())
    }

    /// Starts corosync on every node, waits for the membership, starts every qdevice.
    pub fn start_cluster(&mut self) -> Result<()> {
        self.start_corosync()?;
        for node in self.nodes.values_mut() {
            node.start_qdevice(&self.programs, &self.qdevice_options)?;
        }
        Ok(())
    }

    /// Starts corosync on every node and waits for the membership.
    pub fn start_corosync(&mut self) -> Result<()> {
        for node in self.nodes.values_mut() {
            node.start_corosync()?;
        }
        let ids = self.ids();
        let members = self.conf.nodes.clone();
        self.votes.settle("one membership", PATIENCE, |now| {
            now.all(&ids, |s| s.members == members && !s.syncing)
        })?;
        Ok(())
    }

    /// Waits until every node counts the votes of all nodes and of the device. Returns since when.
    pub fn wait_for_all_votes(&self) -> Result<Moment> {
        let (ids, votes) = (self.ids(), self.conf.expected_votes());
        let goal = format!("{votes} votes in service everywhere");
        self.votes.settle(&goal, PATIENCE, |now| {
            now.all(&ids, |s| s.total == votes && s.in_service())
        })
    }

    /// Makes another node, which has to be in the configuration of the others too.
    pub fn add_node(&mut self, id: NodeId) -> Result<&mut Node> {
        let (side, votes) = (self.pairing.qdevice, &self.votes);
        let node = Node::new(&self.programs, side, &self.switch, &self.folder, id, votes)?;
        node.configure(&self.conf)?;
        Ok(self.nodes.entry(id).or_insert(node))
    }

    /// Gives every node another configuration. Corosync reads it when it is told to.
    pub fn configure(&mut self, conf: Conf) -> Result<()> {
        self.conf = conf;
        self.nodes
            .values()
            .try_for_each(|node| node.configure(&self.conf))
    }

    /// Starts the arbiter and waits until it answers its tool.
    pub fn start_qnetd(&mut self, options: &[&str]) -> Result<()> {
        let path = self.programs.path(self.pairing.qnetd, Program::Qnetd);
        let path = path.map_err(|why| anyhow!(why))?;
        let mut args = vec!["-f", "-d", "-s", "off"];
        if self.pairing.qnetd == Side::Ours {
            args.extend(["-S", "state_file=/var/lib/corosync/qnetd-state.json"]);
        }
        args.extend(options);
        self.qnetd = Some(Daemon::start(&self.qnetd_host, &path, &args)?);
        interrupt::until("qnetd answers its tool", PATIENCE, || {
            if let Some(daemon) = &mut self.qnetd {
                daemon.check()?;
            }
            let status = self.qnetd_tool(self.pairing.qnetd, &["-s"])?;
            Ok((status.code == Some(0)).then_some(()))
        })
    }

    /// Starts a server in the place of the arbiter that is none.
    pub fn start_pretender(&mut self, pretence: Pretence) -> Result<()> {
        let args = ["pretend", &pretence.to_string()];
        self.qnetd = Some(Daemon::start(&self.qnetd_host, &self.programs.bed, &args)?);
        Ok(())
    }

    /// The running arbiter.
    pub fn qnetd(&self) -> Result<&Daemon> {
        self.qnetd.as_ref().context("no qnetd runs")
    }

    /// The running arbiter, to be ended.
    pub fn take_qnetd(&mut self) -> Result<Daemon> {
        self.qnetd.take().context("no qnetd runs")
    }

    /// The host of the arbiter.
    #[must_use]
    pub fn qnetd_host(&self) -> &Host {
        &self.qnetd_host
    }

    /// Where the programs are.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Runs a side's tool on the arbiter's host.
    pub fn qnetd_tool(&self, side: Side, args: &[&str]) -> Result<Finished> {
        let path = self.programs.path(side, Program::QnetdTool);
        self.qnetd_host.run(path.map_err(|why| anyhow!(why))?, args)
    }

    /// Runs a side's tool on a node.
    pub fn qdevice_tool(&self, id: u32, side: Side, args: &[&str]) -> Result<Finished> {
        self.node(id)?.tool(&self.programs, side, args)
    }

    /// A node.
    pub fn node(&self, id: u32) -> Result<&Node> {
        let nobody = || format!("there is no node {id}");
        self.nodes.get(&NodeId(id)).with_context(nobody)
    }

    /// A node whose programs are to be started or ended.
    pub fn node_mut(&mut self, id: u32) -> Result<&mut Node> {
        let nobody = || format!("there is no node {id}");
        self.nodes.get_mut(&NodeId(id)).with_context(nobody)
    }

    /// Starts a node's qdevice.
    pub fn start_qdevice(&mut self, id: u32) -> Result<()> {
        let (programs, options) = (self.programs.clone(), self.qdevice_options.clone());
        self.node_mut(id)?.start_qdevice(&programs, &options)
    }

    /// Starts every qdevice from now on with other options than `-f -d`.
    pub fn set_qdevice_options(&mut self, options: &[&str]) {
        self.qdevice_options = options.iter().map(ToString::to_string).collect();
    }

    /// The ids of all nodes.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.nodes.keys().map(|id| id.0).collect()
    }

    /// What votequorum says on the nodes.
    #[must_use]
    pub fn votes(&self) -> &Votes {
        &self.votes
    }

    /// The same, to be followed from another thread.
    #[must_use]
    pub fn shared_votes(&self) -> &Arc<Votes> {
        &self.votes
    }

    /// Who plays which part.
    #[must_use]
    pub fn pairing(&self) -> Pairing {
        self.pairing
    }

    /// The configuration of the nodes.
    #[must_use]
    pub fn conf(&self) -> &Conf {
        &self.conf
    }

    /// Pulls a host's cable: it reaches nobody.
    pub fn isolate(&self, place: Place) -> Result<Moment> {
        self.switch.set_cable(self.host(place)?, Cable::Pulled)?;
        Ok(Moment::now())
    }

    /// Stops all traffic between every one of `left` and every one of `right`. Returns when the last
    /// path was cut.
    pub fn cut(&self, left: &[Place], right: &[Place]) -> Result<Moment> {
        self.filter("-A", left, right)
    }

    /// Undoes one [`Self::cut`].
    pub fn join(&self, left: &[Place], right: &[Place]) -> Result<Moment> {
        self.filter("-D", left, right)
    }

    /// Lets all traffic to a host through again, and plugs its cable in.
    pub fn reconnect(&self, place: Place) -> Result<()> {
        let host = self.host(place)?;
        host.succeed("iptables", &["-w", "-F", "INPUT"])?;
        self.switch.set_cable(host, Cable::Plugged)
    }

    /// Undoes everything that was cut or isolated.
    pub fn heal(&self) -> Result<Moment> {
        for &id in self.nodes.keys() {
            self.reconnect(Place::Node(id.0))?;
        }
        self.reconnect(Place::Qnetd)?;
        Ok(Moment::now())
    }

    /// Fails if a daemon that should be running is not.
    pub fn check(&mut self) -> Result<()> {
        self.qnetd.iter_mut().try_for_each(Daemon::check)?;
        self.nodes.values_mut().try_for_each(Node::check)
    }

    /// What there is to read after a failure: the changes of the votes, and the ends of all logs.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut text = format!("votes:\n{}", self.votes.describe(self.born));
        let hosts = self.nodes.values().map(Node::host);
        for host in hosts.chain([&self.qnetd_host]) {
            for (name, log) in host.logs() {
                let lines: Vec<&str> = log.lines().collect();
                let tail = &lines[lines.len().saturating_sub(TAIL)..];
                writeln!(text, "{name} on {}:\n{}", host.name(), tail.join("\n"))
                    .expect("a String takes everything");
            }
        }
        text
    }

    fn filter(&self, rule: &str, left: &[Place], right: &[Place]) -> Result<Moment> {
        for (ones, others) in [(left, right), (right, left)] {
            let from: Vec<String> = others.iter().map(|&place| address(place)).collect();
            for &one in ones {
                let drop = ["-w", rule, "INPUT", "-s", &from.join(","), "-j", "DROP"];
                self.host(one)?.succeed("iptables", &drop)?;
            }
        }
        Ok(Moment::now())
    }

    fn host(&self, place: Place) -> Result<&Host> {
        match place {
            Place::Node(id) => Ok(self.node(id)?.host()),
            Place::Qnetd => Ok(&self.qnetd_host),
        }
    }
}

/// How many lines of a log are shown.
const TAIL: usize = 60;

fn address(place: Place) -> String {
    match place {
        Place::Node(id) => address_of(NodeId(id)).to_string(),
        Place::Qnetd => QNETD.to_string(),
    }
}
