//! Real commands, one test at a time: each takes the ends of all processes of this program.

use super::*;
use libqdevice::base::Heuristics::{Fail, Pass};
use libqdevice::client::CommandOutcome::{Exited, NotStarted, Unfinished};
use libqdevice::io::clock;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A folder for what commands leave; it goes when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heuristics.{}.{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The number of a process that `echo $$ > NAME` has left here.
    fn process(&self, name: &str) -> Option<i32> {
        let text = std::fs::read_to_string(self.0.join(name)).ok()?;
        text.trim().parse().ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn alone<F: Future<Output = ()>>(test: impl FnOnce(Heuristics) -> F) {
    with(&QdeviceSettings::default(), test);
}

fn with<F: Future<Output = ()>>(settings: &QdeviceSettings, test: impl FnOnce(Heuristics) -> F) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test(Heuristics::new(settings)));
}

fn order(run: u32, timeout: u32, commands: &[(&str, &str)]) -> Order {
    let commands = commands.iter();
    Order {
        run,
        timeout: Millis(timeout),
        commands: commands
            .map(|(name, command)| ((*name).to_owned(), command.as_bytes().to_vec()))
            .collect(),
    }
}

/// A script for `exec_NAME`.
fn shell(script: &str) -> String {
    format!(
        "/bin/sh -c \"{}\"",
        script.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

async fn outcome(heuristics: &mut Heuristics, order: Order) -> RunReport {
    heuristics.run(order).unwrap();
    heuristics.next().await.unwrap()
}

fn is_alive(process: i32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Waits until `condition` holds; a minute is more than anything here takes.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = clock::now().after(Millis(60_000));
    while !condition() {
        assert!(clock::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn settings(grace: u32, most: u64) -> QdeviceSettings {
    QdeviceSettings {
        heuristics_kill_list_interval: Millis(grace),
        heuristics_max_processes: most,
        ..QdeviceSettings::default()
    }
}

#[test]
fn all_commands_must_succeed() {
    alone(async |mut heuristics| {
        let order = order(7, 60_000, &[("a", "/bin/true"), ("b", "/bin/true x")]);
        let report = outcome(&mut heuristics, order).await;
        assert_eq!((report.run, report.result), (7, Pass));
        assert_eq!(report.commands[1].name, "b");
        assert_eq!(heuristics.last(), Some(&report));
        heuristics.end().await;
    });
}

#[test]
fn the_first_failure_decides_and_ends_the_others() {
    let folder = Folder::new("first");
    alone(async |mut heuristics| {
        let pid = folder.path("pid");
        let slow = shell(&format!(
            "echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 1000"
        ));
        let fail = shell(&format!(
            "until test -e {pid}; do sleep 0.01; done; echo no route >&2; exit 3"
        ));
        let order = order(1, 60_000, &[("fail", &fail), ("slow", &slow)]);
        let report = outcome(&mut heuristics, order).await;
        assert_eq!(report.result, Fail);
        assert_eq!(report.commands[0].outcome, Exited(3));
        assert_eq!(report.commands[0].last_lines, ["no route"]);
        assert_eq!(report.commands[1].outcome, Unfinished);
        let slow = folder.process("pid").unwrap();
        until("the slow command ends", || !is_alive(slow)).await;
        heuristics.end().await;
    });
}

#[test]
fn a_command_that_hangs_fails_and_its_whole_group_is_killed_in_the_end() {
    let folder = Folder::new("hangs");
    with(&settings(250, 160), async |mut heuristics| {
        let (child, pid) = (folder.path("child"), folder.path("pid"));
        let stubborn = shell(&format!(
            "trap '' TERM; sh -c 'echo $$ > {child}; while :; do sleep 1; done' & \
             echo $$ > {pid}; while :; do sleep 1; done"
        ));
        let order = order(1, 1_000, &[("stubborn", &stubborn)]);
        let report = outcome(&mut heuristics, order).await;
        assert_eq!(report.result, Fail);
        assert_eq!(report.commands[0].outcome, Unfinished);
        let (child, pid) = (folder.process("child"), folder.process("pid"));
        let (child, pid) = (child.unwrap(), pid.unwrap());
        until("both are gone, zombies too", || {
            !is_alive(child) && !is_alive(pid)
        })
        .await;
        heuristics.end().await;
    });
}

#[test]
fn what_a_command_leaves_behind_is_ended_and_waited_for() {
    let folder = Folder::new("leaves");
    alone(async |mut heuristics| {
        let pid = folder.path("pid");
        let leaves = shell(&format!(
            "sleep 1000 & echo $! > {pid}; setsid sh -c 'sleep 0.2; exit 1' &"
        ));
        let report = outcome(&mut heuristics, order(1, 60_000, &[("leaves", &leaves)])).await;
        assert_eq!(report.result, Pass);
        let left = folder.process("pid").unwrap();
        until("the process left behind ends", || !is_alive(left)).await;
        let us = format!("/proc/self/task/{}/children", std::process::id());
        until("no zombie stays", || {
            std::fs::read_to_string(&us).unwrap().trim().is_empty()
        })
        .await;
        heuristics.end().await;
    });
}

#[test]
fn a_new_run_ends_the_old_one_which_has_no_result() {
    alone(async |mut heuristics| {
        heuristics
            .run(order(1, 60_000, &[("a", "/bin/sleep 1000")]))
            .unwrap();
        let report = outcome(&mut heuristics, order(2, 60_000, &[("a", "/bin/true")])).await;
        assert_eq!((report.run, report.result), (2, Pass));
        heuristics.end().await;
    });
}

#[test]
fn what_cannot_be_started_has_failed_and_says_why() {
    alone(async |mut heuristics| {
        for (command, why) in [
            (" \t", "the command is empty"),
            ("\"\" x", "the name of the program is empty"),
            ("/no/such/program", "No such file or directory (os error 2)"),
            ("true", "No such file or directory (os error 2)"),
            ("/etc/passwd", "Permission denied (os error 13)"),
        ] {
            let report = outcome(&mut heuristics, order(1, 60_000, &[("a", command)])).await;
            assert_eq!(report.result, Fail, "{command}");
            assert_eq!(report.commands[0].outcome, NotStarted(why.to_owned()));
        }
        heuristics.end().await;
    });
}

#[test]
fn path_is_searched_only_if_that_is_wanted() {
    let settings = QdeviceSettings {
        heuristics_use_execvp: true,
        ..QdeviceSettings::default()
    };
    with(&settings, async |mut heuristics| {
        let report = outcome(&mut heuristics, order(1, 60_000, &[("a", "true")])).await;
        assert_eq!(report.result, Pass);
        heuristics.end().await;
    });
}

#[test]
fn too_many_processes_are_not_started_those_being_ended_included() {
    with(&settings(60_000, 2), async |mut heuristics| {
        let stubborn = shell("trap '' TERM; echo ready >&2; while :; do sleep 0.1; done");
        let first = order(1, 1_000, &[("a", &stubborn)]);
        assert_eq!(outcome(&mut heuristics, first).await.result, Fail);
        let two = [("a", "/bin/true"), ("b", "/bin/true")];
        let report = outcome(&mut heuristics, order(2, 60_000, &two)).await;
        assert_eq!(report.result, Fail);
        assert_eq!(report.commands[0].outcome, Unfinished);
        let report = outcome(&mut heuristics, order(3, 60_000, &two[..1])).await;
        assert_eq!(report.result, Pass);
        heuristics.end().await;
    });
}

#[test]
fn thirty_two_commands_run_beside_each_other() {
    let folder = Folder::new("many");
    alone(async |mut heuristics| {
        let all = folder.path("all");
        // Each ends only when all run.
        let meet = shell(&format!(
            "echo x >> {all}; until test $(wc -l < {all}) -ge 32; do sleep 0.05; done"
        ));
        let names: Vec<String> = (0..32).map(|number| format!("c{number}")).collect();
        let commands: Vec<_> = names.iter().map(|n| (n.as_str(), meet.as_str())).collect();
        let report = outcome(&mut heuristics, order(1, 60_000, &commands)).await;
        assert_eq!(report.result, Pass, "{report:?}");
        assert_eq!(report.commands.len(), 32);
        heuristics.end().await;
    });
}

#[test]
fn endless_output_is_read_and_not_kept() {
    alone(async |mut heuristics| {
        let flood = shell("yes | head -c 3000000 >&2; echo end >&2; exit 1");
        let report = outcome(&mut heuristics, order(1, 60_000, &[("a", &flood)])).await;
        assert_eq!(report.commands[0].outcome, Exited(1));
        assert_eq!(report.commands[0].last_lines, ["y", "y", "y", "y", "end"]);
        heuristics.end().await;
    });
}

#[test]
fn the_end_ends_all_commands() {
    let folder = Folder::new("end");
    alone(async |mut heuristics| {
        let pid = folder.path("pid");
        let endless = shell(&format!(
            "trap '' TERM; echo $$ > {pid}.new; mv {pid}.new {pid}; while :; do sleep 1; done"
        ));
        heuristics
            .run(order(1, 60_000, &[("a", &endless)]))
            .unwrap();
        until("the command runs", || folder.process("pid").is_some()).await;
        heuristics.end().await;
        let pid = folder.process("pid").unwrap();
        until("it is gone", || !is_alive(pid)).await;
    });
}
