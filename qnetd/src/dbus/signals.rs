//! Events as signals of the manager.

use super::{Manager, ROOT};
use libqdevice::events::{Event, Record};
use libqdevice::outlets::bus::{details, micros, numbers};
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

/// Emits the signal of an event, if it has one here.
#[expect(clippy::too_many_lines, reason = "one arm for each event")]
pub(super) async fn emit(connection: &Connection, record: &Record) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, ROOT)?;
    let sequence = record.sequence;
    let mut details = details(record);
    match &record.event {
        Event::VoteChanged {
            cluster,
            node,
            old,
            new,
            ring,
            reason,
            winners,
        } => {
            details.insert("winners", Value::from(numbers(winners)));
            let (old, new, reason) = (old.as_str(), new.as_str(), reason.as_str());
            let (cluster, ring) = (cluster.to_string(), (ring.node.0, ring.seq));
            let node = node.0;
            Manager::vote_changed(
                &emitter, &cluster, node, old, new, ring, reason, sequence, details,
            )
            .await
        }
        Event::PartitionChosen {
            cluster,
            nodes,
            reason,
        } => {
            let (cluster, nodes) = (cluster.to_string(), numbers(nodes));
            let reason = reason.as_str();
            Manager::partition_chosen(&emitter, &cluster, nodes, reason, sequence, details).await
        }
        Event::ClusterAppeared {
            cluster, algorithm, ..
        } => {
            let cluster = cluster.to_string();
            let algorithm = algorithm.key();
            Manager::cluster_appeared(&emitter, &cluster, algorithm, sequence, details).await
        }
        Event::ClusterGone { cluster } => {
            let cluster = cluster.to_string();
            Manager::cluster_gone(&emitter, &cluster, sequence, details).await
        }
        Event::NodeConnected {
            cluster,
            node,
            address,
            protection,
        } => {
            let (cluster, protection) = (cluster.to_string(), protection.as_str());
            let node = node.0;
            Manager::node_connected(
                &emitter, &cluster, node, address, protection, sequence, details,
            )
            .await
        }
        Event::NodeDisconnected {
            cluster,
            node,
            address,
            reason,
        } => {
            let (cluster, reason) = (cluster.to_string(), reason.as_str());
            let node = node.0;
            Manager::node_disconnected(&emitter, &cluster, node, address, reason, sequence, details)
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
            Manager::heuristics_changed(&emitter, &cluster, node, old, new, sequence, details).await
        }
        Event::ClientRejected {
            address,
            cluster,
            reason,
            ..
        } => {
            let cluster = cluster.as_ref().map(ToString::to_string);
            let cluster = cluster.unwrap_or_default();
            let reason = reason.as_str();
            Manager::client_rejected(&emitter, address, &cluster, reason, sequence, details).await
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
        // The first two change properties; the others are those of a node.
        Event::MembershipReported { .. }
        | Event::ConfigurationReported { .. }
        | Event::ServerConnected { .. }
        | Event::ServerDisconnected { .. }
        | Event::ServerUnavailable { .. }
        | Event::QuorumChanged { .. } => Ok(()),
    }
}
