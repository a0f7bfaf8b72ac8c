#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]

use super::board::Board;
use libqdevice::outlets::bus::{authorize, reload_certificates};
use std::collections::BTreeMap;
use std::sync::Arc;
use zbus::fdo::{self, Error};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{Connection, interface};

/// The daemon itself.
pub(super) struct Manager {
    board: Arc<Board>,
}

impl Manager {
    pub(super) const fn new(board: Arc<Board>) -> Self {
        Self { board }
    }
}

#[interface(name = "org.corosync.Qdevice1.Manager")]
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

    /// The name of the cluster.
    #[zbus(property(emits_changed_signal = "const"))]
    fn cluster(&self) -> String {
        self.board.facts.cluster.clone()
    }

    /// The id of this node.
    #[zbus(property(emits_changed_signal = "const"))]
    fn node_id(&self) -> u32 {
        self.board.facts.node
    }

    /// Loads the certificates again; what stands stays. Without TLS nothing happens. Action
    /// org.corosync.qdevice1.reload-certificates.
    async fn reload_certificates(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        let action = "org.corosync.qdevice1.reload-certificates";
        authorize(connection, &header, action).await?;
        reload_certificates().map_err(|error| Error::Failed(error.to_string()))
    }

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

    /// So many events were missed because the bus was too slow; the object is up to date.
    #[zbus(signal)]
    pub(super) async fn events_missed(emitter: &SignalEmitter<'_>, count: u64) -> zbus::Result<()>;
}
