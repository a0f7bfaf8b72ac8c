#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]
#![expect(
    clippy::too_many_arguments,
    reason = "the arguments of a signal are its interface"
)]

use super::ROOT;
use super::board::Board;
use crate::outside::Wish;
use libqdevice::base::NodeId;
use libqdevice::outlets::bus::{Properties, ask, authorize, path, reload_certificates};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use zbus::fdo::{self, Error};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, Value};
use zbus::{Connection, interface};

pub(super) const INTERFACE: &str = "org.corosync.Qnetd1.Manager";

/// The server itself.
pub(super) struct Manager {
    board: Arc<Board>,
    wishes: mpsc::Sender<Wish>,
}

impl Manager {
    pub(super) const fn new(board: Arc<Board>, wishes: mpsc::Sender<Wish>) -> Self {
        Self { board, wishes }
    }
}

/// What may change.
pub(super) fn properties(board: &Board) -> Properties {
    vec![
        ("ConnectedClusters", board.count_clusters().into()),
        ("ConnectedNodes", board.count_nodes().into()),
    ]
}

#[interface(name = "org.corosync.Qnetd1.Manager")]
impl Manager {
    /// Its version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        self.board.facts.version.to_owned()
    }

    /// Another word after every start of the daemon: numbers of events begin anew with it.
    #[zbus(property(emits_changed_signal = "const"))]
    fn instance_id(&self) -> String {
        self.board.instance.clone()
    }

    /// Where it listens: host:port, * for any host.
    #[zbus(property(emits_changed_signal = "const"))]
    fn listen(&self) -> String {
        self.board.facts.listen.clone()
    }

    /// How it stands to TLS: off, on or required.
    #[zbus(property(emits_changed_signal = "const"))]
    fn tls(&self) -> String {
        self.board.facts.tls.to_owned()
    }

    /// Whether clients that use TLS have to show the certificate of their cluster.
    #[zbus(property(emits_changed_signal = "const"))]
    fn client_certificate_required(&self) -> bool {
        self.board.facts.client_certificate_required
    }

    /// How many clusters have a connected node.
    #[zbus(property)]
    fn connected_clusters(&self) -> u32 {
        self.board.count_clusters()
    }

    /// How many nodes are connected and admitted.
    #[zbus(property)]
    fn connected_nodes(&self) -> u32 {
        self.board.count_nodes()
    }

    /// Gives the object of a cluster with a connected node.
    #[zbus(out_args("object"))]
    fn get_cluster(&self, cluster: &str) -> fdo::Result<OwnedObjectPath> {
        let name = self.board.named(cluster).ok_or_else(|| unknown(cluster))?;
        let path = OwnedObjectPath::try_from(path::cluster(ROOT, &name));
        path.map_err(|error| Error::Failed(error.to_string()))
    }

    /// Loads the certificates again; what stands stays. Action org.corosync.qnetd1.reload-certificates.
    async fn reload_certificates(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        authorize(
            connection,
            &header,
            "org.corosync.qnetd1.reload-certificates",
        )
        .await?;
        if self.board.facts.tls == "off" {
            return Err(Error::NotSupported("there is no TLS (-s off)".to_owned()));
        }
        reload_certificates().map_err(|error| Error::Failed(error.to_string()))
    }

    /// Disconnects a node, which may connect again. Action org.corosync.qnetd1.disconnect-node.
    async fn disconnect_node(
        &self,
        cluster: &str,
        node: u32,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        authorize(connection, &header, "org.corosync.qnetd1.disconnect-node").await?;
        let name = self.board.named(cluster).ok_or_else(|| unknown(cluster))?;
        let wish = |answer| Wish::Disconnect {
            cluster: name,
            node: NodeId(node),
            answer,
        };
        if ask(&self.wishes, wish).await? {
            Ok(())
        } else {
            Err(Error::InvalidArgs(format!(
                "node {node} of cluster {cluster} is not connected"
            )))
        }
    }

    /// What a node was told about the vote has changed.
    #[zbus(signal)]
    pub(super) async fn vote_changed(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        node: u32,
        old: &str,
        new: &str,
        ring: (u32, u64),
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// Another partition was chosen, or none.
    #[zbus(signal)]
    pub(super) async fn partition_chosen(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        nodes: Vec<u32>,
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The first node of a cluster is connected.
    #[zbus(signal)]
    pub(super) async fn cluster_appeared(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        algorithm: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The last node of a cluster is gone.
    #[zbus(signal)]
    pub(super) async fn cluster_gone(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// A node is admitted to its cluster.
    #[zbus(signal)]
    pub(super) async fn node_connected(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        node: u32,
        address: &str,
        protection: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// A node is gone.
    #[zbus(signal)]
    pub(super) async fn node_disconnected(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        node: u32,
        address: &str,
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The heuristics of a node have another result.
    #[zbus(signal)]
    pub(super) async fn heuristics_changed(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        node: u32,
        old: &str,
        new: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// A client was not admitted. Emitted once a second at most for each reason.
    #[zbus(signal)]
    pub(super) async fn client_rejected(
        emitter: &SignalEmitter<'_>,
        address: &str,
        cluster: &str,
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// A certificate ends soon, or has ended: `not_after` is in microseconds since 1970, UTC.
    #[zbus(signal)]
    pub(super) async fn certificate_expiring(
        emitter: &SignalEmitter<'_>,
        subject: &str,
        not_after: u64,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The certificates were loaded again.
    #[zbus(signal)]
    pub(super) async fn certificates_reloaded(
        emitter: &SignalEmitter<'_>,
        directory: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The certificates could not be loaded again and stay as they were.
    #[zbus(signal)]
    pub(super) async fn certificates_kept(
        emitter: &SignalEmitter<'_>,
        directory: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// So many events were missed because the bus was too slow; the objects are up to date.
    #[zbus(signal)]
    pub(super) async fn events_missed(emitter: &SignalEmitter<'_>, count: u64) -> zbus::Result<()>;
}

fn unknown(cluster: &str) -> Error {
    Error::InvalidArgs(format!("no node of cluster {cluster} is connected"))
}
