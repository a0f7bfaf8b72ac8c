#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]
#![expect(
    clippy::too_many_arguments,
    reason = "the arguments of a signal are its interface"
)]

use super::board::Board;
use libqdevice::events::DevicePicture;
use libqdevice::outlets::bus::Properties;
use std::collections::BTreeMap;
use std::sync::Arc;
use zbus::interface;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

pub(super) const INTERFACE: &str = "org.corosync.Qdevice1.Net";

/// The server of this node, and the vote.
pub(super) struct Net {
    board: Arc<Board>,
}

impl Net {
    pub(super) const fn new(board: Arc<Board>) -> Self {
        Self { board }
    }
}

/// What may change.
pub(super) fn properties(device: &DevicePicture) -> Properties {
    vec![
        ("Connected", device.server.is_some().into()),
        ("Vote", device.vote.as_str().into()),
        ("Reason", device.reason.as_str().into()),
        ("Ring", (device.ring.node.0, device.ring.seq).into()),
        ("Quorum", device.quorum.as_str().into()),
    ]
}

#[interface(name = "org.corosync.Qdevice1.Net")]
impl Net {
    /// The host of the server, as it is configured.
    #[zbus(property(emits_changed_signal = "const"))]
    fn host(&self) -> String {
        self.board.facts.host.clone()
    }

    /// Its port.
    #[zbus(property(emits_changed_signal = "const"))]
    fn port(&self) -> u16 {
        self.board.facts.port
    }

    /// How the server decides: test, ffsplit, 2nodelms or lms.
    #[zbus(property(emits_changed_signal = "const"))]
    fn algorithm(&self) -> String {
        self.board.facts.algorithm.to_owned()
    }

    /// Whether the server has admitted this node.
    #[zbus(property)]
    fn connected(&self) -> bool {
        self.board.show(|device| device.server.is_some())
    }

    /// What is cast: ack for its partition, nack against; nothing with none, ask-later and wait-for-reply.
    #[zbus(property)]
    fn vote(&self) -> String {
        self.board.show(|device| device.vote.as_str().to_owned())
    }

    /// Why the vote is as it is, a word of the set of vote reasons.
    #[zbus(property)]
    fn reason(&self) -> String {
        self.board.show(|device| device.reason.as_str().to_owned())
    }

    /// The ring of votequorum: the node that formed it and its sequence number.
    #[zbus(property)]
    fn ring(&self) -> (u32, u64) {
        self.board
            .show(|device| (device.ring.node.0, device.ring.seq))
    }

    /// What votequorum says of this partition: quorate or inquorate.
    #[zbus(property)]
    fn quorum(&self) -> String {
        self.board.show(|device| device.quorum.as_str().to_owned())
    }

    /// What is cast has changed.
    #[zbus(signal, name = "VoteChanged")]
    pub(super) async fn new_vote(
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

    /// The server has admitted this node.
    #[zbus(signal)]
    pub(super) async fn server_connected(
        emitter: &SignalEmitter<'_>,
        host: &str,
        port: u16,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// This node has lost its server.
    #[zbus(signal)]
    pub(super) async fn server_disconnected(
        emitter: &SignalEmitter<'_>,
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The server cannot be had. Emitted once until there is one.
    #[zbus(signal)]
    pub(super) async fn server_unavailable(
        emitter: &SignalEmitter<'_>,
        reason: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// votequorum lets this partition go on, or not any more.
    #[zbus(signal, name = "QuorumChanged")]
    pub(super) async fn new_quorum(
        emitter: &SignalEmitter<'_>,
        cluster: &str,
        node: u32,
        old: &str,
        new: &str,
        sequence: u64,
        details: BTreeMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;
}
