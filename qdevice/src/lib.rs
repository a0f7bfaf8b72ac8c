//! corosync-qdevice: asks an arbiter for a vote and casts it in the local corosync.
//!
//! Not here: decisions. They are in [`libqdevice::client`]; this crate tells it what happens and does
//! what it says.

pub mod corosync;
