//! lms and 2nodelms.

use crate::world::World;
use libqdevice::client::Event as ClientEvent;

/// A node stops answering for good, and the others form a ring without it.
fn die(world: &mut World, dead: u32, left: &[u32]) {
    world.node(dead).is_cut_off = true;
    world.form(&[&[dead], left]);
    world.wait(20_000);
}

#[test]
fn nodes_that_boot_together_all_have_the_vote() {
    for (algorithm, count) in [("lms", 1), ("lms", 3), ("lms", 4), ("2nodelms", 2)] {
        let world = World::booted(algorithm, count);
        assert_eq!(world.voters(), (1..=count).collect::<Vec<_>>());
        assert_eq!(world.state(1), "Connected");
    }
}

#[test]
fn nodes_die_one_after_another_and_the_last_man_keeps_the_vote() {
    let mut world = World::booted("lms", 4);
    die(&mut world, 1, &[2, 3, 4]);
    assert_eq!(world.voters(), [2, 3, 4]);
    die(&mut world, 3, &[2, 4]);
    assert_eq!(world.voters(), [2, 4]);
    die(&mut world, 2, &[4]);
    assert_eq!(world.voters(), [4]);
}

#[test]
fn the_last_man_waits_until_the_server_has_missed_the_dead() {
    let mut world = World::booted("lms", 3);
    die(&mut world, 1, &[2, 3]);
    world.node(2).is_cut_off = true;
    world.form(&[&[2], &[3]]);
    assert_eq!(
        world.voters(),
        [0; 0],
        "node 2 may be in a partition of its own"
    );
    world.wait(13_000);
    assert_eq!(world.voters(), [3]);
}

#[test]
fn nodes_whose_daemons_stop_leave_the_vote_to_the_last_one() {
    let mut world = World::booted("lms", 3);
    for (stops, left) in [(1, &[2, 3][..]), (2, &[3])] {
        world.tell_node(stops, ClientEvent::Shutdown);
        world.settle();
        world.form(&[left]);
        assert_eq!(world.voters(), left);
    }
}

#[test]
fn a_split_leaves_the_vote_to_the_larger_part_and_a_merge_gives_it_to_all() {
    let mut world = World::booted("lms", 5);
    world.form(&[&[1, 2], &[3, 4, 5]]);
    assert_eq!(world.voters(), [3, 4, 5]);
    world.form(&[&[3], &[4, 5], &[1, 2]]);
    assert_eq!(world.voters(), [1, 2]);
    world.form(&[&[1, 2, 3, 4, 5]]);
    assert_eq!(world.voters(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_survivor_of_a_split_takes_over_when_the_one_with_the_vote_dies() {
    // Clients with a lease lose it with their server, with either algorithm.
    for algorithm in ["lms", "2nodelms"] {
        let mut world = World::booted(algorithm, 2);
        world.form(&[&[2], &[1]]);
        assert_eq!(world.voters(), [1]);
        world.wait(30_000);
        world.node(1).is_cut_off = true;
        world.node(1).exit = Some(false);
        world.wait(20_000);
        assert_eq!(world.voters(), [2], "{algorithm}");
        world.node(1).is_cut_off = false;
        world.node(1).exit = None;
        world.wait(20_000);
        assert_eq!(world.voters(), [2], "{algorithm}: node 1 is a newcomer now");
        world.form(&[&[1, 2]]);
        assert_eq!(world.voters(), [1, 2], "{algorithm}");
    }
}

#[test]
fn without_a_server_nobody_has_the_vote_and_with_its_return_all_have_it_again() {
    for (algorithm, count) in [("lms", 3), ("2nodelms", 2)] {
        let mut world = World::booted(algorithm, count);
        world.kill_server();
        assert_eq!(world.voters(), [0; 0], "{algorithm}");
        world.wait(30_000);
        world.start_server();
        world.wait(8_000);
        assert_eq!(world.voters(), (1..=count).collect::<Vec<_>>());
    }
}

#[test]
fn a_server_that_returns_to_a_split_cluster_gives_the_vote_to_one_part() {
    for algorithm in ["lms", "2nodelms"] {
        let mut world = World::booted(algorithm, 2);
        world.kill_server();
        world.form(&[&[1], &[2]]);
        assert_eq!(world.voters(), [0; 0], "{algorithm}");
        world.start_server();
        world.wait(20_000);
        assert_eq!(world.voters().len(), 1, "{algorithm}");
    }
}
