//! What is committed is what would be written, and the pages are well-formed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages on the disk.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("man")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// What a program complains about in a page, on either output; `None` where it is not installed.
fn complaints(program: &str, args: &[&str], page: &Path) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(args).arg(page).env("MANWIDTH", "80").output();
    let Ok(output) = output else {
        eprintln!("skipped: {program} is not installed");
        return None;
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let shown = if program == "mandoc" {
        output.stdout
    } else {
        Vec::new()
    };
    Some(text(output.stderr) + &text(shown))
}

#[test]
fn the_committed_files_are_those_that_the_programs_would_have_today() {
    for file in manuals::files().unwrap() {
        let committed = fs::read_to_string(top().join(&file.path)).unwrap_or_default();
        let path = file.path.display();
        assert!(
            committed == file.text,
            "{path} is not up to date: cargo xtask man"
        );
    }
}

#[test]
fn no_page_or_completion_is_left_over() {
    let files = manuals::files().unwrap();
    let known: BTreeSet<_> = files.into_iter().map(|file| file.path).collect();
    for dir in [
        "man",
        "completions/bash",
        "completions/zsh",
        "completions/fish",
    ] {
        for entry in fs::read_dir(top().join(dir)).unwrap() {
            let path = Path::new(dir).join(entry.unwrap().file_name());
            assert!(
                known.contains(&path),
                "{} is written by nobody",
                path.display()
            );
        }
    }
}

#[test]
fn man_and_mandoc_find_nothing_wrong_with_the_pages() {
    for page in pages() {
        for (program, args) in [
            ("man", &["-P", "cat", "--warnings", "-l"][..]),
            ("mandoc", &["-T", "lint", "-W", "warning"]),
        ] {
            let told = complaints(program, args, &page);
            assert_eq!(told.unwrap_or_default(), "", "{program} {}", page.display());
        }
    }
}

#[test]
fn a_page_refers_to_pages_that_there_are() {
    // Those of corosync itself.
    let elsewhere = [
        "busctl (1)",
        "corosync.conf (5)",
        "votequorum_qdevice_poll (3)",
    ];
    let here: Vec<PathBuf> = pages();
    let names: Vec<_> = here
        .iter()
        .map(|page| page.file_name().unwrap().to_str().unwrap())
        .collect();
    for page in &here {
        let text = fs::read_to_string(page).unwrap();
        let see = text.split_once(".SH SEE ALSO").unwrap().1;
        for reference in see.lines().filter_map(|line| line.strip_prefix(".BR ")) {
            let reference = reference.trim_end_matches(',');
            let (name, section) = reference.split_once(" (").unwrap();
            let file = format!("{name}.{}", section.trim_end_matches(')'));
            let is_there = names.contains(&file.as_str()) || elsewhere.contains(&reference);
            assert!(is_there, "{}: {reference}", page.display());
        }
    }
}
