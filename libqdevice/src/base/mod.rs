//! The words of the domain: nodes, rings, votes, names, time.
//!
//! Not here: any decision. These types compare, convert and print, nothing more.

mod algorithm;
mod aside;
mod ballot;
mod brake;
mod deadlines;
mod dice;
mod facts;
mod fingerprint;
mod handover;
mod level;
mod names;
mod node;
mod ring;
mod tie_breaker;
mod time;
mod tls;
mod verbosity;
mod vote_reason;
pub(crate) mod words;

pub use algorithm::Algorithm;
pub use aside::Aside;
pub use ballot::{Heuristics, Quorate, Vote};
pub use brake::Brake;
pub use deadlines::Deadlines;
pub use dice::Dice;
pub use facts::{Facts, Repeats};
pub use fingerprint::{Fingerprint, NoFingerprint};
pub use handover::Handover;
pub use level::Level;
pub use names::ClusterName;
pub use node::{NodeId, NodeInfo, NodeList, NodeState};
pub use ring::RingId;
pub use tie_breaker::{KeepActivePartition, TieBreaker};
pub use time::{Millis, Time};
pub use tls::TlsSupport;
pub use verbosity::Verbosity;
pub use vote_reason::VoteReason;
