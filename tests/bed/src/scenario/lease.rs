//! What becomes of a vote whose holder, or the way to it, fails.

use super::isolation::{any_moment, wait_for_winner};
use super::{Outcome, Scenario, Stage, TOLERANCE};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::overlap::overlaps;
use crate::program::{Pairing, Side};
use crate::standing::Standing;
use anyhow::{Context as _, Result, ensure};
use libqdevice::base::Algorithm;
use libqdevice::vote::WaitForAll;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "stalls",
            "the survivor of two nodes lives on the vote while the way to qnetd stalls for 7 s, twice",
            |stage| match stage.pairing.qdevice {
                Side::Ours => stalls(stage, 2),
                // It may lose the vote to such a stall; how long, the long one measures.
                Side::C => Ok(Outcome::default()),
            },
        ),
        Scenario::new(
            "holder-frozen",
            "two nodes live apart, then the qdevice of the one with the vote hangs: the other takes over",
            |stage| holder(stage, Fate::Frozen, Device::default()),
        ),
        Scenario::new(
            "holder-killed",
            "two nodes live apart, then the qdevice of the one with the vote is killed: the other takes over",
            |stage| holder(stage, Fate::Killed, Device::default()),
        ),
        Scenario::new(
            "lms-wait-for-all",
            "in a split under lms and wait_for_all the node with the vote goes on without qnetd",
            wait_for_all,
        ),
        Scenario::new(
            "twenty-stalls",
            "the scenario stalls, twenty times",
            |stage| stalls(stage, 20),
        )
        .by_name_only(),
    ]
}

/// What becomes of the qdevice.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Frozen,
    Killed,
}

/// votequorum keeps a vote for its timeout after the last poll. How long both served is measured.
pub(super) fn holder(stage: &Stage<'_>, fate: Fate, device: Device) -> Result<Outcome> {
    let tolerated = tolerated(stage.pairing, fate, device.timeout);
    let conf = Conf::of_nodes(2, device);
    stage.with_bed_tolerating(tolerated, conf, |bed, outcome| {
        bed.boot()?;
        bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        wait_for_winner(bed, 1, 2)?;
        any_moment(bed)?;
        let fell = Moment::now();
        match fate {
            Fate::Frozen => bed.node(1)?.qdevice()?.freeze()?,
            Fate::Killed => bed.node_mut(1)?.take_qdevice()?.kill()?,
        }
        let goal = "node 2 serves alone, node 1 has lost the vote";
        bed.votes().settle(goal, PATIENCE, |now| {
            let (loser, winner) = (now.node(1), now.node(2));
            winner.in_service() && winner.total == 2 && !loser.in_service() && loser.total == 1
        })?;
        let taken = bed.votes().since(2, Standing::in_service);
        let out = bed.votes().since(1, |s| !s.in_service());
        outcome.add("node 2 in", taken.context(goal)?.since(fell));
        outcome.add("node 1 out", out.context(goal)?.since(fell));
        let both = overlaps(&bed.votes().entries(), Moment::now());
        let both = both.iter().map(|overlap| overlap.length).sum();
        outcome.add("both for", both);
        match fate {
            Fate::Frozen => bed.node(1)?.qdevice()?.thaw()?,
            Fate::Killed => bed.start_qdevice(1)?,
        }
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// How long both halves may serve. Our qnetd waits until the vote must be gone.
fn tolerated(pairing: Pairing, fate: Fate, timeout: Duration) -> Duration {
    match (pairing.qnetd, pairing.qdevice, fate) {
        (Side::Ours, _, _) | (Side::C, Side::Ours, Fate::Frozen) => TOLERANCE,
        // Whoever is killed closes its connection, and its votequorum keeps the vote.
        (Side::C, _, Fate::Killed) => timeout + Duration::from_millis(500),
        (Side::C, Side::C, Fate::Frozen) => timeout.mul_f64(0.6) + Duration::from_millis(500),
    }
}

/// Node 2 cannot have quorum before it has seen node 1, whatever qnetd tells it.
fn wait_for_all(stage: &Stage<'_>) -> Result<Outcome> {
    let device = Device {
        algorithm: Algorithm::Lms,
        ..Device::default()
    };
    let long = device.timeout * 2;
    let conf = Conf {
        wait_for_all: WaitForAll::Yes,
        ..Conf::of_nodes(2, device)
    };
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        wait_for_winner(bed, 1, 2)?;
        let began = bed.cut(&[Place::Node(1)], &[Place::Qnetd])?;
        interrupt::pause((began + long).left())?;
        let out = out_of_service(bed, 1, began);
        ensure!(out.is_zero(), "node 1 did not serve for {out:?}");
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Times are those of corosync's defaults.
fn stalls(stage: &Stage<'_>, count: u32) -> Result<Outcome> {
    let device = Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    };
    let heartbeat = device.timeout.mul_f64(0.8);
    stage.with_bed(Conf::of_nodes(2, device), |bed, outcome| {
        bed.boot()?;
        bed.isolate(Place::Node(2))?;
        bed.votes().settle("node 1 serves alone", PATIENCE, |now| {
            now.node(1).in_service() && now.node(1).total == 2 && now.node(1).members.len() == 1
        })?;
        let began = Moment::now();
        for _ in 0..count {
            interrupt::pause(heartbeat.mul_f64(chance()))?;
            // What goes to qnetd is lost first, as on a path that stalls at once: between two commands
            // an answer of a C qnetd could be lost whose question was not, and its TCP doubles its pauses.
            let path = (&[Place::Qnetd], &[Place::Node(1)]);
            bed.cut(path.0, path.1)?;
            interrupt::pause(STALL)?;
            bed.join(path.0, path.1)?;
            // Until the loss of qnetd would have been noticed.
            interrupt::pause(NOTICED)?;
        }
        outcome.add("without quorum", out_of_service(bed, 1, began));
        if stage.pairing.qdevice == Side::Ours {
            ensure!(
                out_of_service(bed, 1, began).is_zero(),
                "a stall cost the vote"
            );
        }
        Ok(())
    })
}

const STALL: Duration = Duration::from_secs(7);
const NOTICED: Duration = Duration::from_secs(5);

/// From 0 to 1, another one each time.
pub(super) fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32);
    f64::from(bits.unwrap_or_default()) / f64::from(u32::MAX)
}

/// How long a node has not served since `began`.
pub(super) fn out_of_service(bed: &Bed, node: u32, began: Moment) -> Duration {
    let mut out = None;
    let mut sum = Duration::ZERO;
    for entry in bed.votes().entries() {
        if entry.node.0 != node {
            continue;
        }
        let serves = entry.standing.as_ref().is_some_and(Standing::in_service);
        match out {
            Some(since) if serves => {
                sum += entry.at.max(began).since(since);
                out = None;
            }
            None if !serves => out = Some(entry.at.max(began)),
            Some(_) | None => {}
        }
    }
    sum + out.map_or(Duration::ZERO, |since| Moment::now().since(since))
}
