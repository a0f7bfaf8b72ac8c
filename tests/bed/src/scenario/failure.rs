//! Programs of a node die.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::standing::Flag;
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "node-killed",
            "all programs of a node are killed: the survivor keeps quorum",
            node_killed,
        ),
        Scenario::new(
            "corosync-killed",
            "corosync is killed under its qdevice, which ends with 1",
            corosync_killed,
        ),
        Scenario::new(
            "qdevice-killed",
            "a qdevice is killed and started again: its node loses the vote and gets it back",
            qdevice_killed,
        ),
        Scenario::new(
            "qdevice-in-sync",
            "a qdevice is killed, and started again while corosync waits for its vote",
            qdevice_started_in_sync,
        ),
    ]
}

fn node_killed(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let killed = Moment::now();
        let node = bed.node_mut(1)?;
        let (corosync, qdevice) = (node.take_corosync()?, node.take_qdevice()?);
        corosync.kill()?;
        qdevice.kill()?;
        outcome.add("node 2 in", wait_for_survivor(bed)?.since(killed));
        restart(bed, outcome)
    })
}

fn corosync_killed(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let killed = Moment::now();
        let node = bed.node_mut(1)?;
        node.take_corosync()?.kill()?;
        let status = node.take_qdevice()?.wait(QUICKLY)?;
        outcome.add("qdevice ended", Moment::now().since(killed));
        ensure!(status.code() == Some(1), "the qdevice of node 1: {status}");
        outcome.add("node 2 in", wait_for_survivor(bed)?.since(killed));
        restart(bed, outcome)
    })
}

fn qdevice_killed(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let killed = Moment::now();
        bed.node_mut(1)?.take_qdevice()?.kill()?;
        let goal = "node 1 has lost the device's vote, node 2 keeps it";
        let gone = bed.votes().settle(goal, PATIENCE, |now| {
            let (without, with) = (now.node(1), now.node(2));
            without.total == 2
                && !without.has(Flag::Alive)
                && without.in_service()
                && with.total == 3
                && with.in_service()
        })?;
        outcome.add("vote gone", gone.since(killed));
        let started = Moment::now();
        bed.start_qdevice(1)?;
        outcome.add("back", bed.wait_for_all_votes()?.since(started));
        Ok(())
    })
}

/// votequorum still takes the device for alive, so the new membership waits for its vote.
fn qdevice_started_in_sync(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        bed.node_mut(1)?.take_qdevice()?.kill()?;
        bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        bed.votes().settle("node 1 waits", PATIENCE, |now| {
            now.node(1).syncing && now.node(1).members.len() == 1
        })?;
        let started = Moment::now();
        bed.start_qdevice(1)?;
        let free = bed
            .votes()
            .settle("node 1 waits no more", PATIENCE, |now| !now.node(1).syncing)?;
        outcome.add("free", free.since(started));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// How soon a qdevice notices that its corosync is gone, on a busy machine.
const QUICKLY: Duration = Duration::from_secs(2);

fn wait_for_survivor(bed: &Bed) -> Result<Moment> {
    let goal = "node 2 serves alone with the device's vote";
    bed.votes().settle(goal, PATIENCE, |now| {
        let survivor = now.node(2);
        survivor.in_service() && survivor.total == 2 && survivor.members.len() == 1
    })
}

fn restart(bed: &mut Bed, outcome: &mut Outcome) -> Result<()> {
    let started = Moment::now();
    bed.node_mut(1)?.start_corosync()?;
    let goal = "node 1 is a member again";
    bed.votes().settle(goal, PATIENCE, |now| {
        now.all(&[1, 2], |s| s.members.len() == 2 && !s.syncing)
    })?;
    bed.start_qdevice(1)?;
    outcome.add("node 1 back", bed.wait_for_all_votes()?.since(started));
    Ok(())
}
