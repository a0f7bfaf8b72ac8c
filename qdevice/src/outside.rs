//! What others want of the hub: whoever shows the node on the bus, and whoever acts on it from there.

use libqdevice::events::DevicePicture;
use tokio::sync::oneshot;

/// Something the hub is asked for.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "dbus"),
    expect(dead_code, reason = "whoever wishes something comes by the bus")
)]
pub(crate) enum Wish {
    /// Everything there is, and the number of the last event that is in it.
    Picture(oneshot::Sender<(DevicePicture, u64)>),
    /// The heuristics are to run now; the answer is whether they are switched on.
    RunHeuristics(oneshot::Sender<bool>),
}
