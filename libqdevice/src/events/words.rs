//! The closed sets of words that events use. A word is never given another meaning.

use crate::base::{Heuristics, Quorate, Vote};

/// Declares an enum whose variants are words, each with its meaning.
///
/// Everything that shows a word or checks the documents reads the table, so a new word takes one row.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( #[doc = $help:literal] $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $( #[doc = $help] $variant, )+
        }

        impl $name {
            /// Every word with its meaning, which may have a blank in front.
            pub const TABLE: &'static [(&'static str, &'static str)] = &[$( ($word, $help) ),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a node was told last about the vote.
    pub enum VoteWord {
        /// Nothing: it is not connected, or has only just come.
        None = "none",
        /// The vote is its: it casts for its partition.
        Ack = "ack",
        /// The vote is not its: it casts against.
        Nack = "nack",
        /// No decision is possible yet. It does not cast.
        AskLater = "ask-later",
        /// The decision will follow. It does not cast until then.
        WaitForReply = "wait-for-reply",
    }
}

words! {
    /// Why a vote is as it is.
    pub enum VoteReason {
        /// There is no other partition.
        Alone = "alone",
        /// The partition with the vote is more than half of the cluster.
        Majority = "majority",
        /// The partition with the vote has more connected nodes, or nodes with better heuristics.
        Score = "score",
        /// The scores are equal, and the partition with the vote has more connected nodes.
        Connected = "connected",
        /// The partition with the vote had it before.
        Active = "active",
        /// The partition with the vote has the node that the tie-breaker names.
        TieBreaker = "tie-breaker",
        /// The tie-breaker names no node of a partition; the one with the vote has the lowest connected id.
        LowestConnected = "lowest-connected",
        /// No partition may have the vote.
        Nobody = "nobody",
        /// The nodes have not all reported yet, or do not agree on who is with whom.
        Unsettled = "unsettled",
        /// The algorithm `test` gives the vote to everybody.
        Test = "test",
        /// The node has left.
        Disconnected = "disconnected",
        /// The server has decided so (node's side).
        ServerDecision = "server-decision",
        /// The server has not decided yet (node's side).
        ServerAwaited = "server-awaited",
        /// The server has not admitted this node yet (node's side).
        NoServer = "no-server",
        /// The server is lost, and the vote is withdrawn or kept as the algorithm wants it (node's side).
        ServerLost = "server-lost",
        /// The daemon was asked to end (node's side).
        Shutdown = "shutdown",
        /// The daemon cannot go on (node's side).
        Failure = "failure",
    }
}

words! {
    /// Why a node left the server.
    pub enum DisconnectReason {
        /// The node has closed the connection, or the network has.
        Closed = "closed",
        /// It was silent for longer than it may be.
        Silent = "silent",
        /// It does not read what it is sent.
        SendFailed = "send-failed",
        /// Its certificate is revoked.
        Revoked = "revoked",
        /// What it sent was not acceptable.
        Refused = "refused",
        /// An administrator asked for it.
        Asked = "asked",
    }
}

words! {
    /// Why a client is not admitted.
    pub enum RejectReason {
        /// There are too many connections.
        TooManyClients = "too-many-clients",
        /// The TLS handshake failed.
        TlsFailed = "tls-failed",
        /// It wants TLS, which the server does not have.
        NoTls = "no-tls",
        /// It shows no certificate.
        NoCertificate = "no-certificate",
        /// Its certificate is not that of its cluster.
        WrongCertificate = "wrong-certificate",
        /// Its certificate is revoked.
        Revoked = "revoked",
        /// It was silent for longer than it may be.
        Silent = "silent",
        /// It does not read what it is sent.
        SendFailed = "send-failed",
        /// What it sent was not acceptable; the details say why.
        Refused = "refused",
    }
}

