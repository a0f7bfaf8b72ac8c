//! A server, nodes and the links between them.

use libqdevice::base::{NodeId, NodeInfo, NodeList, NodeState, Quorate, RingId, Time, Verbosity};
use libqdevice::client::{
    Action as ClientAction, Client, ClientConfig, CmapSnapshot, CmapValue, Corosync,
    Event as ClientEvent, Link, LinkFault, QdeviceSettings, StartFacts,
};
use libqdevice::server::{
    Action as ServerAction, Event as ServerEvent, PeerId, Server, ServerConfig,
};
use libqdevice::wire::Message;
use std::collections::{BTreeMap, VecDeque};

/// A node: its qdevice, and what its corosync knows.
pub(crate) struct Node {
    pub(crate) client: Client,
    /// The connection to the server.
    pub(crate) peer: Option<PeerId>,
    pub(crate) ring: RingId,
    /// The last poll: the ring and whether the vote was cast.
    pub(crate) cast: Option<(RingId, bool)>,
    /// Whether nothing passes between it and the server, in silence.
    pub(crate) is_cut_off: bool,
    pub(crate) exit: Option<bool>,
}

impl Node {
    pub(crate) fn has_the_vote(&self) -> bool {
        self.exit.is_none() && self.cast == Some((self.ring, true))
    }
}

enum Delivery {
    ToServer(PeerId, Message),
    ToNode(PeerId, Message),
    ClosedByServer(PeerId),
    ClosedByNode(PeerId),
}

/// Nodes and a server. Messages take no time and keep their order.
pub(crate) struct World {
    algorithm: &'static str,
    now: u64,
    server: Option<Server>,
    pub(crate) nodes: BTreeMap<u32, Node>,
    wire: VecDeque<Delivery>,
    pub(crate) peers: u64,
    rings: u64,
}

impl World {
    /// Nodes 1 to `count`, not started yet, and a running server.
    pub(crate) fn of(algorithm: &'static str, count: u32) -> Self {
        let mut world = Self {
            algorithm,
            now: 0,
            server: None,
            nodes: BTreeMap::new(),
            wire: VecDeque::new(),
            peers: 0,
            rings: 0,
        };
        for id in 1..=count {
            let config =
                ClientConfig::from_cmap(&cmap(algorithm, id, count), &QdeviceSettings::default());
            let config = config.expect("the configuration is complete");
            let client =
                Client::new(config, StartFacts::default(), u64::from(id)).expect("all votes are 1");
            let ring = RingId::default();
            world.nodes.insert(
                id,
                Node {
                    client,
                    peer: None,
                    ring,
                    cast: None,
                    is_cut_off: false,
                    exit: None,
                },
            );
        }
        world.start_server();
        world
    }

    /// Nodes 1 to `count` that have booted together.
    pub(crate) fn booted(algorithm: &'static str, count: u32) -> Self {
        let mut world = Self::of(algorithm, count);
        let all: Vec<u32> = (1..=count).collect();
        world.form(&[&all]);
        world.wait(1_000);
        world
    }

    fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    pub(crate) fn start_server(&mut self) {
        self.server = Some(Server::new(ServerConfig::default()));
    }

    /// The server is killed: its connections are reset.
    pub(crate) fn kill_server(&mut self) {
        self.server = None;
        self.wire.clear();
        for id in self.ids() {
            if self.node(id).peer.take().is_some() {
                self.tell_node(id, ClientEvent::Link(Link::Down(LinkFault::Closed)));
            }
        }
        self.settle();
    }

    /// corosync forms these partitions, one node after the other.
    pub(crate) fn form(&mut self, partitions: &[&[u32]]) {
        for partition in partitions {
            self.rings += 4;
            let ring = RingId::new(partition[0], self.rings);
            for id in *partition {
                self.node(*id).ring = ring;
                let nodes = NodeList::of_ids(partition.iter().copied());
                let event = Corosync::Membership { ring, nodes };
                self.tell_node(*id, ClientEvent::Corosync(event));
                self.settle();
            }
        }
        self.tell_quorum(partitions);
    }

