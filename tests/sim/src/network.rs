//! What lies between the nodes and the server.

use crate::link::{Item, Link, Way};
use crate::node::Stimulus;
use crate::world::{Event, World};
use libqdevice::client::{Link as LinkEvent, LinkFault};
use libqdevice::server::{Event as ServerEvent, PeerId};

impl World {
    /// Whether packets pass between a node's machine and the server's.
    fn passes(&self, node: usize, way: Way) -> bool {
        let own = &self.nodes[node];
        let (cuts, receiver) = match way {
            Way::Up => (own.cuts.0, self.arbiter.is_reachable()),
            Way::Down => (own.cuts.1, own.runs()),
        };
        cuts == 0 && receiver
    }

    fn latency(&mut self, node: usize) -> u64 {
        let (low, high) = self.plan.latency;
        let slow = self.nodes[node].slow;
        let extra = if slow == 0 { 0 } else { self.rng.below(slow) };
        // Now and then a packet is lost and sent again.
        let lost = if high > 0 && self.rng.chance(1) {
            200
        } else {
            0
        };
        self.rng.between(low, high) + extra + lost
    }

    pub(crate) fn lag(&mut self) -> u64 {
        self.rng.between(0, self.plan.lag)
    }

    /// A node begins an attempt to connect.
    pub(crate) fn connect(&mut self, node: usize) {
        self.attempts += 1;
        let attempt = self.attempts;
        self.nodes[node].device.attempt = attempt;
        let latency = self.latency(node);
        self.plan_in(latency, Event::Knock(node, attempt, 0));
    }

    /// The first packet of an attempt reaches the server's machine, or is sent again after a while.
    pub(crate) fn knock(&mut self, node: usize, attempt: u64, tries: u32) {
        if self.nodes[node].device.attempt != attempt || !self.nodes[node].powered {
            return;
        }
        if !self.passes(node, Way::Up) || !self.passes(node, Way::Down) {
            if tries < 6 {
                self.plan_in(1_000 << tries, Event::Knock(node, attempt, tries + 1));
            }
            return;
        }
        let latency = self.latency(node);
        if self.arbiter.server.is_none() {
            return self.plan_in(latency, Event::Answered(node, attempt, None));
        }
        // The number of a connection is that of its attempt: both are never used twice.
        let peer = PeerId(attempt);
        self.links.insert(attempt, Link::new(node, peer));
        let address = format!("192.0.2.{}:1", node + 1);
        self.note(|| format!("node {} connects as {attempt}", node + 1));
        self.tell_server(ServerEvent::Accepted { peer, address });
        self.plan_in(latency, Event::Answered(node, attempt, Some(attempt)));
    }

    pub(crate) fn answered(&mut self, node: usize, attempt: u64, link: Option<u64>) {
        if self.nodes[node].device.attempt != attempt || !self.nodes[node].runs() {
            // Nobody waits for it any more: the kernel says so.
            if let Some(number) = link {
                self.client_closes(number);
            }
            return;
        }
        let event = match link {
            Some(number) => {
                self.nodes[node].device.link = Some(number);
                LinkEvent::Up
            }
            None => LinkEvent::Down(LinkFault::ConnectFailed("refused".into())),
        };
        self.stimulate(node, Stimulus::Link(attempt, event));
    }

    pub(crate) fn push_up(&mut self, number: u64, item: Item) {
        self.push(number, Way::Up, item);
    }

    pub(crate) fn push_down(&mut self, number: u64, item: Item) {
        self.push(number, Way::Down, item);
    }

    fn push(&mut self, number: u64, way: Way, item: Item) {
        let Some(node) = self.links.get(&number).map(|link| link.node) else {
            return;
        };
        let latency = self.latency(node);
        let now = self.now;
        let Some(link) = self.links.get_mut(&number).filter(|link| !link.vanished) else {
            return;
        };
        let at = link.pipe(way).push(item, now, latency);
        self.plan_at(at, Event::Arrive(number, way));
    }

