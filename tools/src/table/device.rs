use super::{ago, pairs, table};
use crate::words;
use libqdevice::base::{Heuristics, NodeId, NodeState, Vote};
use libqdevice::report::{
    CommandEnd, CommandResult, ConnectionState, DeviceReport, HeuristicsRun, Moment, QuorumView,
    VoteChange, VoterReport,
};

/// A node, then the nodes it knows.
pub(crate) fn node(report: &DeviceReport, width: u16) -> String {
    let (now, link, cast) = (report.heading.at_ms, &report.link, &report.cast);
    let when = |at: Option<Moment>| at.map_or("never".to_owned(), |at| ago(at, now) + " ago");
    let vote = match (cast.vote, cast.active) {
        (Vote::Ack, _) => "ACK",
        (_, true) => "NACK",
        (_, false) => "wait",
    };
    let heuristics = match report.heuristics.latest {
        Heuristics::Undefined => "-",
        Heuristics::Pass => "pass",
        Heuristics::Fail => "fail",
    };
    let mut rows = vec![
        (
            "Node",
            format!("{} of cluster {}", report.node, report.cluster),
        ),
        (
            "Server",
            format!("{}:{}", report.server.host, report.server.port),
        ),
        ("State", state(link.state).to_owned()),
        ("Last echo reply", when(link.echo_reply_at_ms)),
        ("Algorithm", report.server.algorithm.key().to_owned()),
        ("Vote", vote.to_owned()),
        ("Last poll", when(cast.last_poll_at_ms)),
        ("Heuristics", heuristics.to_owned()),
        (
            "Ring",
            report.ring.map_or("-".to_owned(), |ring| ring.to_string()),
        ),
        (
            "Quorum",
            if report.quorate { "quorate" } else { "blocked" }.to_owned(),
        ),
        ("Expected votes", report.expected_votes.to_string()),
    ];
    for certificate in &report.certificates {
        let end = words::local(certificate.not_after_ms);
        let day = end.get(..10).unwrap_or(&end);
        rows.push((
            "Certificate",
            format!("{} until {day}", certificate.subject),
        ));
    }
    format!("{}\n{}", pairs(width, &rows), nodes(report, width))
}

fn nodes(report: &DeviceReport, width: u16) -> String {
    let state_of = |id: NodeId| {
        let known = report.quorum_nodes.iter().find(|node| node.id == id);
        match known.and_then(|node| node.state) {
            Some(NodeState::Member) => "member",
            Some(NodeState::Dead) => "dead",
            Some(NodeState::Leaving) => "leaving",
            None => "-",
        }
    };
    let rows = report.configured.iter().map(|node| {
        let in_ring = if report.membership.contains(&node.id) {
            "yes"
        } else {
            "no"
        };
        let own = if node.id == report.node {
            "this node"
        } else {
            ""
        };
        let cells = [&node.id.to_string(), in_ring, state_of(node.id), own];
        cells.map(str::to_owned).to_vec()
    });
    table(
        width,
        &["NODE", "IN RING", "VOTEQUORUM", ""],
        rows.collect(),
    )
}

/// What votequorum says.
pub(crate) fn quorum(view: &QuorumView, width: u16) -> String {
    let quorate = if view.quorate { "quorate" } else { "blocked" };
    let rows = [
        ("votequorum", quorate.to_owned()),
        ("Expected votes", view.expected_votes.to_string()),
        ("Highest expected", view.highest_expected.to_string()),
        ("Total votes", view.total_votes.to_string()),
        ("Quorum", view.quorum.to_string()),
        ("Device votes", view.device_votes.to_string()),
        ("Flags", view.flags.join(", ")),
    ];
    let row = |node: &VoterReport| {
        let state = match node.state {
            NodeState::Member => "member",
            NodeState::Dead => "dead",
            NodeState::Leaving => "leaving",
        };
        vec![
            node.id.to_string(),
            node.votes.to_string(),
            state.to_owned(),
            node.device.join(", "),
        ]
    };
    let nodes = view.nodes.iter().map(row).collect();
    let header = ["NODE", "VOTES", "STATE", "DEVICE"];
    format!("{}\n{}", pairs(width, &rows), table(width, &header, nodes))
}

/// How the commands have done in their last run.
pub(crate) fn heuristics(run: &HeuristicsRun, width: u16) -> String {
    let Some(ended) = run.ended_at_ms else {
        return "No heuristics have run.\n".to_owned();
    };
    let row = |command: &CommandResult| {
        let end = match (command.end, command.status, command.signal) {
            (CommandEnd::Exited, Some(status), _) => format!("status {status}"),
            (CommandEnd::Killed, _, Some(signal)) => format!("signal {signal}"),
            (CommandEnd::NotStarted, ..) => command.error.clone().unwrap_or_default(),
            (CommandEnd::Exited | CommandEnd::Killed | CommandEnd::Unfinished, ..) => {
                "not finished".to_owned()
            }
        };
        vec![
            command.name.clone(),
            if command.pass { "pass" } else { "fail" }.to_owned(),
            end,
            format!("{}ms", command.took_ms),
            command.stderr.last().cloned().unwrap_or_default(),
        ]
    };
    let rows = run.commands.iter().map(row).collect();
    format!(
        "{}\n{}",
        pairs(width, &[("Last run", words::local(ended))]),
        table(
            width,
            &["COMMAND", "RESULT", "END", "TOOK", "LAST LINE"],
            rows
        )
    )
}

/// The changes of the vote.
pub(crate) fn history(changes: &[VoteChange], width: u16) -> String {
    let row = |change: &VoteChange| {
        vec![
            change.sequence.to_string(),
            words::local(change.at_ms),
            change.old.as_str().to_owned(),
            change.new.as_str().to_owned(),
            change.ring.map_or("-".to_owned(), |ring| ring.to_string()),
            words::because(change.reason).to_owned(),
        ]
    };
    let rows = changes.iter().map(row).collect();
    table(
        width,
        &["NO", "WHEN", "FROM", "TO", "RING", "BECAUSE"],
        rows,
    )
}

const fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Connected => "connected",
        ConnectionState::Connecting => "connecting",
        ConnectionState::ConnectFailed => "connect-failed",
        ConnectionState::Disconnected => "disconnected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_node_and_its_partners_fit_into_80_and_into_200_columns() {
        for width in [80, 200] {
            let captured = include_str!("../../captured/node.txt");
            assert_eq!(node(&fixture::device(), width), captured);
        }
    }

    #[test]
    fn commands_are_shown_with_their_last_line() {
        let shown = heuristics(&fixture::run(), 80);
        let captured = include_str!("../../captured/heuristics.txt");
        // The moment is local time.
        assert_eq!(
            shown.lines().skip(1).collect::<Vec<_>>(),
            captured.lines().skip(1).collect::<Vec<_>>()
        );
    }
}
