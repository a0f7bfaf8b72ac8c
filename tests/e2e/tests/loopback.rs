//! An arbiter and two nodes on loopback, the arbiter ours or, where it is installed, upstream's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::report::What;
use e2e::stage::{LEFT, Programs, RIGHT, Signal, Stage, TOGETHER, upstream_arbiter};
use libqdevice::base::RingId;
use libqdevice::io::clock;
use std::path::PathBuf;

const HEALED: RingId = RingId::new(1, 12);

/// Every test of this file that needs an arbiter runs with each that there is.
fn with_each_arbiter(test: fn(Stage)) {
    let ours = vec![env!("CARGO_BIN_EXE_loopback-demo").into(), "qnetd".into()];
    test(stage(ours));
    match upstream_arbiter() {
        Some(path) => test(stage(vec![path])),
        None => eprintln!("skipped for upstream's arbiter: it is not installed"),
    }
}

fn stage(arbiter: Vec<PathBuf>) -> Stage {
    let node = vec![env!("CARGO_BIN_EXE_fake-node").into()];
    Stage::new(Programs {
        arbiter,
        node,
        timeout: Some(4_000),
    })
    .unwrap()
}

/// Two nodes that are together and have the vote.
///
/// The second one makes the arbiter give it to the first one once more. Only then nothing is under way:
/// upstream's arbiter takes a late answer to that for one to the first vote after a split, and gives
/// no vote at all.
fn boot(stage: &mut Stage) {
    stage.start_arbiter().unwrap();
    for node in [1, 2] {
        stage.start_node(node, &[1, 2], &[]).unwrap();
        stage.order(node, "ring 1/4 sees 1 2").unwrap();
        stage.until_cast(&[node], TOGETHER, true).unwrap();
    }
    let votes = |stage: &Stage| {
        let votes = stage
            .history()
            .iter()
            .filter(|(_, it)| it.what == What::CastFor(TOGETHER));
        votes.filter(|(node, _)| *node == 1).count()
    };
    stage
        .until("the vote of both for both", |stage| votes(stage) > 1)
        .unwrap();
}

fn split(stage: &mut Stage) {
    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    let half = |stage: &Stage| {
        stage.standing(1).serves_with_vote(LEFT)
            && stage.standing(2).cast == Some((RIGHT, false))
            && stage.standing(2).quorate == Some(false)
    };
    stage
        .until("node 1 to go on and node 2 to stop", half)
        .unwrap();
}

/// When a node reported this first.
fn moment(stage: &Stage, node: u32, what: What) -> Option<u64> {
    let found = stage
        .history()
        .iter()
        .find(|(id, report)| *id == node && report.what == what);
    found.map(|(_, report)| report.micros)
}

#[test]
fn a_split_gives_the_vote_to_one_half_after_the_other_has_withdrawn_its_own() {
    with_each_arbiter(|mut stage| {
        boot(&mut stage);
        split(&mut stage);
        let withdrawn = moment(&stage, 2, What::CastAgainst(RIGHT)).unwrap();
        assert!(withdrawn < moment(&stage, 1, What::CastFor(LEFT)).unwrap());

        for node in [1, 2] {
            stage.order(node, "ring 1/12 sees 1 2").unwrap();
        }
        stage.until_cast(&[1, 2], HEALED, true).unwrap();
        assert_eq!(
            moment(&stage, 2, What::CastFor(RIGHT)),
            None,
            "the loser never voted"
        );
    });
}

#[test]
fn the_vote_is_gone_with_the_arbiter_and_back_with_it() {
    with_each_arbiter(|mut stage| {
        boot(&mut stage);
        stage.kill_arbiter().unwrap();
        stage.until_cast(&[1, 2], TOGETHER, false).unwrap();
        stage.start_arbiter().unwrap();
        stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    });
}

#[test]
fn a_node_without_an_arbiter_waits_for_it_and_lets_memberships_form() {
    with_each_arbiter(|mut stage| {
        stage.start_node(1, &[1, 2], &[]).unwrap();
        stage.order(1, "ring 1/4 sees 1 2").unwrap();
        stage.until_cast(&[1], TOGETHER, false).unwrap();
        stage.order(1, "ring 1/8 sees 1").unwrap();
        stage.until_cast(&[1], LEFT, false).unwrap();
        assert!(
            !stage
                .ask(1, "status")
                .unwrap()
                .contains("State:\t\t\tConnected\n")
        );

        stage.start_arbiter().unwrap();
        stage.until_cast(&[1], LEFT, true).unwrap();
        assert!(
            stage
                .ask(1, "status")
                .unwrap()
                .contains("State:\t\t\tConnected\n")
        );
    });
}

