//! The decision algorithms, each with its server half (who deserves the vote) and its client half
//! (what a node does with it).
//!
//! Not here: messages. An algorithm judges a view of the cluster and speaks of votes.

mod arbiter;
mod ffsplit;
mod handover;
mod lms;
mod partition;
mod round;
mod strategy;
mod test_algorithm;
mod view;

pub use arbiter::{Arbiter, Finding, Objection, Occasion, Past, Reason, Verdict};
pub use ffsplit::FfSplit;
pub use handover::{Absent, Departure, Grant, Heir, Holdup, Until};
pub use lms::{LastMan, Scope};
pub use partition::{Partition, configurations_agree, partitions};
pub use round::{Announcement, Round};
pub use strategy::{NodeVotes, Persistence, Strategy, StrategyFault, VoteFacts, WaitForAll};
pub use view::{Member, Members, Roster, View};
