//! qnetd restarts while a cluster is split: whoever has the vote keeps it.

use super::isolation::wait_for_winner;
use super::lease::out_of_service;
use super::{Outcome, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::program::{Pairing, Side};
use crate::standing::Standing;
use crate::votes::Present;
use anyhow::{Context as _, Result};
use libqdevice::base::{Algorithm, KeepActivePartition};
use libqdevice::vote::WaitForAll;

/// Under `wait_for_all` only node 1, which was quorate before the split, can serve. The C qnetd refuses it
/// as a newcomer when node 2 comes back first: then nobody serves.
pub(super) fn under_wait_for_all(stage: &Stage<'_>, device: Device) -> Result<Outcome> {
    let device = Device {
        algorithm: Algorithm::Lms,
        ..device
    };
    let conf = Conf {
        wait_for_all: WaitForAll::Yes,
        ..Conf::of_nodes(2, device)
    };
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        wait_for_winner(bed, 1, 2)?;
        let killed = restart(bed)?;
        all_are_back(bed)?;
        if is_ours(bed.pairing()) {
            wait_for_winner(bed, 1, 2)?;
        } else {
            interrupt::pause(bed.conf().device.timeout)?;
        }
        outcome.add("not served", out_of_service(bed, 1, killed));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Nodes 3 and 4 have the vote although the tie-breaker is for the others, and keep active partitions is on.
pub(super) fn of_an_active_half(stage: &Stage<'_>, device: Device) -> Result<Outcome> {
    let device = Device {
        keep_active: Some(KeepActivePartition::Enabled),
        ..device
    };
    let (favourites, active) = ([1, 2], [3, 4]);
    stage.with_bed(Conf::of_nodes(4, device), |bed, outcome| {
        bed.boot()?;
        let away = favourites.map(Place::Node);
        bed.cut(&away, &active.map(Place::Node))?;
        bed.cut(&away, &[Place::Qnetd])?;
        let half = |now: &Present, has: [u32; 2], has_not: [u32; 2]| {
            now.all(&has, |s| s.in_service() && s.total == 3)
                && now.all(&has_not, |s| !s.in_service() && !s.syncing)
        };
        let goal = "nodes 3 and 4 serve";
        bed.votes()
            .settle(goal, PATIENCE, |now| half(now, active, favourites))?;
        bed.join(&away, &[Place::Qnetd])?;
        all_are_back(bed)?;
        let killed = restart(bed)?;
        all_are_back(bed)?;
        let goal = "one half serves";
        bed.votes().settle(goal, PATIENCE, |now| {
            half(now, active, favourites)
                || !is_ours(bed.pairing()) && half(now, favourites, active)
        })?;
        let stayed = half(&bed.votes().present(), active, favourites);
        let since = bed
            .votes()
            .since(if stayed { 3 } else { 1 }, Standing::in_service);
        let what = if stayed { "stays" } else { "moves" };
        outcome.add(what, since.context(goal)?.since(killed));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Only our qnetd knows after a restart who was active.
fn is_ours(pairing: Pairing) -> bool {
    pairing.qnetd == Side::Ours
}

/// Kills qnetd and starts it again; when it was killed.
fn restart(bed: &mut Bed) -> Result<Moment> {
    // What it wants to keep is on disk by then.
    interrupt::pause(std::time::Duration::from_secs(1))?;
    let killed = Moment::now();
    bed.take_qnetd()?.kill()?;
    bed.start_qnetd(&[])?;
    Ok(killed)
}

/// Until qnetd has a vote to show for every node.
fn all_are_back(bed: &Bed) -> Result<()> {
    let nodes = bed.ids().len();
    interrupt::until("all nodes are connected", PATIENCE, || {
        let shown = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?.stdout;
        let votes = shown
            .lines()
            .filter(|line| line.trim().starts_with("Vote:"));
        Ok((votes.count() == nodes).then_some(()))
    })
}
