//! Every algorithm that keeps the vote in one place, under fire: 2 to 5 simulated nodes, late reports,
//! late confirmations, partitions, reconnects, heuristics, every tie-breaker, with and without keep.
//!
//! The nodes follow the stock client: a new membership stops casting until the server has spoken for
//! it; a vote for another ring is confirmed and ignored; a lost connection means NACK. After every step
//! the vote must be safe, and whenever everything has been delivered it must be where it belongs.
//! A failure names its seed and what happened.
//!
//! `RUNS=1000 cargo test -p libqdevice --test random` plays a thousand runs of each algorithm; without
//! `RUNS` there are [`FEW`].

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod chronicle;
mod fifty_fifty;
mod nodes;
mod safety;
mod world;

use libqdevice::base::Algorithm;
use libqdevice::base::Handover::{self, AtOnce, Safe};
use world::World;

/// What goes wrong on purpose, to see that the checks notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Nothing.
    None,
    /// Nodes confirm a vote before they obey it: what the losers' confirmations protect from.
    ConfirmFirst,
    /// Now and then a vote turns into its opposite on its way.
    FlippedVote,
    /// Now and then a vote does not arrive.
    LostVote,
    /// The test expects another tie-breaker than the nodes have asked for.
    OtherTieBreaker,
    /// The test expects newcomers to be treated like everybody else.
    NoNewcomers,
}

/// Runs of each algorithm if nobody asks for more.
const FEW: u64 = 300;

fn runs() -> u64 {
    let Ok(asked) = std::env::var("RUNS") else {
        return FEW;
    };
    asked.parse().expect("RUNS is a number")
}

fn the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest(
    algorithm: Algorithm,
    handover: Handover,
) {
    for seed in 0..runs() {
        if let Err(failure) = World::new(algorithm, seed, Flaw::None, handover).run() {
            panic!("seed {seed}: {failure}");
        }
    }
}

#[test]
fn ffsplit() {
    the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest(Algorithm::FfSplit, AtOnce);
}

#[test]
fn ffsplit_waiting_for_those_who_are_gone() {
    the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest(Algorithm::FfSplit, Safe);
}

#[test]
fn lms() {
    the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest(Algorithm::Lms, AtOnce);
}

#[test]
fn two_node_lms() {
    the_vote_is_safe_at_every_step_and_in_the_right_place_at_rest(Algorithm::TwoNodeLms, AtOnce);
}

#[test]
fn what_goes_wrong_is_noticed() {
    use Algorithm::{FfSplit, Lms, TwoNodeLms};
    let flaws = [
        (Flaw::ConfirmFirst, &[FfSplit, Lms, TwoNodeLms][..]),
        (Flaw::FlippedVote, &[FfSplit, Lms, TwoNodeLms]),
        (Flaw::LostVote, &[FfSplit, Lms, TwoNodeLms]),
        (Flaw::OtherTieBreaker, &[FfSplit, Lms, TwoNodeLms]),
        (Flaw::NoNewcomers, &[Lms, TwoNodeLms]),
    ];
    for (flaw, algorithms) in flaws {
        for &algorithm in algorithms {
            let fails = |&seed: &u64| World::new(algorithm, seed, flaw, AtOnce).run().is_err();
            let failing = (0..1000).filter(fails).take(3).count();
            assert_eq!(failing, 3, "{algorithm:?}, {flaw:?}: hardly ever noticed");
        }
    }
}
