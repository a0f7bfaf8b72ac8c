//! Who of the clients is known by a certificate, and who could be anybody.

use super::peer::{Peer, Stage, Tls};
use super::{Action, Notice, PeerId, Server, ServerConfig};
use crate::base::TlsSupport;
use std::collections::BTreeMap;

/// How the connection of a member is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Everybody on the way can read and change what is said.
    None,
    /// By TLS, with anybody: the server asks for no certificate.
    Encrypted,
    /// By TLS, and the certificate of its cluster was verified.
    Verified,
}

impl Protection {
    pub(super) fn of(peer: &Peer, config: &ServerConfig) -> Self {
        match peer.tls {
            Tls::Plain | Tls::Starting => Self::None,
            // The gate lets nobody pass whose certificate is not its cluster's.
            Tls::Up(_) if config.client_cert_required => Self::Verified,
            Tls::Up(_) => Self::Encrypted,
        }
    }

    /// What follows the client's name in the log.
    pub(super) const fn remark(self) -> &'static str {
        match self {
            Self::None => {
                "does not use TLS: its votes can be read, forged and taken by anybody on the network. \
                 Start corosync-qnetd with -s req to refuse such clients"
            }
            Self::Encrypted => {
                "is not asked for a certificate: it can be anybody. Start corosync-qnetd with -c on \
                 to refuse such clients"
            }
            Self::Verified => "has shown the certificate of its cluster",
        }
    }
}

/// How many of something there are, by protection.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    none: u64,
    encrypted: u64,
    verified: u64,
}

impl Count {
    fn add(&mut self, protection: Protection) {
        *match protection {
            Protection::None => &mut self.none,
            Protection::Encrypted => &mut self.encrypted,
            Protection::Verified => &mut self.verified,
        } += 1;
    }
}

impl Server {
    /// Tells, once per cluster, that a new member is not protected. With TLS switched off that is how
    /// the administrator wants it.
    pub(super) fn tell_unprotected(&mut self, id: PeerId, out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let protection = Protection::of(peer, &self.config);
        let off = self.config.tls == TlsSupport::Unsupported;
        if off || protection == Protection::Verified || self.told_unprotected.len() >= TOLD_MAX {
            return;
        }
        let Some(party) = self.party(id) else { return };
        let cluster = party.cluster.clone();
        if cluster.is_some_and(|cluster| self.told_unprotected.insert(cluster)) {
            out.push(Action::Tell(Notice::Unprotected(party, protection)));
        }
    }

    /// The text of `corosync-qnetd-tool --security`: who is protected how. Names of clusters are bytes,
    /// so the text is.
    #[must_use]
    pub fn security(&self) -> Vec<u8> {
        let (mut all, mut outside) = (Count::default(), 0u64);
        let mut clusters: BTreeMap<_, Count> = BTreeMap::new();
        for peer in self.peers.values() {
            let Stage::Admitted(seat) = &peer.stage else {
                outside += 1;
                continue;
            };
            let protection = Protection::of(peer, &self.config);
            all.add(protection);
            clusters.entry(seat.cluster).or_default().add(protection);
        }
        let mut text = format!(
            "TLS:\t\t\t\t{}{}\n\
             Certificate verified:\t\t{}\n\
             Encrypted, not verified:\t{}\n\
             Not encrypted:\t\t\t{}\n\
             Not admitted yet:\t\t{outside}\n\
             Failed TLS handshakes:\t\t{}\n\
             Revoked certificates:\t\t{}\n",
            self.config.tls.as_str(),
            self.certificate_remark(),
            all.verified,
            all.encrypted,
            all.none,
            self.failed_handshakes,
            self.revoked.len(),
        )
        .into_bytes();
        for (cluster, count) in clusters {
            let Some(cluster) = self.clusters.get(cluster) else {
                continue;
            };
            if count.none + count.encrypted > 0 {
                text.extend(b"Cluster \"");
                text.extend(cluster.name.as_bytes());
                text.extend(
                    format!(
                        "\":\n    Certificate verified:\t{}\n    Encrypted, not verified:\t{}\n    \
                         Not encrypted:\t\t{}\n",
                        count.verified, count.encrypted, count.none
                    )
                    .into_bytes(),
                );
            }
        }
        text
    }
}

