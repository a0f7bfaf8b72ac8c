//! What others want of the hub: whoever shows the server on the bus, and whoever acts on it from there.

use libqdevice::base::{ClusterName, NodeId};
use libqdevice::events::ServerPicture;
use libqdevice::server::Presence;
use tokio::sync::oneshot;

/// Something the hub is asked for.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "dbus"),
    expect(dead_code, reason = "whoever wishes something comes by the bus")
)]
pub(crate) enum Wish {
    /// Everything there is, and the number of the last event that is in it.
    Picture(oneshot::Sender<(ServerPicture, u64)>),
    /// A node is to be disconnected; the answer is whether it was connected.
    Disconnect {
        cluster: ClusterName,
        node: NodeId,
        answer: oneshot::Sender<bool>,
    },
    /// Since when a node is there.
    Presence {
        cluster: ClusterName,
        node: NodeId,
        answer: oneshot::Sender<Option<Presence>>,
    },
}
