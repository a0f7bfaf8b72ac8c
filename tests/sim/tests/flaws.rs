//! The checks notice what they are there for: every bug that is built in on purpose breaks its rule.

use sim::invariants::Rule;
use sim::{Flaw, Plan, World, play};

/// The rules that a flaw breaks in the first worlds, as long as the same worlds are sound without it.
fn broken_by(flaw: Flaw) -> Vec<Rule> {
    let mut rules: Vec<Rule> = (0..600)
        .filter_map(|seed| {
            let plan = Plan::of_seed(seed);
            let (_, violation) = play(&plan, flaw).violation?;
            let unspoiled = play(&plan, Flaw::None).violation;
            unspoiled.is_none().then_some(violation.rule)
        })
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn an_ack_before_the_losers_have_confirmed_is_noticed() {
    assert!(broken_by(Flaw::SkippedRound).contains(&Rule::LosersFirst));
}

#[test]
fn a_vote_for_another_ring_is_noticed() {
    assert!(broken_by(Flaw::IgnoredRing).contains(&Rule::OwnRing));
}

#[test]
fn a_lease_that_is_too_long_is_noticed() {
    assert!(broken_by(Flaw::LongLease).contains(&Rule::OnePartition));
}

#[test]
fn a_vote_that_is_not_withdrawn_is_noticed() {
    assert!(broken_by(Flaw::KeptVote).contains(&Rule::OnePartition));
}

#[test]
fn a_vote_that_does_not_arrive_is_noticed() {
    assert!(broken_by(Flaw::LostVote).contains(&Rule::Liveness));
}

#[test]
fn a_server_that_gives_nodes_up_too_early_is_noticed() {
    assert!(broken_by(Flaw::Impatience).contains(&Rule::OnePartition));
}

#[test]
fn a_seed_plays_the_same_world_again() {
    for seed in 0..20 {
        let plan = Plan::of_seed(seed);
        let once = World::new(&plan, Flaw::None).traced().run();
        assert_eq!(once, World::new(&plan, Flaw::None).traced().run());
        assert!(once.steps > 100);
    }
}
