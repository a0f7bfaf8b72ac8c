//! The words of the domain: nodes, rings, votes, names, time.
//!
//! Not here: any decision. These types compare, convert and print, nothing more.

mod algorithm;
mod ballot;
mod deadlines;
mod dice;
mod names;
mod node;
mod ring;
mod tie_breaker;
mod time;
mod tls;

pub use algorithm::Algorithm;
pub use ballot::{Heuristics, Quorate, Vote};
pub use deadlines::Deadlines;
pub use dice::Dice;
pub use names::ClusterName;
pub use node::{NodeId, NodeInfo, NodeList, NodeState};
pub use ring::RingId;
pub use tie_breaker::{KeepActivePartition, TieBreaker};
pub use time::{Millis, Time};
pub use tls::TlsSupport;
