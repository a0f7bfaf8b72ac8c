use super::handover::{Absent, Departure, Grant, Holdup};
use super::{Announcement, FfSplit, LastMan, Members, Round, Scope, View, test_algorithm};
use crate::base::{Algorithm, NodeId, TieBreaker, Time, Vote, VoteReason};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The server half of the algorithm a cluster has chosen, with all it remembers of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Arbiter {
    /// Fifty-fifty split.
    FfSplit(FfSplit),
    /// Last man standing, for two nodes or for any number.
    LastMan(LastMan),
    /// Every partition gets the vote.
    Test,
}

/// What a node asks to be judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// It has sent its configured nodes.
    Config,
    /// It has sent the nodes of its ring.
    Membership,
    /// It has sent what votequorum knows.
    Quorum,
    /// Its heuristics have a new result.
    Heuristics,
    /// It asks for its vote.
    Question,
}

/// What follows from a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The answer to the sender.
    pub reply: Vote,
    /// What is pushed, in this order and before the answer.
    pub announce: Vec<Announcement>,
    /// What the algorithm saw.
    pub finding: Finding,
}

/// What an algorithm saw when it looked at a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Finding {
    /// It did not look: the event changes no vote.
    NotJudged,
    /// The nodes do not agree yet on who is with whom.
    Unsettled,
    /// No partition may have the vote.
    Nobody,
    /// One partition may have it.
    Partition {
        /// Its nodes, connected or not.
        nodes: BTreeSet<NodeId>,
        /// Why this one.
        reason: Reason,
    },
}

/// Why a partition was preferred to the next best one.
///
/// Its words are those of [`VoteReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "VoteReason", try_from = "VoteReason")]
pub enum Reason {
    /// There is no other.
    Alone,
    /// It is more than half of the cluster.
    Majority,
    /// More of its members are connected, or have better heuristics.
    Score,
    /// The scores are equal, but more of its members are connected.
    Connected,
    /// It had the vote before: the nodes want it to keep it, or the others have only just come.
    Active,
    /// It has the node that the tie-breaker names.
    TieBreaker,
    /// It has the connected node with the lowest id; the tie-breaker names a node in no partition.
    LowestConnected,
}

impl Reason {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Alone,
        Self::Majority,
        Self::Score,
        Self::Connected,
        Self::Active,
        Self::TieBreaker,
        Self::LowestConnected,
    ];
}

impl From<Reason> for VoteReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Alone => Self::Alone,
            Reason::Majority => Self::Majority,
            Reason::Score => Self::Score,
            Reason::Connected => Self::Connected,
            Reason::Active => Self::Active,
            Reason::TieBreaker => Self::TieBreaker,
            Reason::LowestConnected => Self::LowestConnected,
        }
    }
}

impl TryFrom<VoteReason> for Reason {
    type Error = String;

    fn try_from(word: VoteReason) -> Result<Self, Self::Error> {
        let own = Self::ALL
            .into_iter()
            .find(|own| VoteReason::from(*own) == word);
        own.ok_or_else(|| format!("no partition is preferred because of {:?}", word.as_str()))
    }
}

impl Finding {
    /// Why votes are as they are after it; none if it says nothing of them.
    #[must_use]
    pub fn vote_reason(&self) -> Option<VoteReason> {
        match self {
            Self::NotJudged => None,
            Self::Unsettled => Some(VoteReason::Unsettled),
            Self::Nobody => Some(VoteReason::Nobody),
            Self::Partition { reason, .. } => Some((*reason).into()),
        }
    }
}

/// Why an algorithm does not accept a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Objection {
    /// There is no node in the configuration.
    EmptyConfig,
    /// The sender is not in its own configuration.
    ConfigWithoutSender,
    /// There is no node in the membership.
    EmptyMembership,
    /// The sender is not in its own membership.
    MembershipWithoutSender,
    /// The configuration has another number of nodes than the two the algorithm is for.
    NotTwoNodes,
    /// The algorithm has no use for such a message.
    Unsupported,
}

impl Verdict {
    /// An answer that changes nothing for anybody else.
    #[must_use]
    pub const fn only(reply: Vote) -> Self {
        Self {
            reply,
            announce: Vec::new(),
            finding: Finding::NotJudged,
        }
    }
}

/// What stays true of a cluster when all its nodes have left, or the server has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Past {
    /// The partition that got the vote last.
    pub active: BTreeSet<NodeId>,
    /// Who may still cast the vote.
    pub absent: BTreeMap<NodeId, Absent>,
}

