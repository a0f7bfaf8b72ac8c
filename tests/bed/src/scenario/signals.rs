//! A split as it is heard on the system bus: in order, nothing left out, with reasons.

use super::isolation::wait_for_winner;
use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, Place};
use crate::bus::{Bus, busctl, heard, monitor, wait_for_name};
use crate::conf::{Conf, Device};
use crate::interrupt;
use crate::process::SHORT;
use crate::program::{Program, Side};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use witness::bus::{Heard, documented, top};
use witness::follower::Follower;
use witness::schema::Schema;

const QNETD: &str = "org.corosync.Qnetd1";
const QDEVICE: &str = "org.corosync.Qdevice1";
const SERVER: &str = "/org/corosync/Qnetd1";
const NODE: &str = "/org/corosync/Qdevice1";

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "signals",
        "a system bus tells of a split and its end in order, with reasons",
        signals,
    )]
}

fn signals(stage: &Stage<'_>) -> Result<Outcome> {
    if [stage.pairing.qdevice, stage.pairing.qnetd] == [Side::C, Side::C] {
        // There is nobody to be heard.
        return Ok(Outcome::default());
    }
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, outcome| {
        let server = Bus::start(bed.qnetd_host())?;
        let _nodes = [1, 2].map(|id| bed.node(id).and_then(|node| Bus::start(node.host())));
        bed.boot()?;
        if bed.pairing().qnetd == Side::Ours {
            of_server(bed, &server, outcome)?;
        }
        if bed.pairing().qdevice == Side::Ours {
            of_node(bed)?;
        }
        Ok(())
    })
}

/// Splits the cluster and heals it.
fn split_and_heal(bed: &Bed, outcome: &mut Outcome) -> Result<()> {
    let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
    outcome.add("node 1 in", wait_for_winner(bed, 1, 2)?.since(cut));
    let healed = bed.heal()?;
    outcome.add("healed", bed.wait_for_all_votes()?.since(healed));
    Ok(())
}

fn of_server(bed: &mut Bed, bus: &Bus, outcome: &mut Outcome) -> Result<()> {
    let host = bed.qnetd_host();
    wait_for_name(host, QNETD)?;
    let node = |id: u32| format!("{SERVER}/cluster/bed/node/{id}");
    let tree = busctl(host, &["tree", "--list", QNETD])?;
    for path in [SERVER, &node(1), &node(2)] {
        ensure!(tree.lines().any(|line| line == path), "{path}: {tree}");
    }
    has_what_is_described(
        bed,
        QNETD,
        &[SERVER, &format!("{SERVER}/cluster/bed"), &node(1)],
    )?;
    let mut ears = monitor(host, QNETD)?;
    let mut lines = watch(bed)?;

    split_and_heal(bed, outcome)?;
    // Node 1 keeps its vote.
    let all = heard(&mut ears, "return of the vote to node 2", |seen| {
        let lost = seen.iter().rposition(|one| is_vote(one, 2, "nack"));
        let back = seen.iter().rposition(|one| is_vote(one, 2, "ack"));
        lost.is_some() && back > lost
    })?;
    is_in_order(&all)?;
    let at = |goal: &str, is_so: &dyn Fn(&Heard) -> bool| {
        all.iter().position(is_so).with_context(|| goal.to_owned())
    };
    let lost = at("node 2 loses the vote", &|one| is_vote(one, 2, "nack"))?;
    let lost = &all[lost];
    ensure!(lost.arguments[4][0] == json!(2), "{}", lost.line(6));
    ensure!(
        lost.arguments[5] == json!("tie-breaker"),
        "{}",
        lost.line(6)
    );
    let chosen = at("the tie-breaker chooses node 1", &|one| {
        one.line(3) == "PartitionChosen bed [1] tie-breaker"
    })?;
    let won = all
        .iter()
        .rposition(|one| one.member == "PartitionChosen" && one.arguments[1] == json!([1, 2]));
    ensure!(won.is_some_and(|won| chosen < won), "both are chosen again");
    nothing_is_left_out(&mut lines, &all)?;
    is_disconnected_by_those_who_may(bed, bus, &mut ears)
}

