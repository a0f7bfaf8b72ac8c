//! What must hold in every world, written once for the simulator, the model checker and the fuzzer.
//!
//! Not here: how worlds are made. The checks see the border of the cores (events and actions) and what
//! votequorum of every node makes of the polls.

use libqdevice::base::{Algorithm, ClusterName, RingId, TieBreaker, Time, Vote};
use libqdevice::client::{self, Link};
use libqdevice::server::{self, PeerId, Server};
use libqdevice::wire::{Message, Plain};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What has been broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// At most one partition of a cluster is quorate and acts on it, at any true moment.
    OnePartition,
    /// No ACK is sent while a NACK of the round is not confirmed.
    LosersFirst,
    /// No vote is cast for a ring that the server has not given it for.
    OwnRing,
    /// A stable membership that deserves the vote has it within the bound, and keeps it.
    Liveness,
    /// What a peer can make the server remember is bounded.
    Memory,
    /// After a timeout is handled no deadline lies at or before now.
    Deadlines,
    /// Nothing that a peer, corosync or the clock does makes a core panic.
    NoPanic,
}

/// A rule that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// How, in words.
    pub how: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.how)
    }
}

/// Nothing, or what was broken.
pub type Checked = Result<(), Violation>;

fn broken(rule: Rule, how: String) -> Checked {
    Err(Violation { rule, how })
}

/// A node that is quorate and acts on it: it runs, its membership is in force (it waits in no sync
/// barrier) and whole (a node that misses another one of its ring gets no token and delivers nothing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// The node.
    pub node: u32,
    /// The ring it acts in.
    pub ring: RingId,
}

/// At most one partition acts. To be asked at every true moment, when all of that moment has happened.
pub fn one_partition(acting: &[Acting]) -> Checked {
    let rings: BTreeSet<RingId> = acting.iter().map(|acting| acting.ring).collect();
    if rings.len() <= 1 {
        return Ok(());
    }
    let parts: Vec<String> = acting
        .iter()
        .map(|acting| format!("node {} in {}", acting.node, acting.ring))
        .collect();
    broken(
        Rule::OnePartition,
        format!("quorate at the same time: {}", parts.join(", ")),
    )
}

/// Nothing is left that was due.
pub fn nothing_due(now: Time, next: Option<Time>) -> Checked {
    match next {
        Some(next) if next <= now => broken(
            Rule::Deadlines,
            format!("still due at {now:?}: a deadline at {next:?}"),
        ),
        Some(_) | None => Ok(()),
    }
}

/// What the server remembers is bounded by the number of its connections.
pub fn bounded(server: &Server, connections: usize) -> Checked {
    let size = format!("{server:?}").len();
    let limit = BYTES_OF_SERVER + connections * BYTES_OF_PEER;
    if size <= limit {
        return Ok(());
    }
    broken(
        Rule::Memory,
        format!("{size} bytes with {connections} connections"),
    )
}

/// Of the state's debug text, which is several times as long as the state. Lists are as long as a
/// message can be: 32 KiB hold some 2500 nodes of which each shows as some 70 bytes, three lists a peer.
const BYTES_OF_PEER: usize = 600_000;
const BYTES_OF_SERVER: usize = 8_192;

/// Watches the border of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ClientWatch {
    /// Whether its algorithm may keep a vote without a server.
    keeps: bool,
    /// The ring and vote of the last ruling of the server in this connection, for each ring.
    rulings: BTreeMap<RingId, bool>,
}

impl ClientWatch {
    /// A client with this algorithm that has heard nothing yet.
    #[must_use]
    pub const fn new(algorithm: Algorithm, wait_for_all: bool) -> Self {
        Self {
            keeps: may_keep(algorithm, wait_for_all),
            rulings: BTreeMap::new(),
        }
    }

    /// What the client is about to hear.
    pub fn heard(&mut self, event: &client::Event) {
        let client::Event::Link(Link::Received(Ok(message))) = event else {
            return;
        };
        let (vote, ring) = match message {
            Message::VoteInfo(reply) | Message::AskForVoteReply(reply) => (reply.vote, reply.ring),
            Message::NodeListReply(reply) => (reply.vote, reply.ring),
            Message::HeuristicsChangeReply(reply) => (reply.vote, reply.ring),
            _ => return,
        };
        if let (Some(vote @ (Vote::Ack | Vote::Nack)), Some(ring)) = (vote, ring) {
            if self.rulings.len() >= RULINGS {
                self.rulings.pop_first();
            }
            self.rulings.insert(ring, vote == Vote::Ack);
        }
    }

