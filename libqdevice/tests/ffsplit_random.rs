//! ffsplit under fire: 2 to 5 simulated nodes, late reports, late confirmations, partitions,
//! reconnects, heuristics, every tie-breaker, with and without keep.
//!
//! The nodes follow the stock client: a new membership stops casting until the server has spoken for
//! it; a vote for another ring is confirmed and ignored; a lost connection means NACK. After every step
//! the vote must be safe, and whenever everything has been delivered it must be where it belongs.
//! A failure names its seed and what happened. `SEEDS=100000 cargo test ...` for a long run.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use libqdevice::base::{
    Dice, Heuristics, KeepActivePartition, Millis, NodeId, NodeList, RingId, TieBreaker, Time, Vote,
};
use libqdevice::server::{Action, Event, PeerId, Server, ServerConfig};
use libqdevice::wire::{
    HeuristicsReport, Init, Message, NodeListKind, NodeListReport, Options, Plain, PreInit,
    SendFault,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[test]
fn the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest() {
    let seeds = std::env::var("SEEDS").map_or(1000, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        if let Err(failure) = World::new(seed, Manners::Honest).run() {
            panic!("seed {seed}: {failure}");
        }
    }
}

#[test]
fn nodes_that_confirm_before_they_obey_are_noticed() {
    let noticed = (0..200)
        .filter(|&seed| World::new(seed, Manners::ConfirmFirst).run().is_err())
        .count();
    assert!(
        noticed > 5,
        "the checks would not notice two partitions with the vote: {noticed}"
    );
}

/// Whether nodes do what they say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// A vote is confirmed once it is obeyed.
    Honest,
    /// A vote is confirmed when it is sent: what the round protects from.
    ConfirmFirst,
}

struct World {
    server: Server,
    dice: Dice,
    manners: Manners,
    tie_breaker: TieBreaker,
    keep: KeepActivePartition,
    nodes: Vec<Node>,
    links: BTreeMap<PeerId, Link>,
    connections: u64,
    rings: u64,
    /// The nodes of every ring there was.
    formed: BTreeMap<RingId, usize>,
    /// What the server should not have done.
    misdeed: Option<&'static str>,
    trace: Vec<String>,
}

/// A node with its qdevice.
struct Node {
    id: u32,
    /// The nodes it can talk to, itself included.
    group: BTreeSet<u32>,
    /// The ring of that group, once corosync has formed it.
    forming: Option<RingId>,
    /// What its qdevice knows.
    ring: RingId,
    members: BTreeSet<u32>,
    heuristics: Heuristics,
    casts: Option<Vote>,
    link: Option<PeerId>,
    online: bool,
    /// It has not sent its configuration yet.
    owes_config: bool,
}

/// A connection: what is under way in both directions, and which ends are still open.
struct Link {
    node: usize,
    to_server: VecDeque<Message>,
    to_client: VecDeque<Message>,
    client_open: bool,
    server_open: bool,
    /// The server has got the configuration.
    configured: bool,
    /// Number of the NACK the server waits for.
    unconfirmed_nack: Option<u32>,
}

impl World {
    fn new(seed: u64, manners: Manners) -> Self {
        let mut dice = Dice::new(seed);
        let size = 2 + dice.below(4);
        let all: BTreeSet<u32> = (1..=size).collect();
        let tie_breaker = match dice.below(3) {
            0 => TieBreaker::Lowest,
            1 => TieBreaker::Highest,
            _ => TieBreaker::Node(NodeId(1 + dice.below(size))),
        };
        let keep = match dice.below(3) {
            0 => KeepActivePartition::Enabled,
            _ => KeepActivePartition::Disabled,
        };
        let ring = RingId::new(1, 4);
        let node = |id| Node {
            id,
            group: all.clone(),
            forming: None,
            ring,
            members: all.clone(),
            heuristics: Heuristics::Undefined,
            casts: None,
            link: None,
            online: false,
            owes_config: false,
        };
        Self {
            server: Server::new(ServerConfig::default()),
            nodes: all.iter().map(|&id| node(id)).collect(),
            dice,
            manners,
            tie_breaker,
            keep,
            links: BTreeMap::new(),
            connections: 0,
            rings: 4,
            formed: BTreeMap::from([(ring, all.len())]),
            misdeed: None,
            trace: Vec::new(),
        }
    }

