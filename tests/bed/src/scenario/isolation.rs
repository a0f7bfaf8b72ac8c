//! One of two nodes loses everybody.

use super::lease::chance;
use super::{Outcome, Scenario, Stage, TOLERANCE};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::program::Side;
use crate::standing::{Flag, Standing};
use anyhow::{Context as _, Result, ensure};
use libqdevice::base::Algorithm;
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "isolate1",
            "the favourite of the tie-breaker is cut off from everything: the other keeps quorum",
            isolate,
        ),
        Scenario::new(
            "steady-split",
            "two nodes live apart, then the one with the vote loses qnetd: the other takes over",
            |stage| steady_split(stage, Algorithm::FfSplit, Device::default()),
        ),
        Scenario::new(
            "steady-split-lms",
            "the same under lms, where a C qnetd tells the other nothing",
            |stage| steady_split(stage, Algorithm::Lms, Device::default()),
        ),
    ]
}

/// With the times of corosync's defaults. Our node 1 has told its corosync before node 2 serves.
pub(super) fn isolate(stage: &Stage<'_>) -> Result<Outcome> {
    let device = Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    };
    stage.with_bed(Conf::of_nodes(2, device), |bed, outcome| {
        bed.boot()?;
        if stage.pairing.qdevice == Side::Ours {
            // The short heartbeat comes with the second echo.
            bed.votes().settle("all votes", PATIENCE, |now| {
                now.all(&[1, 2], |s| s.total == 3 && s.in_service())
            })?;
        }
        let cut = bed.isolate(Place::Node(1))?;
        wait_for_winner(bed, 2, 1)?;
        let goal = "node 2 has the vote, node 1 has lost it";
        let out = bed.votes().since(1, |s| !s.has(Flag::Quorate));
        let taken = bed.votes().since(2, |s| s.in_service() && s.total == 2);
        let (out, taken) = (out.context(goal)?, taken.context(goal)?);
        outcome.add("node 2 in", taken.since(cut));
        outcome.add("node 1 out", out.since(cut));
        if stage.pairing.qdevice == Side::Ours {
            ensure!(taken.since(cut) < SOON, "node 2 took over late");
        }
        if [stage.pairing.qdevice, stage.pairing.qnetd].contains(&Side::Ours) {
            ensure!(
                out < taken + TOLERANCE,
                "node 1 gave up after node 2 took over"
            );
        }
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Half of the time it takes with the C programs.
const SOON: Duration = Duration::from_secs(6);

/// No membership changes when the vote moves, so nothing but the clocks of the two programs keeps the
/// halves apart: qnetd gives a node up after 1.5 heartbeats without a sign of life. Our qdevice has
/// stopped by then. The C one gives qnetd up when an echo was not answered by the time of the next, 1 to
/// 2 heartbeats after the cut: our qnetd waits for it, with the C one both may serve for half a heartbeat,
/// and it must not be longer.
pub(super) fn steady_split(
    stage: &Stage<'_>,
    algorithm: Algorithm,
    times: Device,
) -> Result<Outcome> {
    let device = Device { algorithm, ..times };
    let heartbeat = device.timeout.mul_f64(0.8);
    let tolerated = match (stage.pairing.qdevice, stage.pairing.qnetd) {
        (Side::Ours, _) | (_, Side::Ours) => TOLERANCE,
        (Side::C, Side::C) => heartbeat / 2 + Duration::from_millis(500),
    };
    let conf = Conf::of_nodes(2, device);
    stage.with_bed_tolerating(tolerated, conf, |bed, outcome| {
        bed.boot()?;
        bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        wait_for_winner(bed, 1, 2)?;
        any_moment(bed)?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Qnetd])?;
        if (algorithm, stage.pairing.qnetd) == (Algorithm::Lms, Side::C) {
            bed.votes().settle("nobody serves", PATIENCE, |now| {
                now.all(&[1, 2], |s| !s.has(Flag::Quorate) && !s.syncing)
            })?;
            let healed = bed.heal()?;
            outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
            return Ok(());
        }
        wait_for_winner(bed, 2, 1)?;
        let goal = "node 2 has the vote, node 1 has lost it";
        let out = bed.votes().since(1, |s| !s.has(Flag::Quorate));
        let taken = bed.votes().since(2, Standing::in_service);
        let (out, taken) = (out.context(goal)?, taken.context(goal)?);
        outcome.add("node 2 in", taken.since(cut));
        outcome.add("node 1 out", out.since(cut));
        outcome.add("both for", out.since(taken));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Waits until some moment of a heartbeat, so that what follows does not always meet the same echo. With
/// the times of corosync's defaults nothing but echoes has been sent for a heartbeat by then: the worst
/// case for the C programs.
pub(super) fn any_moment(bed: &Bed) -> Result<()> {
    let timeout = bed.conf().device.timeout;
    let calm = if timeout < Duration::from_secs(10) {
        0.0
    } else {
        1.0
    };
    interrupt::pause(timeout.mul_f64(0.8 * (calm + chance())))
}

pub(super) fn wait_for_winner(bed: &Bed, winner: u32, loser: u32) -> Result<Moment> {
    let goal = format!("node {winner} serves alone, node {loser} has no quorum");
    bed.votes().settle(&goal, PATIENCE, |now| {
        let (winner, loser) = (now.node(winner), now.node(loser));
        winner.in_service()
            && winner.total == 2
            && !loser.has(Flag::Quorate)
            && !loser.syncing
            && !loser.has(Flag::Cast)
    })
}
