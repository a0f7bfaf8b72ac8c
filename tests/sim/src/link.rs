//! A TCP connection between a node and the server: slow, stalled, broken, but never out of order.

use libqdevice::server::PeerId;
use libqdevice::wire::Message;
use std::collections::VecDeque;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// From the node to the server.
    Up,
    /// From the server to the node.
    Down,
}

/// What is under way.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Message(Message),
    /// The sender has closed, or its kernel says that it knows no such connection.
    End,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    /// With the moments of arrival, which never fall.
    pub(crate) queue: VecDeque<(u64, Item)>,
    last: u64,
    /// Since when what has arrived is held up.
    pub(crate) stalled: Option<u64>,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) node: usize,
    pub(crate) peer: PeerId,
    pub(crate) up: Pipe,
    pub(crate) down: Pipe,
    /// The node's end is open.
    pub(crate) client_open: bool,
    /// The server's end is open.
    pub(crate) server_open: bool,
    /// Something between the ends has forgotten it.
    pub(crate) vanished: bool,
}

impl Pipe {
    /// Puts something on its way; gives the moment at which it arrives.
    pub(crate) fn push(&mut self, item: Item, now: u64, latency: u64) -> u64 {
        self.last = self.last.max(now + latency);
        self.queue.push_back((self.last, item));
        self.last
    }

    /// Nothing that is sent from now on arrives before this.
    pub(crate) fn hold(&mut self, until: u64) {
        self.last = self.last.max(until);
    }

    /// What has arrived, in order.
    pub(crate) fn arrived(&mut self, now: u64) -> Option<Item> {
        let (at, _) = self.queue.front()?;
        if *at > now {
            return None;
        }
        self.queue.pop_front().map(|(_, item)| item)
    }
}

impl Link {
    pub(crate) fn new(node: usize, peer: PeerId) -> Self {
        Self {
            node,
            peer,
            up: Pipe::default(),
            down: Pipe::default(),
            client_open: true,
            server_open: true,
            vanished: false,
        }
    }

    pub(crate) const fn pipe(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Whether anybody could still notice it.
    pub(crate) fn is_over(&self) -> bool {
        !self.client_open
            && !self.server_open
            && self.up.queue.is_empty()
            && self.down.queue.is_empty()
    }
}
