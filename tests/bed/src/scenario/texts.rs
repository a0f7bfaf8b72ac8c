//! What the tools print, byte by byte: both tools on both daemons, against C's tool on C's daemon in
//! the same situation. In each of them our tools' JSON and metrics are checked too.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE, Place};
use crate::conf::{Conf, Device};
use crate::exporter;
use crate::interrupt;
use crate::masked::masked;
use crate::process::Finished;
use crate::program::{Pairing, Side};
use crate::reports;
use crate::standing::Flag;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use libqdevice::base::{KeepActivePartition, NodeId, TieBreaker};
use std::fmt::Write as _;
use std::sync::OnceLock;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "texts",
            "both tools on both daemons print what C's tool prints on C's daemon",
            texts,
        )
        .against_c(),
    ]
}

/// What both tools printed in the course of a bed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Transcript(Vec<Shown>);

/// What one command printed in one situation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    situation: &'static str,
    command: String,
    /// By C's tool and by ours.
    texts: [String; 2],
}

/// The transcript of C's daemons, taken once in a run.
static REFERENCE: OnceLock<Result<Transcript, String>> = OnceLock::new();

fn texts(stage: &Stage<'_>) -> Result<Outcome> {
    let control = Stage {
        pairing: Pairing::CONTROL,
        ..*stage
    };
    let mut just_taken = false;
    let reference = REFERENCE.get_or_init(|| {
        just_taken = true;
        record(&control).map_err(|why| format!("{why:#}"))
    });
    // The reason, without its type, is all that can be shared by several pairings.
    interrupt::check()?;
    let reference = reference.as_ref().map_err(|why| anyhow!("{why}"))?;
    let record = if just_taken && stage.pairing == Pairing::CONTROL {
        reference.clone()
    } else {
        record(stage)?
    };
    let differences = differences(&record, reference);
    ensure!(differences.is_empty(), "{differences}");
    Ok(Outcome::default())
}

/// Every text that is not the one that C's tool gave on C's daemon.
fn differences(record: &Transcript, reference: &Transcript) -> String {
    let mut text = String::new();
    for (ours, theirs) in record.0.iter().zip(&reference.0) {
        for (tool, shown) in TOOLS.iter().zip(&ours.texts) {
            let expected = &theirs.texts[0];
            if shown != expected {
                write!(
                    text,
                    "{}: {} by the tool {tool} prints\n{}\ninstead of\n{}\n",
                    ours.situation,
                    ours.command,
                    visible(shown),
                    visible(expected)
                )
                .expect("a String takes everything");
            }
        }
    }
    if record.0.len() != reference.0.len() {
        text.push_str("the number of commands differs\n");
    }
    text
}

/// With tabs and line ends that can be seen.
fn visible(text: &str) -> String {
    text.replace('\t', "→").replace('\n', "⏎\n")
}

const TOOLS: [Side; 2] = [Side::C, Side::Ours];

/// Plays everything twice: with defaults, and with all that can be configured set otherwise.
fn record(stage: &Stage<'_>) -> Result<Transcript> {
    let unusual = Device {
        tie_breaker: TieBreaker::Node(NodeId(2)),
        keep_active: Some(KeepActivePartition::Disabled),
        ..Device::default()
    };
    let record = |device, options: &'static [&'static str]| {
        let mut transcript = Transcript::default();
        let conf = Conf::of_nodes(2, device);
        stage.with_bed(conf, |bed, _| play(bed, options, &mut transcript))?;
        Ok(transcript)
    };
    std::thread::scope(|threads| {
        let other = threads.spawn(|| record(unusual, &OPTIONS));
        let mut transcript = record(Device::default(), &[])?;
        let other = other.join().unwrap_or_else(|_| Err(anyhow!("a panic")))?;
        transcript.0.extend(other.0);
        Ok(transcript)
    })
}

const OPTIONS: [&str; 6] = ["-m", "20", "-l", "10.77.0.100", "-c", "off"];

