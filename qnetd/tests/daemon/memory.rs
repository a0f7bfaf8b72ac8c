//! What the daemon knows again after a restart.

use crate::support::Place;
use libqdevice::base::Vote;
use libqdevice::wire::{Message, NodeListKind};
use std::fs;
use std::thread;

const HELD_UP: &str = "the vote waits for node 1, which is gone and may still cast it";

/// Lets node 1 have the vote of its half, and waits until that is in the file.
fn node_1_with_the_vote(place: &Place, signal: &str) {
    let daemon = place.start(&[]);
    let mut one = place.client().admitted("alpha", 1, 60_000);
    one.report(NodeListKind::InitialConfig, &[1, 2]);
    one.report(NodeListKind::Membership, &[1]);
    let written = || fs::read_to_string(place.path("state")).unwrap_or_default();
    while !written().contains("\"alpha\"") {
        thread::yield_now();
    }
    daemon.signal(signal);
    daemon.ended();
}

/// The vote that node 2 is answered when it reports its half.
fn vote_of_node_2(place: &Place) -> Option<Vote> {
    let mut two = place.client().admitted("alpha", 2, 60_000);
    two.report(NodeListKind::InitialConfig, &[1, 2]);
    let told = two.report(NodeListKind::Membership, &[2]);
    match told.last() {
        Some(Message::NodeListReply(reply)) => reply.vote,
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_restart_nobody_gets_a_vote_that_a_node_of_before_may_still_cast() {
    for signal in ["KILL", "TERM"] {
        let place = Place::new();
        node_1_with_the_vote(&place, signal);
        let daemon = place.start(&[]);
        assert_eq!(vote_of_node_2(&place), Some(Vote::WaitForReply));
        daemon.logs(HELD_UP);
    }
}

#[test]
fn a_damaged_file_is_told_and_means_nothing() {
    let place = Place::new();
    node_1_with_the_vote(&place, "KILL");
    let text = fs::read(place.path("state")).unwrap();
    fs::write(place.path("state"), &text[..text.len() / 2]).unwrap();
    let daemon = place.start(&[]);
    daemon.logs("it is damaged");
    assert_eq!(vote_of_node_2(&place), Some(Vote::NoChange));
}

#[test]
fn without_a_file_or_with_the_timing_of_c_nothing_is_known_after_a_restart() {
    for extra in [["-S", "state_file="], ["-S", "vote_handover=c"]] {
        let place = Place::new();
        node_1_with_the_vote(&place, "KILL");
        let _daemon = place.start(&extra);
        assert_eq!(vote_of_node_2(&place), Some(Vote::NoChange), "{extra:?}");
    }
}

#[test]
fn a_folder_that_is_missing_is_told_and_does_not_matter() {
    let place = Place::new();
    let daemon = place.start(&["-S", "state_file=/no/such/folder/state"]);
    daemon.logs("Can't write /no/such/folder/state: (2): No such file or directory");
    assert_eq!(vote_of_node_2(&place), Some(Vote::NoChange));
}
