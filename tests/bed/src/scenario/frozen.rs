//! Programs hang and go on, as on a machine that swaps or is moved.

use super::{Outcome, Scenario, Stage, TOLERANCE};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::daemon::Daemon;
use crate::interrupt;
use crate::standing::Flag;
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "qdevice-frozen",
            "a qdevice hangs for half a minute: its node loses the vote and gets it back",
            qdevice,
        ),
        Scenario::new(
            "qnetd-frozen",
            "qnetd hangs for half a minute: its vote goes and comes back",
            qnetd,
        ),
        Scenario::new(
            "corosync-frozen",
            "the corosync of the favourite hangs for ten seconds: the other node goes on",
            corosync,
        ),
    ]
}

fn qdevice(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let frozen = freeze(bed.node(1)?.qdevice()?)?;
        let goal = "node 1 has lost the device's vote, node 2 keeps it";
        let gone = bed.votes().settle(goal, PATIENCE, |now| {
            let (without, with) = (now.node(1), now.node(2));
            without.total == 2
                && !without.has(Flag::Alive)
                && without.in_service()
                && with.total == 3
                && with.in_service()
        })?;
        outcome.add("vote gone", gone.since(frozen));
        until(frozen, HALF_A_MINUTE)?;
        ensure!(
            !bed.votes().present().node(1).has(Flag::Cast),
            "a frozen qdevice has voted"
        );
        let thawed = thaw(bed.node(1)?.qdevice()?)?;
        outcome.add("back", bed.wait_for_all_votes()?.since(thawed));
        Ok(())
    })
}

fn qnetd(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let frozen = freeze(bed.qnetd()?)?;
        // The nodes have each other, so they go on without the arbiter.
        let gone = bed.votes().settle("no vote of a device", PATIENCE, |now| {
            now.all(&[1, 2], |s| {
                s.total == 2 && !s.has(Flag::Cast) && s.in_service()
            })
        })?;
        outcome.add("vote gone", gone.since(frozen));
        until(frozen, HALF_A_MINUTE)?;
        let present = bed.votes().present();
        ensure!(
            present.all(&[1, 2], |s| s.total == 2 && s.in_service()),
            "the nodes do not go on without the arbiter"
        );
        let thawed = thaw(bed.qnetd()?)?;
        outcome.add("back", bed.wait_for_all_votes()?.since(thawed));
        Ok(())
    })
}

/// While it hangs, the corosync of node 1 says nothing new: its watcher goes on believing the last it heard, but
/// nothing that asks corosync gets an answer. So the overlap that counts begins when it goes on.
fn corosync(stage: &Stage<'_>) -> Result<Outcome> {
    let tolerated = TEN_SECONDS + Duration::from_secs(1);
    let conf = Conf::of_nodes(2, Device::default());
    stage.with_bed_tolerating(tolerated, conf, |bed, outcome| {
        bed.boot()?;
        let frozen = freeze(bed.node(1)?.corosync()?)?;
        let goal = "node 2 serves alone with the device's vote";
        let taken = bed.votes().settle(goal, PATIENCE, |now| {
            let survivor = now.node(2);
            survivor.in_service() && survivor.total == 2 && survivor.members.len() == 1
        })?;
        outcome.add("node 2 in", taken.since(frozen));
        until(frozen, TEN_SECONDS)?;
        let thawed = thaw(bed.node(1)?.corosync()?)?;
        outcome.add("back", bed.wait_for_all_votes()?.since(thawed));
        ensure_no_vote_alone(bed, thawed)
    })
}

/// Between its thaw and the common membership node 1 must not have served by itself with the vote.
fn ensure_no_vote_alone(bed: &Bed, thawed: Moment) -> Result<()> {
    for entry in bed.votes().entries() {
        let later = entry.node.0 == 1 && entry.at > thawed + TOLERANCE;
        let served = entry
            .standing
            .as_ref()
            .is_some_and(|now| now.members.len() == 1 && now.in_service() && now.has(Flag::Cast));
        ensure!(
            !(later && served),
            "node 1 served alone with the vote: {entry:?}"
        );
    }
    Ok(())
}

fn freeze(daemon: &Daemon) -> Result<Moment> {
    daemon.freeze()?;
    Ok(Moment::now())
}

fn thaw(daemon: &Daemon) -> Result<Moment> {
    daemon.thaw()?;
    Ok(Moment::now())
}

fn until(since: Moment, length: Duration) -> Result<()> {
    interrupt::pause((since + length).left())
}

const HALF_A_MINUTE: Duration = Duration::from_secs(30);
const TEN_SECONDS: Duration = Duration::from_secs(10);
