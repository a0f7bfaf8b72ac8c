//! What a server costs with many clusters: our server and the C server by turns, on this machine.
//!
//! Not part of the whole check, except for a run of a few seconds: figures need a quiet machine and a
//! release build. `docs/performance.md` says how to read them.
//!
//! ```text
//! cargo build --release -p corosync-qnetd
//! cargo run --release -p bench -- load --clients 100,1000,5000,10000 --rounds 3 --csv figures.csv
//! cargo run --release -p bench -- plot --csv figures.csv --plots docs/performance
//! ```

mod clock;
mod encrypted;
mod figures;
mod fleet;
mod hostile;
mod keys;
mod load;
mod member;
mod plot;
mod scratch;
mod server;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command, value_parser};
use clock::{MILLISECOND, Micros};
use figures::Figures;
use keys::Keys;
use libqdevice::certs::KeyKind;
use load::Load;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::Program;
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let words = command().get_matches();
    let csv: Option<&PathBuf> = words.get_one("csv");
    let mut figures = Figures::default();
    if let Some(csv) = csv.filter(|csv| csv.is_file()) {
        figures.read(&std::fs::read_to_string(csv)?);
    }
    let what: &String = words.get_one("what").context("is required")?;
    match what.as_str() {
        "table" => {}
        "plot" => {
            let folder: &PathBuf = words.get_one("plots").context("has a default")?;
            return draw(&figures, folder);
        }
        _ => run(&words, what, csv, &mut figures)?,
    }
    println!("{}", figures.table());
    Ok(())
}

/// Both programs by turns, round after round.
fn run(words: &ArgMatches, what: &str, csv: Option<&PathBuf>, figures: &mut Figures) -> Result<()> {
    raise_descriptor_limit()?;
    let programs = [program(words, "C")?, program(words, "ours")?];
    let only: Option<&String> = words.get_one("only");
    let programs = programs
        .iter()
        .filter(|program| only.is_none_or(|only| only == program.name));
    let rounds: usize = *words.get_one("rounds").context("has a default")?;
    let splits: usize = *words.get_one("splits").context("has a default")?;
    let neighbours: &String = words.get_one("neighbours").context("has a default")?;
    let millis: Micros = *words.get_one("steady").context("has a default")?;
    let clients: Vec<usize> = words
        .get_many("clients")
        .context("has a default")?
        .copied()
        .collect();
    let kinds = [("RSA-2048", KeyKind::Rsa(2048)), ("P-256", KeyKind::P256)];
    let keys = match what {
        "tls" => kinds
            .iter()
            .map(|(name, kind)| Ok((*name, Keys::make(*kind)?)))
            .collect::<Result<Vec<_>>>()?,
        _ => Vec::new(),
    };
    for round in 0..rounds {
        for &clients in &clients {
            for program in programs.clone() {
                let name = program.name;
                eprintln!("round {}: {what}, {clients} clients, {name}", round + 1);
                let steady = millis * MILLISECOND;
                let load = Load {
                    clients,
                    steady,
                    splits,
                };
                match what {
                    "real" => load.real_storm(program, figures)?,
                    "hostile" => {
                        hostile::measure(clients, steady, neighbours, program, figures)?;
                    }
                    "tls" => {
                        for (kind, keys) in &keys {
                            encrypted::storm(clients, keys, kind, program, figures)?;
                        }
                    }
                    _ => load.measure(program, figures)?,
                }
                if let Some(csv) = csv {
                    std::fs::write(csv, figures.csv())?;
                }
            }
        }
    }
    Ok(())
}

/// Writes the plots of `docs/performance.md`.
fn draw(figures: &Figures, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (file, title, name) in PLOTS {
        if let Some(svg) = plot::plot(figures, title, name) {
            let path = folder.join(file);
            std::fs::write(&path, svg).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// File, title, figure.
const PLOTS: [(&str, &str, &str); 9] = [
    (
        "storm.svg",
        "Seconds until the last client has its first vote",
        "storm: time to the last first vote (s)",
    ),
    (
        "storm-cpu.svg",
        "CPU per client in a storm, in microseconds",
        "storm: CPU per client (us)",
    ),
    (
        "echo-cpu.svg",
        "CPU for 10,000 heartbeats, in seconds",
        "steady: CPU per 10000 echoes (s)",
    ),
    (
        "echo-p99.svg",
        "Answer to a heartbeat, 99th percentile in milliseconds",
        "steady: echo p99 (ms)",
    ),
    (
        "split-p99.svg",
        "Split decided, ACK, 99th percentile in milliseconds",
        "split: ACK p99 (ms)",
    ),
    (
        "memory.svg",
        "Memory per client, in KiB",
        "storm: memory per client (KiB)",
    ),
    (
        "restart.svg",
        "Seconds after a restart until the last client has its vote",
        "restart: time to the last vote (s)",
    ),
    (
        "growth.svg",
        "Seconds until the last client has its first vote, default settings",
        "default settings: time to the last first vote (s)",
    ),
    (
        "listing.svg",
        "Seconds for a verbose list of all clusters",
        "list verbose: time (s)",
    ),
];

fn command() -> Command {
    let path = |name, default: &'static str| {
        Arg::new(name)
            .long(name)
            .default_value(default)
            .value_parser(value_parser!(PathBuf))
            .help("A server")
    };
    Command::new("bench")
        .about("Our server and the C server by turns, with many clusters")
        .arg(
            Arg::new("what")
                .required(true)
                .value_parser(["load", "real", "hostile", "tls", "table", "plot"]),
        )
        .arg(
            Arg::new("clients")
                .long("clients")
                .default_value("100,1000")
                .value_delimiter(',')
                .value_parser(value_parser!(usize))
                .help("How many clients, two to a cluster"),
        )
        .arg(
            Arg::new("rounds")
                .long("rounds")
                .default_value("3")
                .value_parser(value_parser!(usize))
                .help("How often each program is measured"),
        )
        .arg(
            Arg::new("csv")
                .long("csv")
                .value_parser(value_parser!(PathBuf))
                .help("Values are added to this file"),
        )
        .arg(
            Arg::new("steady")
                .long("steady")
                .default_value("10000")
                .value_parser(value_parser!(Micros))
                .help("How long heartbeats are counted, in milliseconds"),
        )
        .arg(
            Arg::new("splits")
                .long("splits")
                .default_value("100")
                .value_parser(value_parser!(usize))
                .help("How many clusters split"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_parser(["ours", "C"])
                .help("One program alone"),
        )
        .arg(
            Arg::new("neighbours")
                .long("neighbours")
                .default_value("")
                .help("Hostile neighbours: those whose name begins so"),
        )
        .arg(
            Arg::new("plots")
                .long("plots")
                .default_value("docs/performance")
                .value_parser(value_parser!(PathBuf))
                .help("Where plots are written"),
        )
        .arg(path("ours", "target/release/corosync-qnetd"))
        .arg(path("C", "/usr/bin/corosync-qnetd"))
}

fn program(words: &ArgMatches, name: &'static str) -> Result<Program> {
    let path: &PathBuf = words.get_one(name).context("has a default")?;
    ensure!(path.is_file(), "{name}: {} is not there", path.display());
    Ok(Program {
        name,
        path: path.clone(),
    })
}

/// For this process and the servers it starts.
fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
