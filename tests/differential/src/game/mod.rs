//! A scenario played to two servers in lockstep.

mod arena;
mod compare;
mod failure;
mod learn;
mod play;
mod rest;
mod shrink;
mod tally;

pub use arena::{Arena, Matching};
pub use failure::{Failure, Fault};
pub use shrink::shrink;
pub use tally::Tally;
