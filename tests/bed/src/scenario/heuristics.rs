//! Commands on the nodes say which half is fit to go on.

use super::isolation::wait_for_winner;
use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device, Heuristics};
use crate::interrupt;
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "heuristics-hang",
            "a split in which the check of the favourite hangs: it is killed, and the other wins",
            hang,
        ),
        Scenario::new(
            "heuristics-split",
            "a split in which the check of the favourite fails: the other wins",
            split,
        ),
        Scenario::new(
            "heuristics-on",
            "nodes live apart, then the check of the one with the vote fails: the vote moves",
            on,
        ),
        Scenario::new(
            "heuristics-many",
            "32 commands that succeed only when all run at the same time",
            many,
        ),
        Scenario::new(
            "heuristics-reload",
            "heuristics are switched on while everything runs",
            reload,
        ),
    ]
}

fn split(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(conf("sync", vec![CHECK.into()]), |bed, outcome| {
        make_fit(bed)?;
        bed.boot()?;
        shell(bed, 1, &format!("rm {FIT}"))?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        outcome.add("node 2 in", wait_for_winner(bed, 2, 1)?.since(cut));
        expect_status(bed, 1, "Heuristics result:\tFail")?;
        expect_status(bed, 2, "Heuristics result:\tPass")?;
        shell(bed, 1, &format!("touch {FIT}"))?;
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// The processes of node 1 that hang leave their numbers in a file; all of them must go, a child that does not
/// heed SIGTERM included. The C program ends the command itself only.
fn hang(stage: &Stage<'_>) -> Result<Outcome> {
    let check = format!("/bin/sh {SCRIPT}");
    stage.with_bed(conf("sync", vec![check]), |bed, outcome| {
        for id in bed.ids() {
            shell(bed, id, &format!("echo 'exit 0' > {SCRIPT}"))?;
        }
        bed.boot()?;
        let child = match bed.pairing().qdevice {
            crate::program::Side::Ours => format!(
                "sh -c \"trap : TERM; echo \\$\\$ >> {PIDS}; while :; do sleep 1; done\" &\n"
            ),
            crate::program::Side::C => String::new(),
        };
        let script = format!("{child}echo $$ >> {PIDS}\nwhile :; do sleep 1; done\n");
        shell(bed, 1, &format!("cat > {SCRIPT} <<'END'\n{script}END"))?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        outcome.add("node 2 in", wait_for_winner(bed, 2, 1)?.since(cut));
        expect_status(bed, 1, "Heuristics result:\tFail")?;
        let left = format!("for p in $(cat {PIDS}); do test ! -e /proc/$p || exit 1; done");
        interrupt::until("all that hung is gone", PATIENCE, || {
            let host = bed.node(1)?.host();
            let gone = host.run("sh", &["-c", &left])?.code == Some(0);
            Ok(gone.then_some(()))
        })?;
        outcome.add("all gone", Moment::now().since(cut));
        Ok(())
    })
}

fn on(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(conf("on", vec![CHECK.into()]), |bed, outcome| {
        make_fit(bed)?;
        bed.boot()?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        outcome.add("node 1 in", wait_for_winner(bed, 1, 2)?.since(cut));
        let failed = Moment::now();
        shell(bed, 1, &format!("rm {FIT}"))?;
        outcome.add("node 2 in", wait_for_winner(bed, 2, 1)?.since(failed));
        Ok(())
    })
}

fn many(stage: &Stage<'_>) -> Result<Outcome> {
    let meet = format!("/bin/sh {SCRIPT}");
    let conf = conf("sync", vec![meet; 32]);
    stage.with_bed(conf, |bed, outcome| {
        for id in bed.ids() {
            let script = format!(
                "echo x >> {PIDS}\nuntil test $(wc -l < {PIDS}) -ge 32; do sleep 0.1; done\n"
            );
            shell(bed, id, &format!("cat > {SCRIPT} <<'END'\n{script}END"))?;
        }
        let began = Moment::now();
        bed.boot()?;
        outcome.add("all votes", Moment::now().since(began));
        bed.ids()
            .into_iter()
            .try_for_each(|id| expect_status(bed, id, "Heuristics result:\tPass"))
    })
}

fn reload(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        bed.configure(conf("on", vec![CHECK.into()]))?;
        make_fit(bed)?;
        bed.node(1)?.host().succeed("corosync-cfgtool", &["-R"])?;
        let told = Moment::now();
        interrupt::until("both nodes pass", PATIENCE, || {
            let mut passed = true;
            for id in bed.ids() {
                let status = status(bed, id)?;
                passed &= status.contains("Heuristics:\t\tEnabled\n")
                    && status.contains("Heuristics result:\tPass (regular: Pass");
            }
            Ok(passed.then_some(()))
        })?;
        outcome.add("first result", Moment::now().since(told));
        shell(bed, 1, &format!("rm {FIT}"))?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        outcome.add("node 2 in", wait_for_winner(bed, 2, 1)?.since(cut));
        Ok(())
    })
}

fn conf(mode: &'static str, commands: Vec<String>) -> Conf {
    let heuristics = Heuristics {
        mode,
        timeout: Duration::from_secs(4),
        interval: Duration::from_secs(1),
        commands,
    };
    let device = Device {
        heuristics: Some(heuristics),
        ..Device::default()
    };
    Conf::of_nodes(2, device)
}

fn make_fit(bed: &Bed) -> Result<()> {
    bed.ids()
        .into_iter()
        .try_for_each(|id| shell(bed, id, &format!("touch {FIT}")))
}

fn shell(bed: &Bed, id: u32, script: &str) -> Result<()> {
    let host = bed.node(id)?.host();
    host.succeed("sh", &["-c", script])?;
    Ok(())
}

fn status(bed: &Bed, id: u32) -> Result<String> {
    let side = bed.pairing().qdevice;
    Ok(bed.qdevice_tool(id, side, &["-sv"])?.stdout)
}

fn expect_status(bed: &Bed, id: u32, text: &str) -> Result<()> {
    let status = status(bed, id)?;
    ensure!(status.contains(text), "node {id}: no {text:?} in\n{status}");
    Ok(())
}

/// Every node has a folder of its own there.
const FIT: &str = "/run/fit";
const SCRIPT: &str = "/run/check";
const PIDS: &str = "/run/pids";
const CHECK: &str = "/usr/bin/test -e /run/fit";
