//! `cargo run --profile campaign -p model` goes through all worlds and says how many states there are.

use libqdevice::base::{Algorithm, Handover};
use model::{Small, c_rules, killed, walk, worlds};
use std::process::ExitCode;
use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "how long it takes is told")]
fn main() -> ExitCode {
    let limit = std::env::args().nth(1).and_then(|word| word.parse().ok());
    let limit = limit.unwrap_or(20_000_000);
    let mut sound = true;
    for algorithm in Algorithm::ALL {
        let mut total = 0;
        for Small { name, size, .. } in worlds(algorithm) {
            let begun = Instant::now();
            let walk = walk(&size, limit);
            total += walk.states;
            println!(
                "{:<18} {name}: {} states, {} steps, {} ends, depth {}, {:.1} s{}",
                algorithm.title(),
                walk.states,
                walk.steps,
                walk.ends,
                walk.depth,
                begun.elapsed().as_secs_f32(),
                if walk.complete {
                    ""
                } else {
                    ", not all of them"
                }
            );
            if let Some((how, way)) = walk.counterexample {
                sound = false;
                println!("  {how}\n    {}", way.join("\n    "));
            }
        }
        println!("{:<18} {total} states in all", algorithm.title());
    }
    show_c(limit);
    if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Where the rules of the C programs lead.
fn show_c(limit: usize) {
    let Small { name, size, .. } = killed(Algorithm::FfSplit, Handover::AtOnce);
    if let Some((how, way)) = walk(&size, limit).counterexample {
        println!(
            "With vote_handover=c, {name}: {how}\n    {}",
            way.join("\n    ")
        );
    }
    if let Some((how, way)) = walk(&c_rules::C_PROGRAMS, limit).counterexample {
        println!("C programs, 2 nodes split: {how} after {} steps", way.len());
    }
    if let Some(told) = c_rules::c_lms_tie_breaker(4, 1) {
        println!("C programs, lms, 2 of 4 nodes with the tie-breaker: {told:?}");
    }
}
