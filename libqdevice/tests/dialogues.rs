//! Both machines against each other: a server, nodes and their links, without sockets or clocks.

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
struct Node {
    client: Client,
    /// The connection to the server.
    peer: Option<PeerId>,
    ring: RingId,
    /// The last poll: the ring and whether the vote was cast.
    cast: Option<(RingId, bool)>,
    /// Whether nothing passes between it and the server, in silence.
    is_cut_off: bool,
    exit: Option<bool>,
}

impl Node {
    fn has_the_vote(&self) -> bool {
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
struct World {
    now: u64,
    server: Option<Server>,
    nodes: BTreeMap<u32, Node>,
    wire: VecDeque<Delivery>,
    peers: u64,
    rings: u64,
}

impl World {
    /// Nodes 1 to `count`, not started yet, and a running server.
    fn of(count: u32) -> Self {
        let mut world = Self {
            now: 0,
            server: None,
            nodes: BTreeMap::new(),
            wire: VecDeque::new(),
            peers: 0,
            rings: 0,
        };
        for id in 1..=count {
            let config = ClientConfig::from_cmap(&cmap(id, count), &QdeviceSettings::default());
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
    fn booted(count: u32) -> Self {
        let mut world = Self::of(count);
        let all: Vec<u32> = (1..=count).collect();
        world.form(&[&all]);
        world.wait(1_000);
        world
    }

    fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    fn start_server(&mut self) {
        self.server = Some(Server::new(ServerConfig::default()));
    }

    /// The server is killed: its connections are reset.
    fn kill_server(&mut self) {
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
    fn form(&mut self, partitions: &[&[u32]]) {
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
        let expected = self.nodes.len() + 1;
        for partition in partitions {
            for id in *partition {
                let votes = partition.len() + usize::from(self.nodes[id].has_the_vote());
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
    fn voters(&self) -> Vec<u32> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.has_the_vote())
            .map(|(id, _)| *id)
            .collect()
    }

    fn state(&self, id: u32) -> String {
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

    fn node(&mut self, id: u32) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node of this world")
    }

    /// Lets `millis` pass, with everything that is due in them.
    fn wait(&mut self, millis: u64) {
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
    fn settle(&mut self) {
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

    fn tell_node(&mut self, id: u32, event: ClientEvent) {
        let (now, mut out) = (self.time(), Vec::new());
        self.node(id).client.handle(now, event, &mut out);
        self.obey_node(id, out);
    }

    fn obey_node(&mut self, id: u32, actions: Vec<ClientAction>) {
        for action in actions {
            match action {
                ClientAction::Connect => self.connect(id),
                ClientAction::Send(message) => {
                    if let Some(peer) = self.node(id).peer {
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
fn cmap(own: u32, count: u32) -> CmapSnapshot {
    let mut cmap = CmapSnapshot::from_iter([
        ("quorum.device.model", CmapValue::from("net")),
        ("quorum.device.votes", CmapValue::U32(1)),
        ("quorum.device.net.host", "192.0.2.100".into()),
        ("quorum.device.net.tls", "off".into()),
        ("runtime.votequorum.this_node_id", CmapValue::U32(own)),
        ("totem.cluster_name", "demo".into()),
        ("totem.config_version", CmapValue::U64(1)),
    ]);
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

#[test]
fn two_nodes_that_boot_together_both_have_the_vote() {
    let world = World::booted(2);
    assert_eq!(world.voters(), [1, 2]);
    assert_eq!(
        (world.state(1), world.state(2)),
        ("Connected".into(), "Connected".into())
    );
}

#[test]
fn a_quiet_cluster_keeps_its_vote_and_its_connections() {
    let mut world = World::booted(2);
    let peers = world.peers;
    world.wait(600_000);
    assert_eq!(world.voters(), [1, 2]);
    assert_eq!(world.peers, peers);
}

#[test]
fn of_two_nodes_that_lose_each_other_the_lowest_keeps_the_vote() {
    let mut world = World::booted(2);
    world.form(&[&[1], &[2]]);
    assert_eq!(world.voters(), [1]);
    world.wait(60_000);
    assert_eq!(world.voters(), [1]);
}

#[test]
fn the_order_in_which_the_halves_report_does_not_matter() {
    let mut world = World::booted(2);
    world.form(&[&[2], &[1]]);
    assert_eq!(world.voters(), [1]);
}

#[test]
fn nodes_that_meet_again_both_have_the_vote() {
    let mut world = World::booted(2);
    world.form(&[&[1], &[2]]);
    world.wait(10_000);
    world.form(&[&[1, 2]]);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn four_nodes_in_equal_halves_have_one_half_with_the_vote() {
    let mut world = World::booted(4);
    world.form(&[&[1, 2], &[3, 4]]);
    assert_eq!(world.voters(), [1, 2]);
    world.form(&[&[1, 2, 3, 4]]);
    assert_eq!(world.voters(), [1, 2, 3, 4]);
}

#[test]
fn three_of_four_nodes_have_the_vote() {
    let mut world = World::booted(4);
    world.form(&[&[1], &[2, 3, 4]]);
    assert_eq!(world.voters(), [2, 3, 4]);
}

#[test]
fn the_half_that_is_active_keeps_the_vote_when_the_others_become_a_half() {
    let mut world = World::booted(4);
    world.form(&[&[3, 4], &[1], &[2]]);
    assert_eq!(world.voters(), [3, 4]);
    world.wait(1_000);
    world.form(&[&[1, 2]]);
    assert_eq!(world.voters(), [3, 4], "although node 1 is the lowest");
}

#[test]
fn without_a_server_nobody_has_the_vote_and_with_its_return_all_have_it_again() {
    let mut world = World::booted(2);
    world.kill_server();
    assert_eq!(world.voters(), []);
    world.wait(60_000);
    assert_eq!(world.state(1), "Connect failed");
    world.start_server();
    world.wait(8_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_server_that_returns_to_a_split_cluster_gives_the_vote_to_one_half() {
    let mut world = World::booted(4);
    world.kill_server();
    world.wait(2_000);
    world.form(&[&[1, 2], &[3, 4]]);
    assert_eq!(world.voters(), []);
    world.start_server();
    world.wait(20_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_server_that_was_not_there_at_the_boot_is_found_later() {
    let mut world = World::of(2);
    world.kill_server();
    world.form(&[&[1, 2]]);
    assert_eq!(world.nodes[&1].cast.map(|(_, vote)| vote), Some(false));
    world.wait(30_000);
    world.start_server();
    world.wait(8_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_node_whose_daemon_is_stopped_leaves_the_vote_to_the_other() {
    let mut world = World::booted(2);
    world.tell_node(1, ClientEvent::Shutdown);
    world.settle();
    assert_eq!(world.nodes[&1].exit, Some(true));
    assert_eq!(world.nodes[&1].cast.map(|(_, vote)| vote), Some(false));
    world.form(&[&[2]]);
    assert_eq!(world.voters(), [2]);
}

#[test]
fn a_node_that_loses_everything_loses_the_vote_to_the_other() {
    let mut world = World::booted(2);
    world.wait(3_000);
    world.node(1).is_cut_off = true;
    world.form(&[&[1], &[2]]);
    assert_eq!(world.voters(), [], "the server waits for node 1");
    world.wait(12_000);
    assert_eq!(world.voters(), [2]);
    world.wait(4_000);
    assert_eq!(
        world.nodes[&1]
            .cast
            .map(|(ring, vote)| (ring == world.nodes[&1].ring, vote)),
        Some((true, false))
    );
    world.node(1).is_cut_off = false;
    world.form(&[&[1, 2]]);
    world.wait(16_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_cluster_that_grows_by_a_reload_keeps_its_vote() {
    use libqdevice::client::{ClusterConfig, VoteFacts};
    let mut world = World::booted(2);
    for id in [1, 2] {
        let config = ClusterConfig::from_cmap(&cmap(id, 3), &QdeviceSettings::default());
        let facts = VoteFacts::default();
        world.tell_node(
            id,
            ClientEvent::Corosync(Corosync::Reloaded { config, facts }),
        );
        world.settle();
    }
    world.wait(10_000);
    assert_eq!(world.voters(), [1, 2]);
}
