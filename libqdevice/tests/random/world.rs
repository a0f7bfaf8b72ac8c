//! A server, nodes, and what is under way between them.

use crate::Flaw;
use crate::chronicle::Chronicle;
use libqdevice::base::{
    Algorithm, Dice, Handover, Heuristics, KeepActivePartition, NodeId, RingId, TieBreaker, Time,
    Vote,
};
use libqdevice::server::{Action, Event, PeerId, QnetdSettings, Server, ServerConfig};
use libqdevice::wire::{Message, NodeListKind, Plain, SendFault};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) struct World {
    server: Server,
    now: Time,
    pub(crate) dice: Dice,
    pub(crate) algorithm: Algorithm,
    pub(crate) flaw: Flaw,
    pub(crate) tie_breaker: TieBreaker,
    /// What the test takes it for.
    pub(crate) expected_tie_breaker: TieBreaker,
    pub(crate) keep: KeepActivePartition,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: BTreeMap<PeerId, Link>,
    pub(crate) chronicle: Chronicle,
    pub(crate) connections: u64,
    rings: u64,
    /// The nodes of every ring there was.
    formed: BTreeMap<RingId, usize>,
    /// What the server should not have done.
    pub(crate) misdeed: Option<&'static str>,
    pub(crate) trace: Vec<String>,
}

/// A node with its qdevice.
pub(crate) struct Node {
    pub(crate) id: u32,
    /// The nodes it can talk to, itself included.
    pub(crate) group: BTreeSet<u32>,
    /// The ring of that group, once corosync has formed it.
    pub(crate) forming: Option<RingId>,
    /// What its qdevice knows.
    pub(crate) ring: RingId,
    pub(crate) members: BTreeSet<u32>,
    pub(crate) heuristics: Heuristics,
    pub(crate) casts: Option<Vote>,
    pub(crate) link: Option<PeerId>,
    pub(crate) online: bool,
    /// It has not sent its configuration yet.
    pub(crate) owes_config: bool,
}

/// A connection: what is under way in both directions, and which ends are still open.
pub(crate) struct Link {
    pub(crate) node: usize,
    pub(crate) to_server: VecDeque<Message>,
    pub(crate) to_client: VecDeque<Message>,
    pub(crate) client_open: bool,
    pub(crate) server_open: bool,
    /// The server has got the configuration.
    pub(crate) configured: bool,
    /// Number of the NACK the server waits for.
    pub(crate) unconfirmed_nack: Option<u32>,
}

impl World {
    pub(crate) fn new(algorithm: Algorithm, seed: u64, flaw: Flaw, handover: Handover) -> Self {
        let mut dice = Dice::new(seed);
        let size = match algorithm {
            Algorithm::TwoNodeLms => 2,
            Algorithm::Test | Algorithm::FfSplit | Algorithm::Lms => 2 + dice.below(4),
        };
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
        let expected_tie_breaker = match tie_breaker {
            tie_breaker if flaw != Flaw::OtherTieBreaker => tie_breaker,
            TieBreaker::Lowest => TieBreaker::Highest,
            TieBreaker::Highest | TieBreaker::Node(_) => TieBreaker::Lowest,
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
            server: Server::new(ServerConfig {
                settings: QnetdSettings {
                    vote_handover: handover,
                    // Time passes only for votes of nodes that are gone.
                    dpd_enabled: false,
                    ..QnetdSettings::default()
                },
                ..ServerConfig::default()
            }),
            now: Time::default(),
            nodes: all.iter().map(|&id| node(id)).collect(),
            dice,
            algorithm,
            flaw,
            tie_breaker,
            expected_tie_breaker,
            keep,
            links: BTreeMap::new(),
            chronicle: Chronicle::new(
                expected_tie_breaker,
                algorithm == Algorithm::TwoNodeLms,
                flaw,
            ),
            connections: 0,
            rings: 4,
            formed: BTreeMap::from([(ring, all.len())]),
            misdeed: None,
            trace: Vec::new(),
        }
    }

    /// Lets things happen, and rest now and then.
    pub(crate) fn run(&mut self) -> Result<(), String> {
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
            self.wait_for_lost_votes()?;
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
            16 => self.chat(node),
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

    pub(crate) fn happen(&mut self, event: Event) {
        let mut out = Vec::new();
        self.server.handle(self.now, event.clone(), &mut out);
        self.follow(&event, &out);
        self.perform(out);
    }

    /// Time passes until nobody waits for the end of a vote any more.
    fn wait_for_lost_votes(&mut self) -> Result<(), String> {
        while let Some(deadline) = self.server.next_deadline() {
            self.now = deadline;
            self.note(format!("it is {} ms later", deadline.as_millis()));
            let mut out = Vec::new();
            self.server.handle_timeout(deadline, &mut out);
            self.perform(out);
            while self.progress() {
                self.check_safety()?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, out: Vec<Action>) {
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

    /// Writes down what the server has heard.
    fn follow(&mut self, event: &Event, actions: &[Action]) {
        match event {
            Event::Gone { peer } | Event::Lost { peer } => self.chronicle.left(*peer),
            Event::Received {
                peer,
                message: Ok(message),
            } => self.chronicle.heard(*peer, message),
            _ => {}
        }
        for action in actions {
            match action {
                Action::Close { peer } => self.chronicle.left(*peer),
                Action::Send {
                    peer,
                    message: Message::InitReply(reply),
                } if reply.error == Some(0) => {
                    let node = self.nodes[self.links[peer].node].id;
                    self.chronicle.admitted(node, *peer);
                }
                Action::Send {
                    peer,
                    message: Message::VoteInfo(info),
                } => self.chronicle.told(*peer, info.seq, info.vote.unwrap()),
                _ => {}
            }
        }
    }

    fn reply(&mut self, peer: PeerId, mut message: Message) {
        if let Message::VoteInfo(info) = &mut message {
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
            let deserves = link.configured && nodes * 2 >= self.nodes.len();
            if vote == Vote::Ack && self.algorithm == Algorithm::FfSplit && !deserves {
                self.misdeed = Some("an ACK went to a node that cannot deserve it");
            }
            if self.flaw == Flaw::ConfirmFirst {
                link.to_server
                    .push_back(Message::VoteInfoReply(Plain { seq }));
            }
            if self.flaw == Flaw::FlippedVote && self.dice.below(20) == 0 {
                info.vote = Some(if vote == Vote::Ack {
                    Vote::Nack
                } else {
                    Vote::Ack
                });
            }
            if self.flaw == Flaw::LostVote && self.dice.below(20) == 0 {
                return;
            }
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.to_client.push_back(message);
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        self.trace.push(text);
    }

    pub(crate) fn pick(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.below(u32::try_from(end).unwrap())).unwrap()
    }
}
