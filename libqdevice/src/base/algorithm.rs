use serde::{Deserialize, Serialize};

/// The decision algorithms of the protocol. [C: msg.h, enum `tlv_decision_algorithm_type`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Every partition gets the vote; for tests of the protocol only.
    Test,
    /// Exactly one half of a cluster of even size gets the vote.
    FfSplit,
    /// Last man standing for two nodes.
    #[serde(rename = "2nodelms")]
    TwoNodeLms,
    /// Last man standing.
    Lms,
}

impl Algorithm {
    /// All of them, in the order of their numbers on the wire.
    pub const ALL: [Self; 4] = [Self::Test, Self::FfSplit, Self::TwoNodeLms, Self::Lms];

    /// The value of `quorum.device.net.algorithm`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::FfSplit => "ffsplit",
            Self::TwoNodeLms => "2nodelms",
            Self::Lms => "lms",
        }
    }

    /// The text of the status commands and of `-v`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Test => "Test",
            Self::FfSplit => "Fifty-Fifty split",
            Self::TwoNodeLms => "2 Node LMS",
            Self::Lms => "LMS",
        }
    }
}
