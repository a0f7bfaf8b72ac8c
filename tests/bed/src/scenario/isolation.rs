//! One of two nodes loses everybody.

use super::{Outcome, Scenario, Stage};
use crate::bed::{PATIENCE, Place};
use crate::conf::{Conf, Device};
use crate::standing::Flag;
use anyhow::{Context as _, Result};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "isolate1",
        "the favourite of the tie-breaker is cut off from everything and loses quorum, the other keeps it",
        isolate,
    )]
}

fn isolate(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.boot()?;
        let cut = bed.isolate(Place::Node(1))?;
        let goal = "node 2 serves with the device's vote, node 1 has no quorum";
        bed.votes().settle(goal, PATIENCE, |now| {
            let (alone, other) = (now.node(1), now.node(2));
            other.in_service()
                && other.total == 2
                && !alone.has(Flag::Quorate)
                && !alone.syncing
                && !alone.has(Flag::Cast)
        })?;
        let out = bed.votes().since(1, |s| !s.has(Flag::Quorate));
        let taken = bed.votes().since(2, |s| s.in_service() && s.total == 2);
        outcome.add("node 2 in", taken.context(goal)?.since(cut));
        outcome.add("node 1 out", out.context(goal)?.since(cut));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}