/// Whether this tells a node of this vote.
fn is_vote(one: &Heard, node: u32, vote: &str) -> bool {
    one.member == "VoteChanged"
        && one.arguments[1] == json!(node)
        && one.arguments[3] == json!(vote)
}

/// Numbers grow, every vote follows the one that was told before, and every word is documented.
fn is_in_order(all: &[Heard]) -> Result<()> {
    let numbers: Vec<u64> = all.iter().filter_map(Heard::sequence).collect();
    let grow = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    ensure!(grow, "numbers do not grow: {numbers:?}");
    let missed = all.iter().any(|one| one.member == "EventsMissed");
    ensure!(!missed, "events were missed");
    let (votes, reasons) = (documented("Votes"), documented("Reasons of votes"));
    for node in [1, 2] {
        let of_node = |one: &&Heard| one.member == "VoteChanged" && one.arguments[1] == json!(node);
        let told: Vec<&Heard> = all.iter().filter(of_node).collect();
        for pair in told.windows(2) {
            let follows = pair[0].arguments[3] == pair[1].arguments[2];
            ensure!(
                follows,
                "{} is followed by {}",
                pair[0].line(6),
                pair[1].line(6)
            );
        }
        for one in told {
            let known = |words: &BTreeSet<&str>, at: usize| {
                one.arguments[at]
                    .as_str()
                    .is_some_and(|word| words.contains(word))
            };
            let are_words = known(&votes, 2) && known(&votes, 3) && known(&reasons, 5);
            ensure!(are_words, "a word that nobody knows: {}", one.line(6));
        }
    }
    Ok(())
}

/// Follows the events of qnetd with our tool.
fn watch(bed: &Bed) -> Result<Follower<Value>> {
    let path = bed.programs().path(Side::Ours, Program::QnetdTool);
    let mut command = bed.qnetd_host().command(path.map_err(|why| anyhow!(why))?);
    command.args(["--watch", "--json"]);
    let mut lines = Follower::start(&mut command, |line| serde_json::from_str(line).ok())?;
    let begun = lines.until(SHORT, |seen: &[Value]| !seen.is_empty());
    ensure!(begun, "--watch says nothing");
    Ok(lines)
}

/// The lines of `--watch` have every number, follow the description, and those that are news were heard.
fn nothing_is_left_out(lines: &mut Follower<Value>, all: &[Heard]) -> Result<()> {
    let last = all.iter().filter_map(Heard::sequence).max();
    let last = last.context("no number was heard")?;
    let came = lines.until(SHORT, |seen| {
        seen.iter()
            .any(|line| line["sequence"].as_u64() >= Some(last))
    });
    ensure!(came, "--watch did not tell event {last}");
    let heard: BTreeSet<u64> = all.iter().filter_map(Heard::sequence).collect();
    let first = heard.first().copied().context("no number was heard")?;
    let mut expected = None;
    for line in lines.seen() {
        let fits = Schema::ours().check(line);
        fits.map_err(|why| anyhow!("--watch: {why} in {line}"))?;
        let Some(number) = line["sequence"].as_u64() else {
            continue;
        };
        let follows = expected.is_none_or(|expected| expected == number);
        ensure!(follows, "--watch: {expected:?} is missing before {line}");
        expected = Some(number + 1);
        let event = line["event"].as_str().unwrap_or_default();
        let is_news = !matches!(event, "membership-reported" | "configuration-reported");
        let is_there = !(first..=last).contains(&number) || is_news == heard.contains(&number);
        ensure!(is_there, "the bus and --watch differ about {line}");
    }
    Ok(())
}

