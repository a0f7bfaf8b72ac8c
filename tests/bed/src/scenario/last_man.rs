//! lms and 2nodelms: one partition goes on, however small it is.
//!
//! The C qnetd judges every node alone, and only when it sends something. Where that leaves a node
//! without the vote that deserves it, the scenario says what each side is expected to do.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::program::Side;
use crate::standing::Flag;
use crate::votes::Entry;
use anyhow::Result;
use libqdevice::base::{Algorithm, NodeId, TieBreaker};

pub(super) fn scenarios() -> Vec<Scenario> {
    let ties = [
        ("lowest", TieBreaker::Lowest, [1, 3], [2, 4]),
        ("highest", TieBreaker::Highest, [2, 4], [1, 3]),
        ("node2", TieBreaker::Node(NodeId(2)), [2, 3], [1, 4]),
    ];
    let mut scenarios = vec![Scenario::new(
        "lms3-die",
        "three nodes die one after another: the last man serves alone",
        die_one_after_another,
    )];
    scenarios.extend(ties.map(|(name, tie_breaker, winner, loser)| {
        Scenario::new(
            format!("lms4-{name}"),
            "four nodes fall into halves under lms, and meet again",
            move |stage| halves(stage, tie_breaker, winner, loser),
        )
    }));
    scenarios.push(Scenario::new(
        "lms2-split",
        "two nodes part under 2nodelms, then the one with the vote is killed: the other waits, with our programs not for ever",
        split_and_survive,
    ));
    scenarios.push(Scenario::new(
        "lms2-power",
        "under 2nodelms the favourite of the tie-breaker loses its power: the other serves alone",
        lose_power,
    ));
    scenarios
}

fn conf(nodes: u32, algorithm: Algorithm, tie_breaker: TieBreaker) -> Conf {
    let device = Device {
        algorithm,
        tie_breaker,
        ..Device::default()
    };
    Conf::of_nodes(nodes, device)
}

/// Node 1 is killed, node 2 loses its power. The tie-breaker would prefer either of them.
fn die_one_after_another(stage: &Stage<'_>) -> Result<Outcome> {
    let conf = conf(3, Algorithm::Lms, TieBreaker::Lowest);
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        let killed = kill(bed, 1)?;
        outcome.add("two in", serve(bed, &[2, 3], &[2, 3], &[])?.since(killed));
        let lost = bed.isolate(Place::Node(2))?;
        outcome.add("last man in", serve(bed, &[3], &[3], &[2])?.since(lost));
        let healed = bed.heal()?;
        outcome.add("healed", serve(bed, &[2, 3], &[2, 3], &[])?.since(healed));
        Ok(())
    })
}

/// Both halves reach qnetd, so the tie-breaker decides.
fn halves(
    stage: &Stage<'_>,
    tie_breaker: TieBreaker,
    winner: [u32; 2],
    loser: [u32; 2],
) -> Result<Outcome> {
    let conf = conf(4, Algorithm::Lms, tie_breaker);
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        let cut = bed.cut(&winner.map(Place::Node), &loser.map(Place::Node))?;
        let won = match (bed.pairing().qnetd, tie_breaker) {
            // C gives the vote to the node that is named, and not to the one it is with.
            (Side::C, TieBreaker::Node(NodeId(named))) => {
                let (with, without): (Vec<u32>, Vec<u32>) =
                    bed.ids().into_iter().partition(|&id| id == named);
                serve(bed, &winner, &with, &without)?
            }
            (Side::C, TieBreaker::Lowest | TieBreaker::Highest) | (Side::Ours, _) => {
                serve(bed, &winner, &winner, &loser)?
            }
        };
        outcome.add("winner in", won.since(cut));
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

fn split_and_survive(stage: &Stage<'_>) -> Result<Outcome> {
    let conf = conf(2, Algorithm::TwoNodeLms, TieBreaker::Highest);
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
        outcome.add("favourite in", serve(bed, &[2], &[2], &[1])?.since(cut));
        // Whoever had the vote in a split and vanishes may still cast it, for all the server knows: a C
        // client does so until a membership changes.
        let killed = kill(bed, 2)?;
        stay_without(bed, 1)?;
        if bed.pairing().qnetd == Side::Ours && bed.pairing().qdevice == Side::Ours {
            outcome.add("survivor in", serve(bed, &[1], &[1], &[])?.since(killed));
        }
        Ok(())
    })
}

fn lose_power(stage: &Stage<'_>) -> Result<Outcome> {
    let conf = conf(2, Algorithm::TwoNodeLms, TieBreaker::Lowest);
    stage.with_bed(conf, |bed, outcome| {
        bed.boot()?;
        let lost = bed.isolate(Place::Node(1))?;
        survive(bed, 2, lost, outcome)?;
        let healed = bed.heal()?;
        outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
        Ok(())
    })
}

/// Once qnetd knows that a node is the last it has, that node serves alone. The C qnetd does not tell
/// it: no corosync of this cluster has anything new to say that would make it ask.
fn survive(bed: &Bed, survivor: u32, since: Moment, outcome: &mut Outcome) -> Result<()> {
    interrupt::until("qnetd lists one node", PATIENCE, || {
        let shown = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?.stdout;
        let votes = shown
            .lines()
            .filter(|line| line.trim().starts_with("Vote:"));
        Ok((votes.count() == 1).then_some(()))
    })?;
    match bed.pairing().qnetd {
        Side::Ours => outcome.add(
            "survivor in",
            serve(bed, &[survivor], &[survivor], &[])?.since(since),
        ),
        Side::C => stay_without(bed, survivor)?,
    }
    Ok(())
}

fn stay_without(bed: &Bed, id: u32) -> Result<()> {
    let goal = format!("node {id} is left without the vote");
    bed.votes().settle(&goal, PATIENCE, |now| {
        let left = now.node(id);
        !left.has(Flag::Quorate) && !left.syncing && left.total == 1
    })?;
    Ok(())
}

/// Kills all programs of a node.
fn kill(bed: &mut Bed, id: u32) -> Result<Moment> {
    let killed = Moment::now();
    let node = bed.node_mut(id)?;
    let (corosync, qdevice) = (node.take_corosync()?, node.take_qdevice()?);
    corosync.kill()?;
    qdevice.kill()?;
    // Its watcher may wait a second for the answer of a corosync that is no more.
    bed.votes().record(Entry {
        at: Moment::now(),
        node: NodeId(id),
        standing: None,
    });
    Ok(killed)
}

/// Until `winners` serve in a partition of `members` with the device's votes, and `losers` have no
/// quorum. Returns since when.
fn serve(bed: &Bed, members: &[u32], winners: &[u32], losers: &[u32]) -> Result<Moment> {
    let device = bed.conf().device_votes();
    let members: Vec<NodeId> = members.iter().copied().map(NodeId).collect();
    let votes = members.iter().map(|_| 1).sum::<u32>() + device;
    let goal = format!("{winners:?} serve with {votes} votes, {losers:?} have no quorum");
    bed.votes().settle(&goal, PATIENCE, |now| {
        now.all(winners, |s| {
            s.in_service() && s.members == members && s.total == votes
        }) && now.all(losers, |s| !s.has(Flag::Quorate) && !s.syncing)
    })
}
