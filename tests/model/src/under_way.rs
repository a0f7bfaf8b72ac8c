//! What is under way between the nodes and the server.

use crate::drive::Done;
use crate::world::{Item, Link, Size, State};
use libqdevice::client::{self, Event as ClientEvent, LinkFault};
use libqdevice::server::{self, Event as ServerEvent, PeerId};
use sim::invariants::ServerWatch;
use std::collections::VecDeque;

impl State {
    pub(crate) fn connect(&mut self, node: usize) -> Done {
        if self.nodes[node].is_cut {
            return Ok(());
        }
        self.peers += 1;
        let peer = PeerId(self.peers);
        self.nodes[node].link = Some(Link {
            peer,
            up: VecDeque::new(),
            down: VecDeque::new(),
            server_open: true,
        });
        let address = String::new();
        self.serve(ServerEvent::Accepted { peer, address })?;
        self.tell(node, ClientEvent::Link(client::Link::Up))
    }

    /// The node's end is gone; the server may hear of it, if nothing is cut.
    pub(crate) fn hang_up(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        let Some(mut link) = own.link.take() else {
            return;
        };
        link.down.clear();
        link.up.push_back(Item::End);
        if link.server_open {
            own.orphans.push_back(link);
        }
    }

    pub(crate) fn reset(&mut self, node: usize) -> Done {
        self.left.resets -= 1;
        self.hang_up(node);
        self.tell(
            node,
            ClientEvent::Link(client::Link::Down(LinkFault::Closed)),
        )
    }

    pub(crate) fn restart(&mut self, size: &Size) {
        self.left.restarts -= 1;
        // Its state file is as new as the server.
        let memory = self.server.memory(self.time());
        self.server = size.server();
        self.server.recall(self.time(), memory);
        self.watch = ServerWatch::default();
        for own in &mut self.nodes {
            own.orphans.clear();
            if let Some(link) = &mut own.link {
                link.up.clear();
                link.server_open = false;
                link.down.push_back(Item::End);
            }
        }
    }

    pub(crate) fn up(&mut self, node: usize) -> Done {
        let own = &mut self.nodes[node];
        // What an older connection has left comes first.
        let (link, is_orphan) = match own.orphans.front_mut() {
            Some(link) => (link, true),
            None => match &mut own.link {
                Some(link) => (link, false),
                None => return Ok(()),
            },
        };
        let peer = link.peer;
        match link.up.pop_front() {
            Some(Item::Message(message)) => self.serve(ServerEvent::Received {
                peer,
                message: Ok(message),
            }),
            Some(Item::End) => {
                if is_orphan {
                    own.orphans.pop_front();
                }
                self.serve(ServerEvent::Gone { peer })
            }
            None => Ok(()),
        }
    }

    pub(crate) fn down(&mut self, node: usize) -> Done {
        let Some(link) = &mut self.nodes[node].link else {
            return Ok(());
        };
        match link.down.pop_front() {
            Some(Item::Message(message)) => {
                self.tell(node, ClientEvent::Link(client::Link::Received(Ok(message))))
            }
            Some(Item::End) => {
                self.nodes[node].link = None;
                self.tell(
                    node,
                    ClientEvent::Link(client::Link::Down(LinkFault::Closed)),
                )
            }
            None => Ok(()),
        }
    }

    pub(crate) fn serve(&mut self, event: ServerEvent) -> Done {
        let now = self.time();
        self.watch.heard(&event);
        let mut out = Vec::new();
        self.server.handle(now, event, &mut out);
        self.obey_server(out)
    }

    pub(crate) fn obey_server(&mut self, actions: Vec<server::Action>) -> Done {
        self.watch.did(&actions)?;
        for action in actions {
            match action {
                server::Action::Send { peer, message } => {
                    if let Some(link) = self.link_of(peer) {
                        link.down.push_back(Item::Message(message));
                    }
                }
                server::Action::Close { peer } => {
                    for own in &mut self.nodes {
                        own.orphans.retain(|link| link.peer != peer);
                    }
                    if let Some(link) = self.link_of(peer) {
                        link.server_open = false;
                        link.up.clear();
                        link.down.push_back(Item::End);
                    }
                }
                server::Action::StartTls { .. } | server::Action::Tell(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn link_of(&mut self, peer: PeerId) -> Option<&mut Link> {
        let mut links = self.nodes.iter_mut().filter_map(|own| own.link.as_mut());
        links.find(|link| link.peer == peer)
    }
}