impl Past {
    /// The moment from which on it means nothing.
    #[must_use]
    pub fn ends(&self) -> Option<Time> {
        self.absent.values().map(|absent| absent.until.apart).max()
    }
}

impl Arbiter {
    /// Starts an algorithm for a cluster of which this is known.
    #[must_use]
    pub fn new(algorithm: Algorithm, tie_breaker: TieBreaker, past: Past) -> Self {
        let last_man = |past, scope| Self::LastMan(LastMan::after(past, scope, tie_breaker));
        match algorithm {
            Algorithm::Test => Self::Test,
            Algorithm::FfSplit => Self::FfSplit(FfSplit::after(past, tie_breaker)),
            Algorithm::TwoNodeLms => last_man(past, Scope::TwoNodes),
            Algorithm::Lms => last_man(past, Scope::AnySize),
        }
    }

    /// Judges a report of the view's subject, which is not stored yet.
    ///
    /// # Errors
    ///
    /// The report is not accepted: nothing has changed, and it is not to be stored.
    pub fn judge(
        &mut self,
        now: Time,
        occasion: Occasion,
        view: View<'_>,
    ) -> Result<Verdict, Objection> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.judge(now, occasion, view),
            Self::LastMan(last_man) => last_man.judge(now, occasion, view),
            Self::Test => Ok(test_algorithm::judge(occasion)),
        }
    }

    /// A node has confirmed an announcement.
    pub fn confirm(
        &mut self,
        now: Time,
        node: NodeId,
        seq: u32,
        stored: &Members,
    ) -> Vec<Announcement> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.confirm(now, node, seq, stored),
            Self::LastMan(last_man) => last_man.confirm(now, node, seq, stored),
            Self::Test => Vec::new(),
        }
    }

    /// Time has passed: those who wait for the end of a vote may get it now. To be called when
    /// [`holdup`](Self::holdup) ends.
    pub fn lapse(&mut self, now: Time, stored: &Members) -> Vec<Announcement> {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.lapse(now, stored),
            Self::LastMan(last_man) => last_man.lapse(now, stored),
            Self::Test => Vec::new(),
        }
    }

    /// The view's subject has left together with others; the cluster is judged when the last of them
    /// [leaves](Self::leave).
    pub fn forget(&mut self, view: View<'_>, departure: Departure) {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.forget(view.subject(), departure),
            Self::LastMan(last_man) => last_man.forget(view, departure),
            Self::Test => {}
        }
    }

    /// The view's subject has left. There is nobody to answer, so the reply means nothing.
    pub fn leave(&mut self, now: Time, view: View<'_>, departure: Departure) -> Verdict {
        match self {
            Self::FfSplit(ffsplit) => ffsplit.leave(now, view, departure),
            Self::LastMan(last_man) => last_man.leave(now, view, departure),
            Self::Test => Verdict::only(Vote::NoChange),
        }
    }

    /// Why those who deserve the vote do not get it yet.
    #[must_use]
    pub fn holdup(&self, now: Time) -> Option<Holdup> {
        self.round()?.holdup(now)
    }

    /// Who may be casting the vote, as far as the algorithm keeps it from others: the connected nodes,
    /// then those that have left.
    #[must_use]
    pub fn grants(&self) -> Vec<(NodeId, Grant)> {
        let Some(round) = self.round() else {
            return Vec::new();
        };
        let connected = round.grants().map(|(id, grant)| (id, grant.clone()));
        let absent = round.absent().iter();
        let absent = absent.map(|(&id, absent)| (id, absent.grant.clone()));
        connected.chain(absent).collect()
    }

    /// What stays true if nobody comes back.
    #[must_use]
    pub fn past(&self) -> Past {
        let active = match self {
            Self::FfSplit(ffsplit) => ffsplit.active().clone(),
            Self::LastMan(last_man) => last_man.active().clone(),
            Self::Test => BTreeSet::new(),
        };
        let absent = self.round().map(|round| round.absent().clone());
        Past {
            active,
            absent: absent.unwrap_or_default(),
        }
    }

    /// Who has been told what.
    const fn round(&self) -> Option<&Round> {
        match self {
            Self::FfSplit(ffsplit) => Some(ffsplit.round()),
            Self::LastMan(last_man) => Some(last_man.round()),
            Self::Test => None,
        }
    }
}
