//! The closed sets of words that events use. A word is never given another meaning.

use crate::base::words::words;
use crate::base::{Heuristics, Quorate, Vote};

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
    use crate::base::VoteReason;
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
    fn the_schema_of_the_json_has_the_same_reasons() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json-schema.json");
        let schema = std::fs::read_to_string(path).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        for (name, set) in [
            ("vote_reason", VoteReason::TABLE),
            ("disconnect_reason", DisconnectReason::TABLE),
            ("reject_reason", RejectReason::TABLE),
            ("server_loss", ServerLoss::TABLE),
        ] {
            let words: Vec<&str> = set.iter().map(|(word, _)| *word).collect();
            assert_eq!(
                schema["$defs"][name]["enum"],
                serde_json::json!(words),
                "{name}"
            );
        }
        let of_partitions =
            crate::vote::Reason::ALL.map(|reason| VoteReason::from(reason).as_str());
        let finding = &schema["$defs"]["finding"]["oneOf"][1]["properties"]["reason"]["enum"];
        assert_eq!(*finding, serde_json::json!(of_partitions));
    }

    #[test]
    fn every_word_is_read_as_it_is_written_and_others_are_refused() {
        for (word, _) in VoteReason::TABLE {
            let json = serde_json::json!(word);
            let reason: VoteReason = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(reason).unwrap(), json);
            let of_partition = serde_json::from_value::<crate::vote::Reason>(json.clone());
            if let Ok(reason) = of_partition {
                assert_eq!(serde_json::to_value(reason).unwrap(), json);
            }
        }
        assert!("server".parse::<VoteReason>().is_err());
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
