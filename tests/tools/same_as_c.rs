//! Runs a tool and the C program of the same name with the same arguments and compares all they do.
//!
//! Included by the tests of both tools.

use std::path::Path;
use std::process::{Command, Output};

/// Stdout, stderr and exit code of `ours` and of the C program must be equal for every list of arguments.
pub(crate) fn compare(ours: &str, theirs: &str, situations: &[&[&str]]) {
    if !Path::new(theirs).is_file() {
        println!("skipped: {theirs} is not installed");
        return;
    }
    for args in situations {
        let (ours, theirs) = (run(ours, args), run(theirs, args));
        assert_eq!(told(&ours), told(&theirs), "arguments {args:?}");
    }
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .output()
        .expect("a tool can be started")
}

/// What the caller of a program gets: text, complaints with the path of the program masked, exit code.
fn told(output: &Output) -> (String, String, Option<i32>) {
    let name = |line: &str| match line.split_once(": ") {
        Some((program, rest)) => format!("{}: {rest}\n", program.rsplit('/').next().unwrap_or("")),
        None => format!("{line}\n"),
    };
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr)
            .lines()
            .map(name)
            .collect(),
        output.status.code(),
    )
}
