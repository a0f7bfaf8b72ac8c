//! `org.corosync.Qnetd1` on the system bus. What it offers is described in docs/dbus.md and dbus/.
//!
//! Not here: any decision. What is shown is a copy that follows the events; what is wished goes to the
//! hub.

mod board;
mod cluster;
mod manager;
mod node;
mod signals;

use crate::outside::Wish;
use board::Board;
use libqdevice::base::{ClusterName, NodeId, TlsSupport};
use libqdevice::events::{Event, Record, ServerPicture};
use libqdevice::outlets::Records;
use libqdevice::outlets::bus::{self, Exhibit, Shown, path};
use manager::Manager;
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use zbus::Connection;
use zbus::fdo::ObjectManager;
use zbus::object_server::SignalEmitter;

pub(crate) use board::Facts;

/// The object with everything below it.
const ROOT: &str = "/org/corosync/Qnetd1";

/// Starts to show the server on the bus.
///
/// # Errors
///
/// When the system has no thread for it.
pub(crate) fn start(facts: Facts, wishes: mpsc::Sender<Wish>, records: Records) -> io::Result<()> {
    let exhibit = Qnetd {
        board: Arc::new(Board::new(facts)),
        wishes,
    };
    bus::start(exhibit, records)
}

/// How the server stands to TLS, in the words of its option.
pub(crate) const fn tls_word(tls: TlsSupport) -> &'static str {
    match tls {
        TlsSupport::Unsupported => "off",
        TlsSupport::Supported => "on",
        TlsSupport::Required => "required",
    }
}

struct Qnetd {
    board: Arc<Board>,
    wishes: mpsc::Sender<Wish>,
}

impl Exhibit for Qnetd {
    const NAME: &'static str = "org.corosync.Qnetd1";

    async fn present(
        &mut self,
        connection: &Connection,
        shown: Shown,
    ) -> zbus::Result<Option<u64>> {
        let (answer, picture) = oneshot::channel();
        if self.wishes.send(Wish::Picture(answer)).await.is_err() {
            return Ok(None);
        }
        let Ok((after, sequence)) = picture.await else {
            return Ok(None);
        };
        let before = match shown {
            Shown::Nothing => {
                self.show_root(connection).await?;
                ServerPicture::default()
            }
            Shown::Earlier => self.board.picture(),
        };
        self.board.replace(after.clone());
        self.show_difference(connection, &before, &after).await?;
        Ok(Some(sequence))
    }

    async fn tell(&mut self, connection: &Connection, record: &Record) -> zbus::Result<()> {
        let event = &record.event;
        let before = self.board.subjects(event);
        self.board.apply(event);
        let after = self.board.subjects(event);
        match event {
            Event::ClusterAppeared { cluster, .. } => self.add_cluster(connection, cluster).await?,
            Event::ClusterGone { cluster } => remove_cluster(connection, cluster).await?,
            Event::NodeConnected { cluster, node, .. } => {
                self.add_node(connection, cluster, *node).await?;
            }
            Event::NodeDisconnected { cluster, node, .. } => {
                remove_node(connection, cluster, *node).await?;
            }
            Event::VoteChanged { .. }
            | Event::PartitionChosen { .. }
            | Event::MembershipReported { .. }
            | Event::ConfigurationReported { .. }
            | Event::HeuristicsChanged { .. }
            | Event::ClientRejected { .. }
            | Event::ServerConnected { .. }
            | Event::ServerDisconnected { .. }
            | Event::ServerUnavailable { .. }
            | Event::QuorumChanged { .. }
            | Event::CertificateExpiring { .. }
            | Event::CertificatesReloaded { .. }
            | Event::CertificatesKept { .. } => {}
        }
        before.tell_changes(&after, connection).await?;
        signals::emit(connection, record).await
    }

    async fn missed(&mut self, connection: &Connection, count: u64) -> zbus::Result<()> {
        let emitter = SignalEmitter::new(connection, ROOT)?;
        Manager::events_missed(&emitter, count).await
    }
}

impl Qnetd {
    async fn show_root(&self, connection: &Connection) -> zbus::Result<()> {
        let manager = Manager::new(Arc::clone(&self.board), self.wishes.clone());
        let server = connection.object_server();
        server.at(ROOT, ObjectManager).await?;
        server.at(ROOT, manager).await?;
        Ok(())
    }

    /// Adds, changes and removes objects until they are those of the later picture.
    async fn show_difference(
        &self,
        connection: &Connection,
        before: &ServerPicture,
        after: &ServerPicture,
    ) -> zbus::Result<()> {
        for (name, old) in &before.clusters {
            for node in old.nodes.keys() {
                if after.node(name, *node).is_none() {
                    remove_node(connection, name, *node).await?;
                }
            }
            if !after.clusters.contains_key(name) {
                remove_cluster(connection, name).await?;
            }
        }
        for (name, new) in &after.clusters {
            match before.clusters.get(name) {
                None => self.add_cluster(connection, name).await?,
                Some(old) => {
                    let path = path::cluster(ROOT, name);
                    let (old, new) = (cluster::properties(old), cluster::properties(new));
                    bus::tell_changes(connection, &path, cluster::INTERFACE, old, new).await?;
                }
            }
            for (id, node) in &new.nodes {
                match before.node(name, *id) {
                    None => self.add_node(connection, name, *id).await?,
                    Some(old) => {
                        let path = path::node(ROOT, name, *id);
                        let (old, new) = (node::properties(old), node::properties(node));
                        bus::tell_changes(connection, &path, node::INTERFACE, old, new).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn add_cluster(&self, connection: &Connection, name: &ClusterName) -> zbus::Result<()> {
        let object = cluster::Cluster::new(Arc::clone(&self.board), name.clone());
        let path = path::cluster(ROOT, name);
        connection.object_server().at(path, object).await?;
        Ok(())
    }

    async fn add_node(
        &self,
        connection: &Connection,
        name: &ClusterName,
        node: NodeId,
    ) -> zbus::Result<()> {
        let object = node::Node::new(
            Arc::clone(&self.board),
            self.wishes.clone(),
            name.clone(),
            node,
        );
        let path = path::node(ROOT, name, node);
        connection.object_server().at(path, object).await?;
        Ok(())
    }
}

async fn remove_cluster(connection: &Connection, name: &ClusterName) -> zbus::Result<()> {
    let path = path::cluster(ROOT, name);
    let server = connection.object_server();
    gone(server.remove::<cluster::Cluster, _>(path).await)
}

async fn remove_node(
    connection: &Connection,
    name: &ClusterName,
    node: NodeId,
) -> zbus::Result<()> {
    let path = path::node(ROOT, name, node);
    let server = connection.object_server();
    gone(server.remove::<node::Node, _>(path).await)
}

/// What is gone already needs no removal.
fn gone(removed: zbus::Result<bool>) -> zbus::Result<()> {
    match removed {
        Ok(_) | Err(zbus::Error::InterfaceNotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
