use super::{WIDE, ago, pairs, table};
use crate::words;
use libqdevice::base::{Algorithm, Heuristics, Vote, VoteReason};
use libqdevice::report::{
    ClusterList, ClusterReport, Decision, History, NodeReport, Protection, ServerReport,
};
use libqdevice::vote::Finding;

/// The server itself.
pub(crate) fn arbiter(report: &ServerReport, width: u16) -> String {
    let clients = &report.clients;
    let certificate = if report.client_certificate_required {
        "required"
    } else {
        "not required"
    };
    let mut rows = vec![
        ("Address", report.listen.clone()),
        ("Version", report.heading.version.clone()),
        ("Up for", ago(report.started_at_ms, report.heading.at_ms)),
        ("TLS", report.tls.as_str().to_lowercase()),
        ("Client certificate", certificate.to_owned()),
        ("Clusters", report.clusters.to_string()),
        ("Clients", clients.connected.to_string()),
        ("  certificate verified", clients.verified.to_string()),
        ("  encrypted only", clients.encrypted.to_string()),
        ("  not encrypted", clients.plain.to_string()),
        ("  not admitted yet", clients.not_admitted.to_string()),
    ];
    for (reason, number) in &report.auth_failures {
        rows.push(("Refused", format!("{number} ({reason})")));
    }
    for certificate in &report.certificates {
        let end = words::local(certificate.not_after_ms);
        let day = end.get(..10).unwrap_or(&end);
        rows.push((
            "Certificate",
            format!("{} until {day}", certificate.subject),
        ));
    }
    pairs(width, &rows)
}

/// The clusters, a row for each node.
pub(crate) fn clusters(list: &ClusterList, width: u16) -> String {
    let is_wide = width >= WIDE;
    let header: &[&str] = if is_wide {
        &[
            "CLUSTER",
            "ALGORITHM",
            "NODE",
            "ADDRESS",
            "TLS",
            "CONNECTED",
            "RING",
            "SEES",
            "HEURISTICS",
            "VOTE",
            "HEARD",
            "WHY",
        ]
    } else {
        &["CLUSTER", "NODE", "ADDRESS", "SEES", "VOTE", "HEARD"]
    };
    let now = list.heading.at_ms;
    let mut rows = Vec::new();
    for cluster in &list.clusters {
        for (index, node) in cluster.nodes.iter().enumerate() {
            let first = |text: String| if index == 0 { text } else { String::new() };
            let name = first(printable(&cluster.name));
            let sees = words::list(&node.membership);
            let (vote, heard) = (vote(cluster, node), ago(node.last_heard_at_ms, now));
            let (id, address) = (node.id.to_string(), node.address.clone());
            rows.push(if is_wide {
                vec![
                    name,
                    first(cluster.algorithm.key().to_owned()),
                    id,
                    address,
                    protection(node.protection).to_owned(),
                    ago(node.connected_at_ms, now),
                    node.ring.to_string(),
                    sees,
                    heuristics(node.heuristics.latest).to_owned(),
                    vote.to_owned(),
                    heard,
                    first(why(&cluster.finding)),
                ]
            } else {
                vec![name, id, address, sees, vote.to_owned(), heard]
            });
        }
    }
    table(width, header, rows)
}

/// The decisions about a cluster, a row for each.
pub(crate) fn history(history: &History, width: u16) -> String {
    let row = |decision: &Decision| {
        let told = decision.told.iter();
        let told: Vec<String> = told
            .map(|told| format!("{} {}", told.node, told.vote.as_str()))
            .collect();
        let partition = match &decision.finding {
            Finding::Partition { nodes, .. } => words::list(nodes),
            Finding::NotJudged | Finding::Unsettled | Finding::Nobody => String::new(),
        };
        vec![
            decision.sequence.to_string(),
            words::local(decision.at_ms),
            words::trigger(decision.trigger, decision.node),
            partition,
            why(&decision.finding),
            told.join(", "),
        ]
    };
    let rows = history.decisions.iter().map(row).collect();
    table(width, &["NO", "WHEN", "WHAT", "PART", "WHY", "TOLD"], rows)
}

/// What a node has of the vote, in a word.
pub(crate) fn vote(cluster: &ClusterReport, node: &NodeReport) -> &'static str {
    let told = match node.vote {
        Some(Vote::NoChange) => node.ruling,
        other => other,
    };
    match (cluster.algorithm, told) {
        // What it may still cast counts, not what it was told a moment ago.
        (Algorithm::FfSplit | Algorithm::TwoNodeLms | Algorithm::Lms, _) if node.may_cast => "ACK",
        (_, Some(Vote::Ack)) => "ACK",
        (_, Some(Vote::Nack)) => "NACK",
        (_, Some(Vote::WaitForReply | Vote::AskLater)) => "wait",
        (_, Some(Vote::NoChange) | None) => "-",
    }
}

fn why(finding: &Finding) -> String {
    let word = finding.vote_reason().map(VoteReason::as_str);
    word.unwrap_or("-").to_owned()
}

const fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::Plain => "plain",
        Protection::Encrypted => "encrypted",
        Protection::Verified => "verified",
    }
}

const fn heuristics(heuristics: Heuristics) -> &'static str {
    match heuristics {
        Heuristics::Undefined => "-",
        Heuristics::Pass => "pass",
        Heuristics::Fail => "fail",
    }
}

/// Without what would steer a terminal.
fn printable(name: &str) -> String {
    let mask = |letter: char| if letter.is_control() { '?' } else { letter };
    name.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn clusters_fit_into_80_and_into_200_columns() {
        for (width, captured) in [
            (80, include_str!("../../captured/clusters-80.txt")),
            (200, include_str!("../../captured/clusters-200.txt")),
        ] {
            let shown = clusters(&fixture::list(), width);
            assert_eq!(shown, captured);
            assert!(
                shown
                    .lines()
                    .all(|line| line.chars().count() <= width.into())
            );
        }
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut list = fixture::list();
        list.clusters[0].name = "x\x1b[2J".to_owned();
        assert!(clusters(&list, 80).contains("x?[2J "));
    }
}
