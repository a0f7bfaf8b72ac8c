//! A run that is ended from outside leaves nothing behind.

use anyhow::{Result, ensure};
use bed::bed::PATIENCE;
use bed::interrupt::until;
use bed::marked;
use bed::process::{SHORT, handle, wait_for_end};
use bed::program::{Pairing, Programs, missing_system};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

const BED: &str = env!("CARGO_BIN_EXE_bed");

/// Why no bed with C programs can be made here.
fn missing() -> Vec<String> {
    let programs = Programs {
        bed: BED.into(),
        ours: PathBuf::new(),
    };
    let mut missing = missing_system();
    missing.extend(programs.missing(Pairing::CONTROL));
    missing
}

/// Starts a run below `folder`, sends it a signal as soon as corosync runs on its nodes, and waits
/// for its end and for that of all its programs.
fn interrupted_run(folder: &Path, signal: Signal) -> Result<ExitStatus> {
    fs::create_dir_all(folder)?;
    let mut run = Command::new(BED)
        .args(["run", "--pairing", "c-c", "--scenario", "isolate1"])
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    until("corosync runs", PATIENCE, || {
        let runs = fs::read_dir(folder)?.flatten();
        let mut outputs = runs.map(|run| run.path().join("bed1/n2/corosync.out"));
        Ok(outputs.any(|output| output.exists()).then_some(()))
    })?;
    kill_process(Pid::from_child(&run), signal)?;
    ensure!(wait_for_end(&handle(&run)?, SHORT), "the run goes on");
    let status = run.wait()?;
    until("all its programs end", SHORT, || {
        Ok((!marked::any(folder)).then_some(()))
    })?;
    Ok(status)
}

fn private_folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("bed-test.{}.{name}", std::process::id()))
}

#[test]
fn a_terminated_run_cleans_up_and_says_so_with_its_exit_code() {
    let missing = missing();
    if !missing.is_empty() {
        return eprintln!("skipped: {}", missing.join(", "));
    }
    let folder = private_folder("term");
    let status = interrupted_run(&folder, Signal::TERM).unwrap();
    assert_eq!(status.code(), Some(130));
    fs::remove_dir(&folder).expect("nothing is left in it");
}

#[test]
fn programs_end_with_a_killed_run_and_clean_removes_its_folder() {
    let missing = missing();
    if !missing.is_empty() {
        return eprintln!("skipped: {}", missing.join(", "));
    }
    let folder = private_folder("kill");
    interrupted_run(&folder, Signal::KILL).unwrap();
    let mut clean = Command::new(BED);
    let cleaned = clean.arg("clean").env("TMPDIR", &folder).output().unwrap();
    assert!(cleaned.status.success());
    fs::remove_dir(&folder).expect("nothing is left in it");
}
