//! A cluster starts, and its daemons are shut down by their tools.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::process::SHORT;
use crate::standing::Flag;
use anyhow::{Result, ensure};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("boot2", "two nodes get three votes", boot),
        Scenario::new(
            "shutdown",
            "-H of both tools ends both daemons with 0",
            |stage| end(stage, Told::ByTool),
        ),
        Scenario::new("terminate", "SIGTERM ends both daemons with 0", |stage| {
            end(stage, Told::BySignal)
        }),
    ]
}

fn boot(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.start_qnetd(&[])?;
        bed.start_cluster()?;
        let started = Moment::now();
        let since = bed.wait_for_all_votes()?;
        outcome.add("all votes", since.since(started));
        for id in bed.ids() {
            interrupt::until("the quorum tool shows three votes", PATIENCE, || {
                shows_three_votes(bed, id)
            })?;
        }
        Ok(())
    })
}

/// What an administrator looks at.
fn shows_three_votes(bed: &Bed, id: u32) -> Result<Option<()>> {
    let shown = bed.node(id)?.host().run("corosync-quorumtool", &["-s"])?;
    let value = |key: &str| {
        let line = shown.stdout.lines().find_map(|line| line.strip_prefix(key));
        line.map(|rest| rest.trim_start_matches(':').trim())
    };
    let good = shown.code == Some(0)
        && value("Total votes") == Some("3")
        && value("Flags") == Some("Quorate Qdevice");
    Ok(good.then_some(()))
}

/// How a daemon is told to end.
#[derive(Debug, Clone, Copy)]
enum Told {
    ByTool,
    BySignal,
}

fn end(stage: &Stage<'_>, told: Told) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        for id in bed.ids() {
            let began = Moment::now();
            end_qdevice(bed, id, told)?;
            outcome.add(format!("qdevice {id}"), Moment::now().since(began));
        }
        bed.votes().settle("no vote of a device", PATIENCE, |now| {
            now.all(&[1, 2], |s| {
                s.total == 2 && !s.has(Flag::Cast) && s.in_service()
            })
        })?;
        let began = Moment::now();
        end_qnetd(bed, told)?;
        outcome.add("qnetd", Moment::now().since(began));
        Ok(())
    })
}

fn end_qdevice(bed: &mut Bed, id: u32, told: Told) -> Result<()> {
    match told {
        Told::ByTool => {
            let tool = bed.qdevice_tool(id, bed.pairing().qdevice, &["-H"])?;
            ensure!(tool.code == Some(0), "corosync-qdevice-tool -H: {tool:?}");
        }
        Told::BySignal => bed.node(id)?.qdevice()?.terminate()?,
    }
    let status = bed.node_mut(id)?.take_qdevice()?.wait(SHORT)?;
    ensure!(
        status.code() == Some(0),
        "the qdevice of node {id}: {status}"
    );
    Ok(())
}

fn end_qnetd(bed: &mut Bed, told: Told) -> Result<()> {
    let daemon = match told {
        Told::ByTool => {
            let tool = bed.qnetd_tool(bed.pairing().qnetd, &["-H"])?;
            ensure!(tool.code == Some(0), "corosync-qnetd-tool -H: {tool:?}");
            bed.take_qnetd()?
        }
        Told::BySignal => {
            let daemon = bed.take_qnetd()?;
            daemon.terminate()?;
            daemon
        }
    };
    let status = daemon.wait(SHORT)?;
    ensure!(status.code() == Some(0), "qnetd: {status}");
    Ok(())
}