    /// Lets things happen, and rest now and then.
    fn run(&mut self) -> Result<(), String> {
        (0..self.nodes.len()).for_each(|node| self.connect(node));
        for _ in 0..8 {
            for _ in 0..self.dice.below(60) {
                self.disturb();
                self.check_safety()?;
            }
            if self.dice.below(3) > 0 {
                (0..self.nodes.len()).for_each(|node| self.connect(node));
            }
            while self.progress() {
                self.check_safety()?;
            }
            self.check_rest()?;
        }
        Ok(())
    }

    fn disturb(&mut self) {
        let node = self.pick(self.nodes.len());
        match self.dice.below(40) {
            0 | 1 => self.repartition(),
            2 => self.disconnect(node),
            3 | 4 => self.connect(node),
            5 | 8 => self.change_heuristics(node),
            6 => {
                if let Some(peer) = self.nodes[node].link {
                    self.note(format!("server cannot send to node {}", node + 1));
                    self.happen(Event::SendFailed {
                        peer,
                        fault: SendFault::QueueFull,
                    });
                }
            }
            7 => {
                let configured = self.config(NodeListKind::ChangedConfig);
                self.send(node, configured);
            }
            9 => self.configure(node),
            10..=15 => self.learn(node),
            _ => {
                self.progress();
            }
        }
    }

    /// Does one of the things that are under way; false when there is none.
    fn progress(&mut self) -> bool {
        let learning = (0..self.nodes.len()).filter(|&n| self.nodes[n].forming.is_some());
        let learning: Vec<_> = learning.collect();
        let uploads = self.links.iter().filter(|(_, link)| {
            link.server_open && (!link.to_server.is_empty() || !link.client_open)
        });
        let uploads: Vec<_> = uploads.map(|(&peer, _)| peer).collect();
        let downloads = self.links.iter().filter(|(_, link)| {
            link.client_open && (!link.to_client.is_empty() || !link.server_open)
        });
        let downloads: Vec<_> = downloads.map(|(&peer, _)| peer).collect();
        let all = learning.len() + uploads.len() + downloads.len();
        if all == 0 {
            let Some(index) = self.nodes.iter().position(|node| node.owes_config) else {
                return false;
            };
            self.configure(index);
            return true;
        }
        let pick = self.pick(all);
        if let Some(&node) = learning.get(pick) {
            self.learn(node);
        } else if let Some(&peer) = uploads.get(pick - learning.len()) {
            self.upload(peer);
        } else {
            self.download(downloads[pick - learning.len() - uploads.len()]);
        }
        true
    }

    /// The network falls into pieces, or pieces meet again.
    fn repartition(&mut self) {
        let pieces = 1 + self.dice.below(3);
        let mut groups: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for id in (1..).take(self.nodes.len()) {
            let piece = self.dice.below(pieces);
            groups.entry(piece).or_default().insert(id);
        }
        for group in groups.into_values() {
            if self
                .nodes
                .iter()
                .all(|node| !group.contains(&node.id) || node.group == group)
            {
                continue;
            }
            self.rings += 4;
            let ring = RingId::new(*group.first().unwrap(), self.rings);
            self.formed.insert(ring, group.len());
            self.note(format!("corosync forms {ring} with {group:?}"));
            for node in self
                .nodes
                .iter_mut()
                .filter(|node| group.contains(&node.id))
            {
                node.forming = Some(ring);
                node.group.clone_from(&group);
            }
        }
    }