    fn tell_quorum(&mut self, partitions: &[&[u32]]) {
        let device = match self.algorithm {
            "ffsplit" => 1,
            _ => self.nodes.len() - 1,
        };
        let expected = self.nodes.len() + device;
        for partition in partitions {
            for id in *partition {
                let votes = partition.len() + device * usize::from(self.nodes[id].has_the_vote());
                let quorate = if votes * 2 > expected {
                    Quorate::Yes
                } else {
                    Quorate::No
                };
                let state = |other: &u32| {
                    let is_member = partition.contains(other);
                    Some(if is_member {
                        NodeState::Member
                    } else {
                        NodeState::Dead
                    })
                };
                let all = self.nodes.keys();
                let nodes = all
                    .map(|other| NodeInfo {
                        state: state(other),
                        ..NodeId(*other).into()
                    })
                    .collect();
                let event = Corosync::Quorum {
                    quorate,
                    nodes: NodeList(nodes),
                };
                self.tell_node(*id, ClientEvent::Corosync(event));
            }
        }
        self.settle();
    }

    /// Who casts the vote in the ring it is in.
    pub(crate) fn voters(&self) -> Vec<u32> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.has_the_vote())
            .map(|(id, _)| *id)
            .collect()
    }

    pub(crate) fn state(&self, id: u32) -> String {
        let status = self.nodes[&id]
            .client
            .status(Verbosity::Brief, &|_| String::new());
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("State:\t\t\t"));
        line.unwrap_or_default().to_owned()
    }

    fn ids(&self) -> Vec<u32> {
        self.nodes.keys().copied().collect()
    }

    pub(crate) fn node(&mut self, id: u32) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node of this world")
    }

    /// Lets `millis` pass, with everything that is due in them.
    pub(crate) fn wait(&mut self, millis: u64) {
        let end = self.now + millis;
        self.settle();
        while let Some(due) = self.next_deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            let (now, mut out) = (self.time(), Vec::new());
            if let Some(server) = &mut self.server {
                server.handle_timeout(now, &mut out);
            }
            self.obey_server(out);
            for id in self.ids() {
                let mut out = Vec::new();
                self.node(id).client.handle_timeout(now, &mut out);
                self.obey_node(id, out);
            }
            self.settle();
        }
        self.now = end;
    }

    fn next_deadline(&self) -> Option<u64> {
        let clients = self
            .nodes
            .values()
            .filter_map(|node| node.client.next_deadline());
        let server = self.server.as_ref().and_then(Server::next_deadline);
        clients.chain(server).min().map(Time::as_millis)
    }

    /// Delivers what is on the wire until it is empty.
    pub(crate) fn settle(&mut self) {
        while let Some(delivery) = self.wire.pop_front() {
            if self.is_lost(&delivery) {
                continue;
            }
            match delivery {
                Delivery::ToServer(peer, message) => {
                    self.tell_server(ServerEvent::Received {
                        peer,
                        message: Ok(message),
                    });
                }
                Delivery::ClosedByNode(peer) => self.tell_server(ServerEvent::Gone { peer }),
                Delivery::ToNode(peer, message) => {
                    if let Some(id) = self.owner(peer) {
                        self.tell_node(id, ClientEvent::Link(Link::Received(Ok(message))));
                    }
                }
                Delivery::ClosedByServer(peer) => {
                    if let Some(id) = self.owner(peer) {
                        self.node(id).peer = None;
                        self.tell_node(id, ClientEvent::Link(Link::Down(LinkFault::Closed)));
                    }
                }
            }
        }
    }

    fn is_lost(&self, delivery: &Delivery) -> bool {
        let (Delivery::ToServer(peer, _)
        | Delivery::ToNode(peer, _)
        | Delivery::ClosedByServer(peer)
        | Delivery::ClosedByNode(peer)) = delivery;
        self.owner(*peer)
            .is_some_and(|id| self.nodes[&id].is_cut_off)
    }

    fn owner(&self, peer: PeerId) -> Option<u32> {
        self.nodes
            .iter()
            .find(|(_, node)| node.peer == Some(peer))
            .map(|(id, _)| *id)
    }

    fn tell_server(&mut self, event: ServerEvent) {
        let (now, mut out) = (self.time(), Vec::new());
        if let Some(server) = &mut self.server {
            server.handle(now, event, &mut out);
        }
        self.obey_server(out);
    }

    fn obey_server(&mut self, actions: Vec<ServerAction>) {
        for action in actions {
            match action {
                ServerAction::Send { peer, message } => {
                    self.wire.push_back(Delivery::ToNode(peer, message));
                }
                ServerAction::Close { peer } => {
                    self.wire.push_back(Delivery::ClosedByServer(peer));
                }
                ServerAction::StartTls { .. } => panic!("nobody asked for TLS"),
                ServerAction::Tell(_) => {}
            }
        }
    }

    pub(crate) fn tell_node(&mut self, id: u32, event: ClientEvent) {
        let (now, mut out) = (self.time(), Vec::new());
        self.node(id).client.handle(now, event, &mut out);
        self.obey_node(id, out);
    }

    fn obey_node(&mut self, id: u32, actions: Vec<ClientAction>) {
        for action in actions {
            match action {
                ClientAction::Connect => self.connect(id),
                ClientAction::Send(message) | ClientAction::Confirm(message) => {
                    if let Some(peer) = self.node(id).peer {
                        self.wire.push_back(Delivery::ToServer(peer, message));
                    }
                }
                ClientAction::SayGoodbye(message) => {
                    let is_cut_off = self.node(id).is_cut_off;
                    if let Some(peer) = self.node(id).peer.filter(|_| !is_cut_off) {
                        self.wire.push_back(Delivery::ToServer(peer, message));
                    }
                }
                ClientAction::HangUp => {
                    let is_cut_off = self.node(id).is_cut_off;
                    if let Some(peer) = self.node(id).peer.take().filter(|_| !is_cut_off) {
                        self.wire.push_back(Delivery::ClosedByNode(peer));
                    }
                }
                ClientAction::Cast { ring, vote } => {
                    self.node(id).cast = Some((ring, vote));
                    self.check();
                }
                ClientAction::Exit { ok } => self.node(id).exit = Some(ok),
                ClientAction::StartTls | ClientAction::RunHeuristics { .. } => {
                    panic!("not configured: {action:?}")
                }
                ClientAction::Limit { .. } | ClientAction::Ready | ClientAction::Tell(_) => {}
            }
        }
    }

    fn connect(&mut self, id: u32) {
        if self.node(id).is_cut_off {
            return;
        }
        if self.server.is_none() {
            let refused = LinkFault::ConnectFailed("(111): Connection refused".to_owned());
            self.tell_node(id, ClientEvent::Link(Link::Down(refused)));
            return;
        }
        self.peers += 1;
        let peer = PeerId(self.peers);
        self.tell_server(ServerEvent::Accepted {
            peer,
            address: format!("192.0.2.{id}:1"),
        });
        self.node(id).peer = Some(peer);
        self.tell_node(id, ClientEvent::Link(Link::Up));
    }

    /// Nodes that have the vote are in one ring.
    fn check(&self) {
        let rings: std::collections::BTreeSet<RingId> =
            self.voters().iter().map(|id| self.nodes[id].ring).collect();
        assert!(rings.len() <= 1, "two partitions have the vote: {rings:?}");
    }
}

/// What corosync.conf of node `own` says in a cluster of `count` nodes.
pub(crate) fn cmap(algorithm: &str, own: u32, count: u32) -> CmapSnapshot {
    let mut cmap = CmapSnapshot::from_iter([
        ("quorum.device.model", CmapValue::from("net")),
        ("quorum.device.net.host", "192.0.2.100".into()),
        ("quorum.device.net.tls", "off".into()),
        ("quorum.device.net.algorithm", algorithm.into()),
        ("runtime.votequorum.this_node_id", CmapValue::U32(own)),
        ("totem.cluster_name", "demo".into()),
        ("totem.config_version", CmapValue::U64(1)),
    ]);
    if algorithm == "ffsplit" {
        cmap.set("quorum.device.votes", CmapValue::U32(1));
    }
    for id in 1..=count {
        cmap.set(
            format!("nodelist.node.{}.nodeid", id - 1),
            CmapValue::U32(id),
        );
        cmap.set(
            format!("nodelist.node.{}.ring0_addr", id - 1),
            format!("192.0.2.{id}").as_str().into(),
        );
    }
    cmap
}
