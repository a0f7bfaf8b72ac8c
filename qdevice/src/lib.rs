//! corosync-qdevice: asks an arbiter for a vote and casts it in the local corosync.
//!
//! Not here: decisions. They are in [`libqdevice::client`]; this crate tells it what happens and does
//! what it says. Read [`run`] and `start` for the order of things, then `hub`.

pub mod cli;
pub mod corosync;
#[cfg(feature = "dbus")]
mod dbus;
mod debug;
mod heuristics;
mod hub;
mod ipc;
mod keys;
mod link;
mod outside;
mod polls;
mod quorum_view;
mod resolve;
pub mod run;
mod signals;
mod start;

pub use quorum_view::quorum_view;
mod telling;
