//! Events as signals.

use super::heuristics::Heuristics;
use super::net::Net;
use super::{Manager, ROOT};
use libqdevice::events::{Event, Record};
use libqdevice::outlets::bus::{details, micros};
use zbus::Connection;
use zbus::object_server::SignalEmitter;

/// Emits the signal of an event, if it has one here.
pub(super) async fn emit(connection: &Connection, record: &Record) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, ROOT)?;
    let sequence = record.sequence;
    let details = details(record);
    match &record.event {
        Event::VoteChanged {
            cluster,
            node,
            old,
            new,
            ring,
            reason,
            ..
        } => {
            let (old, new, reason) = (old.as_str(), new.as_str(), reason.as_str());
            let (cluster, ring) = (cluster.to_string(), (ring.node.0, ring.seq));
            let node = node.0;
            Net::new_vote(
                &emitter, &cluster, node, old, new, ring, reason, sequence, details,
            )
            .await
        }
        Event::HeuristicsChanged {
            cluster,
            node,
            old,
            new,
        } => {
            let (cluster, old, new) = (cluster.to_string(), old.as_str(), new.as_str());
            let node = node.0;
            Heuristics::heuristics_changed(&emitter, &cluster, node, old, new, sequence, details)
                .await
        }
        Event::QuorumChanged {
            cluster,
            node,
            old,
            new,
        } => {
            let (cluster, old, new) = (cluster.to_string(), old.as_str(), new.as_str());
            let node = node.0;
            Net::new_quorum(&emitter, &cluster, node, old, new, sequence, details).await
        }
        Event::ServerConnected { host, port } => {
            Net::server_connected(&emitter, host, *port, sequence, details).await
        }
        Event::ServerDisconnected { reason, .. } => {
            Net::server_disconnected(&emitter, reason.as_str(), sequence, details).await
        }
        Event::ServerUnavailable { reason, .. } => {
            Net::server_unavailable(&emitter, reason.as_str(), sequence, details).await
        }
        Event::CertificateExpiring {
            subject, not_after, ..
        } => {
            let not_after = micros(*not_after);
            Manager::certificate_expiring(&emitter, subject, not_after, sequence, details).await
        }
        Event::CertificatesReloaded { directory } => {
            Manager::certificates_reloaded(&emitter, directory, sequence, details).await
        }
        Event::CertificatesKept { directory, .. } => {
            Manager::certificates_kept(&emitter, directory, sequence, details).await
        }
        // The first changes a property; the others are those of a server.
        Event::MembershipReported { .. }
        | Event::ConfigurationReported { .. }
        | Event::PartitionChosen { .. }
        | Event::ClusterAppeared { .. }
        | Event::ClusterGone { .. }
        | Event::NodeConnected { .. }
        | Event::NodeDisconnected { .. }
        | Event::ClientRejected { .. } => Ok(()),
    }
}
