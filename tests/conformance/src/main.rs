//! Holds the dialogues of the table with a server and says how they went.

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use conformance::{Case, Dialect, Subject, cases, run};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match examine(&command().get_matches()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn command() -> Command {
    Command::new("conformance")
        .about("Speak the wire protocol to a corosync-qnetd and compare its answers with the table")
        .arg(
            Arg::new("address")
                .long("address")
                .value_name("HOST:PORT")
                .required_unless_present_any(["start", "list"])
                .help("Server to talk to; cases that need special server options are skipped"),
        )
        .arg(
            Arg::new("start")
                .long("start")
                .value_name("PROGRAM")
                .conflicts_with("address")
                .help("Start this corosync-qnetd, once for each set of server options"),
        )
        .arg(
            Arg::new("filter")
                .long("filter")
                .value_name("X")
                .default_value("")
                .help("Only cases whose name contains X or whose rule is X"),
        )
        .arg(flag(
            "theirs",
            "Expect the answers of the C program where ours differs on purpose",
        ))
        .arg(flag(
            "trace",
            "Print the frames too, in the format of tests/vectors",
        ))
        .arg(flag("list", "Print the table and talk to nobody"))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// Runs what the command line asks for; whether all has passed.
fn examine(args: &ArgMatches) -> anyhow::Result<bool> {
    let filter = args.get_one::<String>("filter").map_or("", String::as_str);
    let dialect = if args.get_flag("theirs") {
        Dialect::Theirs
    } else {
        Dialect::Ours
    };
    let mut report = Report {
        dialect,
        trace: args.get_flag("trace"),
        passed: 0,
        failed: 0,
    };
    let groups = cases::by_server(filter);
    if args.get_flag("list") {
        for case in groups.values().flatten() {
            report.line("case", case);
        }
        return Ok(true);
    }
    if let Some(program) = args.get_one::<String>("start") {
        for (options, cases) in &groups {
            let subject = Subject::start(Path::new(program), dialect, options)?;
            for case in cases {
                report.examine(case, subject.address());
            }
            subject.stop()?;
        }
    } else {
        let name = args.get_one::<String>("address").context("no address")?;
        let address = resolve(name)?;
        for (options, cases) in &groups {
            for case in cases {
                if options.is_empty() {
                    report.examine(case, address);
                } else {
                    report.line("skip", case);
                    println!("     needs a server started with {}", options.join(" "));
                }
            }
        }
    }
    println!("{} passed, {} failed", report.passed, report.failed);
    Ok(report.failed == 0)
}

fn resolve(name: &str) -> anyhow::Result<SocketAddr> {
    let mut found = name
        .to_socket_addrs()
        .with_context(|| format!("cannot resolve {name}"))?;
    found
        .next()
        .with_context(|| format!("{name} has no address"))
}

struct Report {
    dialect: Dialect,
    trace: bool,
    passed: u32,
    failed: u32,
}

impl Report {
    fn examine(&mut self, case: &Case, address: SocketAddr) {
        let trace = self.trace;
        let mut print = |frame: &str| {
            if trace {
                println!("{frame}");
            }
        };
        match run(&case.script(self.dialect), address, &mut print) {
            Ok(()) => {
                self.passed += 1;
                self.line("pass", case);
            }
            Err(failure) => {
                self.failed += 1;
                self.line("FAIL", case);
                println!("     {failure}");
            }
        }
    }

    fn line(&self, word: &str, case: &Case) {
        let Case {
            name, rule, shows, ..
        } = case;
        let script = case.script(self.dialect);
        let differs = match script.differences() {
            [] => String::new(),
            differences => format!(" (differs: {})", differences.join("; ")),
        };
        println!("{word} {name} [{rule}] {shows}{differs}");
    }
}
