//! What the tests of the server share.

use super::{Action, Event, Identity, PeerId, QnetdSettings, Server, ServerConfig};
use crate::base::{Fingerprint, NodeId, NodeList, RingId, Time, Vote};
use crate::settings::Settings;
use crate::wire::{
    Init, LeaseNews, Message, NodeListKind, NodeListReport, OptType, Options, Plain, PreInit,
    SendFault, ServerError,
};

/// A server with a clock that only moves when told.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) now: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    pub(super) fn with(config: ServerConfig) -> Self {
        Self {
            server: Server::new(config),
            now: 0,
        }
    }

    /// With settings as behind `-S`.
    pub(super) fn set(settings: &str) -> Self {
        let mut all = QnetdSettings::default();
        all.apply(settings).unwrap();
        Self::with(ServerConfig {
            settings: all,
            ..ServerConfig::default()
        })
    }

    /// What the server does, without what it tells the operator.
    pub(super) fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.server
            .handle(Time::from_millis(self.now), event, &mut out);
        without_notices(out)
    }

    /// Lets time pass; what the server does at its end.
    pub(super) fn wait(&mut self, millis: u64) -> Vec<Action> {
        let mut out = Vec::new();
        self.now += millis;
        self.server
            .handle_timeout(Time::from_millis(self.now), &mut out);
        without_notices(out)
    }

    /// The nodes of cluster K that may be casting the vote.
    pub(super) fn granted(&self) -> Vec<u32> {
        let grants = self.server.grants(&"K".into());
        grants.iter().map(|(id, _)| id.0).collect()
    }

    pub(super) fn connect(&mut self, peer: u64) -> Vec<Action> {
        let address = format!("192.0.2.1:{peer}");
        self.handle(Event::Accepted {
            peer: PeerId(peer),
            address,
        })
    }

    pub(super) fn send(&mut self, peer: u64, message: Message) -> Vec<Action> {
        self.handle(Event::Received {
            peer: PeerId(peer),
            message: Ok(message),
        })
    }

    pub(super) fn send_failed(&mut self, peer: u64) -> Vec<Action> {
        self.handle(Event::SendFailed {
            peer: PeerId(peer),
            fault: SendFault::QueueFull,
        })
    }

    /// Connects a client and names its cluster.
    pub(super) fn named(&mut self, peer: u64, cluster: &str) {
        self.connect(peer);
        assert_eq!(self.send(peer, preinit(cluster)).len(), 1);
    }

    /// Connects a client and has it admitted as `node`.
    pub(super) fn admitted(&mut self, peer: u64, cluster: &str, node: u32) {
        self.admitted_with(peer, cluster, init(node));
    }

    /// With these nodes of cluster K, each on the connection of its number, in one ring and with votes confirmed.
    pub(super) fn together(mut self, nodes: &[u32]) -> Self {
        for &node in nodes {
            self.admitted(node.into(), "K", node);
            self.send(node.into(), config(nodes));
        }
        for &node in nodes {
            self.send(node.into(), membership(RingId::new(1, 8), nodes));
        }
        for &node in nodes {
            self.send(node.into(), confirmation(1));
        }
        self
    }

    pub(super) fn admitted_with(&mut self, peer: u64, cluster: &str, init: Init) {
        self.named(peer, cluster);
        let reply = self.send(peer, Message::Init(init));
        assert_eq!(error_of(&reply), Some(0));
    }
}

/// What a certificate with these names says; its fingerprint is all zeroes.
pub(super) fn certified_for(names: &[&[u8]]) -> Identity {
    Identity {
        names: names.iter().map(|name| name.to_vec()).collect(),
        certificate: Fingerprint([0; 32]),
    }
}

fn without_notices(out: Vec<Action>) -> Vec<Action> {
    out.into_iter()
        .filter(|action| !matches!(action, Action::Tell(_)))
        .collect()
}

pub(super) fn preinit(cluster: &str) -> Message {
    Message::PreInit(PreInit::new(1, cluster))
}

/// An INIT that asks for nothing unusual.
pub(super) fn init(node: u32) -> Init {
    Init::ffsplit(2, NodeId(node), RingId::new(1, 4))
}

pub(super) fn config(ids: &[u32]) -> Message {
    let nodes = NodeList::of_ids(ids.iter().copied());
    Message::NodeList(NodeListReport::new(3, NodeListKind::InitialConfig, nodes))
}

pub(super) fn membership(ring: RingId, ids: &[u32]) -> Message {
    let nodes = NodeList::of_ids(ids.iter().copied());
    Message::NodeList(NodeListReport::membership(4, ring, nodes))
}

/// The votes pushed to others.
pub(super) fn announced(actions: &[Action]) -> Vec<(u64, Option<Vote>)> {
    let vote = |action: &Action| match action {
        Action::Send {
            peer,
            message: Message::VoteInfo(info),
        } => Some((peer.0, info.vote)),
        Action::Send { .. } | Action::StartTls { .. } | Action::Close { .. } | Action::Tell(_) => {
            None
        }
    };
    actions.iter().filter_map(vote).collect()
}

/// An INIT of a client whose vote ends with its lease.
pub(super) fn leased(node: u32) -> Init {
    Init {
        supported_options: Some((0..=23).chain([OptType::Lease.number()]).collect()),
        ..init(node)
    }
}

pub(super) fn goodbye() -> Message {
    Message::SetOption(Options {
        seq: Some(9),
        lease: Some(LeaseNews::Goodbye),
        ..Options::default()
    })
}

pub(super) fn confirmation(seq: u32) -> Message {
    Message::VoteInfoReply(Plain { seq: Some(seq) })
}

/// The code of the only action, a server error or an init reply.
pub(super) fn error_of(actions: &[Action]) -> Option<u16> {
    match actions {
        [
            Action::Send {
                message: Message::ServerError(error),
                ..
            },
        ] => error.error,
        [
            Action::Send {
                message: Message::InitReply(reply),
                ..
            },
        ] => reply.error,
        _ => None,
    }
}

/// The answer that is an error.
pub(super) fn error(peer: u64, seq: Option<u32>, code: u16) -> Vec<Action> {
    let message = Message::ServerError(ServerError {
        seq,
        error: Some(code),
    });
    vec![Action::Send {
        peer: PeerId(peer),
        message,
    }]
}