/// Clusters that are remembered so as not to be told of twice: anybody can think of names.
const TOLD_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, certified_for, init, preinit};
    use super::super::{Event, ServerConfig};
    use super::*;
    use crate::base::Time;
    use crate::wire::Message;

    fn bench(tls: TlsSupport, client_cert_required: bool) -> Bench {
        Bench::with(ServerConfig {
            tls,
            client_cert_required,
            ..ServerConfig::default()
        })
    }

    fn start_tls(bench: &mut Bench, peer: u64) {
        bench.send(peer, Message::StartTls(crate::wire::Plain { seq: Some(2) }));
        let identity = Some(certified_for(&[b"K"]));
        bench.handle(Event::TlsUp {
            peer: PeerId(peer),
            identity,
        });
    }

    /// What the operator is told when a client is admitted.
    fn told(bench: &mut Bench, peer: u64, node: u32) -> Vec<String> {
        let mut out = Vec::new();
        let message = Ok(Message::Init(init(node)));
        let received = Event::Received {
            peer: PeerId(peer),
            message,
        };
        bench
            .server
            .handle(Time::from_millis(0), received, &mut out);
        let told = |action: &Action| match action {
            Action::Tell(notice @ Notice::Unprotected(..)) => Some(notice.to_string()),
            Action::Send { .. }
            | Action::StartTls { .. }
            | Action::Close { .. }
            | Action::Tell(_) => None,
        };
        out.iter().filter_map(told).collect()
    }

    #[test]
    fn of_a_cluster_with_unprotected_members_is_told_once() {
        let mut bench = bench(TlsSupport::Supported, true);
        bench.named(1, "K");
        start_tls(&mut bench, 1);
        assert_eq!(told(&mut bench, 1, 1), [""; 0]);
        bench.named(2, "K");
        let text = told(&mut bench, 2, 2);
        assert_eq!(text.len(), 1);
        assert!(
            text[0].starts_with("Client 192.0.2.1:2 (cluster K, node_id 2) does not use TLS: "),
            "{text:?}"
        );
        assert!(text[0].contains("-s req"), "{text:?}");
        bench.named(3, "K");
        assert_eq!(told(&mut bench, 3, 3), [""; 0]);
        bench.named(4, "L");
        assert_eq!(told(&mut bench, 4, 1).len(), 1);
    }

    #[test]
    fn a_server_without_tls_does_not_complain_of_clients_without_it() {
        let mut bench = bench(TlsSupport::Unsupported, true);
        bench.named(1, "K");
        assert_eq!(told(&mut bench, 1, 1), [""; 0]);
    }

    #[test]
    fn members_are_counted_by_protection_and_unprotected_clusters_named() {
        let mut bench = bench(TlsSupport::Supported, true);
        bench.named(1, "K");
        start_tls(&mut bench, 1);
        bench.send(1, Message::Init(init(1)));
        bench.admitted(2, "L", 1);
        bench.connect(3);
        bench.send(3, preinit("M"));
        let text = String::from_utf8(bench.server.security()).unwrap();
        assert_eq!(
            text,
            "TLS:\t\t\t\tSupported (client certificate required)\n\
             Certificate verified:\t\t1\n\
             Encrypted, not verified:\t0\n\
             Not encrypted:\t\t\t1\n\
             Not admitted yet:\t\t1\n\
             Failed TLS handshakes:\t\t0\n\
             Revoked certificates:\t\t0\n\
             Cluster \"L\":\n\
             \x20   Certificate verified:\t0\n\
             \x20   Encrypted, not verified:\t0\n\
             \x20   Not encrypted:\t\t1\n"
        );
    }

    #[test]
    fn without_a_certificate_asked_for_nobody_is_verified() {
        let mut bench = bench(TlsSupport::Required, false);
        bench.named(1, "K");
        start_tls(&mut bench, 1);
        let told = told(&mut bench, 1, 1);
        assert!(told[0].contains("-c on"), "{told:?}");
        let text = String::from_utf8(bench.server.security()).unwrap();
        assert!(text.contains("Encrypted, not verified:\t1\n"), "{text}");
    }
}
