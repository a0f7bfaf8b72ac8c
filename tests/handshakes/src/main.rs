//! A fleet comes back to a server at once: how fast are all of its nodes served again, what does that
//! cost the server, and does somebody who never left notice?
//!
//! Both servers get the same database and the same clients, by turns. Not part of the whole check: it
//! needs a quiet machine and a release build.
//!
//! ```text
//! cargo build --release -p corosync-qnetd
//! cargo run --release -p handshakes -- --clients 1000 --rounds 5
//! ```

mod clients;
mod server;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, Command, value_parser};
use clients::{Fleet, Served};
use libqdevice::certs::KeyKind;
use server::{Keys, Server};
use std::path::PathBuf;

fn main() -> Result<()> {
    let words = command().get_matches();
    let clients: u32 = *words.get_one("clients").context("has a default")?;
    let rounds: u32 = *words.get_one("rounds").context("has a default")?;
    let kind = match words
        .get_one::<String>("key")
        .context("has a default")?
        .as_str()
    {
        "p256" => KeyKind::P256,
        bits => KeyKind::Rsa(bits.trim_start_matches("rsa").parse()?),
    };
    server::allow_descriptors(u64::from(clients) * 2 + 100)?;
    let subjects = [
        ("ours", words.get_one::<PathBuf>("ours")),
        ("C", words.get_one::<PathBuf>("theirs")),
    ];
    let keys = Keys::make(kind)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let fleet = Fleet::of(&keys, clients)?;
    let mut results = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for ((name, program), results) in subjects.iter().zip(&mut results) {
            let program = program.context("has a default")?;
            ensure!(
                program.is_file(),
                "{name}: {} is not there",
                program.display()
            );
            let server = Server::start(program, &keys)?;
            let before = server.cpu()?;
            let outcome = runtime.block_on(fleet.come(server.address))?;
            results.push((outcome, server.cpu()? - before));
        }
    }
    println!("{kind:?}, {clients} clients at once, median of {rounds} rounds by turns");
    println!(
        "        handshakes/s   CPU of the server per handshake   longest wait of one who is there"
    );
    for ((name, _), results) in subjects.iter().zip(&results) {
        show(name, clients, results);
    }
    Ok(())
}

fn command() -> Command {
    let number = |name, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .default_value(default)
            .value_parser(value_parser!(u32).range(1..=100_000))
            .help(help)
    };
    let program = |name, default: &'static str| {
        Arg::new(name)
            .long(name)
            .default_value(default)
            .value_parser(value_parser!(PathBuf))
            .help("A server")
    };
    Command::new("handshakes")
        .about("TLS handshakes of our server and the C server, by turns")
        .arg(number("clients", "1000", "How many connect at once"))
        .arg(number("rounds", "5", "How often each server is tried"))
        .arg(
            Arg::new("key")
                .long("key")
                .default_value("rsa2048")
                .help("The server's key: rsa2048, rsa3072, p256"),
        )
        .arg(program("ours", "target/release/corosync-qnetd"))
        .arg(program("theirs", "/usr/bin/corosync-qnetd"))
}

fn show(name: &str, clients: u32, results: &[(Served, f64)]) {
    let median = |value: &dyn Fn(&(Served, f64)) -> f64| {
        let mut values: Vec<f64> = results.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let clients = f64::from(clients);
    println!(
        "{name:<7} {:>12.0}   {:>28.2} ms   {:>29.0} ms",
        median(&|(served, _)| clients / served.took.as_secs_f64()),
        median(&|(_, cpu)| cpu * 1000.0 / clients),
        median(&|(served, _)| served.longest_wait.as_secs_f64() * 1000.0),
    );
}
