//! The texts of `status` and `list`, tab for tab: pcs and crmsh read them. [C: qnetd-ipc-cmd.c]

use super::clusters::Cluster;
use super::peer::{Peer, Seat, Stage, Tls};
use super::{Cursor, Server};
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
        let certificate = self.certificate_remark();
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

    /// What the service manager shows of a running server, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let plural = |count| if count == 1 { "" } else { "s" };
        let (clusters, clients) = (self.clusters.len(), self.peers.len());
        format!(
            "{clusters} cluster{}, {clients} client{}",
            plural(clusters),
            plural(clients)
        )
    }

    /// What stands behind the state of TLS in the status texts.
    pub(super) fn certificate_remark(&self) -> &'static str {
        let uses_tls = self.config.tls != TlsSupport::Unsupported;
        if uses_tls && self.config.client_cert_required {
            " (client certificate required)"
        } else {
            ""
        }
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

    /// The same in pieces: at most `most` clusters of all, from a place on.
    #[must_use]
    pub fn list_page(
        &self,
        verbosity: Verbosity,
        from: Cursor,
        most: usize,
    ) -> (Vec<u8>, Option<Cursor>) {
        let (page, next) = self.clusters.page(from.0, most);
        let text = page
            .into_iter()
            .flat_map(|cluster| self.cluster_text(cluster, verbosity));
        (text.collect(), next.map(Cursor))
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, certified_for, config, membership, preinit};
    use super::super::{Event, PeerId, ServerConfig};
    use super::*;
    use crate::base::{Millis, NodeId, RingId};
    use crate::wire::{
        HeuristicsReport, Init, Message, NodeListKind, NodeListReport, Options, Plain,
    };

    fn list(bench: &Bench, verbosity: Verbosity) -> String {
        String::from_utf8(bench.server.list(verbosity, None)).unwrap()
    }

    #[test]
    fn status_of_a_server_without_clients() {
        let config = ServerConfig {
            address: "*:5403".into(),
            ..ServerConfig::default()
        };
        let bench = Bench::with(config);
        let brief = "QNetd address:\t\t\t*:5403\nTLS:\t\t\t\tUnsupported\n\
                     Connected clients:\t\t0\nConnected clusters:\t\t0\n";
        assert_eq!(bench.server.status(Verbosity::Brief), brief);
        assert_eq!(
            bench.server.status(Verbosity::Verbose),
            format!("{brief}Maximum send/receive size:\t32768/32768 bytes\n")
        );
    }

    #[test]
    fn the_summary_counts_clusters_and_clients() {
        let mut bench = Bench::new();
        assert_eq!(bench.server.summary(), "0 clusters, 0 clients");
        bench.connect(1);
        assert_eq!(bench.server.summary(), "0 clusters, 1 client");
    }

    #[test]
    fn status_names_the_limit_of_clients_and_the_certificate_where_they_apply() {
        let mut config = ServerConfig {
            tls: TlsSupport::Supported,
            client_cert_required: true,
            max_clients: Some(7),
            ..ServerConfig::default()
        };
        let status = |config: &ServerConfig| {
            Bench::with(config.clone())
                .server
                .status(Verbosity::Verbose)
        };
        assert!(status(&config).contains("\t\tSupported (client certificate required)\n"));
        assert!(status(&config).contains("Maximum allowed clients:\t7\nMaximum send"));
        config.tls = TlsSupport::Unsupported;
        assert!(status(&config).contains("\tUnsupported\n"));
    }

    #[test]
    fn every_connection_counts_as_client_and_only_admitted_ones_are_listed() {
        let mut bench = Bench::new();
        bench.connect(1);
        bench.named(2, "K");
        bench.admitted(3, "L", 5);
        let status = bench.server.status(Verbosity::Brief);
        assert!(
            status.contains("clients:\t\t3\nConnected clusters:\t\t1\n"),
            "{status}"
        );
        assert_eq!(
            list(&bench, Verbosity::Brief),
            "Cluster \"L\":\n    Algorithm:\t\tFifty-Fifty split\n    \
             Tie-breaker:\tNode with lowest node ID\n    Node ID 5:\n        \
             Client address:\t\t192.0.2.1:3\n"
        );
    }

    #[test]
    fn a_client_is_listed_with_all_it_has_sent() {
        let mut bench = Bench::new();
        bench.named(1, "K");
        let init = Init {
            tie_breaker: Some(TieBreaker::Node(NodeId(26))),
            heartbeat: Some(Millis(10_000)),
            ..super::super::fixture::init(26)
        };
        bench.send(1, Message::Init(init));
        let node = |id, data_center| NodeInfo {
            id: NodeId(id),
            data_center,
            state: None,
        };
        bench.send(
            1,
            Message::NodeList(NodeListReport {
                seq: Some(3),
                kind: Some(NodeListKind::InitialConfig),
                config_version: Some(12),
                nodes: NodeList(vec![node(27, 0), node(26, 4)]),
                ..NodeListReport::default()
            }),
        );
        bench.send(1, membership(RingId::new(26, 0x5b), &[27, 26]));
        let pass = HeuristicsReport {
            seq: Some(6),
            heuristics: Heuristics::Pass,
        };
        bench.send(1, Message::HeuristicsChange(pass));
        let keep = Options {
            keep_active_partition: Some(KeepActivePartition::Enabled),
            ..Options::default()
        };
        bench.send(1, Message::SetOption(keep));

        assert_eq!(
            list(&bench, Verbosity::Brief),
            "Cluster \"K\":\n\
             \x20   Algorithm:\t\tFifty-Fifty split (KAP Tie-breaker)\n\
             \x20   Tie-breaker:\tNode with node ID 26\n\
             \x20   Node ID 26:\n\
             \x20       Client address:\t\t192.0.2.1:1\n\
             \x20       Configuration version:\t12\n\
             \x20       Configured node list:\t27, 26 (4)\n\
             \x20       Membership node list:\t27, 26\n\
             \x20       Heuristics:\t\tPass\n\
             \x20       Vote:\t\t\tNo change (ACK)\n"
        );
        assert_eq!(
            list(&bench, Verbosity::Verbose),
            "Cluster \"K\":\n\
             \x20   Algorithm:\t\tFifty-Fifty split (KAP Tie-breaker)\n\
             \x20   Tie-breaker:\tNode with node ID 26\n\
             \x20   Node ID 26:\n\
             \x20       Client address:\t\t192.0.2.1:1\n\
             \x20       HB interval:\t\t10000ms\n\
             \x20       Configuration version:\t12\n\
             \x20       Configured node list:\t27, 26 (4)\n\
             \x20       Ring ID:\t\t1a.5b\n\
             \x20       Membership node list:\t27, 26\n\
             \x20       Heuristics:\t\tPass (membership: Undefined, regular: Pass)\n\
             \x20       TLS active:\t\tNo\n\
             \x20       Vote:\t\t\tNo change (ACK)\n"
        );
    }

    #[test]
    fn a_vote_without_ruling_has_no_parentheses() {
        let mut bench = Bench::new();
        bench.admitted(1, "K", 1);
        bench.send(1, config(&[1]));
        assert!(list(&bench, Verbosity::Brief).ends_with("\n        Vote:\t\t\tAsk later\n"));
    }

    #[test]
    fn a_name_filters_exactly_and_an_unknown_one_shows_nothing() {
        let mut bench = Bench::new();
        bench.admitted(1, "a", 1);
        bench.admitted(2, "b", 1);
        let show = |name: &str| bench.server.list(Verbosity::Brief, Some(&name.into()));
        assert!(show("b").starts_with(b"Cluster \"b\":\n"));
        assert_eq!([show("B"), show("c"), show("")], [b"", b"", b""]);
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_listed_byte_for_byte() {
        let mut bench = Bench::new();
        bench.connect(1);
        let name = ClusterName::new(*b"K\xf6ln");
        let preinit = crate::wire::PreInit {
            seq: None,
            cluster: Some(name),
        };
        bench.send(1, Message::PreInit(preinit));
        bench.send(1, Message::Init(super::super::fixture::init(1)));
        assert!(
            bench
                .server
                .list(Verbosity::Brief, None)
                .starts_with(b"Cluster \"K\xf6ln\":\n")
        );
    }

    #[test]
    fn tls_is_shown_as_active_and_a_required_certificate_as_verified() {
        for (required, shown) in [
            (true, "Yes (client certificate verified)\n"),
            (false, "Yes\n"),
        ] {
            let mut bench = Bench::with(ServerConfig {
                tls: TlsSupport::Supported,
                client_cert_required: required,
                ..ServerConfig::default()
            });
            bench.connect(1);
            bench.send(1, preinit("K"));
            bench.send(1, Message::StartTls(Plain { seq: Some(2) }));
            let identity = Some(certified_for(&[b"K"]));
            bench.handle(Event::TlsUp {
                peer: PeerId(1),
                identity,
            });
            bench.send(1, Message::Init(super::super::fixture::init(1)));
            let text = list(&bench, Verbosity::Verbose);
            assert!(text.contains(&format!("TLS active:\t\t{shown}")), "{text}");
        }
    }
}
