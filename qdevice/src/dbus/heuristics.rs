#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]

use super::board::Board;
use crate::outside::Wish;
use libqdevice::events::DevicePicture;
use libqdevice::outlets::bus::{Properties, ask, authorize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use zbus::fdo::{self, Error};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;
use zbus::{Connection, interface};

pub(super) const INTERFACE: &str = "org.corosync.Qdevice1.Heuristics";

/// The heuristics of this node.
pub(super) struct Heuristics {
    board: Arc<Board>,
    wishes: mpsc::Sender<Wish>,
}

impl Heuristics {
    pub(super) const fn new(board: Arc<Board>, wishes: mpsc::Sender<Wish>) -> Self {
        Self { board, wishes }
    }
}

/// What may change.
pub(super) fn properties(device: &DevicePicture) -> Properties {
    vec![("Result", device.heuristics.as_str().into())]
}

#[interface(name = "org.corosync.Qdevice1.Heuristics")]
impl Heuristics {
    /// The latest result: undefined, pass or fail.
    #[zbus(property)]
    fn result(&self) -> String {
        self.board
            .show(|device| device.heuristics.as_str().to_owned())
    }

    /// Runs the heuristics now, unless a run is under way. Action org.corosync.qdevice1.run-heuristics.
    async fn run_heuristics(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        authorize(connection, &header, "org.corosync.qdevice1.run-heuristics").await?;
        if ask(&self.wishes, Wish::RunHeuristics).await? {
            Ok(())
        } else {
            Err(Error::NotSupported(
                "heuristics are off (quorum.device.heuristics.mode)".to_owned(),
            ))
        }
    }

    /// The result has changed.
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
}
