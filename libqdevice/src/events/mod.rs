//! What happens, in the words in which D-Bus, hooks and the live view tell it.
//!
//! The machines tell their operator everything in notices; a ledger makes events of those. It decides
//! nothing, and no machine knows of it. Not here: sockets, processes, and when an event was (that is
//! [`Record`], which the driver numbers and dates).

mod device_facts;
mod device_ledger;
mod event;
mod picture;
mod record;
mod sentence;
mod server_facts;
mod server_ledger;
mod words;

pub use crate::base::VoteReason;
pub use device_facts::device_facts;
pub use device_ledger::DeviceLedger;
pub use event::Event;
pub use picture::{ClusterPicture, DevicePicture, NodePicture, ServerPicture};
pub use record::{Record, SCHEMA, Source};
pub use server_facts::{event_facts, server_facts};
pub use server_ledger::ServerLedger;
pub use words::{
    DisconnectReason, HeuristicsWord, ProtectionWord, QuorumWord, RejectReason, ServerLoss,
    VoteWord,
};
