//! What a client costs in memory, as far as the core keeps it: the daemon adds a task, a mailbox and a
//! socket. `docs/performance.md` has the sum.

use libqdevice::base::{NodeId, NodeList, RingId, Time, Vote};
use libqdevice::events::ServerLedger;
use libqdevice::server::{Action, Event, PeerId, Server, ServerConfig};
use libqdevice::wire::{Init, Message, NodeListKind, NodeListReport, Plain, PreInit};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Whoever measures is alone.
static ALONE: Mutex<()> = Mutex::new(());

/// Clusters of two nodes, each with the vote.
const CLUSTERS: u64 = 500;
const CLIENTS: usize = 1000;

#[test]
fn a_plain_client_takes_less_than_1_75_kib_of_the_core() {
    let each = measured(Fleet::come);
    assert!(each < 1792, "{each} bytes");
}

#[test]
fn all_decisions_that_are_kept_of_its_cluster_add_less_than_640_bytes_to_a_client() {
    let plain = measured(Fleet::come);
    let full = measured(|fleet| {
        fleet.come();
        (0..20).for_each(|_| fleet.split_and_heal());
    });
    assert!(full - plain < 640, "{} bytes", full - plain);
}

/// Bytes for each client of a fleet with which this has happened.
fn measured(happens: impl FnOnce(&mut Fleet)) -> usize {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = Region::new(ALLOCATOR);
    let mut fleet = Fleet::new();
    happens(&mut fleet);
    let change = before.change();
    assert!(fleet.votes > 0);
    let kept = change.bytes_allocated - change.bytes_deallocated;
    kept / CLIENTS
}

/// A server with its clients, who confirm what they are told.
struct Fleet {
    server: Server,
    ledger: ServerLedger,
    ring: u64,
    votes: usize,
}

impl Fleet {
    fn new() -> Self {
        let config = ServerConfig {
            history: 32,
            ..ServerConfig::default()
        };
        Self {
            server: Server::new(config),
            ledger: ServerLedger::default(),
            ring: 4,
            votes: 0,
        }
    }

    fn come(&mut self) {
        for cluster in 0..CLUSTERS {
            for node in [1, 2] {
                let peer = peer(cluster, node);
                let address = format!("192.0.2.{}:{}", cluster % 250, 40_000 + peer.0 % 20_000);
                self.happen(Event::Accepted { peer, address });
                self.send(peer, preinit(cluster));
                self.send(peer, init(node));
                self.send(peer, config(&[1, 2]));
                self.send(peer, membership(RingId::new(1, self.ring), &[1, 2]));
            }
        }
    }

    fn split_and_heal(&mut self) {
        self.ring += 8;
        for cluster in 0..CLUSTERS {
            for node in [1, 2] {
                let alone = membership(RingId::new(node, self.ring), &[node]);
                self.send(peer(cluster, node), alone);
            }
            for node in [1, 2] {
                let together = membership(RingId::new(1, self.ring + 4), &[1, 2]);
                self.send(peer(cluster, node), together);
            }
        }
    }

    fn send(&mut self, peer: PeerId, message: Message) {
        let message = Ok(message);
        self.happen(Event::Received { peer, message });
    }

    fn happen(&mut self, event: Event) {
        let now = Time::from_millis(1000);
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut actions = Vec::new();
            self.server.handle(now, event, &mut actions);
            for action in actions {
                match action {
                    Action::Send { peer, message } => {
                        if let Message::VoteInfo(info) = message {
                            self.votes += usize::from(info.vote == Some(Vote::Ack));
                            let message = Ok(Message::VoteInfoReply(Plain { seq: info.seq }));
                            events.push_back(Event::Received { peer, message });
                        }
                    }
                    Action::Tell(notice) => self.ledger.note(now, &notice, &mut Vec::new()),
                    Action::StartTls { .. } | Action::Close { .. } => panic!("{action:?}"),
                }
            }
        }
    }
}

fn peer(cluster: u64, node: u32) -> PeerId {
    PeerId(2 * cluster + u64::from(node))
}

fn preinit(cluster: u64) -> Message {
    let name = format!("cluster-{cluster}");
    Message::PreInit(PreInit::new(1, name.as_str()))
}

fn init(node: u32) -> Message {
    Message::Init(Init::ffsplit(2, NodeId(node), RingId::new(1, 4)))
}

fn config(ids: &[u32]) -> Message {
    let nodes = NodeList::of_ids(ids.iter().copied());
    Message::NodeList(NodeListReport::new(3, NodeListKind::InitialConfig, nodes))
}

fn membership(ring: RingId, ids: &[u32]) -> Message {
    let nodes = NodeList::of_ids(ids.iter().copied());
    Message::NodeList(NodeListReport::membership(3, ring, nodes))
}
