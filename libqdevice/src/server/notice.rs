use super::protection::Protection;
use super::{Cause, Refusal};
use crate::base::{Algorithm, ClusterName, Heuristics, Level, NodeId, RingId, TieBreaker, Vote};
use crate::vote::{Finding, Occasion, Reason};
use crate::wire::{DecodeFault, Malformed};
use std::fmt;

/// A client as the log names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Party {
    /// `address:port`.
    pub address: String,
    /// Its cluster, once it has named it.
    pub cluster: Option<ClusterName>,
    /// Its node id, once it is admitted.
    pub node: Option<NodeId>,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        match (&self.cluster, self.node) {
            (Some(cluster), Some(node)) => write!(f, " (cluster {cluster}, node_id {node})"),
            (Some(cluster), None) => write!(f, " (cluster {cluster})"),
            (None, _) => Ok(()),
        }
    }
}

/// What an operator may want to know or act on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A connection was closed because there are too many.
    TooManyClients {
        /// Where it came from.
        address: String,
    },
    /// A client has connected.
    Connected {
        /// From where.
        address: String,
    },
    /// A client is admitted to its cluster.
    Admitted {
        /// Who.
        party: Party,
        /// How the cluster decides.
        algorithm: Algorithm,
        /// Who wins in it between equals.
        tie_breaker: TieBreaker,
        /// How the connection is protected.
        protection: Protection,
    },
    /// An admitted client uses the algorithm that gives the vote to every partition.
    TestAlgorithm(Party),
    /// A client is gone.
    Left(Party),
    /// All clients are disconnected because the server ends.
    GoingDown,
    /// A message is answered with an error.
    Refused(Party, Refusal),
    /// Something that is no message is answered with an error.
    Malformed(Party, Malformed),
    /// The server disconnects a client.
    Dropped(Party, Cause),
    /// The TLS handshake with a client has failed; the text says why.
    TlsFailed(Party, String),
    /// A client of a cluster is admitted of whom nobody can know who it is, for the first time.
    Unprotected(Party, Protection),
    /// A client has reported something or asks for its vote.
    Reported {
        /// Who.
        party: Party,
        /// What about.
        occasion: Occasion,
        /// Its ring as of the report.
        ring: RingId,
        /// Its heuristics as of the report.
        heuristics: Heuristics,
        /// The ids in the list.
        nodes: Vec<NodeId>,
    },
    /// A client gets a vote with the answer to what it has reported or asked.
    Answered {
        /// Who.
        party: Party,
        /// The vote.
        vote: Vote,
        /// The ring it is for.
        ring: RingId,
    },
    /// A vote is pushed to a client.
    Announced {
        /// To whom.
        party: Party,
        /// The number to be confirmed.
        seq: u32,
        /// The vote.
        vote: Vote,
        /// The ring it is for.
        ring: RingId,
    },
    /// A client has confirmed a pushed vote.
    Confirmed {
        /// Who.
        party: Party,
        /// The number it has confirmed.
        seq: u32,
    },
    /// The arbiter has looked at a cluster.
    Judged {
        /// Which.
        cluster: ClusterName,
        /// What it saw.
        finding: Finding,
        /// Whether it differs from what it saw when the cluster was settled last.
        changed: bool,
    },
    /// A partition that deserves the vote has to wait for it.
    HeldUp {
        /// Of which cluster.
        cluster: ClusterName,
        /// Who is gone and may still cast the vote.
        holder: NodeId,
        /// For how long at most, in milliseconds.
        millis: u64,
    },
}

impl Notice {
    /// Whom it is about, where it is one client.
    #[must_use]
    pub const fn party(&self) -> Option<&Party> {
        match self {
            Self::Admitted { party, .. }
            | Self::TestAlgorithm(party)
            | Self::Left(party)
            | Self::Refused(party, _)
            | Self::Malformed(party, _)
            | Self::Dropped(party, _)
            | Self::TlsFailed(party, _)
            | Self::Unprotected(party, _)
            | Self::Reported { party, .. }
            | Self::Answered { party, .. }
            | Self::Announced { party, .. }
            | Self::Confirmed { party, .. } => Some(party),
            Self::TooManyClients { .. }
            | Self::Connected { .. }
            | Self::GoingDown
            | Self::Judged { .. }
            | Self::HeldUp { .. } => None,
        }
    }

