use super::server_ledger::rejection;
use super::{Event, HeuristicsWord, RejectReason, VoteReason, VoteWord};
use crate::base::{Facts, Repeats, Vote};
use crate::server::{Cause, Notice, Party, Refusal};
use crate::vote::Finding;
use crate::wire::{Malformed, ReplyErrorCode};

/// What a line of the server's log is about.
#[must_use]
pub fn server_facts(notice: &Notice) -> Facts<'_> {
    let facts = notice.party().map_or_else(Facts::default, party);
    match notice {
        Notice::TooManyClients { address } => Facts {
            peer: Some(address),
            ..failure(facts, RejectReason::TooManyClients.as_str())
        },
        Notice::Connected { address } => Facts {
            peer: Some(address),
            ..facts
        },
        Notice::Admitted { .. }
        | Notice::TestAlgorithm(_)
        | Notice::Left(_)
        | Notice::GoingDown
        | Notice::Unprotected(..)
        | Notice::Confirmed { .. } => facts,
        Notice::Refused(_, refusal) => failure(facts, refused(*refusal)),
        Notice::Malformed(_, malformed) => failure(facts, unreadable(*malformed)),
        Notice::Dropped(party, cause) => match (party.node, cause) {
            // A member is lost, and cannot be at any rate.
            (Some(_), Cause::Silent(_) | Cause::Revoked | Cause::Asked) => Facts {
                reason: Some(dropped(*cause)),
                ..facts
            },
            (Some(_) | None, _) => failure(facts, dropped(*cause)),
        },
        Notice::TlsFailed(_, text) => Facts {
            detail: Some(text),
            ..failure(facts, RejectReason::TlsFailed.as_str())
        },
        Notice::Reported {
            ring, heuristics, ..
        } => Facts {
            ring: Some(*ring),
            heuristics: Some(HeuristicsWord::from(*heuristics).as_str()),
            ..facts
        },
        Notice::Answered { vote, ring, .. } | Notice::Announced { vote, ring, .. } => Facts {
            ring: Some(*ring),
            vote: Some(word(*vote)),
            ..facts
        },
        Notice::Judged {
            cluster, finding, ..
        } => Facts {
            cluster: Some(cluster),
            reason: seen(finding),
            ..facts
        },
        Notice::HeldUp {
            cluster, holder, ..
        } => Facts {
            cluster: Some(cluster),
            node: Some(*holder),
            reason: Some(HELD_UP),
            ..facts
        },
    }
}

/// What the line of an event is about; `peer` is the connection that it came about by.
#[must_use]
pub fn event_facts<'a>(event: &'a Event, peer: Option<&'a str>) -> Facts<'a> {
    let facts = Facts {
        cluster: event.cluster(),
        node: event.node(),
        peer,
        reason: event.reason(),
        ..Facts::default()
    };
    let Event::VoteChanged { new, ring, .. } = event else {
        return facts;
    };
    Facts {
        ring: Some(*ring),
        vote: Some(new.as_str()),
        ..facts
    }
}

fn party(party: &Party) -> Facts<'_> {
    Facts {
        cluster: party.cluster.as_ref(),
        node: party.node,
        peer: Some(&party.address),
        ..Facts::default()
    }
}

/// Something that a peer can bring about as often as it likes.
fn failure<'a>(facts: Facts<'a>, reason: &'static str) -> Facts<'a> {
    Facts {
        reason: Some(reason),
        repeats: Repeats::Counted,
        ..facts
    }
}

/// The word for a vote as a message has it.
pub(super) const fn word(vote: Vote) -> &'static str {
    match VoteWord::told(vote) {
        Some(word) => word.as_str(),
        None => "no-change",
    }
}

const fn dropped(cause: Cause) -> &'static str {
    match cause {
        Cause::Asked => "asked",
        Cause::Silent(_)
        | Cause::SendFailed(_)
        | Cause::NoTls
        | Cause::NoCertificate
        | Cause::WrongCertificate
        | Cause::Revoked => rejection(cause).as_str(),
    }
}

fn seen(finding: &Finding) -> Option<&'static str> {
    match finding {
        Finding::NotJudged => None,
        Finding::Unsettled => Some(VoteReason::Unsettled.as_str()),
        Finding::Nobody => Some(VoteReason::Nobody.as_str()),
        Finding::Partition { reason, .. } => Some(VoteReason::from(*reason).as_str()),
    }
}

const fn unreadable(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::UnknownType(_) => code(ReplyErrorCode::UnsupportedMessage),
        Malformed::TooLong(_) => code(ReplyErrorCode::MessageTooLong),
        Malformed::Undecodable(_) => code(ReplyErrorCode::ErrorDecoding),
    }
}