#[test]
fn both_ways_to_end_withdraw_the_vote_before_the_arbiter_can_know() {
    with_each_arbiter(|mut stage| {
        boot(&mut stage);
        split(&mut stage);
        assert_eq!(stage.ask(1, "shutdown").unwrap(), "");
        assert_eq!(stage.end_of(1).unwrap().code(), Some(0));
        stage.until_cast(&[2], RIGHT, true).unwrap();
        assert!(
            moment(&stage, 1, What::CastAgainst(LEFT)) < moment(&stage, 2, What::CastFor(RIGHT)),
            "nobody voted while the other still did"
        );

        stage.signal(2, Signal::TERM).unwrap();
        assert_eq!(stage.end_of(2).unwrap().code(), Some(0));
        let last: Vec<What> = stage
            .history()
            .iter()
            .rev()
            .take(2)
            .map(|(_, it)| it.what)
            .collect();
        assert!(
            matches!(last[..], [What::Left, What::Blocked(RIGHT)]),
            "{last:?}"
        );
    });
}

#[test]
fn a_node_that_was_stopped_until_the_other_got_the_vote_does_not_cast_it_when_it_goes_on() {
    with_each_arbiter(|mut stage| {
        boot(&mut stage);
        split(&mut stage);
        stage.signal(1, Signal::STOP).unwrap();
        stage.until_cast(&[2], RIGHT, true).unwrap();
        stage.signal(1, Signal::CONT).unwrap();
        stage.until_cast(&[1], LEFT, false).unwrap();
        let given = moment(&stage, 2, What::CastFor(RIGHT)).unwrap();
        let late = stage.history().iter().find(|(node, report)| {
            *node == 1 && report.what == What::CastFor(LEFT) && report.micros > given
        });
        assert_eq!(late, None);
    });
}

#[test]
fn a_reload_with_a_third_node_reaches_the_arbiter() {
    with_each_arbiter(|mut stage| {
        boot(&mut stage);
        for node in [1, 2] {
            stage.order(node, "nodes 1 2 3").unwrap();
            stage.order(node, "ring 1/8 sees 1 2").unwrap();
        }
        stage.until_cast(&[1, 2], LEFT, true).unwrap();
        let list = stage.ask_arbiter("list verbose").unwrap();
        assert_eq!(
            list.matches("Configured node list:\t1, 2, 3\n").count(),
            2,
            "{list}"
        );
    });
}

#[test]
fn a_lost_corosync_ends_the_daemon_at_once_with_failure() {
    for service in ["votequorum", "cmap"] {
        let mut stage = stage(Vec::new());
        stage.start_node(1, &[1, 2], &[]).unwrap();
        stage.order(1, "ring 1/4 sees 1 2").unwrap();
        stage.until_cast(&[1], TOGETHER, false).unwrap();
        let lost = clock::now();
        stage.order(1, &format!("lose {service}")).unwrap();
        assert_eq!(stage.end_of(1).unwrap().code(), Some(1));
        assert!(clock::now().since(lost) < 1_000);
        assert!(
            stage
                .logs()
                .contains(&format!("error   Can't dispatch {service} messages ("))
        );
    }
}

#[test]
fn a_frozen_corosync_does_not_hold_up_the_end_for_long() {
    // One is asked to end while it waits for nothing, one while corosync owes it an answer, and one after it
    // has cast its vote once more.
    let frozen = [
        (&["freeze"][..], 1),
        (&["freeze", "ring 1/8 sees 1"], 1),
        (&["freeze"], 2),
    ];
    let frozen = frozen.map(|(orders, frosts)| {
        let mut stage = stage(Vec::new());
        let often = ["--set", "quorum.device.timeout=2000"];
        stage.start_node(1, &[1, 2], &often).unwrap();
        stage.order(1, "ring 1/4 sees 1 2").unwrap();
        stage.until_cast(&[1], TOGETHER, false).unwrap();
        for order in orders {
            stage.order(1, order).unwrap();
        }
        stage
            .until("the frost", |stage| {
                let told = stage.history().iter();
                let frost = told.filter(|(_, report)| report.what == What::Frozen);
                frost.count() >= frosts
            })
            .unwrap();
        stage.signal(1, Signal::TERM).unwrap();
        stage
    });
    for mut stage in frozen {
        let status = stage.end_of(1).unwrap();
        assert_eq!(status.code(), Some(1), "the vote could not be withdrawn");
    }
}

#[test]
fn what_the_daemon_cannot_work_with_ends_the_start_with_the_reason() {
    for (options, reason) in [
        (
            &["--set", "quorum.device.heuristics.mode=perhaps"],
            "error   quorum.device.heuristics.mode value is not valid.\n",
        ),
        (
            &["--set", "quorum.device.model=disk"],
            "error   Configured device model disk is not supported.\n",
        ),
        (
            &["--set", "quorum.device.net.algorithm=dice"],
            "error   Unknown decision algorithm dice\n",
        ),
    ] {
        let mut stage = stage(Vec::new());
        stage.start_node(1, &[1, 2], options).unwrap();
        assert_eq!(stage.end_of(1).unwrap().code(), Some(1));
        assert!(stage.logs().contains(reason), "{}", stage.logs());
        let last = stage.history().last().map(|(_, report)| report.what);
        assert_eq!(
            last,
            Some(What::Left),
            "corosync does not wait for a device that is not there"
        );
    }
}
