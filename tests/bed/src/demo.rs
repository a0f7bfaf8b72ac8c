//! The main job, shown: a cluster of two gets its third vote, is split, and is healed.

use crate::bed::{Bed, PATIENCE, Place};
use crate::clock::Moment;
use crate::conf::{Conf, Device};
use crate::program::{Pairing, Programs};
use crate::run_folder::RunFolder;
use crate::scenario::{Logs, TOLERANCE, check_overlaps};
use crate::standing::{Flag, Standing};
use crate::table::Screen;
use anyhow::{Context as _, Result};
use std::sync::Arc;
use std::time::Duration;

/// Shows it, and leaves nothing behind.
pub fn show(programs: &Programs, pairing: Pairing) -> Result<()> {
    let folder = RunFolder::new()?;
    let screen = Screen::new(&[1, 2]);
    screen.say(INTRODUCTION);
    let mut bed = Bed::new(&folder, programs, pairing, Conf::of_nodes(2, device()))?;
    let votes = Arc::clone(bed.shared_votes());
    std::thread::scope(|threads| {
        threads.spawn(|| screen.follow(&votes));
        let told = tell(&mut bed, &screen);
        screen.close();
        told
    })
    .map_err(|error| {
        let logs = bed.logs();
        error.context(Logs(logs))
    })?;
    drop(bed);
    drop(folder);
    println!("\nEverything is taken down again.");
    Ok(())
}

const INTRODUCTION: &str = "\
Two corosync nodes and an arbiter, each in a network namespace of its own. Each node
has one vote, the arbiter (corosync-qnetd) gives a third through corosync-qdevice.";

/// With the times of corosync's own defaults: what is seen here is what a cluster would do.
fn device() -> Device {
    Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    }
}

fn tell(bed: &mut Bed, screen: &Screen) -> Result<()> {
    screen.title("1. The cluster starts");
    bed.boot()?;
    screen.say("Both nodes count three votes: their own two and the arbiter's.");

    screen.title("2. The network between the nodes is cut; both still reach the arbiter");
    let cut = bed.cut(&[Place::Node(1)], &[Place::Node(2)])?;
    let won = wait_for_winner(bed, 1, 2)?;
    screen.keep();
    screen.say(&arbiter_says(bed)?);
    screen.say(&format!(
        "Two halves of the same size, so the tie-breaker decides: the arbiter's vote went to node 1.\n\
         It served again {:.1} s after the cut, and node 2 stopped.",
        won.since(cut).as_secs_f64()
    ));

    screen.title("3. The cut is healed");
    let healed = bed.heal()?;
    let whole = bed.wait_for_all_votes()?;
    let took = whole.since(healed).as_secs_f64();
    screen.say(&format!("One cluster with three votes after {took:.1} s."));

    screen.title("4. Node 1 loses its network altogether, the arbiter included");
    let cut = bed.isolate(Place::Node(1))?;
    let won = wait_for_winner(bed, 2, 1)?;
    screen.keep();
    screen.say(&arbiter_says(bed)?);
    screen.say(&device_says(bed, 1)?);
    screen.say(&format!(
        "The favourite of the tie-breaker is not there to be asked: node 2 got the vote and\n\
         served again {:.1} s after the cut (docs/timing.md says what that takes).",
        won.since(cut).as_secs_f64()
    ));

    screen.title("5. The network is back");
    let healed = bed.heal()?;
    let whole = bed.wait_for_all_votes()?;
    let took = whole.since(healed).as_secs_f64();
    screen.say(&format!("One cluster with three votes after {took:.1} s."));
    bed.check()?;
    check_overlaps(bed, TOLERANCE)?;
    screen.say("At no moment did both nodes serve applications apart from each other.");
    Ok(())
}

fn wait_for_winner(bed: &Bed, winner: u32, loser: u32) -> Result<Moment> {
    let goal = format!("node {winner} serves with two votes, node {loser} has no quorum");
    bed.votes().settle(&goal, PATIENCE, |now| {
        let (winner, loser) = (now.node(winner), now.node(loser));
        winner.in_service()
            && winner.total == 2
            && !loser.has(Flag::Quorate)
            && !loser.syncing
            && loser.members.len() == 1
    })?;
    let served = |s: &Standing| s.in_service() && s.total == 2;
    bed.votes().since(winner, served).context(goal)
}

/// The lines of the arbiter's list that say who sees whom, and who has the vote.
fn arbiter_says(bed: &Bed) -> Result<String> {
    let list = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?;
    let list = list.success("corosync-qnetd-tool")?;
    let telling = ["Cluster", "Tie-breaker", "Node ID", "Membership", "Vote"];
    let mut text = excerpt("arbiter# corosync-qnetd-tool -l", &list, &telling);
    let log = std::fs::read_to_string(bed.qnetd()?.output())?;
    if let Some(why) = last_choice(&log) {
        text.push_str("\n  and its log: ");
        text.push_str(why);
    }
    Ok(text)
}

/// Our qnetd says why it chose a partition, C's does not.
fn last_choice(log: &str) -> Option<&str> {
    let choice = log.lines().rfind(|line| line.contains("gets the vote"))?;
    Some(
        choice
            .find("Cluster")
            .map_or(choice, |start| &choice[start..]),
    )
}

/// The lines of a device's status that say whether it has an arbiter.
fn device_says(bed: &Bed, node: u32) -> Result<String> {
    let status = bed.qdevice_tool(node, bed.pairing().qdevice, &["-s"])?;
    let status = status.success("corosync-qdevice-tool")?;
    let command = format!("node{node}# corosync-qdevice-tool -s");
    Ok(excerpt(&command, &status, &["QNetd host", "State"]))
}

fn excerpt(command: &str, text: &str, telling: &[&str]) -> String {
    let mut lines = vec![format!("  {command}")];
    for line in text.lines() {
        if telling
            .iter()
            .any(|word| line.trim_start().starts_with(word))
        {
            lines.push(format!(
                "    {}",
                line.replace("\t\t\t", "\t").replace("\t\t", "\t")
            ));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_choice_is_shown_without_its_time() {
        let choice = "Cluster bed: partition 2 gets the vote (keeps the vote)";
        let log = format!("Nov 23 20:29:47 info Cluster bed: 1 gets the vote\nNov 23 {choice}\nx");
        assert_eq!(last_choice(&log), Some(choice));
        assert_eq!(last_choice("ffsplit: All ACK votes sent"), None);
    }

    #[test]
    fn an_excerpt_keeps_the_telling_lines_in_order() {
        let text = "A:\t\t1\nB:\t2\nA:\t3\n";
        assert_eq!(
            excerpt("x# y", text, &["A"]),
            "  x# y\n    A:\t1\n    A:\t3"
        );
    }
}