    /// How urgent it is.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::TooManyClients { .. }
            | Self::Refused(..)
            | Self::Dropped(
                _,
                Cause::SendFailed(_)
                | Cause::NoTls
                | Cause::NoCertificate
                | Cause::WrongCertificate
                | Cause::Revoked,
            )
            | Self::TlsFailed(..) => Level::Error,
            Self::Unprotected(..)
            | Self::Malformed(..)
            | Self::TestAlgorithm(_)
            | Self::Dropped(_, Cause::Silent(_) | Cause::Asked) => Level::Warning,
            Self::Judged { changed: true, .. } | Self::HeldUp { .. } => Level::Info,
            Self::Connected { .. }
            | Self::Admitted { .. }
            | Self::Answered { .. }
            | Self::Left(_)
            | Self::GoingDown
            | Self::Reported { .. }
            | Self::Announced { .. }
            | Self::Confirmed { .. }
            | Self::Judged { changed: false, .. } => Level::Debug,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyClients { address } => {
                write!(
                    f,
                    "Maximum clients reached. Not accepting connection from {address}"
                )
            }
            Self::Connected { address } => write!(f, "Client {address} connected"),
            Self::Admitted { party, .. } => {
                write!(f, "New client {party} is admitted to its cluster")
            }
            Self::TestAlgorithm(party) => write!(
                f,
                "algo-test: Client {party} initiated test algorithm. It's not recommended to use test \
                 algorithm because it can create multiple quorate partitions!"
            ),
            Self::Left(party) => write!(f, "Client {party} disconnect"),
            Self::GoingDown => f.write_str("Disconnecting all clients (server is going down)"),
            Self::Refused(party, refusal) => {
                write!(f, "{refusal}. Sending error reply to client {party}")
            }
            Self::Malformed(party, malformed) => {
                write!(f, "{} (client {party})", skipped(*malformed))
            }
            Self::Dropped(party, Cause::Silent(patience)) => write!(
                f,
                "Client {party} doesn't sent any message during {patience}. Disconnecting"
            ),
            Self::TlsFailed(party, reason) => write!(
                f,
                "TLS handshake failed: {reason}. Disconnecting client {party}"
            ),
            Self::Unprotected(party, protection) => {
                write!(f, "Client {party} {}", protection.remark())
            }
            Self::Dropped(party, cause) => write!(f, "{cause}. Disconnecting client {party}"),
            Self::Reported {
                party,
                occasion,
                ring,
                heuristics,
                nodes,
            } => write!(
                f,
                "Client {party} {} (ring id {ring}, heuristics {}){}{}",
                told(*occasion),
                heuristics.as_str(),
                if nodes.is_empty() { "" } else { ": " },
                Ids(nodes)
            ),
            Self::Answered { party, vote, ring } => write!(
                f,
                "Answering client {party}: {} for ring id {ring}",
                vote.as_str()
            ),
            Self::Announced {
                party,
                seq,
                vote,
                ring,
            } => write!(
                f,
                "Sending vote info {seq} to client {party}: {} for ring id {ring}",
                vote.as_str()
            ),
            Self::Confirmed { party, seq } => {
                write!(f, "Client {party} replied back to vote info message {seq}")
            }
            Self::Judged {
                cluster, finding, ..
            } => write!(f, "Cluster {cluster}: {}", Seen(finding)),
            Self::HeldUp {
                cluster,
                holder,
                millis,
            } => write!(
                f,
                "Cluster {cluster}: the vote waits for node {holder}, which is gone and may still cast it: \
                 at most {millis} ms"
            ),
        }
    }
}

/// What arrived instead of a message, as the C program logs it. [C: qnetd-client-net.c, log-common.c]
fn skipped(malformed: Malformed) -> String {
    match malformed {
        Malformed::UnknownType(number) => {
            format!("Client sent unsupported msg type {number}. Skipping message")
        }
        Malformed::TooLong(length) => {
            format!("Client wants to send too long message {length} bytes. Skipping message")
        }
        Malformed::Undecodable(error) => match error.fault {
            DecodeFault::Empty | DecodeFault::Truncated => {
                "Received inconsistent msg (tlv len > msg size)".to_owned()
            }
            DecodeFault::WrongLength(option) => {
                format!(
                    "Received message with option with invalid length: {}",
                    option.number()
                )
            }
            DecodeFault::InvalidValue(option) => {
                format!(
                    "Received message with option with invalid value: {}",
                    option.number()
                )
            }
            DecodeFault::NodeInfo => {
                "Received message with option with invalid value: node info".to_owned()
            }
        },
    }
}

const fn told(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Config => "sent config node list",
        Occasion::Membership => "sent membership node list",
        Occasion::Quorum => "sent quorum node list",
        Occasion::Heuristics => "sent heuristics change",
        Occasion::Question => "asked for a vote",
    }
}

/// Ids with commas between them.
struct Ids<I>(I);

impl<'a, I: IntoIterator<Item = &'a NodeId> + Copy> fmt::Display for Ids<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, id) in self.0.into_iter().enumerate() {
            write!(f, "{}{id}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

struct Seen<'a>(&'a Finding);

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Finding::NotJudged => f.write_str("nothing to decide"),
            Finding::Unsettled => f.write_str("membership is not yet stable"),
            Finding::Nobody => f.write_str("no partition gets the vote"),
            Finding::Partition { nodes, reason } => {
                let why = match reason {
                    Reason::Alone => "no other partition is connected",
                    Reason::Majority => "majority of the configured nodes",
                    Reason::Score => "higher score of connected nodes and heuristics",
                    Reason::Connected => "more connected nodes",
                    Reason::Active => "keeps the vote",
                    Reason::TieBreaker => "tie-breaker",
                    Reason::LowestConnected => "lowest connected node id",
                };
                write!(f, "partition {} gets the vote ({why})", Ids(nodes))
            }
        }
    }
}
