//! Fifty-fifty split: one vote, given to one half of a cluster that fell into two.

mod claim;
mod judge;
pub(super) mod strategy;

pub use judge::FfSplit;
