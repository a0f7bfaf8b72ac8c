#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]

use super::board::Board;
use crate::outside::Wish;
use libqdevice::base::{ClusterName, NodeId, Time};
use libqdevice::events::NodePicture;
use libqdevice::io::clock::wall_moment;
use libqdevice::outlets::bus::{Properties, ask, numbers};
use libqdevice::server::Presence;
use std::sync::Arc;
use tokio::sync::mpsc;
use zbus::fdo::{self, Error};
use zbus::interface;
use zbus::message::Header;

pub(super) const INTERFACE: &str = "org.corosync.Qnetd1.Node";

/// A connected node.
pub(super) struct Node {
    board: Arc<Board>,
    wishes: mpsc::Sender<Wish>,
    cluster: ClusterName,
    id: NodeId,
}

impl Node {
    pub(super) const fn new(
        board: Arc<Board>,
        wishes: mpsc::Sender<Wish>,
        cluster: ClusterName,
        id: NodeId,
    ) -> Self {
        Self {
            board,
            wishes,
            cluster,
            id,
        }
    }

    fn show<T: Default>(&self, show: impl FnOnce(&NodePicture) -> T) -> T {
        self.board.node(&self.cluster, self.id, show)
    }

    /// Since when it is there. Only the server's loop knows: nothing is told of a heartbeat.
    ///
    /// It is asked for whoever asks, and not (there is no header) when thousands of objects are shown at once.
    async fn presence(&self, asked: Option<Header<'_>>) -> fdo::Result<Presence> {
        let failed = |why: &str| Error::Failed(why.to_owned());
        let _ = asked.ok_or_else(|| failed("only told to those who ask"))?;
        let wish = |answer| Wish::Presence {
            cluster: self.cluster.clone(),
            node: self.id,
            answer,
        };
        let presence = ask(&self.wishes, wish).await?;
        presence.ok_or_else(|| failed("the node is not connected"))
    }
}

/// What may change.
pub(super) fn properties(node: &NodePicture) -> Properties {
    vec![
        ("Ring", (node.ring.node.0, node.ring.seq).into()),
        ("Configured", numbers(&node.configured).into()),
        ("Membership", numbers(&node.membership).into()),
        ("Heuristics", node.heuristics.as_str().into()),
        ("Vote", node.vote.as_str().into()),
    ]
}

#[interface(name = "org.corosync.Qnetd1.Node")]
impl Node {
    /// The name of its cluster.
    #[zbus(property(emits_changed_signal = "const"))]
    fn cluster(&self) -> String {
        self.cluster.to_string()
    }

    /// Its id.
    #[zbus(property(emits_changed_signal = "const"))]
    fn node_id(&self) -> u32 {
        self.id.0
    }

    /// Where it comes from: address:port.
    #[zbus(property(emits_changed_signal = "const"))]
    fn address(&self) -> String {
        self.show(|node| node.address.clone())
    }

    /// How its connection is protected: plain, encrypted or verified.
    #[zbus(property(emits_changed_signal = "const"))]
    fn protection(&self) -> String {
        self.show(|node| node.protection.as_str().to_owned())
    }

    /// When it connected, in microseconds since 1970, UTC. Told to whoever asks for it, with no signal.
    #[zbus(property(emits_changed_signal = "false"))]
    async fn connected_since(&self, #[zbus(header)] asked: Option<Header<'_>>) -> fdo::Result<u64> {
        Ok(micros(self.presence(asked).await?.connected))
    }

    /// When it was heard last, in microseconds since 1970, UTC. Told to whoever asks for it, with no signal.
    #[zbus(property(emits_changed_signal = "false"))]
    async fn last_heard(&self, #[zbus(header)] asked: Option<Header<'_>>) -> fdo::Result<u64> {
        Ok(micros(self.presence(asked).await?.heard))
    }

    /// The ring it has reported: the node that formed it and its sequence number.
    #[zbus(property)]
    fn ring(&self) -> (u32, u64) {
        self.show(|node| (node.ring.node.0, node.ring.seq))
    }

    /// The nodes it is configured with.
    #[zbus(property)]
    fn configured(&self) -> Vec<u32> {
        self.show(|node| numbers(&node.configured))
    }

    /// The nodes of its ring.
    #[zbus(property)]
    fn membership(&self) -> Vec<u32> {
        self.show(|node| numbers(&node.membership))
    }

    /// The latest result of its heuristics: undefined, pass or fail.
    #[zbus(property)]
    fn heuristics(&self) -> String {
        self.show(|node| node.heuristics.as_str().to_owned())
    }

    /// What it was told last: none, ack, nack, ask-later or wait-for-reply.
    #[zbus(property)]
    fn vote(&self) -> String {
        self.show(|node| node.vote.as_str().to_owned())
    }
}

/// A moment of the daemon's clock as D-Bus has it.
fn micros(at: Time) -> u64 {
    wall_moment(at).0.saturating_mul(1000)
}
