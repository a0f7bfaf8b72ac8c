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
use std::iter::{once, repeat};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lets a cluster with our devices and one with C's rest side by side, and prints what a device took; with
/// `settings` a third one, whose devices are ours with these.
///
/// All have a qnetd of ours, and the times that corosync has by default.
pub fn measure(programs: &Programs, rest: Duration, settings: &[String]) -> Result<()> {
    let folder = RunFolder::new()?;
    let contenders = [
        Some((Side::C, &[][..])),
        Some((Side::Ours, &[])),
        (!settings.is_empty()).then_some((Side::Ours, settings)),
    ];
    let contenders: Vec<_> = contenders.into_iter().flatten().collect();
    let mut beds = contenders
        .iter()
        .map(|(qdevice, settings)| cluster(&folder, programs, *qdevice, settings))
        .collect::<Result<Vec<_>>>()?;
    let starts = beds.iter_mut().map(start_up).collect::<Result<Vec<_>>>()?;
    // What follows a start is over.
    interrupt::pause(SETTLING)?;
    let devices = beds
        .iter()
        .map(|bed| processes_of(bed.node(NODE)?.qdevice()?.id()))
        .collect::<Result<Vec<_>>>()?;
    let usages = || devices.iter().map(|device| usages(device));
    let before = usages().collect::<Result<Vec<_>>>()?;
    interrupt::pause(rest)?;
    let after = usages().collect::<Result<Vec<_>>>()?;
    println!("{:<NAMES$} {}", "", Figures::TITLES);
    for (at, (side, settings)) in contenders.into_iter().enumerate() {
        let (before, after) = (&before[at], &after[at]);
        let spent = figures(&sum(before), &sum(after), rest)?;
        let name = once(format!("{side:?}")).chain(settings.iter().cloned());
        let name = name.collect::<Vec<_>>().join(" ");
        println!(
            "{name:<NAMES$} {spent} | {:>17.2}",
            starts[at].as_secs_f64()
        );
        let roles = once("  itself").chain(repeat("  its helper"));
        for ((role, before), after) in roles.zip(before).zip(after).filter(|_| before.len() > 1) {
            println!("{role:<NAMES$} {}", figures(before, after, rest)?);
        }
    }
    Ok(())
}

fn cluster(
    folder: &RunFolder,
    programs: &Programs,
    qdevice: Side,
    settings: &[String],
) -> Result<Bed> {
    let device = Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    };
    let qnetd = Side::Ours;
    let pairing = Pairing { qdevice, qnetd };
    let mut bed = Bed::new(folder, programs, pairing, Conf::of_nodes(2, device))?;
    // Without the debug lines that the scenarios look for.
    let settings = settings.iter().flat_map(|setting| ["-S", setting]);
    let options: Vec<_> = once("-f").chain(settings).collect();
    bed.set_qdevice_options(&options);
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
#[derive(Debug, Default)]
struct Usage {
    cpu: Duration,
    /// How often a thread of it slept and was woken.
    wakes: u64,
    /// KiB of memory that belong to it alone, and its share of what it has in common with its children.
    anonymous: i64,
}

/// A daemon and the helpers it has started: C's has one for the heuristics, whether there are any or not.
fn processes_of(daemon: u32) -> Result<Vec<u32>> {
    let mut processes = vec![daemon];
    let mut looked_at = 0;
    while let Some(parent) = processes.get(looked_at) {
        looked_at += 1;
        for task in fs::read_dir(own(*parent).join("task"))? {
            let children = fs::read_to_string(task?.path().join("children"))?;
            for child in children.split_ascii_whitespace() {
                processes.push(child.parse()?);
            }
        }
    }
    Ok(processes)
}

fn usages(processes: &[u32]) -> Result<Vec<Usage>> {
    processes.iter().map(|id| usage(*id)).collect()
}

fn usage(process: u32) -> Result<Usage> {
    let own = own(process);
    let (mut cpu, mut wakes) = (0, 0);
    for task in fs::read_dir(own.join("task"))? {
        let task = task?.path();
        wakes += field(&task.join("status"), "voluntary_ctxt_switches:")?;
        let spent = fs::read_to_string(task.join("schedstat"))?;
        let nanos = spent.split_ascii_whitespace().next();
        cpu += nanos.context("no time in schedstat")?.parse::<u64>()?;
    }
    Ok(Usage {
        cpu: Duration::from_nanos(cpu),
        wakes,
        anonymous: field(&own.join("smaps_rollup"), "Pss_Anon:")?.try_into()?,
    })
}

fn sum(usages: &[Usage]) -> Usage {
    usages.iter().fold(Usage::default(), |sum, one| Usage {
        cpu: sum.cpu + one.cpu,
        wakes: sum.wakes + one.wakes,
        anonymous: sum.anonymous + one.anonymous,
    })
}

fn own(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}"))
}

/// A number of a file of /proc. [proc(5)]
fn field(file: &Path, name: &str) -> Result<u64> {
    let status = fs::read_to_string(file)?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_ascii_whitespace().next());
    Ok(number.with_context(|| format!("no {name}"))?.parse()?)
}

/// A line of the answer.
struct Figures {
    /// In an hour.
    cpu: Duration,
    /// In a minute.
    wakes: f64,
    anonymous: i64,
    grown: i64,
}

fn figures(before: &Usage, after: &Usage, rest: Duration) -> Result<Figures> {
    let wakes = u32::try_from(after.wakes.saturating_sub(before.wakes))?;
    Ok(Figures {
        cpu: (after.cpu.saturating_sub(before.cpu)).div_f64(rest.as_secs_f64() / HOUR),
        wakes: f64::from(wakes) / (rest.as_secs_f64() / MINUTE),
        anonymous: after.anonymous,
        grown: after.anonymous - before.anonymous,
    })
}

impl Figures {
    const TITLES: &'static str =
        "CPU per hour (s) | wake-ups per minute | memory (KiB) | grown (KiB) | start to vote (s)";
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.as_secs_f64();
        let (wakes, memory, grown) = (self.wakes, self.anonymous, self.grown);
        write!(
            f,
            "{cpu:>16.2} | {wakes:>19.1} | {memory:>12} | {grown:>11}"
        )
    }
}

/// Columns of the first field of a line.
const NAMES: usize = 24;

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

    #[test]
    fn a_daemon_costs_what_its_helpers_do_too() {
        use std::io::{BufRead as _, BufReader};
        use std::process::{Command, Stdio};
        let mut daemon = Command::new("sh")
            .args(["-c", "cat & echo $!; wait"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(daemon.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let processes = processes_of(daemon.id()).unwrap();
        assert_eq!(processes, [daemon.id(), line.trim().parse().unwrap()]);
        let used = usages(&processes).unwrap();
        assert_eq!(sum(&used).anonymous, used[0].anonymous + used[1].anonymous);
        drop(daemon.stdin.take());
        daemon.wait().unwrap();
    }
}
