//! `cargo run --release -p sim -- --worlds 100000` plays many worlds; `-- --seed 17` shows one.

use sim::{Flaw, Plan, World, play_all, shrink};
use std::process::ExitCode;

const USAGE: &str = "\
usage: sim [--worlds COUNT] [--from SEED] [--threads COUNT]
       sim --seed SEED [--whole]

  --worlds   how many worlds are played (default 2000), from seed --from (default 0) on
  --threads  on how many threads (default 2)
  --seed     shows what happens in one world; with less going wrong if it fails,
             unless --whole is given
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = number("--seed") {
        return show(seed, words.iter().any(|word| word == "--whole"));
    }
    let from = number("--from").unwrap_or(0);
    let count = number("--worlds").unwrap_or(2_000);
    let threads = usize::try_from(number("--threads").unwrap_or(2)).unwrap_or(2);
    campaign(from..from + count, threads)
}

fn campaign(seeds: std::ops::Range<u64>, threads: usize) -> ExitCode {
    let count = seeds.end - seeds.start;
    let findings = play_all(seeds, threads, Plan::of_seed);
    for failure in &findings.failures {
        let (seed, at) = (failure.plan.seed, failure.at);
        let algorithm = failure.plan.algorithm.title();
        println!("seed {seed} ({algorithm}) at {at}: {}", failure.violation);
    }
    println!(
        "{count} worlds, {} steps, {} with a violation",
        findings.steps,
        findings.failures.len()
    );
    if findings.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn show(seed: u64, whole: bool) -> ExitCode {
    let mut plan = Plan::of_seed(seed);
    let found = sim::play(&plan, Flaw::None).violation;
    if let (Some((_, violation)), false) = (&found, whole) {
        plan = shrink(&plan, Flaw::None, violation.rule);
    }
    print!("{plan}");
    let outcome = World::new(&plan, Flaw::None).traced().run();
    for line in &outcome.trace {
        println!("{line}");
    }
    match outcome.violation {
        Some((at, violation)) => {
            println!("{at:>7}  VIOLATION {violation}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}
