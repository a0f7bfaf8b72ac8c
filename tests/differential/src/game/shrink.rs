use super::arena::Arena;
use super::failure::Failure;
use super::tally::Tally;
use crate::trace::{Scenario, Step};

/// Drops and simplifies steps as long as the scenario fails in the same way.
///
/// # Errors
///
/// A server cannot be started.
pub fn shrink(
    arena: &mut Arena,
    scenario: &Scenario,
    failure: Box<Failure>,
) -> anyhow::Result<(Scenario, Box<Failure>)> {
    let mut best = (scenario.clone(), failure);
    best.0.steps.truncate(best.1.at + 1);
    let mut budget = 600_u32;
    loop {
        let before = best.0.steps.len();
        let mut size = before.div_ceil(2).max(1);
        loop {
            let mut start = 0;
            while start < best.0.steps.len() && budget > 0 {
                let mut fewer = best.0.clone();
                let end = (start + size).min(fewer.steps.len());
                fewer.steps.drain(start..end);
                budget -= 1;
                if !improve(arena, &mut best, fewer)? {
                    start += size;
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        simplify(arena, &mut best, &mut budget)?;
        if best.0.steps.len() == before || budget == 0 {
            return Ok(best);
        }
    }
}

/// Takes the cuts and all but one message out of steps that send.
fn simplify(
    arena: &mut Arena,
    best: &mut (Scenario, Box<Failure>),
    budget: &mut u32,
) -> anyhow::Result<()> {
    for at in 0..best.0.steps.len() {
        let Some(Step::Send { from, frames, cuts }) = best.0.steps.get(at).cloned() else {
            continue;
        };
        let mut simpler = Vec::new();
        if !cuts.is_empty() {
            simpler.push(frames.clone());
        }
        if frames.len() > 1 {
            for skip in 0..frames.len() {
                let mut fewer = frames.clone();
                fewer.remove(skip);
                simpler.push(fewer);
            }
        }
        for frames in simpler {
            if *budget == 0 {
                return Ok(());
            }
            *budget -= 1;
            let mut next = best.0.clone();
            next.steps[at] = Step::Send {
                from: from.clone(),
                frames,
                cuts: Vec::new(),
            };
            if improve(arena, best, next)? {
                break;
            }
        }
    }
    Ok(())
}

/// Plays a smaller scenario and keeps it if it fails in the same way.
fn improve(
    arena: &mut Arena,
    best: &mut (Scenario, Box<Failure>),
    smaller: Scenario,
) -> anyhow::Result<bool> {
    match arena.play(&smaller, &mut Tally::default())? {
        Err(failure) if failure.fault.is_like(&best.1.fault) => {
            *best = (smaller, failure);
            best.0.steps.truncate(best.1.at + 1);
            Ok(true)
        }
        Ok(()) | Err(_) => Ok(false),
    }
}
