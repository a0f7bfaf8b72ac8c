//! The local corosync, as the daemon sees it.
//!
//! Not here: any decision. [`Corosync`] is what the daemon needs of it, [`Library`] the real one; tests
//! bring their own.

mod error;
#[expect(unsafe_code, reason = "the libraries of corosync are C")]
pub mod ffi;
mod library;

pub use error::CsError;
pub use library::Library;

use ffi::{ConnectFault, LoadFault};
use libqdevice::base::{NodeId, NodeList, Quorate, RingId};
use libqdevice::client::{CmapSnapshot, VoteFacts};
use std::fmt;
use std::future::Future;

/// What the daemon asks of corosync.
///
/// The calls about votes are answered within milliseconds, also while the cluster synchronises; those
/// about the configuration can wait for the end of that, half a minute. The vote never waits for them.
pub trait Corosync {
    /// The whole configuration in cmap, as far as it is read.
    fn snapshot(&mut self) -> impl Future<Output = Result<CmapSnapshot, CsError>>;

    /// Begins to report changes of the configuration, as [`Event::Config`].
    fn follow_config(&mut self) -> impl Future<Output = Result<(), FollowFault>>;

    /// Makes the daemon this node's quorum device under `name` and begins to report memberships and
    /// quorum. Returns the votes the node expects.
    ///
    /// The device is dead for votequorum until the first [`Corosync::cast`].
    fn register(&mut self, name: &str) -> impl Future<Output = Result<u32, RegisterFault>>;

    /// Says whether a partition with the device's vote wins over all others.
    fn set_master_wins(
        &mut self,
        master_wins: MasterWins,
    ) -> impl Future<Output = Result<(), CsError>>;

    /// How many votes votequorum gives these nodes and their device.
    fn vote_facts(&mut self, nodes: Vec<NodeId>) -> impl Future<Output = VoteFacts>;

    /// Casts the vote, or casts nothing but shows that the device is alive.
    ///
    /// When this returns, votequorum knows.
    fn cast(&mut self, poll: Poll) -> impl Future<Output = Result<(), CsError>>;

    /// Casts once more what the last [`cast`](Self::cast) has cast. Does not wait for the answer;
    /// [`settle`](Self::settle) does.
    fn cast_again(&mut self, poll: Poll);

    /// Waits for the answer to the last [`cast_again`](Self::cast_again), if that is still to come and nothing
    /// was cast since.
    fn settle(&mut self) -> impl Future<Output = Result<(), CsError>>;

    /// Waits for the next event. Nothing is lost if the wait is given up.
    fn next_event(&mut self) -> impl Future<Output = Event>;

    /// Withdraws the device and closes the connections. Returns what did not work.
    fn leave(&mut self) -> impl Future<Output = Vec<LeaveFault>>;
}

/// One `votequorum_qdevice_poll`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// The ring the vote is for; votequorum refuses any but the current one.
    pub ring: RingId,
    /// Whether the device votes for this partition.
    pub vote: bool,
}

/// Whether a partition with the device's vote wins over all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterWins {
    /// It needs a majority as any other.
    Forbidden,
    /// It wins.
    Allowed,
}

/// What corosync reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new membership is being formed; votequorum waits for a poll with its ring.
    Membership {
        /// The ring.
        ring: RingId,
        /// Its nodes.
        nodes: NodeList,
    },
    /// The membership is formed, or its quorum has changed.
    Quorum {
        /// Whether this partition may go on.
        quorate: Quorate,
        /// All known nodes, the device (id 0) included.
        nodes: NodeList,
    },
    /// The number of expected votes has changed.
    ExpectedVotes(u32),
    /// Part of the configuration that is followed has changed; this is all of it.
    Config(CmapSnapshot),
    /// A connection to corosync is gone, and stays so.
    Lost(Service),
}

/// The services of corosync that the daemon is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Votes and memberships.
    Votequorum,
    /// The configuration.
    Cmap,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Votequorum => "votequorum",
            Self::Cmap => "cmap",
        })
    }
}

/// Why there is no connection to cmap. [C: qdevice-cmap.c]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say what each of them means")]
pub enum OpenFault {
    #[error("Failed to initialize the cmap API. {0}")]
    Missing(#[source] LoadFault),
    #[error("Failed to initialize the cmap API. Error {0}")]
    Refused(#[source] CsError),
    #[error("Can't start the thread of the {0} connection: {1}")]
    Thread(Service, String),
}

/// Why the daemon is not the quorum device. [C: qdevice-votequorum.c]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say what each of them means")]
pub enum RegisterFault {
    #[error("Failed to initialize the votequorum API. {0}")]
    Missing(#[source] LoadFault),
    #[error("Failed to initialize the votequorum API. Error {0}")]
    Refused(#[source] CsError),
    #[error("Can't register votequorum device. Error {0}")]
    Register(#[source] CsError),
    #[error("Can't get votequorum information. Error {0}")]
    Info(#[source] CsError),
    #[error("Can't start tracking votequorum changes. Error {0}")]
    Track(#[source] CsError),
}

impl From<ConnectFault> for RegisterFault {
    fn from(fault: ConnectFault) -> Self {
        match fault {
            ConnectFault::Load(fault) => Self::Missing(fault),
            ConnectFault::Refused(error) => Self::Refused(error),
        }
    }
}

/// Why changes of the configuration cannot be followed. [C: qdevice-cmap.c]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Can't initialize cmap {key} tracking. Error {error}")]
pub struct FollowFault {
    /// The key, or the prefix without its dot.
    pub key: &'static str,
    /// What cmap said.
    #[source]
    pub error: CsError,
}

/// What did not work when the device was withdrawn. [C: qdevice-votequorum.c]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say what each of them means")]
pub enum LeaveFault {
    #[error("Can't stop tracking votequorum changes. Error {0}")]
    Untrack(#[source] CsError),
    #[error("Unable to unregister votequorum device. Error {0}")]
    Unregister(#[source] CsError),
    #[error("Unable to finalize votequorum. Error {0}")]
    Finalize(#[source] CsError),
}
