use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Success, or one line that says what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// Runs cargo in the workspace, with the committed lock file.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO"));
    // The lock flag belongs to the subcommand, before anything meant for the program behind `--`.
    command
        .current_dir(root)
        .arg(args[0])
        .arg("--locked")
        .args(&args[1..]);
    status_of(command, &format!("cargo {}", args.join(" ")))
}

/// Runs a cargo component that not every distribution installs; says so when it is missing.
pub(crate) fn cargo_tool(root: &Path, tool: &str, args: &[&str]) -> Outcome {
    let probe = Command::new(env!("CARGO"))
        .args([tool, "--version"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("    skipped: cargo {tool} is not installed here");
        return Ok(());
    }
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root).arg(tool).args(args);
    status_of(command, &format!("cargo {tool}"))
}

/// Runs a command and turns an unsuccessful end into a line that names it.
pub(crate) fn status_of(mut command: Command, name: &str) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: cannot be started: {error}")),
    }
}

/// Announces a part of a longer run and says how long it took.
pub(crate) fn step(name: &str, part: impl FnOnce() -> Outcome) -> Outcome {
    println!("==> {name}");
    let clock = Clock::start();
    let outcome = part();
    println!(
        "    {} in {:.1} s",
        if outcome.is_ok() { "done" } else { "FAILED" },
        clock.seconds()
    );
    outcome
}

struct Clock(std::time::Instant);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "reports how long a step took, decides nothing"
    )]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn seconds(&self) -> f64 {
        Duration::as_secs_f64(&self.0.elapsed())
    }
}