    /// A node's qdevice hears of the ring it is in, and reports it.
    fn learn(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some(ring) = node.forming.take() else {
            return;
        };
        node.ring = ring;
        node.members.clone_from(&node.group);
        node.casts = None;
        self.note(format!("node {} hears of {ring}", index + 1));
        if self.nodes[index].online {
            self.report(index);
        }
    }

    fn report(&mut self, index: usize) {
        let node = &self.nodes[index];
        let report = NodeListReport {
            seq: Some(1),
            kind: Some(NodeListKind::Membership),
            ring: Some(node.ring),
            nodes: NodeList::of_ids(node.members.iter().copied()),
            heuristics: node.heuristics,
            ..NodeListReport::default()
        };
        self.send(index, Message::NodeList(report));
    }

    fn config(&self, kind: NodeListKind) -> Message {
        Message::NodeList(NodeListReport {
            seq: Some(1),
            kind: Some(kind),
            nodes: self.nodes.iter().map(|node| NodeId(node.id)).collect(),
            ..NodeListReport::default()
        })
    }

    fn change_heuristics(&mut self, index: usize) {
        let heuristics = match self.nodes[index].heuristics {
            Heuristics::Pass => Heuristics::Fail,
            Heuristics::Undefined | Heuristics::Fail => Heuristics::Pass,
        };
        self.nodes[index].heuristics = heuristics;
        if self.nodes[index].online {
            let report = HeuristicsReport {
                seq: Some(1),
                heuristics,
            };
            self.send(index, Message::HeuristicsChange(report));
        }
    }

    fn connect(&mut self, index: usize) {
        if self.nodes[index].link.is_some() {
            return;
        }
        self.connections += 1;
        let peer = PeerId(self.connections);
        self.note(format!("node {} connects as {}", index + 1, peer.0));
        let link = Link {
            node: index,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            client_open: true,
            server_open: true,
            configured: false,
            unconfirmed_nack: None,
        };
        self.links.insert(peer, link);
        self.nodes[index].link = Some(peer);
        self.happen(Event::Accepted {
            peer,
            address: String::new(),
        });
        let cluster = Some("cluster".into());
        self.push(
            peer,
            Message::PreInit(PreInit {
                seq: Some(1),
                cluster,
            }),
        );
    }

    /// A node gives its connection up, and with it the vote. The server hears of it later.
    fn disconnect(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some(peer) = node.link.take() else { return };
        node.online = false;
        node.owes_config = false;
        node.casts = node.casts.map(|_| Vote::Nack);
        let link = self.links.get_mut(&peer).unwrap();
        link.client_open = false;
        if !link.server_open {
            self.links.remove(&peer);
        }
        self.note(format!("node {} disconnects", index + 1));
    }

    /// The server gets the next message of a connection, or its end.
    fn upload(&mut self, peer: PeerId) {
        let link = self.links.get_mut(&peer).unwrap();
        let Some(message) = link.to_server.pop_front() else {
            self.links.remove(&peer);
            self.note(format!("server hears that {} is gone", peer.0));
            return self.happen(Event::Gone { peer });
        };
        match &message {
            Message::VoteInfoReply(Plain { seq }) if *seq == link.unconfirmed_nack => {
                link.unconfirmed_nack = None;
            }
            Message::NodeList(report) => {
                link.configured |= report.kind != Some(NodeListKind::Membership);
            }
            _ => {}
        }
        self.note(format!("server gets from {}: {message:?}", peer.0));
        let event = Event::Received {
            peer,
            message: Ok(message),
        };
        self.happen(event);
    }

    fn happen(&mut self, event: Event) {
        let mut out = Vec::new();
        self.server.handle(Time::default(), event, &mut out);
        let mut acks = 0;
        for action in out {
            match action {
                Action::Send { peer, message } => {
                    acks += usize::from(
                        matches!(&message, Message::VoteInfo(info) if info.vote == Some(Vote::Ack)),
                    );
                    self.reply(peer, message);
                }
                Action::Close { peer } => {
                    let link = self.links.get_mut(&peer).unwrap();
                    link.server_open = false;
                    link.to_client.clear();
                    if !link.client_open {
                        self.links.remove(&peer);
                    }
                }
                Action::Tell(_) => {}
                Action::StartTls { .. } => panic!("{action:?}"),
            }
        }
        let waits = |link: &Link| link.server_open && link.unconfirmed_nack.is_some();
        if acks > 0 && self.links.values().any(waits) {
            self.misdeed = Some("an ACK was sent while a NACK was not confirmed");
        }
    }

