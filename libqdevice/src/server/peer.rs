use super::Identity;
use super::clusters::ClusterId;
use super::tenure::Tenure;
use crate::base::{Aside, ClusterName, Fingerprint, Heuristics, Millis, NodeId, Time, Vote};
use std::collections::BTreeSet;

/// A connection and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// `address:port`.
    pub(super) address: String,
    /// How often the client sends at least an echo request.
    pub(super) heartbeat: Millis,
    /// How long it may be silent.
    pub(super) patience: Millis,
    /// When it was heard last.
    pub(super) heard: Time,
    pub(super) tls: Tls,
    pub(super) stage: Stage,
    /// When it connected.
    pub(super) since: Aside<Time>,
}

/// How the bytes of a connection are protected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Tls {
    /// Not at all.
    Plain,
    /// The handshake is under way: no message can come.
    Starting,
    /// By TLS, with what the peer's certificate says, if it showed one.
    Up(Option<Identity>),
}

/// What the server knows of the client behind a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Nothing.
    Fresh,
    /// It has named its cluster.
    Named(ClusterName),
    /// It is admitted to its cluster.
    Admitted(Seat),
}

/// A client's place in its cluster, and what only the status text shows of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Seat {
    pub(super) cluster: ClusterId,
    pub(super) node: NodeId,
    pub(super) tenure: Tenure,
    /// Version of the configuration, if the last configured list had one.
    pub(super) config_version: Option<u64>,
    /// Heuristics of the last membership list.
    pub(super) membership_heuristics: Heuristics,
    /// Heuristics of the last change between memberships.
    pub(super) regular_heuristics: Heuristics,
    pub(super) votes: LastVotes,
}

impl Peer {
    /// Whether the certificate it has shown is one of these.
    pub(super) fn shows_one_of(&self, certificates: &BTreeSet<Fingerprint>) -> bool {
        match &self.tls {
            Tls::Up(Some(identity)) => certificates.contains(&identity.certificate),
            Tls::Plain | Tls::Starting | Tls::Up(None) => false,
        }
    }
}

/// What a client was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct LastVotes {
    /// The last vote of any kind.
    pub(super) any: Option<Vote>,
    /// The last ACK or NACK.
    pub(super) ruling: Option<Vote>,
}

impl Seat {
    /// The place of a client that has just been admitted.
    pub(super) fn new(cluster: ClusterId, node: NodeId, tenure: Tenure) -> Self {
        Self {
            cluster,
            node,
            tenure,
            config_version: None,
            membership_heuristics: Heuristics::Undefined,
            regular_heuristics: Heuristics::Undefined,
            votes: LastVotes::default(),
        }
    }
}

impl LastVotes {
    /// Notes what the client is told.
    pub(super) fn note(&mut self, vote: Vote) {
        self.any = Some(vote);
        match vote {
            Vote::Ack | Vote::Nack => self.ruling = Some(vote),
            Vote::AskLater | Vote::WaitForReply | Vote::NoChange => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_ruling_leaves_the_last_ruling() {
        let mut votes = LastVotes::default();
        votes.note(Vote::Nack);
        votes.note(Vote::NoChange);
        assert_eq!(
            votes,
            LastVotes {
                any: Some(Vote::NoChange),
                ruling: Some(Vote::Nack)
            }
        );
    }
}
