//! Where events go: the message bus, hooks and tools that watch.
//!
//! Everything here is off the voting path. The hub publishes into a [`Feed`], which never waits and keeps
//! a bounded number of records; whoever is too slow misses the oldest and learns how many.

#[cfg(feature = "dbus")]
pub mod bus;
mod feed;
pub mod hooks;
mod lines;

pub use feed::{Feed, Missed, Records};
pub use lines::lines;
