//! What a device costs while nothing happens, beside the C one: both on real nodes at the same time.

use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::program::{Pairing, Programs, Side};
use crate::run_folder::RunFolder;
use anyhow::{Context as _, Result};
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Lets a cluster with our devices and one with C's rest side by side, and prints what a device took.
///
/// Both have a qnetd of ours, and the times that corosync has by default.
pub fn measure(programs: &Programs, rest: Duration) -> Result<()> {
    let folder = RunFolder::new()?;
    let sides = [Side::C, Side::Ours];
    let mut beds = sides
        .into_iter()
        .map(|qdevice| cluster(&folder, programs, qdevice))
        .collect::<Result<Vec<_>>>()?;
    let starts = beds.iter_mut().map(start_up).collect::<Result<Vec<_>>>()?;
    // What follows a start is over.
    interrupt::pause(SETTLING)?;
    let devices = beds
        .iter()
        .map(|bed| Ok(bed.node(NODE)?.qdevice()?.id()))
        .collect::<Result<Vec<_>>>()?;
    let before = usages(&devices)?;
    interrupt::pause(rest)?;
    let after = usages(&devices)?;
    println!("{:<6} {}", "", Figures::TITLES);
    for (at, side) in sides.into_iter().enumerate() {
        let (before, after) = (&before[at], &after[at]);
        let wakes = u32::try_from(after.wakes.saturating_sub(before.wakes))?;
        let figures = Figures {
            start: starts[at],
            cpu: (after.cpu.saturating_sub(before.cpu)).div_f64(rest.as_secs_f64() / HOUR),
            wakes: f64::from(wakes) / (rest.as_secs_f64() / MINUTE),
            anonymous: after.anonymous,
            grown: after.anonymous - before.anonymous,
        };
        println!("{:<6} {figures}", format!("{side:?}"));
    }
    Ok(())
}

fn cluster(folder: &RunFolder, programs: &Programs, qdevice: Side) -> Result<Bed> {
    let device = Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    };
    let qnetd = Side::Ours;
    let pairing = Pairing { qdevice, qnetd };
    let mut bed = Bed::new(folder, programs, pairing, Conf::of_nodes(2, device))?;
    // Without the debug lines that the scenarios look for.
    bed.set_qdevice_options(&["-f"]);
    bed.boot()?;
    Ok(bed)
}

/// How long it takes from the start of a device until its node has its vote.
fn start_up(bed: &mut Bed) -> Result<Duration> {
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let running = bed.node_mut(NODE)?.take_qdevice()?;
        running.terminate()?;
        running.wait(PATIENCE)?;
        let device_votes = bed.conf().expected_votes() - 1;
        bed.votes()
            .settle("no vote of the device", PATIENCE, |now| {
                now.all(&[NODE], |standing| standing.total == device_votes)
            })?;
        let started = Moment::now();
        bed.start_qdevice(NODE)?;
        took.push(bed.wait_for_all_votes()?.since(started));
    }
    took.sort();
    took.get(took.len() / 2).copied().context("no start")
}

/// What a process has used.
struct Usage {
    cpu: Duration,
    /// How often a thread of it slept and was woken.
    wakes: u64,
    /// KiB of memory that belong to it alone.
    anonymous: i64,
}

fn usages(processes: &[u32]) -> Result<Vec<Usage>> {
    processes.iter().map(|id| usage(*id)).collect()
}

fn usage(process: u32) -> Result<Usage> {
    let own = PathBuf::from(format!("/proc/{process}"));
    let (mut cpu, mut wakes) = (0, 0);
    for task in fs::read_dir(own.join("task"))? {
        let task = task?.path();
        wakes += field(&task, "voluntary_ctxt_switches:")?;
        let spent = fs::read_to_string(task.join("schedstat"))?;
        let nanos = spent.split_ascii_whitespace().next();
        cpu += nanos.context("no time in schedstat")?.parse::<u64>()?;
    }
    Ok(Usage {
        cpu: Duration::from_nanos(cpu),
        wakes,
        anonymous: field(&own, "RssAnon:")?.try_into()?,
    })
}

/// A number of a status file. [proc(5)]
fn field(process: &std::path::Path, name: &str) -> Result<u64> {
    let status = fs::read_to_string(process.join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_ascii_whitespace().next());
    Ok(number.with_context(|| format!("no {name}"))?.parse()?)
}

/// A line of the answer.
struct Figures {
    start: Duration,
    /// In an hour.
    cpu: Duration,
    /// In a minute.
    wakes: f64,
    anonymous: i64,
    grown: i64,
}

impl Figures {
    const TITLES: &'static str =
        "start to vote (s) | CPU per hour (s) | wake-ups per minute | memory (KiB) | grown (KiB)";
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, cpu) = (self.start.as_secs_f64(), self.cpu.as_secs_f64());
        let (wakes, memory, grown) = (self.wakes, self.anonymous, self.grown);
        write!(
            f,
            "{start:>17.2} | {cpu:>16.2} | {wakes:>19.1} | {memory:>12} | {grown:>11}"
        )
    }
}

/// The node that is looked at.
const NODE: u32 = 1;

const STARTS: u32 = 3;

const SETTLING: Duration = Duration::from_secs(20);

/// Seconds.
const HOUR: f64 = 3600.0;
const MINUTE: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_slept_has_woken_up() {
        let own = std::process::id();
        let before = usage(own).unwrap();
        let mut slept = std::process::Command::new("true").spawn().unwrap();
        slept.wait().unwrap();
        let after = usage(own).unwrap();
        assert!(after.cpu >= before.cpu && after.wakes >= before.wakes && after.anonymous > 0);
    }
}
