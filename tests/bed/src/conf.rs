//! corosync.conf of a bed. [corosync.conf(5), corosync-qdevice(8)]

use libqdevice::base::{Algorithm, KeepActivePartition, NodeId, TieBreaker};
use libqdevice::vote::WaitForAll;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The address of a node of any bed.
///
/// # Panics
///
/// When the id is above 99: addresses of other hosts begin there.
#[must_use]
pub fn address_of(node: NodeId) -> Ipv4Addr {
    let last = u8::try_from(node.0).ok().filter(|&id| id < 100);
    Ipv4Addr::new(10, 77, 0, last.expect("a bed has fewer than 100 nodes"))
}

/// The address of the host with qnetd.
pub const QNETD: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);

/// The name of every bed's cluster.
pub const CLUSTER: &str = "bed";

/// A corosync.conf; `Display` is the file.
#[derive(Debug, Clone)]
pub struct Conf {
    /// The ids in the node list.
    pub nodes: Vec<NodeId>,
    /// `quorum.device`.
    pub device: Device,
    /// `quorum.wait_for_all`; left out of the file when it is off.
    pub wait_for_all: WaitForAll,
    /// `logging.debug`.
    pub debug: Debug,
    /// `totem.token`: how long a node may be silent before it is lost.
    pub token: Duration,
}

/// Whether debug messages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debug {
    /// They are not.
    Off,
    /// They are.
    On,
}

/// The section `quorum.device` for model net.
#[derive(Debug, Clone)]
pub struct Device {
    /// `net.host`.
    pub host: String,
    /// `net.algorithm`.
    pub algorithm: Algorithm,
    /// `timeout`: how long a vote lasts. Heartbeats to qnetd and its patience derive from it.
    pub timeout: Duration,
    /// `sync_timeout`: how long corosync waits for a vote while the membership changes.
    pub sync_timeout: Duration,
    /// `net.tie_breaker`.
    pub tie_breaker: TieBreaker,
    /// `net.tls`.
    pub tls: Tls,
    /// `net.keep_active_partition_tie_breaker`; left out of the file when `None`.
    pub keep_active: Option<KeepActivePartition>,
    /// `heuristics`; left out of the file when `None`.
    pub heuristics: Option<Heuristics>,
}

/// The section `heuristics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heuristics {
    /// `mode`.
    pub mode: &'static str,
    /// `timeout` and `sync_timeout`: how long the commands may take.
    pub timeout: Duration,
    /// `interval`: how often they run with mode `on`.
    pub interval: Duration,
    /// The values of `exec_c0`, `exec_c1` and so on.
    pub commands: Vec<String>,
}

/// `net.tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// `off`
    Off,
    /// `on`
    On,
    /// `required`
    Required,
}

impl Default for Device {
    /// Half of corosync's own 10 s, because much of a run is waiting for it.
    fn default() -> Self {
        Self {
            host: QNETD.to_string(),
            algorithm: Algorithm::FfSplit,
            timeout: Duration::from_secs(5),
            sync_timeout: Duration::from_secs(15),
            tie_breaker: TieBreaker::Lowest,
            tls: Tls::Off,
            keep_active: None,
            heuristics: None,
        }
    }
}

impl Conf {
    /// A cluster of the nodes 1 to `count`.
    #[must_use]
    pub fn of_nodes(count: u32, device: Device) -> Self {
        Self {
            nodes: (1..=count).map(NodeId).collect(),
            device,
            wait_for_all: WaitForAll::No,
            debug: Debug::Off,
            token: Duration::from_secs(1),
        }
    }

    /// The votes of all nodes and the device.
    #[must_use]
    pub fn expected_votes(&self) -> u32 {
        self.node_votes() + self.device_votes()
    }

    /// The votes of the device: one less than there are nodes, unless the file says another number.
    #[must_use]
    pub fn device_votes(&self) -> u32 {
        self.device.votes().unwrap_or(self.node_votes() - 1)
    }

    fn node_votes(&self) -> u32 {
        self.nodes.iter().map(|_| 1).sum()
    }
}

