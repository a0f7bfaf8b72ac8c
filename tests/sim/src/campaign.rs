//! Many worlds: which seeds fail, and how little is enough to make them fail.

use crate::flaw::Flaw;
use crate::invariants::{Rule, Violation};
use crate::plan::Plan;
use crate::world::{Outcome, World};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// A world that went wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The world.
    pub plan: Plan,
    /// When, in true milliseconds.
    pub at: u64,
    /// What.
    pub violation: Violation,
}

/// What a campaign has found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The worlds that went wrong, by seed.
    pub failures: Vec<Failure>,
    /// How many things happened in all worlds.
    pub steps: u64,
}

/// Plays one world; a panic is a violation too.
#[must_use]
pub fn play(plan: &Plan, flaw: Flaw) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| World::new(plan, flaw).run())).unwrap_or_else(|panic| {
        let how = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| "a panic without words".into());
        let rule = Rule::NoPanic;
        Outcome {
            violation: Some((0, Violation { rule, how })),
            steps: 0,
            trace: Vec::new(),
        }
    })
}

/// Plays the worlds of these seeds on several threads.
#[must_use]
pub fn play_all(seeds: std::ops::Range<u64>, threads: usize, plan: fn(u64) -> Plan) -> Findings {
    let next = AtomicU64::new(seeds.start);
    let (sender, receiver) = mpsc::channel();
    let mut findings = Findings::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let next = &next;
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let plan = plan(seed);
                    let outcome = play(&plan, Flaw::None);
                    // The receiver lives as long as this scope.
                    let _ = sender.send((plan, outcome));
                }
            });
        }
        drop(sender);
        for (plan, outcome) in receiver {
            findings.steps += outcome.steps;
            if let Some((at, violation)) = outcome.violation {
                findings.failures.push(Failure {
                    plan,
                    at,
                    violation,
                });
            }
        }
    });
    findings.failures.sort_by_key(|failure| failure.plan.seed);
    findings
}

/// The same failure with as little going wrong as possible: faults are left out, then shortened, as long
/// as the same rule is broken.
#[must_use]
pub fn shrink(plan: &Plan, flaw: Flaw, rule: Rule) -> Plan {
    let fails = |plan: &Plan| {
        play(plan, flaw)
            .violation
            .is_some_and(|(_, violation)| violation.rule == rule)
    };
    let mut best = plan.clone();
    loop {
        let before = best.clone();
        for number in (0..best.faults.len()).rev() {
            let mut smaller = best.clone();
            smaller.faults.remove(number);
            if fails(&smaller) {
                best = smaller;
            }
        }
        for simpler in simpler(&best) {
            if fails(&simpler) {
                best = simpler;
            }
        }
        if best == before {
            return best;
        }
    }
}

/// The plan without one of the things that make a world hard to read.
fn simpler(plan: &Plan) -> Vec<Plan> {
    let quiet = Plan::quiet(plan.seed, plan.algorithm, plan.nodes);
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Plan)| {
        let mut simpler = plan.clone();
        change(&mut simpler);
        if simpler != *plan {
            all.push(simpler);
        }
    };
    with(&|plan| plan.rates.clone_from(&quiet.rates));
    with(&|plan| plan.latency = quiet.latency);
    with(&|plan| plan.lag = quiet.lag);
    with(&|plan| plan.token = quiet.token);
    with(&|plan| plan.backoff = quiet.backoff);
    with(&|plan| plan.heuristics = quiet.heuristics);
    with(&|plan| plan.master_wins = quiet.master_wins);
    with(&|plan| plan.wait_for_all = quiet.wait_for_all);
    with(&|plan| plan.keep = quiet.keep);
    with(&|plan| plan.tie_breaker = quiet.tie_breaker);
    all
}
