//! corosync.conf changes while the cluster runs.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Debug, Device};
use crate::interrupt;
use crate::program::Side;
use crate::standing::Flag;
use anyhow::{Result, ensure};
use libqdevice::base::NodeId;
use std::fs;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "reload",
            "corosync.conf gets a third node and is reloaded: qnetd follows, and the node joins",
            reload,
        ),
        Scenario::new(
            "reload-times",
            "corosync.conf gets debug messages and a shorter timeout, and is reloaded",
            change_settings,
        ),
    ]
}

fn reload(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        wait_for_configured(bed, "1, 2", 2)?;
        bed.configure(Conf::of_nodes(3, Device::default()))?;
        let told = Moment::now();
        let host = bed.node(1)?.host();
        host.succeed("corosync-cfgtool", &["-R"])?;
        wait_for_configured(bed, "1, 2, 3", 2)?;
        outcome.add("qnetd follows", Moment::now().since(told));
        let started = Moment::now();
        bed.add_node(NodeId(3))?.start_corosync()?;
        bed.votes().settle("three members", PATIENCE, |now| {
            now.all(&[1, 2, 3], |s| s.members.len() == 3 && !s.syncing)
        })?;
        bed.start_qdevice(3)?;
        outcome.add("four votes", bed.wait_for_all_votes()?.since(started));
        wait_for_configured(bed, "1, 2, 3", 3)
    })
}

/// votequorum applies the shorter timeout at once. Ours casts as often as it needs then; the C qdevice
/// keeps its old interval, and the vote comes and goes.
fn change_settings(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.set_qdevice_options(&["-f"]);
        bed.boot()?;
        for id in bed.ids() {
            ensure!(
                !tells_debug(bed, id)?,
                "debug messages that nobody asked for"
            );
        }
        let device = Device {
            timeout: Device::default().timeout / 4,
            ..Device::default()
        };
        bed.configure(Conf {
            debug: Debug::On,
            ..Conf::of_nodes(2, device)
        })?;
        let told = Moment::now();
        let host = bed.node(1)?.host();
        host.succeed("corosync-cfgtool", &["-R"])?;
        interrupt::until("debug messages of both", PATIENCE, || {
            let told = [tells_debug(bed, 1)?, tells_debug(bed, 2)?];
            Ok((told == [true, true]).then_some(()))
        })?;
        outcome.add("debug messages", Moment::now().since(told));
        interrupt::pause((told + Device::default().timeout).left())?;
        let lapsed = bed.votes().entries().iter().any(|entry| {
            let standing = entry.standing.as_ref();
            entry.at > told && standing.is_some_and(|s| !s.has(Flag::Alive))
        });
        let expected = bed.pairing().qdevice == Side::C;
        ensure!(lapsed == expected, "whether a vote has lapsed: {lapsed}");
        Ok(())
    })
}

fn tells_debug(bed: &Bed, id: u32) -> Result<bool> {
    let text = fs::read_to_string(bed.node(id)?.qdevice()?.output())?;
    // Three words of the time, then the level.
    let mut levels = text
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3));
    Ok(levels.any(|level| level == "debug"))
}

/// Until as many nodes as `nodes` have told qnetd of the node list `list`.
fn wait_for_configured(bed: &Bed, list: &str, nodes: usize) -> Result<()> {
    let line = format!("Configured node list:\t{list}");
    let goal = format!("{nodes} times {line:?} in the list of qnetd");
    interrupt::until(&goal, PATIENCE, || {
        let shown = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?;
        let found = shown.stdout.lines().filter(|one| one.trim() == line);
        Ok((found.count() == nodes).then_some(()))
    })
}
