//! A small world: the server core, two or three client cores, what is under way, and how often something
//! may still go wrong. Time stands still until everything is delivered, then it jumps to the next deadline.

use libqdevice::base::{Algorithm, Handover, RingId, Time};
use libqdevice::client::Client;
use libqdevice::server::{PeerId, Server, ServerConfig};
use libqdevice::wire::Message;
use sim::invariants::{ClientWatch, ServerWatch};
use sim::{Plan, Votequorum};
use std::collections::VecDeque;

/// How large a world is, and what may go wrong in it, each so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The decision algorithm.
    pub algorithm: Algorithm,
    /// The memberships, one after the other: a part for each node. The first one is in force at the start.
    pub rings: &'static [&'static [u8]],
    /// `quorum.wait_for_all`.
    pub wait_for_all: bool,
    /// What may go wrong.
    pub troubles: Troubles,
    /// How many milliseconds after the start something may still change or go wrong.
    pub window: u64,
    /// How many milliseconds pass at most after that.
    pub patience: u64,
    /// When a vote passes on: by the rule, or as in C.
    pub handover: Handover,
}

/// How many times what may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Troubles {
    /// Connections reset; both ends hear of it, the node's first or the server's first.
    pub resets: u8,
    /// Paths cut in silence, for ever.
    pub cuts: u8,
    /// Processes of qdevice killed; another one may start at any moment.
    pub kills: u8,
    /// Processes of qdevice stopped for ever.
    pub stops: u8,
    /// The server killed and started again.
    pub restarts: u8,
}

/// What can happen next. Nodes are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A node enters its next membership.
    Enter(usize),
    /// The server gets the next thing a node has sent.
    Up(usize),
    /// A node gets the next thing the server has sent.
    Down(usize),
    /// Time passes until something is due.
    Wait,
    /// The connection of a node is reset.
    Reset(usize),
    /// The path between a node and the server is cut.
    Cut(usize),
    /// The qdevice of a node is killed.
    Kill(usize),
    /// The qdevice of a node starts again.
    Start(usize),
    /// The qdevice of a node is stopped.
    Stop(usize),
    /// The server is killed and started again.
    Restart,
}

/// All that decides the future of a world.
#[derive(Debug, Clone, Hash)]
pub struct State {
    pub(crate) now: u64,
    pub(crate) server: Server,
    pub(crate) watch: ServerWatch,
    pub(crate) nodes: Vec<Node>,
    pub(crate) left: Troubles,
    pub(crate) peers: u64,
}

/// A node and its connection.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Node {
    pub(crate) client: Option<Client>,
    pub(crate) watch: ClientWatch,
    pub(crate) votequorum: Votequorum,
    /// Which of the memberships it is in.
    pub(crate) at: usize,
    pub(crate) is_cut: bool,
    pub(crate) is_stopped: bool,
    pub(crate) link: Option<Link>,
    /// Connections that only the server still believes in, with what is on its way to it.
    pub(crate) orphans: VecDeque<Link>,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct Link {
    pub(crate) peer: PeerId,
    pub(crate) up: VecDeque<Item>,
    pub(crate) down: VecDeque<Item>,
    pub(crate) server_open: bool,
}

#[derive(Debug, Clone, Hash)]
pub(crate) enum Item {
    Message(Message),
    End,
}

/// When every world begins, in milliseconds.
pub(crate) const START: u64 = 1_000;

impl Size {
    /// A new process of the server.
    pub(crate) fn server(&self) -> Server {
        let mut config = ServerConfig::default();
        config.settings.vote_handover = self.handover;
        Server::new(config)
    }

    pub(crate) fn count(&self) -> usize {
        self.rings[0].len()
    }

    /// The ring of a node in one of the memberships, with its members.
    pub(crate) fn ring(&self, at: usize, node: usize) -> (RingId, Vec<usize>) {
        let parts = self.rings[at];
        let members: Vec<usize> = (0..parts.len())
            .filter(|&other| parts[other] == parts[node])
            .collect();
        let lowest = u32::try_from(members[0] + 1).unwrap_or_default();
        (RingId::new(lowest, (at as u64 + 2) * 4), members)
    }

    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan::quiet(0, self.algorithm, self.count());
        plan.wait_for_all = self.wait_for_all;
        plan
    }
}

impl State {
    pub(crate) const fn time(&self) -> Time {
        Time::from_millis(self.now)
    }
}
