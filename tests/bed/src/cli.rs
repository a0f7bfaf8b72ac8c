//! Its command line.

use anyhow::{Context as _, Result, bail, ensure};
use bed::program::{Pairing, Programs, missing_system};
use bed::runner::{self, Plan};
use bed::scenario::{self, Scenario};
use bed::{demo, holder, interrupt, pretender, rest, run_folder, watcher};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn main() -> ExitCode {
    let words = command().get_matches();
    match run(&words) {
        Ok(code) => code,
        Err(error) if error.root_cause().is::<interrupt::Interrupted>() => {
            interrupt::EXIT_CODE.into()
        }
        Err(error) => {
            eprintln!("bed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let programs = Arg::new("programs")
        .long("programs")
        .value_name("FOLDER")
        .value_parser(value_parser!(PathBuf))
        .help("Folder with our programs [default: the one bed is in]");
    let run = Command::new("run")
        .about("Plays scenarios and says how each went")
        .arg(pairing("all"))
        .arg(
            Arg::new("scenario")
                .long("scenario")
                .value_name("NAME")
                .help("Only the scenarios whose name begins like this (see `bed list`)"),
        )
        .arg(number("jobs", "4", "How many at a time"))
        .arg(number("repeat", "1", "How often each"))
        .arg(
            number(
                "others",
                "1",
                "How often each with a C program [default: as --repeat]",
            )
            .default_value(None),
        )
        .arg(programs.clone());
    let demo = Command::new("demo")
        .about("Shows how a cluster of two gets its third vote, splits and heals")
        .arg(pairing("ours-ours"))
        .arg(programs.clone());
    let rest = Command::new("rest")
        .about("Measures what a device takes while nothing happens, ours beside C's")
        .arg(number("minutes", "3", "How long they are watched"))
        .arg(
            Arg::new("setting")
                .long("setting")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Watches another device of ours that has this setting (-S)"),
        )
        .arg(programs);
    Command::new("bed")
        .about("Real corosync clusters on one machine, with C or our programs on either side")
        .subcommand_required(true)
        .subcommand(run)
        .subcommand(demo)
        .subcommand(rest)
        .subcommand(Command::new("list").about("Names the scenarios"))
        .subcommand(Command::new("clean").about("Removes what runs that died left behind"))
        .subcommand(
            Command::new("hold")
                .hide(true)
                .about("Keeps the namespaces of a host")
                .arg(
                    Arg::new("folder")
                        .required(true)
                        .value_parser(value_parser!(PathBuf)),
                ),
        )
        .subcommand(
            Command::new("pretend")
                .hide(true)
                .about("Serves on the port of qnetd without being one")
                .arg(Arg::new("pretence").required(true)),
        )
        .subcommand(
            Command::new("watch")
                .hide(true)
                .about("Writes what votequorum says of this node"),
        )
}

fn pairing(default: &'static str) -> Arg {
    Arg::new("pairing")
        .long("pairing")
        .value_name("QDEVICE-QNETD")
        .default_value(default)
        .help("ours-ours, c-ours, ours-c, c-c; all for `run`")
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .value_parser(value_parser!(u32).range(1..=1000))
        .help(help)
}

fn run(words: &ArgMatches) -> Result<ExitCode> {
    match words.subcommand() {
        Some(("run", words)) => return play(words),
        Some(("demo", words)) => show(words)?,
        Some(("rest", words)) => watch_at_rest(words)?,
        Some(("list", _)) => {
            for scenario in scenario::all() {
                println!("{:<18} {}", scenario.name, scenario.about);
            }
        }
        Some(("clean", _)) => {
            for line in run_folder::clean()? {
                println!("{line}");
            }
        }
        Some(("hold", words)) => {
            let folder: &PathBuf = words.get_one("folder").context("no folder")?;
            holder::hold(folder)?;
        }
        Some(("pretend", words)) => {
            let pretence: &String = words.get_one("pretence").context("no pretence")?;
            pretender::pretend(pretence.parse()?)?;
        }
        Some(("watch", _)) => watcher::watch()?,
        _ => bail!("unknown command"),
    }
    Ok(ExitCode::SUCCESS)
}

fn play(words: &ArgMatches) -> Result<ExitCode> {
    let plan = Plan {
        scenarios: chosen(words.get_one::<String>("scenario").map(String::as_str))?,
        pairings: pairings(words.get_one::<String>("pairing").context("no pairing")?)?,
        jobs: count(words, "jobs")?,
        repeat: count(words, "repeat")?,
        others: words
            .get_one::<u32>("others")
            .map(|&number| usize::try_from(number))
            .transpose()?,
    };
    interrupt::listen()?;
    let tally = runner::run(&plan, &programs(words)?)?;
    println!("{tally}");
    interrupt::check()?;
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(words: &ArgMatches) -> Result<()> {
    let pairing = pairings(words.get_one::<String>("pairing").context("no pairing")?)?;
    let &[pairing] = pairing.as_slice() else {
        bail!("one pairing at a time");
    };
    let programs = programs(words)?;
    let mut missing = missing_system();
    missing.extend(programs.missing(pairing));
    ensure!(missing.is_empty(), "{}", missing.join("\n     "));
    interrupt::listen()?;
    demo::show(&programs, pairing)
}

fn watch_at_rest(words: &ArgMatches) -> Result<()> {
    let programs = programs(words)?;
    let mut missing = missing_system();
    missing.extend(programs.missing(Pairing::ALL[0]));
    missing.extend(programs.missing(Pairing::CONTROL));
    ensure!(missing.is_empty(), "{}", missing.join("\n     "));
    interrupt::listen()?;
    let minutes: u32 = *words.get_one("minutes").context("has a default")?;
    let settings = words.get_many::<String>("setting").unwrap_or_default();
    let settings: Vec<_> = settings.cloned().collect();
    rest::measure(&programs, Duration::from_secs(60) * minutes, &settings)
}

fn programs(words: &ArgMatches) -> Result<Programs> {
    let bed = std::env::current_exe().context("the path of this program is unknown")?;
    let beside = bed.parent().map(Path::to_path_buf);
    let given = words.get_one::<PathBuf>("programs").cloned();
    let ours = given.or(beside).context("no folder with programs")?;
    let ours = ours
        .canonicalize()
        .with_context(|| ours.display().to_string())?;
    Ok(Programs { bed, ours })
}

fn chosen(prefix: Option<&str>) -> Result<Vec<Scenario>> {
    let mut scenarios = scenario::all();
    scenarios.retain(|one| match prefix {
        Some(prefix) => one.name.starts_with(prefix),
        None => !one.by_name_only,
    });
    ensure!(!scenarios.is_empty(), "no such scenario (see `bed list`)");
    Ok(scenarios)
}

fn pairings(text: &str) -> Result<Vec<Pairing>> {
    if text == "all" {
        return Ok(Pairing::ALL.to_vec());
    }
    let pairing = text.parse().map_err(|why: String| anyhow::anyhow!(why))?;
    Ok(vec![pairing])
}

fn count(words: &ArgMatches, name: &str) -> Result<usize> {
    let number: &u32 = words.get_one(name).context("a number has a default")?;
    Ok(usize::try_from(*number)?)
}
