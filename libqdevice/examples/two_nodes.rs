//! Two nodes lose sight of each other and find each other again, on the server core alone.
//!
//! No socket, no clock: events go in, actions come out. `cargo run -p libqdevice --example two_nodes`

use libqdevice::base::{NodeId, NodeList, RingId, Time};
use libqdevice::server::{Action, Event, PeerId, Server, ServerConfig};
use libqdevice::wire::{Init, Message, NodeListKind, NodeListReport, Plain, PreInit};

fn main() {
    let mut server = Server::new(ServerConfig::default());
    println!("Nodes 1 and 2 connect; both see both.");
    for node in [1, 2] {
        let address = format!("192.0.2.{node}:1024");
        happen(
            &mut server,
            Event::Accepted {
                peer: PeerId(node.into()),
                address,
            },
        );
        say(&mut server, node, Message::PreInit(PreInit::new(1, "demo")));
        let init = Init::ffsplit(2, NodeId(node), RingId::default());
        say(&mut server, node, Message::Init(init));
        let both = NodeList::of_ids([1, 2]);
        let config = NodeListReport::new(3, NodeListKind::InitialConfig, both);
        say(&mut server, node, Message::NodeList(config));
    }
    see(&mut server, RingId::new(1, 4), &[1, 2]);

    println!("\nThe link between them breaks. Both hang on to the server.");
    see(&mut server, RingId::new(2, 8), &[2]);
    see(&mut server, RingId::new(1, 8), &[1]);

    println!("\nThe link heals.");
    see(&mut server, RingId::new(1, 12), &[1, 2]);
}

/// The nodes of a ring report it.
fn see(server: &mut Server, ring: RingId, nodes: &[u32]) {
    for &node in nodes {
        let nodes = NodeList::of_ids(nodes.iter().copied());
        let seen = NodeListReport::membership(4, ring, nodes);
        say(server, node, Message::NodeList(seen));
    }
}

fn say(server: &mut Server, node: u32, message: Message) {
    happen(
        server,
        Event::Received {
            peer: PeerId(node.into()),
            message: Ok(message),
        },
    );
}

/// Lets something happen and performs what follows: votes are confirmed at once.
fn happen(server: &mut Server, event: Event) {
    let mut actions = Vec::new();
    server.handle(Time::default(), event, &mut actions);
    let mut confirmations = Vec::new();
    for action in actions {
        match action {
            Action::Tell(notice) => println!("  {}: {notice}", notice.level().as_str()),
            Action::Send {
                peer,
                message: Message::VoteInfo(info),
            } => {
                let message = Ok(Message::VoteInfoReply(Plain { seq: info.seq }));
                confirmations.push(Event::Received { peer, message });
            }
            Action::Send { .. } | Action::StartTls { .. } | Action::Close { .. } => {}
        }
    }
    for confirmation in confirmations {
        happen(server, confirmation);
    }
}
