//! Several scenarios beside each other: they mostly wait.

use crate::clock::Moment;
use crate::interrupt;
use crate::program::{Pairing, Programs, Side, missing_system};
use crate::report::{Report, Tally};
use crate::run_folder::RunFolder;
use crate::scenario::{Outcome, Scenario, Stage};
use anyhow::{Result, anyhow};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// What is to be run.
#[derive(Debug)]
pub struct Plan {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// With whom each is played.
    pub pairings: Vec<Pairing>,
    /// How many at a time.
    pub jobs: usize,
    /// How often each.
    pub repeat: usize,
    /// How often each with a C program, if not as often.
    pub others: Option<usize>,
}

/// Runs a plan to its end or until it is interrupted.
pub fn run(plan: &Plan, programs: &Programs) -> Result<Tally> {
    let report = Report::default();
    let queue = Mutex::new(turns(plan, programs, &report));
    let folder = RunFolder::new()?;
    std::thread::scope(|threads| {
        for _ in 0..plan.jobs {
            threads.spawn(|| {
                while let Some((scenario, pairing)) = next(&queue) {
                    let stage = Stage {
                        run: &folder,
                        programs,
                        pairing,
                    };
                    let began = Moment::now();
                    let result = play(scenario, &stage);
                    let took = Moment::now().since(began);
                    report.ended(&scenario.name, pairing, took, result);
                }
            });
        }
    });
    if plan.repeat > 1 {
        print!("{}", report.summary());
    }
    Ok(report.tally())
}

type Turn<'a> = (&'a Scenario, Pairing);

/// What can be tried; the rest is reported as skipped.
fn turns<'a>(plan: &'a Plan, programs: &Programs, report: &Report) -> VecDeque<Turn<'a>> {
    let per_pairing = plan.scenarios.len() * plan.repeat;
    let missing = missing_system();
    if !missing.is_empty() {
        report.skipped(per_pairing * plan.pairings.len(), "everything", &missing);
        return VecDeque::new();
    }
    let mut possible = plan.pairings.clone();
    possible.retain(|&pairing| {
        let missing = programs.missing(pairing);
        if !missing.is_empty() {
            report.skipped(per_pairing, &pairing.to_string(), &missing);
        }
        missing.is_empty()
    });
    let control = programs.missing(Pairing::CONTROL);
    let playable = plan.scenarios.iter().filter(|scenario| {
        let skipped = scenario.against_c && !control.is_empty();
        if skipped {
            report.skipped(possible.len() * plan.repeat, &scenario.name, &control);
        }
        !skipped
    });
    let once =
        playable.flat_map(|scenario| possible.iter().map(move |&pairing| (scenario, pairing)));
    let once: Vec<Turn<'_>> = once.collect();
    let others = plan.others.unwrap_or(plan.repeat);
    let is_due = |round: usize, pairing: Pairing| {
        let ours = pairing.qdevice == Side::Ours && pairing.qnetd == Side::Ours;
        round < if ours { plan.repeat } else { others }
    };
    let rounds = 0..plan.repeat.max(others);
    let all = rounds.flat_map(|round| once.iter().map(move |&turn| (round, turn)));
    all.filter(|&(round, (_, pairing))| is_due(round, pairing))
        .map(|(_, turn)| turn)
        .collect()
}

fn next<'a>(queue: &Mutex<VecDeque<Turn<'a>>>) -> Option<Turn<'a>> {
    interrupt::check().ok()?;
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

/// A scenario that panics has failed; the others go on.
fn play(scenario: &Scenario, stage: &Stage<'_>) -> Result<Outcome> {
    catch_unwind(AssertUnwindSafe(|| scenario.play(stage)))
        .unwrap_or_else(|_| Err(anyhow!("the scenario panicked (its message is above)")))
}