words! {
    /// Why a node has no server any more, or cannot have one.
    pub enum ServerLoss {
        /// The server has closed the connection.
        Closed = "closed",
        /// The connection is broken.
        LinkFailed = "link-failed",
        /// No address of the server could be reached.
        Unreachable = "unreachable",
        /// The attempt to connect took too long.
        ConnectTimeout = "connect-timeout",
        /// The TLS handshake failed.
        TlsFailed = "tls-failed",
        /// The server was silent for longer than it may be.
        Silent = "silent",
        /// This process did not run for longer than the server waits.
        Overslept = "overslept",
        /// The server has sent what it must not, or does not read.
        Misbehaved = "misbehaved",
        /// The server has refused this node.
        Refused = "refused",
        /// The server and this node cannot work together as they are configured.
        Incompatible = "incompatible",
        /// The local corosync is gone or has refused the vote.
        Corosync = "corosync",
        /// The first heuristics did not end in time.
        Heuristics = "heuristics",
        /// The daemon was asked to end.
        Shutdown = "shutdown",
    }
}

words! {
    /// How a connection is protected.
    pub enum ProtectionWord {
        /// Not at all.
        Plain = "plain",
        /// By TLS, with anybody: no certificate was asked for.
        Encrypted = "encrypted",
        /// By TLS, and the certificate of the cluster was verified.
        Verified = "verified",
    }
}

words! {
    /// The result of a node's heuristics.
    pub enum HeuristicsWord {
        /// They have not run, or are switched off.
        Undefined = "undefined",
        /// All commands succeeded.
        Pass = "pass",
        /// A command failed or was late.
        Fail = "fail",
    }
}

words! {
    /// Whether votequorum lets the partition of a node go on.
    pub enum QuorumWord {
        /// It may go on.
        Quorate = "quorate",
        /// It may not.
        Inquorate = "inquorate",
    }
}

impl VoteWord {
    /// What this vote is to a node; none when it changes nothing.
    #[must_use]
    pub const fn told(vote: Vote) -> Option<Self> {
        match vote {
            Vote::Ack => Some(Self::Ack),
            Vote::Nack => Some(Self::Nack),
            Vote::AskLater => Some(Self::AskLater),
            Vote::WaitForReply => Some(Self::WaitForReply),
            Vote::NoChange => None,
        }
    }
}

impl From<Heuristics> for HeuristicsWord {
    fn from(heuristics: Heuristics) -> Self {
        match heuristics {
            Heuristics::Undefined => Self::Undefined,
            Heuristics::Pass => Self::Pass,
            Heuristics::Fail => Self::Fail,
        }
    }
}

impl From<Quorate> for QuorumWord {
    fn from(quorate: Quorate) -> Self {
        match quorate {
            Quorate::Yes => Self::Quorate,
            Quorate::No => Self::Inquorate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// All sets, in the order of the document.
    const SETS: [&[(&str, &str)]; 8] = [
        VoteWord::TABLE,
        VoteReason::TABLE,
        DisconnectReason::TABLE,
        RejectReason::TABLE,
        ServerLoss::TABLE,
        ProtectionWord::TABLE,
        HeuristicsWord::TABLE,
        QuorumWord::TABLE,
    ];

    #[test]
    fn the_document_has_every_word_with_its_meaning_and_no_other() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dbus.md");
        let document = std::fs::read_to_string(path).unwrap();
        let words = document.split_once("\n## Words\n").unwrap().1;
        let described: Vec<&str> = words
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let row = |(word, meaning): &(&str, &str)| format!("| `{word}` | {} |", meaning.trim());
        let known: Vec<String> = SETS.iter().flat_map(|set| set.iter().map(row)).collect();
        assert_eq!(described, known);
    }

    #[test]
    fn no_set_has_a_word_twice_and_words_are_plain() {
        for set in SETS {
            let words: BTreeSet<&str> = set.iter().map(|(word, _)| *word).collect();
            assert_eq!(words.len(), set.len());
            let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            assert!(words.into_iter().all(is_plain));
        }
    }
}
