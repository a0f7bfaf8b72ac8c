//! Whole worlds in simulated time: one `corosync-qnetd` core, two to five `corosync-qdevice` cores with a
//! votequorum each, connections that are slow, stall and die, processes and machines that stop, die and
//! come back, clocks that are wrong. One seed is one world; what must always hold is in [`invariants`].
//!
//! Not here: sockets, threads of the daemons, real clocks. The cores are driven through `handle`,
//! `handle_timeout` and `next_deadline`, as the daemons drive them.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at a few messages of many"
)]

mod arbiter;
mod campaign;
mod check;
mod clock;
mod corosync;
mod device;
mod faults;
mod flaw;
pub mod invariants;
mod link;
mod network;
mod node;
mod plan;
mod rng;
mod votequorum;
mod world;

pub use campaign::{Failure, Findings, play, play_all, shrink};
pub use device::{SYNC_TIMEOUT, TIMEOUT, client_config};
pub use flaw::Flaw;
pub use plan::{Fault, Plan, What};
pub use votequorum::{Polled, Votequorum};
pub use world::{BOUND, Outcome, STAYS, World};
