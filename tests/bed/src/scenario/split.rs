//! Four nodes fall into halves: who keeps the vote.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::standing::Flag;
use anyhow::Result;
use libqdevice::base::KeepActivePartition::{Disabled, Enabled};
use libqdevice::base::{KeepActivePartition, NodeId, TieBreaker};

/// A way to break a tie, and halves of which it prefers the first.
#[derive(Debug, Clone, Copy)]
struct Tie {
    name: &'static str,
    breaker: TieBreaker,
    favourite: [u32; 2],
    other: [u32; 2],
}

/// The halves of the last are such that neither the lowest nor the highest id would give the answer.
const TIES: [Tie; 3] = [
    Tie {
        name: "lowest",
        breaker: TieBreaker::Lowest,
        favourite: [1, 3],
        other: [2, 4],
    },
    Tie {
        name: "highest",
        breaker: TieBreaker::Highest,
        favourite: [2, 4],
        other: [1, 3],
    },
    Tie {
        name: "node2",
        breaker: TieBreaker::Node(NodeId(2)),
        favourite: [2, 3],
        other: [1, 4],
    },
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for tie in TIES {
        for (keep_active, suffix) in [(Enabled, "-kap"), (Disabled, "")] {
            scenarios.push(Scenario::new(
                format!("split4-{}{suffix}", tie.name),
                "four nodes fall into halves, and a half that was away comes back",
                move |stage| split(stage, tie, keep_active),
            ));
        }
    }
    scenarios
}

fn split(stage: &Stage<'_>, tie: Tie, keep_active: KeepActivePartition) -> Result<Outcome> {
    let device = Device {
        tie_breaker: tie.breaker,
        keep_active: Some(keep_active),
        ..Device::default()
    };
    stage.with_bed(Conf::of_nodes(4, device), |bed, outcome| {
        bed.boot()?;
        break_evenly(bed, tie, outcome)?;
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        come_back(bed, tie, keep_active, outcome)?;
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Both halves reach qnetd, so the tie-breaker decides.
fn break_evenly(bed: &Bed, tie: Tie, outcome: &mut Outcome) -> Result<()> {
    let cut = bed.cut(&places(tie.favourite), &places(tie.other))?;
    let won = wait_for_winner(bed, tie.favourite, tie.other)?;
    outcome.add("favourite in", won.since(cut));
    Ok(())
}

/// The favourite half is away, so the other gets the vote. Then the favourite reaches qnetd again, but
/// not the other half: the active half stays, or the tie-breaker decides.
fn come_back(
    bed: &Bed,
    tie: Tie,
    keep_active: KeepActivePartition,
    outcome: &mut Outcome,
) -> Result<()> {
    let (favourite, other) = (places(tie.favourite), places(tie.other));
    bed.cut(&favourite, &[Place::Qnetd])?;
    let cut = bed.cut(&favourite, &other)?;
    let won = wait_for_winner(bed, tie.other, tie.favourite)?;
    outcome.add("other in", won.since(cut));
    let back = bed.join(&favourite, &[Place::Qnetd])?;
    interrupt::until("qnetd lists four nodes", PATIENCE, || {
        let shown = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?.stdout;
        let votes = shown
            .lines()
            .filter(|line| line.trim().starts_with("Vote:"));
        Ok((votes.count() == 4).then_some(()))
    })?;
    let known = Moment::now();
    match keep_active {
        Enabled => {
            wait_for_winner(bed, tie.other, tie.favourite)?;
            outcome.add("favourite back", known.since(back));
        }
        Disabled => {
            let won = wait_for_winner(bed, tie.favourite, tie.other)?;
            outcome.add("favourite in", won.since(back));
        }
    }
    Ok(())
}

/// Until one half serves with the device's vote and the other has no quorum. Returns since when.
fn wait_for_winner(bed: &Bed, winner: [u32; 2], loser: [u32; 2]) -> Result<Moment> {
    let goal = format!("nodes {winner:?} serve with three votes, nodes {loser:?} have no quorum");
    bed.votes().settle(&goal, PATIENCE, |now| {
        now.all(&winner, |s| s.in_service() && s.total == 3)
            && now.all(&loser, |s| {
                !s.has(Flag::Quorate) && !s.syncing && s.total == 2
            })
    })
}

fn places(nodes: [u32; 2]) -> [Place; 2] {
    nodes.map(Place::Node)
}
