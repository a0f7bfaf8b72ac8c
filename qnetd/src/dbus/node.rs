#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]

use super::board::Board;
use libqdevice::base::{ClusterName, NodeId};
use libqdevice::events::NodePicture;
use libqdevice::outlets::bus::{Properties, numbers};
use std::sync::Arc;
use zbus::interface;

pub(super) const INTERFACE: &str = "org.corosync.Qnetd1.Node";

/// A connected node.
pub(super) struct Node {
    board: Arc<Board>,
    cluster: ClusterName,
    id: NodeId,
}

impl Node {
    pub(super) const fn new(board: Arc<Board>, cluster: ClusterName, id: NodeId) -> Self {
        Self { board, cluster, id }
    }

    fn show<T: Default>(&self, show: impl FnOnce(&NodePicture) -> T) -> T {
        self.board.node(&self.cluster, self.id, show)
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
