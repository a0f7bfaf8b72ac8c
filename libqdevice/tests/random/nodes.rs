//! What nodes do, and their qdevices.

use crate::Flaw;
use crate::world::{Link, World};
use libqdevice::base::{Algorithm, Heuristics, NodeId, NodeList, Quorate, RingId, Vote};
use libqdevice::server::{Event, PeerId};
use libqdevice::wire::{
    HeuristicsReport, Init, Message, NodeListKind, NodeListReport, Options, Plain, PreInit,
    algorithm_number,
};
use std::collections::VecDeque;

impl World {
    /// A node's qdevice hears of the ring it is in, and reports it.
    pub(crate) fn learn(&mut self, index: usize) {
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
        let members = NodeList::of_ids(node.members.iter().copied());
        let report = NodeListReport {
            heuristics: node.heuristics,
            ..NodeListReport::membership(1, node.ring, members)
        };
        self.send(index, Message::NodeList(report));
    }

    pub(crate) fn config(&self, kind: NodeListKind) -> Message {
        let nodes = self.nodes.iter().map(|node| NodeId(node.id)).collect();
        Message::NodeList(NodeListReport::new(1, kind, nodes))
    }

    pub(crate) fn change_heuristics(&mut self, index: usize) {
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

    pub(crate) fn connect(&mut self, index: usize) {
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
        self.push(peer, Message::PreInit(PreInit::new(1, "cluster")));
    }

    /// A node gives its connection up, and with it the vote. The server hears of it later.
    pub(crate) fn disconnect(&mut self, index: usize) {
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

    /// A node gets the next message of its connection, or its end.
    pub(crate) fn download(&mut self, peer: PeerId) {
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
                if self.flaw != Flaw::ConfirmFirst {
                    self.send(index, Message::VoteInfoReply(Plain { seq: info.seq }));
                }
            }
            Message::NodeListReply(reply) => self.obey(index, reply.vote, reply.ring),
            Message::HeuristicsChangeReply(reply) => self.obey(index, reply.vote, reply.ring),
            Message::AskForVoteReply(reply) => self.obey(index, reply.vote, reply.ring),
            Message::SetOptionReply(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn ask_to_be_admitted(&mut self, index: usize) {
        let node = &self.nodes[index];
        let init = Init {
            algorithm: Some(algorithm_number(self.algorithm)),
            tie_breaker: Some(self.tie_breaker),
            ..Init::ffsplit(1, NodeId(node.id), node.ring)
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

    pub(crate) fn configure(&mut self, index: usize) {
        if std::mem::take(&mut self.nodes[index].owes_config) {
            let configured = self.config(NodeListKind::InitialConfig);
            self.send(index, configured);
        }
    }

    /// Says or asks something that changes nothing.
    pub(crate) fn chat(&mut self, index: usize) {
        let members = NodeList::of_ids(self.nodes[index].members.iter().copied());
        let quorum = NodeListReport {
            quorate: Some(Quorate::Yes),
            ..NodeListReport::new(1, NodeListKind::Quorum, members)
        };
        // ffsplit answers a question with an error.
        if self.algorithm == Algorithm::FfSplit || self.dice.below(2) == 0 {
            self.send(index, Message::NodeList(quorum));
        } else {
            self.send(index, Message::AskForVote(Plain { seq: Some(1) }));
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
    pub(crate) fn send(&mut self, index: usize, message: Message) {
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
}