    /// What the client has done about it.
    pub fn did(&mut self, actions: &[client::Action]) -> Checked {
        for action in actions {
            match action {
                client::Action::Cast { ring, vote: true }
                    if self.rulings.get(ring) != Some(&true) =>
                {
                    return broken(
                        Rule::OwnRing,
                        format!("the vote is cast for {ring} without an ACK for it"),
                    );
                }
                client::Action::HangUp if !self.keeps => self.rulings.clear(),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a client may keep its vote without a server.
pub(crate) const fn may_keep(algorithm: Algorithm, wait_for_all: bool) -> bool {
    match algorithm {
        Algorithm::Test => true,
        Algorithm::Lms => wait_for_all,
        Algorithm::FfSplit | Algorithm::TwoNodeLms => false,
    }
}

/// How many rings are remembered: more than are under way at once.
const RULINGS: usize = 16;

/// Watches the border of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ServerWatch {
    peers: BTreeMap<PeerId, Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Seen {
    cluster: Option<ClusterName>,
    admitted: bool,
    /// Everybody gets the vote.
    test: bool,
    /// The number of a NACK that is not confirmed.
    owes: Option<u32>,
}

impl ServerWatch {
    /// What the server is about to hear.
    pub fn heard(&mut self, event: &server::Event) {
        match event {
            server::Event::Accepted { peer, .. } => {
                self.peers.insert(*peer, Seen::default());
            }
            server::Event::Gone { peer } | server::Event::Lost { peer } => {
                self.peers.remove(peer);
            }
            server::Event::Received {
                peer,
                message: Ok(message),
            } => self.received(*peer, message),
            _ => {}
        }
    }

    fn received(&mut self, peer: PeerId, message: &Message) {
        let Some(seen) = self.peers.get_mut(&peer) else {
            return;
        };
        match message {
            Message::PreInit(preinit) if !seen.admitted => {
                seen.cluster.clone_from(&preinit.cluster);
            }
            Message::Init(init) if !seen.admitted => seen.test = init.algorithm == Some(0),
            Message::VoteInfoReply(Plain { seq }) if *seq == seen.owes => seen.owes = None,
            _ => {}
        }
    }

    /// What the server has done about it.
    pub fn did(&mut self, actions: &[server::Action]) -> Checked {
        let mut acks = BTreeSet::new();
        for action in actions {
            match action {
                server::Action::Close { peer } => {
                    self.peers.remove(peer);
                }
                server::Action::Send { peer, message } => {
                    let Some(seen) = self.peers.get_mut(peer) else {
                        continue;
                    };
                    match message {
                        Message::InitReply(reply) if reply.error == Some(0) => seen.admitted = true,
                        Message::VoteInfo(info) if !seen.test => {
                            let nack = info.vote == Some(Vote::Nack);
                            seen.owes = info.seq.filter(|_| nack);
                            if !nack {
                                acks.extend(seen.cluster.clone());
                            }
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        let owes = |(_, seen): &(&PeerId, &Seen)| {
            let told = seen.cluster.as_ref().is_some_and(|own| acks.contains(own));
            seen.admitted && seen.owes.is_some() && told
        };
        match self.peers.iter().find(owes) {
            Some((peer, _)) => broken(
                Rule::LosersFirst,
                format!("an ACK was sent while connection {} owes a NACK", peer.0),
            ),
            None => Ok(()),
        }
    }
}

/// A part of the network when all is quiet.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its nodes, all with a running qdevice and a path to the server.
    pub nodes: BTreeSet<u32>,
    /// How many of them cast the vote in the ring they share.
    pub casting: usize,
}

/// The vote is where it belongs when nothing has gone wrong for as long as the bound says.
///
/// `tie_breaker` is given when it alone decides between halves.
pub fn at_rest(
    algorithm: Algorithm,
    nodes: usize,
    tie_breaker: Option<TieBreaker>,
    parts: &[Part],
) -> Checked {
    let wrong = |how: &str| broken(Rule::Liveness, format!("{how}: {parts:?}"));
    if parts
        .iter()
        .any(|part| part.casting != 0 && part.casting != part.nodes.len())
    {
        return wrong("a partition does not vote as one");
    }
    let winners: Vec<&Part> = parts.iter().filter(|part| part.casting > 0).collect();
    let deserving: Vec<&Part> = match algorithm {
        Algorithm::FfSplit => parts
            .iter()
            .filter(|part| part.nodes.len() * 2 >= nodes)
            .collect(),
        Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => parts.iter().collect(),
    };
    let [winner] = winners[..] else {
        return match (winners.len(), deserving.is_empty()) {
            (0, true) => Ok(()),
            (0, false) => wrong("nobody has the vote"),
            _ if algorithm == Algorithm::Test => Ok(()),
            _ => wrong("several partitions have the vote"),
        };
    };
    if !deserving.iter().any(|part| part.nodes == winner.nodes) {
        return wrong("a minority has the vote");
    }
    let preferred = match tie_breaker {
        Some(TieBreaker::Lowest) => Some(1),
        Some(TieBreaker::Highest) => u32::try_from(nodes).ok(),
        Some(TieBreaker::Node(id)) => Some(id.0),
        None => None,
    };
    let halves = algorithm == Algorithm::FfSplit && winner.nodes.len() * 2 == nodes;
    match preferred {
        Some(id) if halves && deserving.len() == 2 && !winner.nodes.contains(&id) => {
            wrong("the tie-breaker's half does not have the vote")
        }
        Some(_) | None => Ok(()),
    }
}
