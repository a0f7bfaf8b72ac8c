//! A server that ends tells nobody a vote: who loses it decides for itself.

use crate::support::{Client, PROGRAM, Place, is_installed};
use libqdevice::base::Vote;
use libqdevice::wire::{Echo, Message, NodeListKind, Plain};

const THEIRS: &str = "/usr/bin/corosync-qnetd";

/// The vote that is told last while the client answers everything; an echo shows that all has come.
fn last_vote(client: &mut Client) -> Option<Vote> {
    let mut last = None;
    client.send(&Message::EchoRequest(Echo::new(99)));
    loop {
        match client.receive() {
            Some(Message::VoteInfo(info)) => {
                last = info.vote;
                client.send(&Message::VoteInfoReply(Plain { seq: info.seq }));
            }
            Some(Message::EchoReply(_)) => return last,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn whichever_way_the_server_ends_no_client_hears_a_vote() {
    for program in [PROGRAM, THEIRS] {
        for way in ["TERM", "INT", "shutdown"] {
            if is_installed(program) {
                let place = Place::new();
                ends_in_silence(&place, program, way);
            }
        }
    }
}

/// Shows that the test above could fail.
#[test]
fn if_only_the_winner_leaves_the_other_node_gets_its_vote() {
    let place = Place::new();
    let _daemon = place.start(&[]);
    let [winner, mut loser] = parted_nodes(&place);
    drop(winner);
    let told = loser.receive();
    let is_ack = matches!(&told, Some(Message::VoteInfo(info)) if info.vote == Some(Vote::Ack));
    assert!(is_ack, "{told:?}");
}

fn ends_in_silence(place: &Place, program: &str, way: &str) {
    let daemon = place.start_with(place.command_of(program));
    let nodes = parted_nodes(place);
    match way {
        "shutdown" => assert_eq!(place.ask("shutdown\n"), ""),
        signal => daemon.signal(signal),
    }
    for mut node in nodes {
        assert_eq!(node.receive(), None, "{program} ends by {way}");
    }
    assert_eq!(daemon.ended().0, Some(0));
}

/// Two nodes that do not see each other; the first one has the vote.
fn parted_nodes(place: &Place) -> [Client; 2] {
    let mut nodes = [1, 2].map(|id| place.client().admitted("alpha", id, 10_000));
    for node in &mut nodes {
        node.report(NodeListKind::InitialConfig, &[1, 2]);
    }
    let mut votes = [None; 2];
    for (at, node) in nodes.iter_mut().enumerate() {
        let heard = node.report(NodeListKind::Membership, &[u32::try_from(at + 1).unwrap()]);
        for message in heard {
            // Votes are pushed; the answer to a list says "no change" or "wait".
            if let Message::VoteInfo(info) = message {
                node.send(&Message::VoteInfoReply(Plain { seq: info.seq }));
                votes[at] = info.vote;
            }
        }
    }
    for _ in 0..3 {
        for (at, node) in nodes.iter_mut().enumerate() {
            votes[at] = last_vote(node).or(votes[at]);
        }
    }
    assert_eq!(votes[0], Some(Vote::Ack));
    assert_ne!(votes[1], Some(Vote::Ack));
    nodes
}
