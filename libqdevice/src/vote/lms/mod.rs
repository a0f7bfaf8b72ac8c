//! Last man standing: one partition gets the vote, however small it is.
//!
//! The variant for two nodes judges in the same way and only wants two nodes in the configuration.

mod judge;
mod rank;
pub(super) mod strategy;

pub use judge::{LastMan, Scope};
