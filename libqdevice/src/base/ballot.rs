use serde::{Deserialize, Serialize};

/// What the server tells a node about the vote. [C: msg.h, enum `tlv_vote`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vote {
    /// The node's partition has the vote: cast it.
    Ack,
    /// The node's partition does not have the vote: cast against.
    Nack,
    /// No decision is possible yet; ask again. The node stops casting.
    AskLater,
    /// The decision will be pushed. The node stops casting until then.
    WaitForReply,
    /// What was said before still holds.
    NoChange,
}

impl Vote {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Ack,
        Self::Nack,
        Self::AskLater,
        Self::WaitForReply,
        Self::NoChange,
    ];

    /// The text of `corosync-qnetd-tool -l`. [C: qnetd-ipc-cmd.c]
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::AskLater => "Ask later",
            Self::WaitForReply => "Wait for reply",
            Self::NoChange => "No change",
        }
    }
}

/// Summary of a node's heuristics commands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Heuristics {
    /// Not run, or switched off. Never on the wire: the option is left out.
    #[default]
    Undefined,
    /// All commands succeeded.
    Pass,
    /// A command failed or was late.
    Fail,
}

impl Heuristics {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Undefined, Self::Pass, Self::Fail];

    /// The text of both status commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undefined => "Undefined",
            Self::Pass => "Pass",
            Self::Fail => "Fail",
        }
    }
}

/// Whether votequorum says that a partition may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Quorate {
    /// It may not.
    #[default]
    No,
    /// It may.
    Yes,
}
