//! Who has the vote and why, in sentences.

use super::{history, words};
use libqdevice::base::{Algorithm, Heuristics, NodeId, RingId, Vote};
use libqdevice::report::{
    ClusterReport, ConnectionState, Decision, DeviceReport, History, Input, NodeReport, Trigger,
    WhatIf,
};
use libqdevice::vote::Finding;
use std::collections::BTreeMap;

/// A cluster on the server; `None` if none of its nodes is connected.
pub(super) fn cluster(cluster: Option<&ClusterReport>, history: &History) -> String {
    let Some(cluster) = cluster else {
        return format!(
            "No node of cluster \"{}\" is connected: nobody has its vote from this server.\n{}",
            history.cluster,
            last_words(history)
        );
    };
    let mut lines = vec![introduction(cluster), holders(cluster, history)];
    let last = history.decisions.iter().rev();
    let judged = last.clone().find(|decision| is_judgement(decision));
    lines.extend(judged.map(|decision| why(cluster, decision)));
    if let Some(decision) = last.clone().next() {
        lines.extend(parts(&decision.inputs));
    }
    lines.extend(cluster.nodes.iter().filter_map(|node| waits(cluster, node)));
    let mut text = lines.join("\n") + "\n";
    text.push_str(&last_words(history));
    text
}

fn introduction(cluster: &ClusterReport) -> String {
    let configured = cluster.nodes.iter().map(|node| node.configured.len()).max();
    let keeps = if cluster.keep_active_partition {
        ", after the half that has the vote already"
    } else {
        ""
    };
    let between_equals = match cluster.algorithm {
        Algorithm::Test => String::new(),
        Algorithm::FfSplit | Algorithm::TwoNodeLms | Algorithm::Lms => format!(
            "; between equals {} decides{keeps}",
            words::tie_breaker(cluster.tie_breaker)
        ),
    };
    format!(
        "Cluster \"{}\": {} of {} configured nodes connected. The vote is given {}{between_equals}.",
        cluster.name,
        cluster.nodes.len(),
        configured.unwrap_or_default(),
        words::algorithm(cluster.algorithm)
    )
}

/// Who may cast the vote, and since when.
fn holders(cluster: &ClusterReport, history: &History) -> String {
    let holders: Vec<NodeId> = match cluster.algorithm {
        Algorithm::Test => nodes_where(cluster, |node| node.ruling == Some(Vote::Ack)),
        Algorithm::FfSplit | Algorithm::TwoNodeLms | Algorithm::Lms => {
            nodes_where(cluster, |node| node.may_cast)
        }
    };
    if holders.is_empty() {
        return "Nobody has the vote.".to_owned();
    }
    let granted = history.decisions.iter().rev().find(|decision| {
        let mut told = decision.told.iter();
        told.any(|told| told.vote == Vote::Ack && holders.contains(&told.node))
    });
    let since = granted.map(|granted| format!(", last told at {}", words::local(granted.at_ms)));
    format!(
        "{} {} the vote{}.",
        words::sentence(&words::nodes(&holders)),
        words::verb(&holders, "has", "have"),
        since.unwrap_or_default()
    )
}

fn why(cluster: &ClusterReport, decision: &Decision) -> String {
    match &decision.finding {
        Finding::NotJudged => "Nothing has been decided yet.".to_owned(),
        Finding::Unsettled => format!(
            "The nodes do not agree yet on who is with whom, so everybody waits: {}.",
            disagreement(&decision.inputs)
        ),
        Finding::Nobody => {
            "No part may have the vote: none has at least half of the configured nodes, or enough of \
             them connected."
                .to_owned()
        }
        Finding::Partition { nodes, reason } => {
            let nodes: Vec<NodeId> = nodes.iter().copied().collect();
            let deserves = format!(
                "The part of {} deserves it, because {}",
                words::nodes(&nodes),
                words::because(*reason)
            );
            let is_tie = *reason == libqdevice::vote::Reason::TieBreaker;
            let names = if is_tie {
                format!(" ({})", words::tie_breaker(cluster.tie_breaker))
            } else {
                String::new()
            };
            format!("{deserves}{names}.")
        }
    }
}

