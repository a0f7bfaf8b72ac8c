//! The arbiter goes and comes back.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::standing::Flag;
use anyhow::Result;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "qnetd-restart",
        "qnetd is killed and started again: its vote goes and comes back",
        restart,
    )]
}

fn restart(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let killed = Moment::now();
        bed.take_qnetd()?.kill()?;
        outcome.add("vote gone", wait_for_no_vote(bed)?.since(killed));
        let started = Moment::now();
        bed.start_qnetd(&[])?;
        outcome.add("back", bed.wait_for_all_votes()?.since(started));
        Ok(())
    })
}

/// The nodes have each other, so they go on without the arbiter.
fn wait_for_no_vote(bed: &Bed) -> Result<Moment> {
    bed.votes().settle("no vote of a device", PATIENCE, |now| {
        now.all(&[1, 2], |s| {
            s.total == 2 && !s.has(Flag::Cast) && s.in_service()
        })
    })
}
