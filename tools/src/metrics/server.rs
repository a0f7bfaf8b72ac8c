use super::page::{Page, Seconds};
use super::{NOT_AFTER, UP, VERSION};
use libqdevice::base::{Algorithm, Vote};
use libqdevice::report::{ClusterList, ClusterReport, NodeReport, ServerReport};

/// What the metrics of the server are made of.
#[derive(Debug)]
pub(crate) struct Arbiter {
    pub(crate) status: ServerReport,
    pub(crate) list: ClusterList,
}

/// The metrics of the server.
pub(crate) fn of_arbiter(arbiter: &Arbiter) -> String {
    let mut page = Page::default();
    itself(&mut page, &arbiter.status);
    clusters(&mut page, &arbiter.list.clusters);
    nodes(&mut page, &arbiter.list);
    page.finish()
}

fn itself(page: &mut Page, status: &ServerReport) {
    page.gauge("corosync_qnetd_up", UP).add(&[], 1);
    page.gauge("corosync_qnetd_build_info", VERSION)
        .add(&[("version", &status.heading.version)], 1);
    let started = Seconds::from(status.started_at_ms);
    page.gauge(
        "corosync_qnetd_start_time_seconds",
        "When the daemon was started, in seconds since 1970.",
    )
    .add(&[], started);
    page.gauge("corosync_qnetd_clusters", "Connected clusters.")
        .add(&[], status.clusters);
    let clients = &status.clients;
    let mut members = page.gauge(
        "corosync_qnetd_clients",
        "Connected nodes by how their connection is protected.",
    );
    for (tls, cert, number) in [
        ("yes", "verified", clients.verified),
        ("yes", "none", clients.encrypted),
        ("no", "none", clients.plain),
    ] {
        members.add(&[("tls", &tls), ("cert", &cert)], number);
    }
    page.gauge(
        "corosync_qnetd_clients_not_admitted",
        "Connections that are no member of a cluster yet.",
    )
    .add(&[], clients.not_admitted);
    page.counter(
        "corosync_qnetd_too_many_clients",
        "Connections closed because there were too many.",
    )
    .add(&[], status.too_many_clients);
    let mut failures = page.counter(
        "corosync_qnetd_auth_failures",
        "Clients refused for what they showed or did not show.",
    );
    for (reason, number) in &status.auth_failures {
        failures.add(&[("reason", reason)], number);
    }
    page.gauge(
        "corosync_qnetd_revoked_certificates",
        "Certificates that are turned away.",
    )
    .add(&[], status.revoked_certificates);
    page.gauge(
        "corosync_qnetd_event_loop_lag_seconds",
        "How long this question waited until the server looked at it.",
    )
    .add(&[], Seconds(status.event_loop_lag_ms));
    let mut ends = page.gauge("corosync_qnetd_certificate_not_after_seconds", NOT_AFTER);
    for certificate in &status.certificates {
        let end = Seconds::from(certificate.not_after_ms);
        ends.add(&[("subject", &certificate.subject)], end);
    }
}

fn clusters(page: &mut Page, clusters: &[ClusterReport]) {
    let mut sent = page.counter("corosync_qnetd_votes_sent", "Votes sent to nodes.");
    for cluster in clusters {
        let votes = cluster.counts.votes_sent;
        for (vote, number) in [("ack", votes.ack), ("nack", votes.nack)] {
            sent.add(&[("cluster", &cluster.name), ("vote", &vote)], number);
        }
    }
    let mut ended = page.counter(
        "corosync_qnetd_client_disconnects",
        "Connections of nodes that ended.",
    );
    for cluster in clusters {
        for (reason, number) in &cluster.counts.disconnects {
            ended.add(&[("cluster", &cluster.name), ("reason", reason)], number);
        }
    }
    let mut holders = page.gauge(
        "corosync_qnetd_cluster_vote_holders",
        "Nodes of the cluster that have the vote.",
    );
    for cluster in clusters {
        let holding = cluster.nodes.iter().filter(|node| has_vote(cluster, node));
        holders.add(&[("cluster", &cluster.name)], holding.count());
    }
    let mut configured = page.gauge(
        "corosync_qnetd_cluster_configured_nodes",
        "Nodes the cluster is configured with, as its nodes say.",
    );
    for cluster in clusters {
        let most = cluster.nodes.iter().map(|node| node.configured.len()).max();
        configured.add(&[("cluster", &cluster.name)], most.unwrap_or_default());
    }
}

fn nodes(page: &mut Page, list: &ClusterList) {
    let all = || {
        let clusters = list.clusters.iter();
        clusters.flat_map(|cluster| cluster.nodes.iter().map(move |node| (cluster, node)))
    };
    let mut info = page.gauge("corosync_qnetd_client_info", "A connected node.");
    for (cluster, node) in all() {
        info.add(
            &[
                ("cluster", &cluster.name),
                ("node_id", &node.id),
                ("address", &node.address),
                ("algorithm", &cluster.algorithm.key()),
            ],
            1,
        );
    }
    let mut votes = page.gauge(
        "corosync_qnetd_client_vote",
        "What a node was told last, ack or nack if that still holds.",
    );
    for (cluster, node) in all() {
        let vote = told(node);
        votes.add(
            &[
                ("cluster", &cluster.name),
                ("node_id", &node.id),
                ("vote", &vote),
            ],
            1,
        );
    }
    let mut has = page.gauge(
        "corosync_qnetd_client_has_vote",
        "Whether a node may be casting the vote.",
    );
    for (cluster, node) in all() {
        let labels: [(&str, &dyn std::fmt::Display); 2] =
            [("cluster", &cluster.name), ("node_id", &node.id)];
        has.add(&labels, u8::from(has_vote(cluster, node)));
    }
    let mut heard = page.gauge(
        "corosync_qnetd_client_last_heard_seconds",
        "How long ago a node was heard last.",
    );
    for (cluster, node) in all() {
        let ago = Seconds::between(node.last_heard_at_ms, list.heading.at_ms);
        heard.add(&[("cluster", &cluster.name), ("node_id", &node.id)], ago);
    }
}

fn has_vote(cluster: &ClusterReport, node: &NodeReport) -> bool {
    match cluster.algorithm {
        Algorithm::Test => node.ruling == Some(Vote::Ack),
        Algorithm::FfSplit | Algorithm::TwoNodeLms | Algorithm::Lms => node.may_cast,
    }
}

fn told(node: &NodeReport) -> &'static str {
    let vote = match node.vote {
        Some(Vote::NoChange) => node.ruling,
        other => other,
    };
    match vote {
        None | Some(Vote::NoChange) => "none",
        Some(Vote::Ack) => "ack",
        Some(Vote::Nack) => "nack",
        Some(Vote::AskLater) => "ask-later",
        Some(Vote::WaitForReply) => "wait-for-reply",
    }
}