impl fmt::Display for Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_millis();
        let debug = match self.debug {
            Debug::Off => "off",
            Debug::On => "on",
        };
        let wait_for_all = match self.wait_for_all {
            WaitForAll::No => "",
            WaitForAll::Yes => " wait_for_all: 1\n",
        };
        // Without the coefficient a bigger cluster would notice a loss later.
        write!(
            f,
            "totem {{\n version: 2\n cluster_name: {CLUSTER}\n transport: knet\n \
             crypto_cipher: none\n crypto_hash: none\n token: {token}\n token_coefficient: 0\n}}\n\
             logging {{\n to_stderr: no\n to_syslog: no\n to_logfile: yes\n \
             logfile: {LOG}\n timestamp: hires\n debug: {debug}\n}}\n\
             quorum {{\n provider: corosync_votequorum\n{wait_for_all}{}}}\nnodelist {{\n",
            self.device
        )?;
        for &node in &self.nodes {
            let address = address_of(node);
            writeln!(
                f,
                " node {{\n  ring0_addr: {address}\n  name: n{node}\n  nodeid: {node}\n }}"
            )?;
        }
        writeln!(f, "}}")
    }
}

impl Device {
    /// `votes`; left out of the file when `None`, so that one node and the device are a majority.
    const fn votes(&self) -> Option<u32> {
        match self.algorithm {
            Algorithm::FfSplit | Algorithm::Test => Some(1),
            Algorithm::Lms | Algorithm::TwoNodeLms => None,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (timeout, sync) = (self.timeout.as_millis(), self.sync_timeout.as_millis());
        let tie_breaker = match self.tie_breaker {
            TieBreaker::Lowest => "lowest".to_owned(),
            TieBreaker::Highest => "highest".to_owned(),
            TieBreaker::Node(node) => node.to_string(),
        };
        let tls = match self.tls {
            Tls::Off => "off",
            Tls::On => "on",
            Tls::Required => "required",
        };
        writeln!(f, " device {{\n  model: net")?;
        if let Some(votes) = self.votes() {
            writeln!(f, "  votes: {votes}")?;
        }
        write!(
            f,
            "  timeout: {timeout}\n  sync_timeout: {sync}\n  net {{\n   host: {}\n   \
             algorithm: {}\n   tls: {tls}\n   tie_breaker: {tie_breaker}\n",
            self.host,
            self.algorithm.key()
        )?;
        if let Some(keep_active) = self.keep_active {
            let switch = match keep_active {
                KeepActivePartition::Enabled => "on",
                KeepActivePartition::Disabled => "off",
            };
            writeln!(f, "   keep_active_partition_tie_breaker: {switch}")?;
        }
        f.write_str("  }\n")?;
        if let Some(heuristics) = &self.heuristics {
            heuristics.fmt(f)?;
        }
        f.write_str(" }\n")
    }
}

impl fmt::Display for Heuristics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (timeout, interval) = (self.timeout.as_millis(), self.interval.as_millis());
        writeln!(
            f,
            "  heuristics {{\n   mode: {}\n   timeout: {timeout}\n   sync_timeout: {timeout}\n   \
             interval: {interval}",
            self.mode
        )?;
        for (number, command) in self.commands.iter().enumerate() {
            writeln!(f, "   exec_c{number}: {command}")?;
        }
        writeln!(f, "  }}")
    }
}

/// Where corosync writes its log.
pub const LOG: &str = "/var/log/corosync/corosync.log";

/// Where corosync reads the file.
pub const PLACE: &str = "/etc/corosync/corosync.conf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_key_per_line_and_closes_what_it_opens() {
        let text = Conf::of_nodes(2, Device::default()).to_string();
        let opened = text.matches('{').count();
        assert_eq!(opened, text.matches('}').count());
        assert!(
            text.lines().all(|line| line.matches(':').count() <= 1),
            "{text}"
        );
    }

    #[test]
    fn what_is_asked_for_stands_in_the_device_section() {
        let device = Device {
            tie_breaker: TieBreaker::Node(NodeId(2)),
            keep_active: Some(KeepActivePartition::Disabled),
            ..Device::default()
        };
        let text = device.to_string();
        assert!(text.contains("\n   tie_breaker: 2\n"), "{text}");
        assert!(
            text.contains("\n   keep_active_partition_tie_breaker: off\n"),
            "{text}"
        );
        assert!(!Device::default().to_string().contains("keep_active"));
    }

    #[test]
    fn the_device_has_one_vote_less_than_the_nodes_when_one_node_is_to_be_enough() {
        let conf = |algorithm| {
            let device = Device {
                algorithm,
                ..Device::default()
            };
            Conf::of_nodes(3, device)
        };
        let (half, last) = (conf(Algorithm::FfSplit), conf(Algorithm::Lms));
        assert_eq!((half.device_votes(), half.expected_votes()), (1, 4));
        assert!(half.to_string().contains("  votes: 1\n"));
        assert_eq!((last.device_votes(), last.expected_votes()), (2, 5));
        assert!(!last.to_string().contains("votes:"));
    }
}
