//! The cases in which the C programs let two halves go on at once, or nobody, one by one.
//!
//! Two nodes, everything at its defaults. What ours do about each is written beside it.

use libqdevice::base::Algorithm;
use sim::invariants::Rule;
use sim::{Fault, Flaw, Plan, What, World, play};

const FOR_EVER: u64 = 1_000_000;

/// Two nodes that have lost each other ten seconds after the start; then other things go wrong.
fn split(algorithm: Algorithm, then: Vec<(u64, u64, What)>) -> Plan {
    let mut plan = Plan::quiet(1, algorithm, 2);
    plan.calm = 120_000;
    plan.faults = std::iter::once((10_000, FOR_EVER, What::Partition(vec![0, 1])))
        .chain(then)
        .map(|(at, lasts, what)| Fault { at, lasts, what })
        .collect();
    plan
}

fn cut(node: usize) -> What {
    let (up, down) = (true, true);
    What::Cut { node, up, down }
}

/// The rule that is broken, with the last lines of what happened.
fn broken(plan: &Plan) -> Option<Rule> {
    let outcome = World::new(plan, Flaw::None).traced().run();
    let (at, violation) = outcome.violation?;
    let last = outcome.trace.len().saturating_sub(12);
    println!("{}\n{at}: {violation}", outcome.trace[last..].join("\n"));
    Some(violation.rule)
}

#[test]
fn a_split_alone_breaks_nothing_with_any_algorithm() {
    for algorithm in Algorithm::ALL {
        assert_eq!(broken(&split(algorithm, vec![])), None, "{algorithm:?}");
    }
}

/// The moment of the loss is moved through the echoes.
#[test]
fn the_holder_of_the_vote_loses_its_server() {
    for algorithm in [Algorithm::FfSplit, Algorithm::Lms, Algorithm::TwoNodeLms] {
        for at in (20_000..29_000).step_by(250) {
            let plan = split(algorithm, vec![(at, 60_000, cut(0))]);
            assert_eq!(broken(&plan), None, "{algorithm:?}, cut at {at}");
        }
    }
}

#[test]
fn the_qdevice_of_the_holder_is_killed_or_frozen() {
    for algorithm in [Algorithm::FfSplit, Algorithm::Lms, Algorithm::TwoNodeLms] {
        for what in [What::KillDevice(0), What::StopDevice(0)] {
            for at in (20_000..29_000).step_by(500) {
                let plan = split(algorithm, vec![(at, 40_000, what.clone())]);
                assert_eq!(broken(&plan), None, "{algorithm:?}, {what:?} at {at}");
            }
        }
    }
}

#[test]
fn the_holder_loses_its_server_and_its_partner_at_once() {
    for algorithm in [Algorithm::FfSplit, Algorithm::Lms, Algorithm::TwoNodeLms] {
        for at in (20_000..29_000).step_by(500) {
            let mut plan = split(algorithm, vec![(at, 60_000, cut(0))]);
            plan.faults[0].at = at;
            assert_eq!(broken(&plan), None, "{algorithm:?}, cut at {at}");
        }
    }
}

#[test]
fn the_server_restarts_during_a_split() {
    for algorithm in [Algorithm::FfSplit, Algorithm::Lms, Algorithm::TwoNodeLms] {
        for wait_for_all in [false, true] {
            let mut plan = split(algorithm, vec![(30_000, 3_000, What::KillServer)]);
            plan.wait_for_all = wait_for_all;
            assert_eq!(broken(&plan), None, "{algorithm:?}, {wait_for_all}");
        }
    }
}

#[test]
fn a_machine_that_was_suspended_does_not_go_on_with_an_old_vote() {
    for algorithm in [Algorithm::FfSplit, Algorithm::Lms, Algorithm::TwoNodeLms] {
        let plan = split(algorithm, vec![(30_000, 40_000, What::Suspend(0))]);
        assert_eq!(play(&plan, Flaw::None).violation, None, "{algorithm:?}");
    }
}
