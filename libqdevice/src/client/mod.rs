//! The node's side: everything `corosync-qdevice` decides.
//!
//! Not here: sockets, name resolution, corosync's libraries and processes. Those are events and
//! actions of [`event`](Event); the configuration arrives as a [`CmapSnapshot`].

mod cmap;
mod config;
mod config_fault;
mod event;
mod logging;
mod node_list;
mod notice;
mod plan;
mod settings;

pub use crate::vote::{NodeVotes, VoteFacts};
pub use cmap::{CmapSnapshot, CmapValue};
pub use config::{AddressFamily, ClientConfig, ClusterConfig};
pub use config_fault::ConfigFault;
pub use event::{Action, CastFault, Corosync, Event, Link, LinkFault};
pub use logging::debug_wanted;
pub use notice::{InitHint, Notice};
pub use plan::{HeuristicsMode, HeuristicsPlan};
pub use settings::{MasterWins, QdeviceSettings};

/// What votequorum said when the daemon had registered with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StartFacts {
    /// Expected votes.
    pub expected_votes: u32,
    /// The votes of the configured nodes.
    pub facts: VoteFacts,
}