/// What a node that deserves the vote and has it not waits for; what a node without it was told.
fn waits(cluster: &ClusterReport, node: &NodeReport) -> Option<String> {
    let Finding::Partition { nodes, .. } = &cluster.finding else {
        return None;
    };
    if node.may_cast {
        return (!nodes.contains(&node.id)).then(|| {
            format!(
                "Node {} may still cast the vote: it was told to stop and has not confirmed that.",
                node.id
            )
        });
    }
    if let (Some(waits), true) = (cluster.waits_for, nodes.contains(&node.id)) {
        return Some(format!(
            "Node {} waits for the vote until {}: node {}, which is gone, may cast it until then.",
            node.id,
            words::local(waits.until_ms),
            waits.node
        ));
    }
    if nodes.contains(&node.id) && cluster.algorithm != Algorithm::Test {
        return Some(format!(
            "Node {} waits for the vote until those who had it, or were told that they do not get \
             it, have confirmed that.",
            node.id
        ));
    }
    (node.ruling == Some(Vote::Nack))
        .then(|| format!("Node {} was told that it does not have the vote.", node.id))
}

/// The parts of a cluster as its nodes report them.
fn parts(inputs: &[Input]) -> Vec<String> {
    let mut rings: BTreeMap<(RingId, &[NodeId]), Vec<&Input>> = BTreeMap::new();
    for input in inputs.iter().filter(|input| !input.membership.is_empty()) {
        let ring = (input.ring, &*input.membership);
        rings.entry(ring).or_default().push(input);
    }
    let part = |((ring, members), inputs): ((RingId, &[NodeId]), Vec<&Input>)| {
        let configured = inputs.iter().map(|input| input.configured).max();
        let connected: Vec<NodeId> = inputs.iter().map(|input| input.node).collect();
        format!(
            "    Part {} (ring {ring}): {} of {} configured nodes; connected: {}{}",
            words::list(members),
            members.len(),
            configured.unwrap_or_default(),
            words::list(&connected),
            checked(&inputs)
        )
    };
    rings.into_iter().map(part).collect()
}

/// What the heuristics of a part say, if there are any.
fn checked(inputs: &[&Input]) -> String {
    let with = |result| {
        let nodes = inputs.iter().filter(|input| input.heuristics == result);
        let nodes: Vec<NodeId> = nodes.map(|input| input.node).collect();
        (!nodes.is_empty())
            .then(|| format!("{} on {}", words::heuristics(result), words::list(&nodes)))
    };
    let said: Vec<String> = [Heuristics::Pass, Heuristics::Fail]
        .into_iter()
        .filter_map(with)
        .collect();
    if said.is_empty() {
        String::new()
    } else {
        format!("; {}", said.join(", "))
    }
}

/// The first node that does not fit to another one.
fn disagreement(inputs: &[Input]) -> String {
    let connected = |id: &NodeId| inputs.iter().find(|input| input.node == *id);
    for input in inputs {
        for mate in input.membership.iter().filter_map(connected) {
            if mate.membership.is_empty() {
                return format!("node {} has not reported a membership", mate.node);
            }
            if mate.ring != input.ring || mate.membership != input.membership {
                return format!(
                    "node {} is in ring {} with {}, node {} says it is in ring {} with {}",
                    input.node,
                    input.ring,
                    words::list(&*input.membership),
                    mate.node,
                    mate.ring,
                    words::list(&*mate.membership)
                );
            }
        }
    }
    "they are configured with different nodes".to_owned()
}

