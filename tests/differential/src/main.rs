//! `differential`: plays seeds to the C server and to ours, and compares.

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use differential::bench::Program;
use differential::game::{Arena, Failure, Matching, Tally, shrink};
use differential::plan::{self, Malformed, Subject};
use differential::trace::Scenario;
use libqdevice::base::Algorithm;
use std::ops::Range;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&arguments().get_matches()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Command {
    let option = |name: &'static str| Arg::new(name).long(name);
    Command::new("differential")
        .about(
            "Plays random scenarios to the C corosync-qnetd and to ours in lockstep, and compares",
        )
        .arg(
            option("algorithm")
                .default_value("ffsplit")
                .help("ffsplit, test, 2nodelms, lms, or all"),
        )
        .arg(
            option("seeds")
                .default_value("0..100")
                .help("FROM..TO, TO not included"),
        )
        .arg(
            option("malformed")
                .action(ArgAction::SetTrue)
                .help("clients also say what no client should"),
        )
        .arg(
            option("twins")
                .action(ArgAction::SetTrue)
                .help("plays to two C servers: no difference at all is expected"),
        )
        .arg(
            option("replay")
                .value_name("FILE")
                .help("plays a scenario from a file instead"),
        )
        .arg(
            option("show")
                .value_name("SEED")
                .help("prints the scenario of a seed and ends"),
        )
}

/// Plays what was asked for; whether all of it passed.
fn run(matches: &ArgMatches) -> anyhow::Result<bool> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let malformed = if matches.get_flag("malformed") {
        Malformed::Yes
    } else {
        Malformed::No
    };
    let algorithms = algorithms(text("algorithm").unwrap_or_default())?;
    if let Some(seed) = text("show") {
        for algorithm in algorithms {
            print!(
                "{}",
                plan::scenario(
                    seed.parse()?,
                    Subject {
                        algorithm,
                        malformed
                    }
                )
            );
        }
        return Ok(true);
    }
    let mut arena = Arena::new(matching(matches.get_flag("twins"))?);
    if let Some(file) = text("replay") {
        return replay(&mut arena, file);
    }
    let seeds = seeds(text("seeds").unwrap_or_default())?;
    let (mut passed, mut failed) = (0, 0);
    for algorithm in algorithms {
        let (good, bad) = play(
            &mut arena,
            Subject {
                algorithm,
                malformed,
            },
            seeds.clone(),
        )?;
        passed += good;
        failed += bad;
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

fn matching(twins: bool) -> anyhow::Result<Matching> {
    let theirs = Program::theirs().context("the C corosync-qnetd is not installed")?;
    let ours = if twins {
        theirs.twin()
    } else {
        Program::ours().context(
            "our corosync-qnetd is not built: cargo build -p corosync-qnetd, or name it in COROSYNC_QNETD",
        )?
    };
    Ok(Matching {
        theirs,
        ours,
        twins,
    })
}

fn algorithms(word: &str) -> anyhow::Result<Vec<Algorithm>> {
    let known: Vec<Algorithm> = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| word == "all" || word == algorithm.key())
        .collect();
    if known.is_empty() {
        bail!("unknown algorithm '{word}'");
    }
    Ok(known)
}

fn seeds(text: &str) -> anyhow::Result<Range<u64>> {
    let (from, to) = text.split_once("..").context("seeds are FROM..TO")?;
    Ok(from.parse()?..to.parse()?)
}

/// Plays all seeds of an algorithm; how many passed and how many failed.
fn play(arena: &mut Arena, subject: Subject, seeds: Range<u64>) -> anyhow::Result<(u64, u64)> {
    let mut tally = Tally::default();
    let (mut passed, mut failed) = (0, 0);
    for seed in seeds {
        let scenario = plan::scenario(seed, subject);
        match arena.play(&scenario, &mut tally)? {
            Ok(()) => passed += 1,
            Err(failure) => {
                failed += 1;
                let (scenario, failure) = shrink(arena, &scenario, failure)?;
                report(&scenario, &failure);
            }
        }
    }
    let named: Vec<String> = tally
        .named
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!(
        "{}: {passed} passed, {failed} failed; {} steps, {} left out, {} messages, {} judged; expected differences: {}",
        subject.algorithm.key(),
        tally.steps,
        tally.skipped,
        tally.messages,
        tally.judged,
        if named.is_empty() {
            "none".into()
        } else {
            named.join(", ")
        },
    );
    Ok((passed, failed))
}

fn report(scenario: &Scenario, failure: &Failure) {
    println!("FAILED seed {}\n{scenario}{failure}\n", scenario.seed);
}

fn replay(arena: &mut Arena, file: &str) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let scenario: Scenario = text.parse().map_err(anyhow::Error::msg)?;
    let mut tally = Tally::default();
    match arena.play(&scenario, &mut tally)? {
        Ok(()) => println!("1 passed, 0 failed"),
        Err(failure) => {
            report(&scenario, &failure);
            println!("0 passed, 1 failed");
            return Ok(false);
        }
    }
    Ok(true)
}
