//! The node list grows while the cluster runs.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use anyhow::Result;
use libqdevice::base::NodeId;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "reload",
        "corosync.conf gets a third node and is reloaded: qnetd follows, and the node joins",
        reload,
    )]
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
