//! Where the arbiter should be is nobody, or somebody else.
//!
//! The nodes have each other and stay in service. Both qdevices go on trying, their corosyncs are not
//! kept waiting when the membership changes, and their logs do not fill up.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device, QNETD};
use crate::interrupt;
use crate::pretender::Pretence;
use crate::program::Side;
use crate::standing::Flag;
use anyhow::{Result, ensure};
use libqdevice::base::NodeId;
use std::fs;
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "qnetd-unknown",
            "the name of qnetd is unknown, then nobody answers there, then qnetd does",
            unknown,
        ),
        Scenario::new(
            "qnetd-pretended",
            "who answers in the place of qnetd closes, talks nonsense, is silent; then qnetd comes",
            pretended,
        ),
    ]
}

const NAME: &str = "qnetd.bed";

fn unknown(stage: &Stage<'_>) -> Result<Outcome> {
    let device = Device {
        host: NAME.into(),
        ..Device::default()
    };
    stage.with_bed(Conf::of_nodes(2, device), |bed, outcome| {
        for id in bed.ids() {
            know(bed, id, "")?;
            for place in ["hosts", "resolv.conf", "nsswitch.conf"] {
                let (ours, theirs) = (format!("/etc/corosync/{place}"), format!("/etc/{place}"));
                let host = bed.node(id)?.host();
                host.succeed("mount", &["--bind", &ours, &theirs])?;
            }
        }
        bed.start_cluster()?;
        serve_without(bed)?;
        endure(bed, "unknown", 12, outcome)?;
        for id in bed.ids() {
            know(bed, id, &format!("{QNETD} {NAME}\n"))?;
        }
        endure(bed, "not there", 12, outcome)?;
        let started = Moment::now();
        bed.start_qnetd(&[])?;
        outcome.add("all votes", bed.wait_for_all_votes()?.since(started));
        Ok(())
    })
}

/// Writes what a node asks for the names of hosts, in place: the files are mounted.
fn know(bed: &Bed, id: u32, hosts: &str) -> Result<()> {
    let host = bed.node(id)?.host();
    host.write("/etc/corosync/hosts", hosts)?;
    host.write("/etc/corosync/resolv.conf", "")?;
    host.write("/etc/corosync/nsswitch.conf", "hosts: files\n")
}

fn pretended(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        bed.start_pretender(Pretence::Closed)?;
        bed.start_cluster()?;
        serve_without(bed)?;
        for (pretence, most) in [
            (Pretence::Closed, 4),
            (Pretence::Garbage, 4),
            (Pretence::Mute, 6),
        ] {
            bed.take_qnetd()?.kill()?;
            bed.start_pretender(pretence)?;
            endure(bed, &pretence.to_string(), most, outcome)?;
        }
        bed.take_qnetd()?.kill()?;
        let started = Moment::now();
        bed.start_qnetd(&[])?;
        outcome.add("all votes", bed.wait_for_all_votes()?.since(started));
        Ok(())
    })
}

fn serve_without(bed: &Bed) -> Result<Moment> {
    bed.votes()
        .settle("service without qnetd", PATIENCE, |now| {
            now.all(&[1, 2], |s| {
                s.members.len() == 2 && s.in_service() && s.total == 2 && !s.has(Flag::Cast)
            })
        })
}

/// The nodes part and meet. Ours answers the ring at once, not when an attempt to connect is over or the
/// vote is due again, and writes at most `most` lines. The C qdevice writes 8 to 20 of them, if anything
/// is wrong that it sees at once.
fn endure(bed: &Bed, what: &str, most: usize, outcome: &mut Outcome) -> Result<()> {
    let began = Moment::now();
    let before = lines(bed)?;
    let (left, right) = ([Place::Node(1)], [Place::Node(2)]);
    bed.cut(&left, &right)?;
    let goal = "two nodes alone, without quorum";
    bed.votes().settle(goal, PATIENCE, |now| {
        now.all(&[1, 2], |s| {
            s.members.len() == 1 && !s.syncing && !s.has(Flag::Quorate)
        })
    })?;
    let answered = answered(bed, began);
    bed.join(&left, &right)?;
    serve_without(bed)?;
    interrupt::pause((began + WINDOW).left())?;
    let written = lines(bed)? - before;
    if bed.pairing().qdevice == Side::Ours {
        ensure!(answered < AT_ONCE, "{what}: answered after {answered:?}");
        ensure!(written <= most, "{what}: {written} lines");
    }
    outcome.add(format!("{what}: ring answered"), answered);
    let lasted = Moment::now().since(began);
    outcome.add(format!("{written} lines in"), lasted);
    Ok(())
}

/// What the end of a sync phase takes without any waiting, on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Several attempts to connect fall into it.
const WINDOW: Duration = Duration::from_secs(9);

/// The longest time for which a node waited for its device's vote when it was left alone; none when
/// votequorum has no device that is alive.
fn answered(bed: &Bed, since: Moment) -> Duration {
    let entries = bed.votes().entries();
    let mut longest = Duration::ZERO;
    for id in [NodeId(1), NodeId(2)] {
        let mut told = None;
        for entry in &entries {
            let alone = entry.standing.as_ref().is_some_and(|s| s.members == [id]);
            if entry.node != id || entry.at < since || !alone {
                continue;
            }
            let syncing = entry.standing.as_ref().is_some_and(|s| s.syncing);
            match (told, syncing) {
                (None, true) => told = Some(entry.at),
                (Some(began), false) => {
                    longest = longest.max(entry.at.since(began));
                    break;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }
    longest
}

/// How many lines above debug both qdevices have written.
fn lines(bed: &Bed) -> Result<usize> {
    let mut count = 0;
    for id in bed.ids() {
        let text = fs::read_to_string(bed.node(id)?.qdevice()?.output())?;
        // Three words of the time, then the level.
        let levels = text
            .lines()
            .filter_map(|line| line.split_whitespace().nth(3));
        count += levels.filter(|level| LEVELS.contains(level)).count();
    }
    Ok(count)
}

const LEVELS: [&str; 7] = [
    "emerg", "alert", "crit", "error", "warning", "notice", "info",
];
