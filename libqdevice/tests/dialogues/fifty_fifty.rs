//! ffsplit.

use crate::world::{World, cmap};
use libqdevice::client::{Corosync, Event as ClientEvent, QdeviceSettings};

#[test]
fn two_nodes_that_boot_together_both_have_the_vote() {
    let world = World::booted("ffsplit", 2);
    assert_eq!(world.voters(), [1, 2]);
    assert_eq!(
        (world.state(1), world.state(2)),
        ("Connected".into(), "Connected".into())
    );
}

#[test]
fn a_quiet_cluster_keeps_its_vote_and_its_connections() {
    let mut world = World::booted("ffsplit", 2);
    let peers = world.peers;
    world.wait(600_000);
    assert_eq!(world.voters(), [1, 2]);
    assert_eq!(world.peers, peers);
}

#[test]
fn of_two_nodes_that_lose_each_other_the_lowest_keeps_the_vote() {
    let mut world = World::booted("ffsplit", 2);
    world.form(&[&[1], &[2]]);
    assert_eq!(world.voters(), [1]);
    world.wait(60_000);
    assert_eq!(world.voters(), [1]);
}

#[test]
fn the_order_in_which_the_halves_report_does_not_matter() {
    let mut world = World::booted("ffsplit", 2);
    world.form(&[&[2], &[1]]);
    assert_eq!(world.voters(), [1]);
}

#[test]
fn nodes_that_meet_again_both_have_the_vote() {
    let mut world = World::booted("ffsplit", 2);
    world.form(&[&[1], &[2]]);
    world.wait(10_000);
    world.form(&[&[1, 2]]);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn four_nodes_in_equal_halves_have_one_half_with_the_vote() {
    let mut world = World::booted("ffsplit", 4);
    world.form(&[&[1, 2], &[3, 4]]);
    assert_eq!(world.voters(), [1, 2]);
    world.form(&[&[1, 2, 3, 4]]);
    assert_eq!(world.voters(), [1, 2, 3, 4]);
}

#[test]
fn three_of_four_nodes_have_the_vote() {
    let mut world = World::booted("ffsplit", 4);
    world.form(&[&[1], &[2, 3, 4]]);
    assert_eq!(world.voters(), [2, 3, 4]);
}

#[test]
fn the_half_that_is_active_keeps_the_vote_when_the_others_become_a_half() {
    let mut world = World::booted("ffsplit", 4);
    world.form(&[&[3, 4], &[1], &[2]]);
    assert_eq!(world.voters(), [3, 4]);
    world.wait(1_000);
    world.form(&[&[1, 2]]);
    assert_eq!(world.voters(), [3, 4], "although node 1 is the lowest");
}

#[test]
fn without_a_server_nobody_has_the_vote_and_with_its_return_all_have_it_again() {
    let mut world = World::booted("ffsplit", 2);
    world.kill_server();
    assert_eq!(world.voters(), [0; 0]);
    world.wait(60_000);
    assert_eq!(world.state(1), "Connect failed");
    world.start_server();
    world.wait(8_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_server_that_returns_to_a_split_cluster_gives_the_vote_to_one_half() {
    let mut world = World::booted("ffsplit", 4);
    world.kill_server();
    world.wait(2_000);
    world.form(&[&[1, 2], &[3, 4]]);
    assert_eq!(world.voters(), [0; 0]);
    world.start_server();
    world.wait(20_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_server_that_was_not_there_at_the_boot_is_found_later() {
    let mut world = World::of("ffsplit", 2);
    world.kill_server();
    world.form(&[&[1, 2]]);
    assert_eq!(world.nodes[&1].cast.map(|(_, vote)| vote), Some(false));
    world.wait(30_000);
    world.start_server();
    world.wait(8_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_node_whose_daemon_is_stopped_leaves_the_vote_to_the_other() {
    let mut world = World::booted("ffsplit", 2);
    world.tell_node(1, ClientEvent::Shutdown);
    world.settle();
    assert_eq!(world.nodes[&1].exit, Some(true));
    assert_eq!(world.nodes[&1].cast.map(|(_, vote)| vote), Some(false));
    world.form(&[&[2]]);
    assert_eq!(world.voters(), [2]);
}

#[test]
fn a_node_that_loses_everything_loses_the_vote_to_the_other() {
    let mut world = World::booted("ffsplit", 2);
    world.wait(3_000);
    world.node(1).is_cut_off = true;
    world.form(&[&[1], &[2]]);
    assert_eq!(world.voters(), [0; 0], "the server waits for node 1");
    world.wait(12_000);
    assert_eq!(world.voters(), [2]);
    world.wait(4_000);
    assert_eq!(
        world.nodes[&1]
            .cast
            .map(|(ring, vote)| (ring == world.nodes[&1].ring, vote)),
        Some((true, false))
    );
    world.node(1).is_cut_off = false;
    world.form(&[&[1, 2]]);
    world.wait(16_000);
    assert_eq!(world.voters(), [1, 2]);
}

#[test]
fn a_cluster_that_grows_by_a_reload_keeps_its_vote() {
    use libqdevice::client::{ClusterConfig, VoteFacts};
    let mut world = World::booted("ffsplit", 2);
    for id in [1, 2] {
        let config = ClusterConfig::from_cmap(&cmap("ffsplit", id, 3), &QdeviceSettings::default());
        let facts = VoteFacts::default();
        world.tell_node(
            id,
            ClientEvent::Corosync(Corosync::Reloaded { config, facts }),
        );
        world.settle();
    }
    world.wait(10_000);
    assert_eq!(world.voters(), [1, 2]);
}
