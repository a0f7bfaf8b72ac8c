//! The list of expected differences in what is said on the wire, apart from votes.
//!
//! Each turns what the C server said into what ours must say instead; that it was needed is counted.
//! What remains different after all of them is a failure. The reasons stand in `docs/differences.md`.

use super::Book;
use super::ffsplit::Quirk;
use super::their_lms::Mended;
use crate::bench::Said;
use crate::trace::{Frame, Piece, Slot};
use std::collections::BTreeSet;

/// What was said on one connection during one step.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Where.
    pub slot: &'a Slot,
    /// What was sent there, if anything.
    pub sent: &'a [Frame],
    /// What was known before.
    pub before: &'a Book,
}

/// An expected difference.
struct Named {
    /// The number under which `docs/differences.md` has it.
    name: &'static str,
    /// Turns the C server's words into ours.
    mend: fn(&Exchange<'_>, &mut [Said]),
}

const NAMED: [Named; 3] = [
    Named {
        name: "Q3",
        mend: an_admitted_node_keeps_its_name,
    },
    Named {
        name: "Q8",
        mend: empty_unknown_types_are_unsupported,
    },
    Named {
        name: "Q37",
        mend: names_with_control_characters_are_refused,
    },
];

/// The names of all differences the tester expects, as `docs/differences.md` has them.
#[must_use]
pub fn names() -> BTreeSet<&'static str> {
    let wire = NAMED.iter().map(|named| named.name);
    let votes = Quirk::ALL.into_iter().map(Quirk::name);
    let last_man = Mended::ALL
        .into_iter()
        .flat_map(|mended| [mended.name(false), mended.name(true)]);
    let others = ["Q19", "Q21", "Q32", "Q34", "Q62"];
    wire.chain(votes).chain(last_man).chain(others).collect()
}

/// Turns what the C server said into what ours must say; returns the names of the differences used.
pub fn mend(exchange: &Exchange<'_>, said: &mut [Said]) -> Vec<&'static str> {
    let mut used = Vec::new();
    for named in &NAMED {
        let before = said.to_vec();
        (named.mend)(exchange, said);
        if *said != before {
            used.push(named.name);
        }
    }
    used
}

/// Q3: an admitted node that names a cluster again says something unexpected.
fn an_admitted_node_keeps_its_name(exchange: &Exchange<'_>, said: &mut [Said]) {
    if exchange.before.member(exchange.slot).is_none() {
        return;
    }
    for one in said {
        let frame = one.frame();
        if let (
            Said::Message {
                kind: kind @ 1,
                body,
            },
            Some(mut frame),
        ) = (one, frame)
        {
            frame
                .body
                .retain(|piece| matches!(piece, Piece::Option(0, _)));
            frame.body.push(Piece::Option(6, vec![0, 8]));
            *kind = 5;
            *body = frame.body_bytes();
        }
    }
}

/// Q8: a message of an unknown type without a body earns "unsupported message", not "no error".
fn empty_unknown_types_are_unsupported(_: &Exchange<'_>, said: &mut [Said]) {
    let no_error = Frame::new(5, [(6, vec![0, 0])]);
    for one in said {
        if one.frame().as_ref() == Some(&no_error) {
            *one = Said::Message {
                kind: 5,
                body: Frame::new(5, [(6, vec![0, 4])]).body_bytes(),
            };
        }
    }
}

/// Q37: a name that could forge lines of output is an error of decoding.
fn names_with_control_characters_are_refused(exchange: &Exchange<'_>, said: &mut [Said]) {
    let [frame] = exchange.sent else { return };
    let forging = |name: &[u8]| name.iter().any(u8::is_ascii_control);
    if frame.kind != 0 || !frame.value(1).is_some_and(forging) {
        return;
    }
    for one in said.iter_mut().filter(|one| one.kind() == Some(1)) {
        let seq = frame.value(0).map(|seq| (0, seq.to_vec()));
        *one = Said::Message {
            kind: 5,
            body: Frame::new(5, seq.into_iter().chain([(6, vec![0, 9])])).body_bytes(),
        };
    }
}

/// The same words without what is a decision: pushed votes, and the vote in an answer.
#[must_use]
pub fn without_votes(said: &[Said]) -> Vec<Said> {
    said.iter()
        .filter(|one| one.kind() != Some(14))
        .map(|one| edit(one, |piece| !matches!(piece, Piece::Option(19, _))))
        .collect()
}

/// The same words without the numbers of pushed votes, in which gaps are harmless.
#[must_use]
pub fn without_numbers(said: &[Said]) -> Vec<Said> {
    said.iter()
        .map(|one| match one.kind() {
            Some(14) => edit(one, |piece| !matches!(piece, Piece::Option(0, _))),
            _ => one.clone(),
        })
        .collect()
}

/// Leaves out options of a message that has votes.
fn edit(said: &Said, keep: impl Fn(&Piece) -> bool) -> Said {
    match (said, said.frame()) {
        (Said::Message { kind, .. }, Some(mut frame)) if matches!(kind, 11 | 13 | 14 | 17) => {
            frame.body.retain(keep);
            Said::Message {
                kind: *kind,
                body: frame.body_bytes(),
            }
        }
        _ => said.clone(),
    }
}
