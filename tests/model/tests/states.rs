//! The smallest worlds, in every run. `cargo run --profile campaign -p model` goes through all of them.

use libqdevice::base::{Algorithm, Handover};
use model::{c_rules, killed, walk, worlds};

const LIMIT: usize = 2_000_000;

#[test]
fn every_state_of_the_smallest_worlds_keeps_every_rule() {
    for algorithm in Algorithm::ALL {
        let quick = worlds(algorithm).into_iter().filter(|small| small.is_quick);
        for small in quick {
            let walk = walk(&small.size, LIMIT);
            println!("{algorithm:?}, {}: {} states", small.name, walk.states);
            assert_eq!(walk.counterexample, None, "{algorithm:?}, {}", small.name);
            assert!(walk.complete, "{algorithm:?}, {}", small.name);
        }
    }
}

#[test]
fn with_the_timing_of_c_a_killed_qdevice_leads_to_two_quorate_halves() {
    let small = killed(Algorithm::FfSplit, Handover::AtOnce);
    let (how, way) = walk(&small.size, LIMIT).counterexample.expect("an overlap");
    assert!(how.starts_with("OnePartition"), "{how}");
    assert!(way.iter().any(|step| step.starts_with("Kill")), "{way:?}");
}

#[test]
fn the_times_of_the_c_programs_let_both_halves_have_the_vote() {
    let found = walk(&c_rules::C_PROGRAMS, LIMIT).counterexample;
    assert!(found.is_some_and(|(how, _)| how.starts_with("both have the vote")));
}

/// The tie-breaker is compared with the node that asks, not with its partition.
#[test]
fn the_tie_breaker_of_the_lms_of_c_divides_a_half() {
    assert_eq!(
        c_rules::c_lms_tie_breaker(4, 1),
        Some(vec![(1, true), (2, false)])
    );
}
