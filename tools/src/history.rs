//! What was decided, one line each and what it rests on below.

use super::words;
use libqdevice::report::{Decision, History, Input, Told, VoteChange};

/// The decisions about a cluster.
pub(super) fn of_cluster(history: &History) -> String {
    if history.decisions.is_empty() {
        return format!(
            "Nothing was decided about cluster \"{}\" yet.\n",
            history.cluster
        );
    }
    history.decisions.iter().map(decision).collect()
}

fn decision(decision: &Decision) -> String {
    let mut lines = vec![format!(
        "{} #{}: {}; {}",
        words::local(decision.at_ms),
        decision.sequence,
        words::trigger(decision.trigger, decision.node),
        words::finding(&decision.finding)
    )];
    lines.extend(decision.inputs.iter().map(input));
    lines.extend(decision.told.iter().map(told));
    lines.join("\n") + "\n"
}

fn input(input: &Input) -> String {
    let sees = if input.membership.is_empty() {
        "nothing yet".to_owned()
    } else {
        words::list(&*input.membership)
    };
    format!(
        "    node {} in ring {} sees {sees}, {}",
        input.node,
        input.ring,
        words::heuristics(input.heuristics)
    )
}

fn told(told: &Told) -> String {
    format!(
        "    told node {} for ring {}: {}",
        told.node,
        told.ring,
        words::vote(told.vote)
    )
}

/// The changes of a node's vote.
pub(super) fn of_device(changes: &[VoteChange]) -> String {
    if changes.is_empty() {
        return "The vote has not changed yet.\n".to_owned();
    }
    let line = |change: &VoteChange| {
        let ring = change.ring.map(|ring| format!(" for ring {ring}"));
        format!(
            "{} #{}: from {} to {}{}, because {}\n",
            words::local(change.at_ms),
            change.sequence,
            change.old.as_str(),
            change.new.as_str(),
            ring.unwrap_or_default(),
            words::because(change.reason)
        )
    };
    changes.iter().map(line).collect()
}
