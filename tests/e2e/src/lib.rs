//! Whole daemons on loopback.
//!
//! ```text
//! fake   a stand-in for corosync, told over stdin what happens in the cluster
//! node   the real corosync-qdevice on that stand-in: the program fake-node
//! report what such a node prints
//! stage  an arbiter and nodes, started, followed and always taken down
//! ```
//!
//! Needs neither root nor corosync.

pub mod fake;
pub mod node;
pub mod report;
pub mod stage;
