//! The texts of `status` and `list`, tab for tab: pcs and crmsh read them. [C: qnetd-ipc-cmd.c]

use super::Server;
use super::clusters::Cluster;
use super::peer::{Peer, Seat, Stage, Tls};
use crate::base::{
    Algorithm, ClusterName, Heuristics, KeepActivePartition, NodeInfo, NodeList, TieBreaker,
    TlsSupport, Verbosity,
};
use crate::vote::Member;
use std::fmt::Display;

impl Server {
    /// The text of `corosync-qnetd-tool -s`.
    #[must_use]
    pub fn status(&self, verbosity: Verbosity) -> String {
        let config = &self.config;
        let uses_tls = config.tls != TlsSupport::Unsupported;
        let certificate = if uses_tls && config.client_cert_required {
            " (client certificate required)"
        } else {
            ""
        };
        let mut lines = vec![
            format!("QNetd address:\t\t\t{}\n", config.address),
            format!("TLS:\t\t\t\t{}{certificate}\n", config.tls.as_str()),
            format!("Connected clients:\t\t{}\n", self.peers.len()),
            format!("Connected clusters:\t\t{}\n", self.clusters.len()),
        ];
        if verbosity.is_verbose() {
            if let Some(max) = config.max_clients {
                lines.push(format!("Maximum allowed clients:\t{max}\n"));
            }
            let send = config.settings.max_client_send_size;
            let receive = config.settings.max_client_receive_size;
            lines.push(format!(
                "Maximum send/receive size:\t{send}/{receive} bytes\n"
            ));
        }
        lines.concat()
    }

    /// The text of `corosync-qnetd-tool -l`: all clusters as they came up, or the one named; nothing
    /// for an unknown name.
    ///
    /// Names of clusters are bytes, so the text is.
    #[must_use]
    pub fn list(&self, verbosity: Verbosity, only: Option<&ClusterName>) -> Vec<u8> {
        let text = |cluster| self.cluster_text(cluster, verbosity);
        match only {
            Some(name) => self.clusters.named(name).map(text).unwrap_or_default(),
            None => self.clusters.iter().flat_map(text).collect(),
        }
    }

    fn cluster_text(&self, cluster: &Cluster, verbosity: Verbosity) -> Vec<u8> {
        let keeps = match cluster.algorithm {
            Algorithm::FfSplit => cluster
                .members
                .values()
                .all(|member| member.keep_active_partition == KeepActivePartition::Enabled),
            Algorithm::Test | Algorithm::TwoNodeLms | Algorithm::Lms => false,
        };
        let algorithm = cluster.algorithm.title();
        let keeps = if keeps { " (KAP Tie-breaker)" } else { "" };
        let tie_breaker = tie_breaker(cluster.tie_breaker);
        let mut text = b"Cluster \"".to_vec();
        text.extend(cluster.name.as_bytes());
        text.extend(b"\":\n");
        text.extend(format!("    Algorithm:\t\t{algorithm}{keeps}\n").into_bytes());
        text.extend(format!("    Tie-breaker:\t{tie_breaker}\n").into_bytes());
        for (node, id) in &cluster.peers {
            if let (Some(peer), Some(member)) = (self.peers.get(id), cluster.members.get(node)) {
                text.extend(self.client_text(peer, member, verbosity).into_bytes());
            }
        }
        text
    }

    fn client_text(&self, peer: &Peer, member: &Member, verbosity: Verbosity) -> String {
        let Stage::Admitted(seat) = &peer.stage else {
            return String::new();
        };
        let verbose = verbosity.is_verbose();
        let mut lines = vec![format!("    Node ID {}:\n", seat.node)];
        let mut add = |label: &str, value: &dyn Display| {
            lines.push(format!("        {label}{value}\n"));
        };
        add("Client address:\t\t", &peer.address);
        if verbose {
            add("HB interval:\t\t", &peer.heartbeat);
        }
        if let Some(version) = seat.config_version {
            add("Configuration version:\t", &version);
        }
        if !member.config.is_empty() {
            add("Configured node list:\t", &ids(member.config.list()));
        }
        if verbose {
            add("Ring ID:\t\t", &member.ring);
        }
        if !member.membership.is_empty() {
            add("Membership node list:\t", &ids(member.membership.list()));
        }
        if verbose {
            add("Heuristics:\t\t", &all_heuristics(member, seat));
            add("TLS active:\t\t", &self.tls_active(&peer.tls));
        } else if member.heuristics != Heuristics::Undefined {
            add("Heuristics:\t\t", &member.heuristics.as_str());
        }
        if let Some(vote) = seat.votes.any {
            let ruling = seat
                .votes
                .ruling
                .map(|vote| format!(" ({})", vote.as_str()));
            add(
                "Vote:\t\t\t",
                &format!("{}{}", vote.as_str(), ruling.unwrap_or_default()),
            );
        }
        lines.concat()
    }

    fn tls_active(&self, tls: &Tls) -> &'static str {
        match tls {
            Tls::Plain => "No",
            // A member's certificate has passed the gate if there was one to pass.
            Tls::Up(_) if self.config.client_cert_required => "Yes (client certificate verified)",
            Tls::Starting | Tls::Up(_) => "Yes",
        }
    }
}

fn all_heuristics(member: &Member, seat: &Seat) -> String {
    format!(
        "{} (membership: {}, regular: {})",
        member.heuristics.as_str(),
        seat.membership_heuristics.as_str(),
        seat.regular_heuristics.as_str()
    )
}

fn tie_breaker(tie_breaker: TieBreaker) -> String {
    match tie_breaker {
        TieBreaker::Lowest => "Node with lowest node ID".to_owned(),
        TieBreaker::Highest => "Node with highest node ID".to_owned(),
        TieBreaker::Node(id) => format!("Node with node ID {id}"),
    }
}

/// Ids in the order of the list, with their data centres.
fn ids(nodes: &NodeList) -> String {
    let id = |node: &NodeInfo| match node.data_center {
        0 => node.id.to_string(),
        data_center => format!("{} ({data_center})", node.id),
    };
    nodes.0.iter().map(id).collect::<Vec<_>>().join(", ")
}