fn play(bed: &mut Bed, options: &[&str], record: &mut Transcript) -> Result<()> {
    if bed.pairing().qdevice == Side::Ours {
        // The list of qnetd shows the heartbeat that is announced.
        bed.set_qdevice_options(&["-f", "-d", "-S", "net_adaptive_heartbeat=off"]);
    }
    record.usage(bed)?;
    record.qnetd(bed, "before qnetd")?;
    bed.start_qnetd(options)?;
    record.qnetd(bed, "nobody connected")?;
    record.qdevice(bed, "before qdevice", 1)?;
    // One after the other, as the last vote shown is what the last message earned.
    bed.start_corosync()?;
    for id in [1, 2] {
        bed.start_qdevice(id)?;
        wait_for_status(bed, &[id], "State:\t\t\tConnected")?;
    }
    bed.wait_for_all_votes()?;
    wait_for_status(bed, &[1, 2], "Echo reply received:")?;
    record.qnetd(bed, "two nodes")?;
    record.qdevice(bed, "two nodes", 1)?;
    record.qdevice(bed, "two nodes", 2)?;
    let both = ["1 1 A,V,NMW n1", "2 1 A,V,NMW n2", "0 1 None Qdevice"];
    exporter::check(bed, 1, "3 3 3 2", &both)?;

    bed.isolate(Place::Node(2))?;
    bed.votes().settle("node 1 serves alone", PATIENCE, |now| {
        now.node(1).in_service() && now.node(1).total == 2 && !now.node(2).has(Flag::Quorate)
    })?;
    record.qnetd(bed, "node 2 is away")?;
    record.qdevice(bed, "node 2 is away", 1)?;
    let alone = ["1 1 A,V,NMW n1", "0 1 None Qdevice"];
    exporter::check(bed, 1, "3 3 2 2", &alone)?;
    bed.heal()?;
    bed.wait_for_all_votes()?;

    bed.take_qnetd()?.kill()?;
    wait_for_status(bed, &[1, 2], "State:\t\t\tConnect failed")?;
    record.qnetd(bed, "qnetd was killed")?;
    record.qdevice(bed, "qnetd was killed", 1)
}

fn wait_for_status(bed: &Bed, nodes: &[u32], part: &str) -> Result<()> {
    for &id in nodes {
        let goal = format!("node {id} shows {part:?}");
        interrupt::until(&goal, PATIENCE, || {
            let shown = bed.qdevice_tool(id, bed.pairing().qdevice, &["-s", "-v"])?;
            Ok(shown.stdout.contains(part).then_some(()))
        })?;
    }
    Ok(())
}

impl Transcript {
    fn usage(&mut self, bed: &Bed) -> Result<()> {
        for args in USAGE {
            let name = "corosync-qnetd-tool";
            self.add("anywhere", name, args, |tool| bed.qnetd_tool(tool, args))?;
            let name = "corosync-qdevice-tool";
            self.add("anywhere", name, args, |tool| {
                bed.qdevice_tool(1, tool, args)
            })?;
        }
        Ok(())
    }

    fn qnetd(&mut self, bed: &Bed, situation: &'static str) -> Result<()> {
        for args in QNETD_TOOL {
            let name = "corosync-qnetd-tool";
            self.add(situation, name, args, |tool| bed.qnetd_tool(tool, args))?;
        }
        reports::of_qnetd(bed).context(situation)
    }

    fn qdevice(&mut self, bed: &Bed, situation: &'static str, node: u32) -> Result<()> {
        for args in QDEVICE_TOOL {
            let name = format!("node {node}: corosync-qdevice-tool");
            self.add(situation, &name, args, |tool| {
                bed.qdevice_tool(node, tool, args)
            })?;
        }
        reports::of_qdevice(bed, node).context(situation)
    }

    fn add(
        &mut self,
        situation: &'static str,
        name: &str,
        args: &[&str],
        run: impl Fn(Side) -> Result<Finished>,
    ) -> Result<()> {
        let shown = TOOLS.map(|tool| run(tool).map(|finished| text_of(&finished)));
        let [Ok(theirs), Ok(ours)] = shown else {
            bail!("{situation}: {name} {}: {shown:?}", args.join(" "));
        };
        self.0.push(Shown {
            situation,
            command: format!("{name} {}", args.join(" ")),
            texts: [theirs, ours],
        });
        Ok(())
    }
}

/// Exit code and both outputs, without what differs from one moment to the next.
fn text_of(finished: &Finished) -> String {
    let code = finished
        .code
        .map_or("a signal".to_owned(), |code| code.to_string());
    masked(&format!(
        "{}--- stderr\n{}--- ended with {code}\n",
        finished.stdout, finished.stderr
    ))
}

const USAGE: [&[&str]; 4] = [&[], &["-h"], &["-x"], &["-p"]];

const QNETD_TOOL: [&[&str]; 8] = [
    &["-s"],
    &["-s", "-v"],
    &["-l"],
    &["-l", "-v"],
    &["-l", "-c", "bed"],
    &["-l", "-v", "-c", "bed"],
    &["-l", "-c", "nobody"],
    &["-sv"],
];

const QDEVICE_TOOL: [&[&str]; 3] = [&["-s"], &["-s", "-v"], &["-sv"]];