/// Nobody but root may disconnect a node, which then comes back.
fn is_disconnected_by_those_who_may(
    bed: &Bed,
    bus: &Bus,
    ears: &mut witness::bus::Monitor,
) -> Result<()> {
    let host = bed.qnetd_host();
    let target = format!("--dest={QNETD}");
    let method = format!("{QNETD}.Manager.DisconnectNode");
    let nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];
    let call = [
        "dbus-send",
        "--system",
        "--print-reply",
        &target,
        SERVER,
        &method,
    ];
    let arguments = ["string:bed", "uint32:2"];
    let refused = host.run("setpriv", &[&nobody[..], &call, &arguments].concat())?;
    let because = if bus.has_polkit() {
        "not authorized by polkit"
    } else {
        "polkit does not answer"
    };
    let is_refused = refused.code != Some(0) && refused.stderr.contains(because);
    ensure!(is_refused, "{refused:?}");
    ears.forget();
    let manager = format!("{QNETD}.Manager");
    let call = [
        "call",
        QNETD,
        SERVER,
        &manager,
        "DisconnectNode",
        "su",
        "bed",
        "2",
    ];
    busctl(host, &call)?;
    let seen = heard(ears, "end and return of node 2", |seen| {
        seen.iter().any(|one| one.line(2) == "NodeConnected bed 2")
    })?;
    let gone = seen
        .iter()
        .find(|one| one.line(2) == "NodeDisconnected bed 2");
    let gone = gone.context("node 2 came and did not go")?;
    ensure!(gone.arguments[3] == json!("asked"), "{}", gone.line(4));
    bed.wait_for_all_votes()?;
    Ok(())
}

fn of_node(bed: &Bed) -> Result<()> {
    let host = bed.node(2)?.host();
    wait_for_name(host, QDEVICE)?;
    ensure!(busctl(host, &["tree", "--list", QDEVICE])?.contains(NODE));
    has_what_is_described_at(host, QDEVICE, &[NODE])?;
    let mut ears = monitor(host, QDEVICE)?;
    split_and_heal(bed, &mut Outcome::default())?;
    let quorum =
        |one: &Heard, new: &str| one.member == "QuorumChanged" && one.arguments[3] == json!(new);
    let all = heard(&mut ears, "quorum and vote in the end", |seen| {
        let lost = seen.iter().position(|one| quorum(one, "inquorate"));
        let voted = seen.iter().rposition(|one| is_vote(one, 2, "ack"));
        lost.is_some_and(|lost| {
            voted > Some(lost) && seen[lost..].iter().any(|one| quorum(one, "quorate"))
        })
    })?;
    is_in_order(&all)?;
    let lost = all.iter().find(|one| is_vote(one, 2, "nack"));
    let lost = lost.context("node 2 does not tell that it has lost the vote")?;
    ensure!(lost.arguments[4][0] == json!(2), "{}", lost.line(6));
    Ok(())
}

fn has_what_is_described(bed: &Bed, name: &str, paths: &[&str]) -> Result<()> {
    has_what_is_described_at(bed.qnetd_host(), name, paths)
}

/// `busctl introspect` shows every member of the file that describes a name.
fn has_what_is_described_at(host: &crate::host::Host, name: &str, paths: &[&str]) -> Result<()> {
    let mut shown = String::new();
    for path in paths {
        shown.push_str(&busctl(host, &["introspect", name, path])?);
    }
    let file = top("dbus").join(format!("{name}.xml"));
    let file = std::fs::read_to_string(file)?;
    let mut count = 0;
    for line in file.lines().map(str::trim_start) {
        let is_member = ["<method ", "<signal ", "<property "]
            .iter()
            .any(|start| line.starts_with(start));
        if let (true, Some(member)) = (is_member, line.split('"').nth(1)) {
            count += 1;
            let is_shown = shown
                .lines()
                .any(|line| line.starts_with(&format!(".{member} ")));
            ensure!(is_shown, "{name}: {member} is not in\n{shown}");
        }
    }
    ensure!(count > 10, "{name}: only {count} members are described");
    interrupt::check()
}
