//! The servers under test and the connections to them.

mod daemon;
mod lane;
mod link;

pub use daemon::{Daemon, Program};
pub use lane::{Fault, Heard, Lane, Tamper};
pub use link::Said;