    /// The node's end is closed, by the process or by its kernel.
    pub(crate) fn client_closes(&mut self, number: u64) {
        let Some(link) = self.links.get_mut(&number).filter(|link| link.client_open) else {
            return;
        };
        link.client_open = false;
        self.push_up(number, Item::End);
    }

    pub(crate) fn server_closes(&mut self, number: u64) {
        let Some(link) = self.links.get_mut(&number).filter(|link| link.server_open) else {
            return;
        };
        link.server_open = false;
        self.push_down(number, Item::End);
    }

    /// The connection of a node is reset from outside.
    pub(crate) fn reset(&mut self, node: usize) {
        if let Some(number) = self.nodes[node].device.link {
            self.push_up(number, Item::End);
            self.push_down(number, Item::End);
        }
    }

    pub(crate) fn vanish(&mut self, node: usize) {
        let number = self.nodes[node].device.link;
        if let Some(link) = number.and_then(|number| self.links.get_mut(&number)) {
            link.vanished = true;
            link.up.queue.clear();
            link.down.queue.clear();
        }
    }

    /// Whatever has arrived in a connection is handed over, as far as its receiver can be reached.
    pub(crate) fn arrive(&mut self, number: u64, way: Way) {
        loop {
            let now = self.now;
            let Some(node) = self.links.get(&number).map(|link| link.node) else {
                return;
            };
            let passes = self.passes(node, way);
            let Some(link) = self.links.get_mut(&number) else {
                return;
            };
            let pipe = link.pipe(way);
            if !passes {
                pipe.stalled.get_or_insert(now);
                return;
            }
            if pipe.stalled.is_some() {
                // It waits for the sender to try again.
                return;
            }
            let Some(item) = pipe.arrived(now) else {
                if link.is_over() {
                    self.links.remove(&number);
                }
                return;
            };
            match way {
                Way::Up => self.arrive_up(number, item),
                Way::Down => self.arrive_down(number, item),
            }
        }
    }

    fn arrive_up(&mut self, number: u64, item: Item) {
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        let peer = link.peer;
        match (item, link.server_open) {
            (Item::Message(message), true) => {
                let message = Ok(message);
                self.tell_server(ServerEvent::Received { peer, message });
            }
            (Item::End, true) => {
                link.server_open = false;
                self.note(|| format!("qnetd hears that connection {number} is gone"));
                self.tell_server(ServerEvent::Gone { peer });
            }
            (Item::Message(_), false) => self.push_down(number, Item::End),
            (Item::End, false) => {}
        }
    }

    fn arrive_down(&mut self, number: u64, item: Item) {
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        let node = link.node;
        match (item, link.client_open) {
            (Item::Message(message), true) => {
                let event = LinkEvent::Received(Ok(message));
                self.stimulate(node, Stimulus::Link(number, event));
            }
            (Item::End, true) => {
                link.client_open = false;
                let event = LinkEvent::Down(LinkFault::Closed);
                self.stimulate(node, Stimulus::Link(number, event));
            }
            (Item::Message(_), false) => self.push_up(number, Item::End),
            (Item::End, false) => {}
        }
    }

    /// Paths may have opened: what was held up goes on when its sender tries again.
    pub(crate) fn unblock(&mut self) {
        let numbers: Vec<u64> = self.links.keys().copied().collect();
        for number in numbers {
            for way in [Way::Up, Way::Down] {
                let Some(link) = self.links.get(&number) else {
                    continue;
                };
                let node = link.node;
                let since = match way {
                    Way::Up => link.up.stalled,
                    Way::Down => link.down.stalled,
                };
                let Some(since) = since.filter(|_| self.passes(node, way)) else {
                    continue;
                };
                let longest = (self.now - since).min(self.plan.backoff);
                let delay = self.rng.between(0, longest);
                if let Some(link) = self.links.get_mut(&number) {
                    link.pipe(way).stalled = None;
                    let held = self.now + delay;
                    for (at, _) in &mut link.pipe(way).queue {
                        *at = (*at).max(held);
                    }
                    link.pipe(way).hold(held);
                }
                self.plan_in(delay, Event::Arrive(number, way));
            }
        }
    }
}