const fn refused(refusal: Refusal) -> &'static str {
    code(refusal.code())
}

/// The word for what the client is told.
const fn code(code: ReplyErrorCode) -> &'static str {
    match code {
        ReplyErrorCode::UnsupportedNeededMessage => "unsupported-needed-message",
        ReplyErrorCode::UnsupportedNeededOption => "unsupported-needed-option",
        ReplyErrorCode::TlsRequired => "tls-required",
        ReplyErrorCode::UnsupportedMessage => "unsupported-message",
        ReplyErrorCode::MessageTooLong => "message-too-long",
        ReplyErrorCode::PreinitRequired => "preinit-required",
        ReplyErrorCode::RequiredOptionMissing => "required-option-missing",
        ReplyErrorCode::UnexpectedMessage => "unexpected-message",
        ReplyErrorCode::ErrorDecoding => "error-decoding",
        ReplyErrorCode::InternalError => "internal-error",
        ReplyErrorCode::InitRequired => "init-required",
        ReplyErrorCode::UnsupportedDecisionAlgorithm => "unsupported-algorithm",
        ReplyErrorCode::InvalidHeartbeatInterval => "invalid-heartbeat-interval",
        ReplyErrorCode::UnsupportedDecisionAlgorithmMessage => "unsupported-algorithm-message",
        ReplyErrorCode::TieBreakerDiffers => "tie-breaker-differs",
        ReplyErrorCode::AlgorithmDiffers => "algorithm-differs",
        ReplyErrorCode::DuplicateNodeId => "duplicate-node-id",
        ReplyErrorCode::InvalidConfigNodeList => "invalid-config-node-list",
        ReplyErrorCode::InvalidMembershipNodeList => "invalid-membership-node-list",
    }
}

const HELD_UP: &str = "held-up";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Millis, NodeId, RingId};
    use crate::vote::Reason;
    use crate::wire::SendFault;

    fn party(node: Option<u32>) -> Party {
        Party {
            address: "192.0.2.1:40000".to_owned(),
            cluster: Some("K".into()),
            node: node.map(NodeId),
        }
    }

    #[test]
    fn a_refusal_names_cluster_address_and_reason_and_is_counted() {
        let notice = Notice::Refused(party(None), Refusal::DuplicateNodeId);
        let expected = Facts {
            cluster: Some(&"K".into()),
            peer: Some("192.0.2.1:40000"),
            reason: Some("duplicate-node-id"),
            repeats: Repeats::Counted,
            ..Facts::default()
        };
        assert_eq!(server_facts(&notice), expected);
    }

    #[test]
    fn whatever_changes_a_vote_is_always_written() {
        let ring = RingId::new(1, 8);
        let party = party(Some(1));
        let finding = Finding::Partition {
            nodes: [NodeId(1)].into(),
            reason: Reason::TieBreaker,
        };
        for notice in [
            Notice::Answered {
                party: party.clone(),
                vote: Vote::Nack,
                ring,
            },
            Notice::Announced {
                party: party.clone(),
                seq: 1,
                vote: Vote::Ack,
                ring,
            },
            Notice::Judged {
                cluster: "K".into(),
                finding,
                changed: true,
            },
            Notice::HeldUp {
                cluster: "K".into(),
                holder: NodeId(1),
                millis: 1,
            },
            Notice::Left(party.clone()),
            Notice::Dropped(party, Cause::Silent(Millis(1))),
        ] {
            let facts = server_facts(&notice);
            assert_eq!(facts.repeats, Repeats::Written, "{notice}");
            assert!(facts.cluster.is_some(), "{notice}");
        }
    }

    #[test]
    fn what_any_peer_can_bring_about_is_counted() {
        let silent = Cause::Silent(Millis(1));
        let unreadable = Malformed::TooLong(1);
        for notice in [
            Notice::TooManyClients {
                address: "192.0.2.1:1".to_owned(),
            },
            Notice::Malformed(party(Some(1)), unreadable),
            Notice::Dropped(party(None), silent),
            Notice::Dropped(party(Some(1)), Cause::SendFailed(SendFault::QueueFull)),
            Notice::TlsFailed(party(None), String::new()),
        ] {
            let facts = server_facts(&notice);
            assert_eq!(facts.repeats, Repeats::Counted, "{notice}");
            assert!(facts.peer.is_some() && facts.reason.is_some(), "{notice}");
        }
    }

    #[test]
    fn the_document_has_every_reason_of_a_refusal() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/journal.md");
        let document = std::fs::read_to_string(path).unwrap();
        let words = ReplyErrorCode::ALL.iter().map(|known| code(*known));
        for word in words.chain([HELD_UP]) {
            assert!(document.contains(&format!("`{word}`")), "{word}");
        }
    }
}
