//! The whole table with real servers: the C program if it is installed, and ours.

use conformance::{Case, Dialect, Subject, cases, run};
use std::path::Path;

#[path = "../../servers.rs"]
mod servers;

/// Holds all dialogues; gives what failed.
///
/// Servers with different options run at the same time. With special options cases are few and wait
/// much, so they run at the same time too.
fn failures(program: &Path, dialect: Dialect) -> Vec<String> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = cases::by_server("")
            .into_iter()
            .map(|(options, cases)| {
                scope.spawn(move || {
                    let subject =
                        Subject::start(program, dialect, options).expect("the server starts");
                    let at_once = if options.is_empty() { 1 } else { cases.len() };
                    let failed: Vec<_> = cases
                        .chunks(at_once)
                        .flat_map(|cases| together(cases, dialect, &subject))
                        .collect();
                    subject.stop().expect("the server still runs");
                    failed
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn together(cases: &[&Case], dialect: Dialect, subject: &Subject) -> Vec<String> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .iter()
            .map(|case| scope.spawn(move || failure(case, dialect, subject)))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn failure(case: &Case, dialect: Dialect, subject: &Subject) -> Option<String> {
    let failure = run(&case.script(dialect), subject.address(), &mut |_| {}).err()?;
    Some(format!("{} [{}] {failure}", case.name, case.rule))
}

fn check(program: &Path, dialect: Dialect) {
    let failed = failures(program, dialect);
    assert!(
        failed.is_empty(),
        "{} cases failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn the_c_server_answers_as_the_table_says() {
    if let Some(program) = servers::theirs() {
        check(program, Dialect::Theirs);
    }
}

#[test]
fn our_server_answers_as_the_table_says() {
    check(&servers::ours("corosync-qnetd"), Dialect::Ours);
}