/// The last decisions in short.
fn last_words(history: &History) -> String {
    let shown = history.decisions.len().saturating_sub(LAST);
    let lines = history.decisions[shown..].iter().map(|decision| {
        format!(
            "    {}  {}; {}\n",
            words::local(decision.at_ms),
            words::trigger(decision.trigger, decision.node),
            words::finding(&decision.finding)
        )
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        "Nothing was decided yet.\n".to_owned()
    } else {
        format!("How it came about:\n{lines}")
    }
}

/// The answer to `--what-if`.
pub(super) fn what_if(answer: &WhatIf) -> String {
    let parts: Vec<String> = answer.parts.iter().map(|part| words::nodes(part)).collect();
    let mut lines = vec![format!(
        "If cluster \"{}\" fell into {}{}:",
        answer.cluster,
        match parts.as_slice() {
            [one] => format!("one part, {one}"),
            [some @ .., last] => format!("{} | {last}", some.join(" | ")),
            [] => "nothing".to_owned(),
        },
        if answer.unreachable.is_empty() {
            String::new()
        } else {
            let who = words::nodes(&answer.unreachable);
            format!(", and {who} did not reach this server")
        }
    )];
    let outcome = &answer.outcome;
    if outcome.ack.is_empty() {
        lines.push("Nobody would have the vote.".to_owned());
    } else {
        let who = words::sentence(&words::nodes(&outcome.ack));
        lines.push(format!("{who} would have the vote."));
    }
    lines.push(match &outcome.finding {
        Finding::Partition { reason, .. } => format!("Why: {}.", words::because(*reason)),
        finding @ (Finding::NotJudged | Finding::Unsettled | Finding::Nobody) => {
            format!("Why: {}.", words::finding(finding))
        }
    });
    for (nodes, what) in [
        (&outcome.nack, "would be told that the vote is not theirs"),
        (&outcome.waiting, "would be told nothing yet"),
    ] {
        if !nodes.is_empty() {
            lines.push(format!("{} {what}.", words::sentence(&words::nodes(nodes))));
        }
    }
    if !answer.assumed.is_empty() {
        lines.push(format!(
            "{} not connected now; taken to be like the others, without heuristics.",
            words::sentence(&words::nodes(&answer.assumed))
                + words::verb(&answer.assumed, " is", " are")
        ));
    }
    lines.push(
        "Heuristics are taken to stay as they are, and the votes of nodes that are gone to have ended."
            .to_owned(),
    );
    lines.join("\n") + "\n"
}

/// A node: what it casts and why.
pub(super) fn device(report: &DeviceReport) -> String {
    let server = format!("{}:{}", report.server.host, report.server.port);
    let link = match report.link.state {
        ConnectionState::Connected => format!("is connected to {server}"),
        ConnectionState::Connecting => format!("is connecting to {server}"),
        ConnectionState::ConnectFailed => format!("cannot reach {server} and will try again"),
        ConnectionState::Disconnected => format!("is not connected to {server} and will try again"),
    };
    let cast = match (report.cast.vote, report.cast.active) {
        (Vote::Ack, _) => "It casts the device's vote for its part of the cluster",
        (_, true) => "It casts against: its part of the cluster does not get the device's vote",
        (_, false) => "It casts nothing until it knows more",
    };
    let ring = report.ring.map_or_else(
        || "corosync has not told it a ring yet".to_owned(),
        |ring| {
            let members = words::list(&report.membership);
            format!("it is in ring {ring} with {members}")
        },
    );
    let quorate = if report.quorate { "may" } else { "may not" };
    let why = report.history.last().map(|last| {
        format!(
            " since {}, because {}",
            words::local(last.at_ms),
            words::because(last.reason)
        )
    });
    let mut text = format!(
        "Node {} of cluster \"{}\" {link}; {ring}.\n{cast}{}.\nvotequorum says that this part {quorate} go \
         on, with {} votes expected.\n",
        report.node,
        report.cluster,
        why.unwrap_or_default(),
        report.expected_votes
    );
    let shown = report.history.len().saturating_sub(LAST);
    text.push_str("How it came about:\n");
    text.push_str(&history::of_device(&report.history[shown..]));
    text
}

fn nodes_where(cluster: &ClusterReport, is: impl Fn(&NodeReport) -> bool) -> Vec<NodeId> {
    let nodes = cluster.nodes.iter().filter(|node| is(node));
    nodes.map(|node| node.id).collect()
}

/// Whether the arbiter looked at the cluster, and did not only go on with what it had seen.
fn is_judgement(decision: &Decision) -> bool {
    decision.trigger != Trigger::Confirmed && decision.finding != Finding::NotJudged
}

/// How many of the last decisions are told.
const LAST: usize = 5;
