use libqdevice::base::{Algorithm, Heuristics, NodeId, TieBreaker, Vote, VoteReason};
use libqdevice::report::{Moment, Trigger};
use libqdevice::vote::Finding;

/// `node 1`, `nodes 1 and 2`, `nodes 1, 2 and 3`; `no node` for none.
pub(super) fn nodes(ids: &[NodeId]) -> String {
    match ids {
        [] => "no node".to_owned(),
        [one] => format!("node {one}"),
        [some @ .., last] => {
            let some: Vec<String> = some.iter().map(NodeId::to_string).collect();
            format!("nodes {} and {last}", some.join(", "))
        }
    }
}

/// `has` or `have`, for these nodes.
pub(super) const fn verb<'a>(ids: &[NodeId], one: &'a str, many: &'a str) -> &'a str {
    if ids.len() == 1 { one } else { many }
}

/// With a capital, as a sentence begins.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// Ids with commas.
pub(super) fn list<'a>(ids: impl IntoIterator<Item = &'a NodeId>) -> String {
    let ids: Vec<String> = ids.into_iter().map(NodeId::to_string).collect();
    ids.join(", ")
}

pub(super) const fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Test => "by the test algorithm, which gives every part the vote",
        Algorithm::FfSplit => "by fifty-fifty split",
        Algorithm::TwoNodeLms => "by last man standing for two nodes",
        Algorithm::Lms => "by last man standing",
    }
}

pub(super) fn tie_breaker(tie_breaker: TieBreaker) -> String {
    match tie_breaker {
        TieBreaker::Lowest => "the lowest node id".to_owned(),
        TieBreaker::Highest => "the highest node id".to_owned(),
        TieBreaker::Node(id) => format!("node {id}"),
    }
}

/// Why a part was preferred, or a vote is as it is, as the end of a sentence.
pub(super) fn because(reason: impl Into<VoteReason>) -> &'static str {
    match reason.into() {
        VoteReason::Alone => "no other part of the cluster is connected to this server",
        VoteReason::Majority => "it is more than half of the configured nodes",
        VoteReason::Score => {
            "more of its nodes are connected to this server, or have better heuristics, than of any \
             other part"
        }
        VoteReason::Connected => {
            "the scores of the parts are equal, and more of its nodes are connected to this server"
        }
        VoteReason::Active => "the parts are equal otherwise, and it had the vote before",
        VoteReason::TieBreaker => {
            "the parts are equal, and it has the node that the tie-breaker names"
        }
        VoteReason::LowestConnected => {
            "the parts are equal, the tie-breaker names a node in none of them, and it has the \
             connected node with the lowest id"
        }
        VoteReason::Nobody => "no part may have the vote",
        VoteReason::Unsettled => "the nodes do not agree yet on who is with whom",
        VoteReason::Test => "the algorithm test gives it to everybody",
        VoteReason::Disconnected => "the node has left",
        VoteReason::ServerDecision => "the server decided so",
        VoteReason::ServerAwaited => "the server has not decided yet about what corosync formed",
        VoteReason::NoServer => "the server has not admitted this node yet",
        VoteReason::ServerLost => "the server was lost",
        VoteReason::ServerSilent => "the server was silent for too long",
        VoteReason::Overslept => "this process did not run for longer than the server waits for it",
        VoteReason::Shutdown => "the daemon was asked to end",
        VoteReason::Failure => "the daemon cannot go on",
    }
}

pub(super) const fn vote(vote: Vote) -> &'static str {
    match vote {
        Vote::Ack => "ACK: the vote is yours",
        Vote::Nack => "NACK: the vote is not yours",
        Vote::AskLater => "ask later",
        Vote::WaitForReply => "wait",
        Vote::NoChange => "no change",
    }
}

pub(super) const fn heuristics(heuristics: Heuristics) -> &'static str {
    match heuristics {
        Heuristics::Undefined => "without heuristics",
        Heuristics::Pass => "heuristics passed",
        Heuristics::Fail => "heuristics failed",
    }
}

/// What has happened, with its node: `node 1 reported its membership`.
pub(super) fn trigger(trigger: Trigger, node: Option<NodeId>) -> String {
    let what = match trigger {
        Trigger::Config => "reported its configuration",
        Trigger::Membership => "reported its membership",
        Trigger::Quorum => "reported its quorum",
        Trigger::Heuristics => "reported its heuristics",
        Trigger::Question => "asked for its vote",
        Trigger::Confirmed => "confirmed what it was told",
        Trigger::Left => "left",
        Trigger::Time => return "time passed".to_owned(),
    };
    node.map_or_else(|| what.to_owned(), |node| format!("node {node} {what}"))
}

/// What was seen, in short.
pub(super) fn finding(finding: &Finding) -> String {
    match finding {
        Finding::NotJudged => "nothing to decide".to_owned(),
        Finding::Unsettled => because(VoteReason::Unsettled).to_owned(),
        Finding::Nobody => because(VoteReason::Nobody).to_owned(),
        Finding::Partition { nodes, reason: why } => {
            format!("part {} gets the vote: {}", list(nodes), because(*why))
        }
    }
}

/// A moment as local time: `2026-11-25 12:03:04.125`.
pub(super) fn local(at: Moment) -> String {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    let moment = chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
    let local = moment.with_timezone(&chrono::Local);
    local.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_listed_as_people_do() {
        let of = |ids: &[u32]| nodes(&ids.iter().copied().map(NodeId).collect::<Vec<_>>());
        assert_eq!(of(&[]), "no node");
        assert_eq!(of(&[7]), "node 7");
        assert_eq!(of(&[1, 2]), "nodes 1 and 2");
        assert_eq!(of(&[1, 2, 3]), "nodes 1, 2 and 3");
        assert_eq!(sentence("nodes 1 and 2"), "Nodes 1 and 2");
    }
}