    fn reply(&mut self, peer: PeerId, message: Message) {
        if let Message::VoteInfo(info) = &message {
            let (vote, seq) = (info.vote.unwrap(), info.seq);
            self.note(format!(
                "server tells {}: {} {}",
                peer.0,
                vote.as_str(),
                info.ring.unwrap()
            ));
            let Some(link) = self.links.get_mut(&peer) else {
                return;
            };
            link.unconfirmed_nack = if vote == Vote::Nack { seq } else { None };
            let nodes = self.formed[&info.ring.unwrap()];
            if vote == Vote::Ack && (!link.configured || nodes * 2 < self.nodes.len()) {
                self.misdeed = Some("an ACK went to a node that cannot deserve it");
            }
            if self.manners == Manners::ConfirmFirst {
                link.to_server
                    .push_back(Message::VoteInfoReply(Plain { seq }));
            }
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.to_client.push_back(message);
        }
    }

    /// A node gets the next message of its connection, or its end.
    fn download(&mut self, peer: PeerId) {
        let link = self.links.get_mut(&peer).unwrap();
        let index = link.node;
        let Some(message) = link.to_client.pop_front() else {
            self.disconnect(index);
            return;
        };
        self.note(format!("node {} gets {message:?}", index + 1));
        match message {
            Message::PreInitReply(_) => self.ask_to_be_admitted(index),
            Message::InitReply(reply) if reply.error == Some(0) => self.go_online(index),
            Message::InitReply(reply) => {
                assert_eq!(reply.error, Some(17), "the old connection is still there");
                self.disconnect(index);
            }
            Message::VoteInfo(info) => {
                self.obey(index, info.vote, info.ring);
                if self.manners == Manners::Honest {
                    self.send(index, Message::VoteInfoReply(Plain { seq: info.seq }));
                }
            }
            Message::NodeListReply(reply) => self.obey(index, reply.vote, reply.ring),
            Message::HeuristicsChangeReply(reply) => self.obey(index, reply.vote, reply.ring),
            Message::SetOptionReply(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn ask_to_be_admitted(&mut self, index: usize) {
        let node = &self.nodes[index];
        let init = Init {
            seq: Some(1),
            node: Some(NodeId(node.id)),
            algorithm: Some(1),
            heartbeat: Some(Millis(8000)),
            tie_breaker: Some(self.tie_breaker),
            ring: Some(node.ring),
            ..Init::default()
        };
        self.send(index, Message::Init(init));
    }

    fn go_online(&mut self, index: usize) {
        let options = Options {
            keep_active_partition: Some(self.keep),
            ..Options::default()
        };
        self.nodes[index].online = true;
        self.nodes[index].casts = None;
        self.nodes[index].owes_config = true;
        self.send(index, Message::SetOption(options));
        // Stock clients send the configuration first. The other order is legal.
        if self.dice.below(4) > 0 {
            self.configure(index);
        }
        self.report(index);
    }

    fn configure(&mut self, index: usize) {
        if std::mem::take(&mut self.nodes[index].owes_config) {
            let configured = self.config(NodeListKind::InitialConfig);
            self.send(index, configured);
        }
    }

    /// A vote for the node's own ring is what it casts from now on.
    fn obey(&mut self, index: usize, vote: Option<Vote>, ring: Option<RingId>) {
        let node = &mut self.nodes[index];
        if ring != Some(node.ring) {
            return;
        }
        match vote.unwrap() {
            Vote::NoChange => {}
            Vote::AskLater | Vote::WaitForReply => node.casts = None,
            ruling @ (Vote::Ack | Vote::Nack) => node.casts = Some(ruling),
        }
    }

    /// Sends from a node, if it is connected.
    fn send(&mut self, index: usize, message: Message) {
        if let Some(peer) = self.nodes[index].link {
            let online = self.nodes[index].online || matches!(message, Message::Init(_));
            if online {
                self.push(peer, message);
            }
        }
    }

    fn push(&mut self, peer: PeerId, message: Message) {
        self.links
            .get_mut(&peer)
            .unwrap()
            .to_server
            .push_back(message);
    }

    /// No two connected nodes cast ACK in different rings; no ACK is sent before every loser of the
    /// round has confirmed, to a node without configuration, or for less than half of the nodes.
    fn check_safety(&self) -> Result<(), String> {
        if let Some(misdeed) = self.misdeed {
            return self.fail(misdeed);
        }
        let casting = self.nodes.iter().filter(|node| {
            let open = node.link.is_some_and(|peer| self.links[&peer].server_open);
            open && node.casts == Some(Vote::Ack)
        });
        let rings: BTreeSet<RingId> = casting.map(|node| node.ring).collect();
        if rings.len() > 1 {
            self.fail(&format!("several rings cast ACK: {rings:?}"))
        } else {
            Ok(())
        }
    }

    /// Everything is delivered: who is online has the vote if its group deserves it, and only then.
    fn check_rest(&self) -> Result<(), String> {
        let mut groups: BTreeMap<&BTreeSet<u32>, Vec<&Node>> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| node.online) {
            groups.entry(&node.group).or_default().push(node);
        }
        let best = groups
            .iter()
            .filter_map(|(ids, online)| self.worth(ids, online))
            .max();
        let mut winners = 0;
        for (ids, online) in &groups {
            let casts: BTreeSet<_> = online.iter().map(|node| node.casts).collect();
            let deserves = best.is_some() && self.worth(ids, online) == best;
            match casts.into_iter().collect::<Vec<_>>()[..] {
                [Some(Vote::Ack)] if deserves => winners += 1,
                // With keep either of two equal halves may be the active one.
                [Some(Vote::Nack)] if !deserves || self.keep == KeepActivePartition::Enabled => {}
                ref other => return self.fail(&format!("at rest {ids:?} casts {other:?}")),
            }
        }
        if winners == usize::from(best.is_some()) {
            Ok(())
        } else {
            self.fail(&format!("at rest {winners} partitions have the vote"))
        }
    }

    /// What a group can say for itself, as an administrator would put it.
    fn worth(&self, ids: &BTreeSet<u32>, online: &[&Node]) -> Option<(bool, usize, usize, bool)> {
        if ids.len() * 2 > self.nodes.len() {
            return Some((true, 0, 0, false));
        }
        if ids.len() * 2 < self.nodes.len() {
            return None;
        }
        let passed = online
            .iter()
            .filter(|node| node.heuristics == Heuristics::Pass)
            .count();
        let failed = online
            .iter()
            .filter(|node| node.heuristics == Heuristics::Fail)
            .count();
        let preferred = match self.tie_breaker {
            TieBreaker::Lowest => 1,
            TieBreaker::Highest => u32::try_from(self.nodes.len()).unwrap(),
            TieBreaker::Node(NodeId(id)) => id,
        };
        let preferred = self.keep == KeepActivePartition::Disabled && ids.contains(&preferred);
        Some((
            false,
            online.len() + passed - failed,
            online.len(),
            preferred,
        ))
    }

    fn fail(&self, what: &str) -> Result<(), String> {
        let last = self.trace.len().saturating_sub(60);
        Err(format!("{what}\n{}", self.trace[last..].join("\n")))
    }

    fn note(&mut self, text: String) {
        self.trace.push(text);
    }

    fn pick(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.below(u32::try_from(end).unwrap())).unwrap()
    }
}
