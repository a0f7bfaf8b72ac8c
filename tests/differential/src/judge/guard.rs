//! What is left out of lockstep, because after it the two servers cannot be compared any more. Ours is
//! tested alone there: Q1 in `tests/decisions/ffsplit-choice.txt`, Q2 and Q3 in the unit tests of
//! `libqdevice::server`, Q7 in those of `libqdevice::wire`.

use super::{Book, Member, Tie};
use crate::trace::{Frame, Slot, Step};

/// Whether a step is to be skipped on both servers.
#[must_use]
pub fn forbids(book: &Book, step: &Step, send_limit: usize) -> bool {
    match step {
        Step::Connect(slot) => book.seat(slot).is_some(),
        Step::End(slot, _) => book.seat(slot).is_none() || leaves_unknowns(book, slot),
        Step::Send { from, frames, .. } => {
            book.seat(from).is_none()
                || follows_forging_name(book, from, frames)
                || merged_badly(frames, send_limit)
                || frames
                    .iter()
                    .any(|frame| admission_is_odd(book, from, frame))
                || (frames.iter().any(|frame| may_end(frame, send_limit))
                    && leaves_unknowns(book, from))
        }
        Step::Confirm(slot, _) => book.seat(slot).is_none(),
        Step::Ask(_) | Step::Settle => false,
    }
}

/// Left out of lockstep: Q1.
#[must_use]
pub fn leaves_unknowns(book: &Book, slot: &Slot) -> bool {
    let Some(leaving) = book.member(slot) else {
        return false;
    };
    let members = book.members(&leaving.cluster);
    let others: Vec<&Member> = members
        .into_iter()
        .filter(|(other, _)| *other != slot)
        .map(|(_, member)| member)
        .collect();
    leaving.algorithm == 1
        && !matches!(leaving.tie, Tie::Node(_))
        && others.iter().all(|other| other.config.is_empty())
        && others.iter().any(|other| other.membership.is_empty())
}

/// Left out of lockstep: Q2 and Q3. An admitted node asks again only in the very words that admitted it.
fn admission_is_odd(book: &Book, slot: &Slot, frame: &Frame) -> bool {
    let Some(seat) = book.seat(slot) else {
        return true;
    };
    let Some(member) = &seat.member else {
        // Node 0 can never send a list, so Q1 could not be left out in the end.
        return frame.kind == 3 && frame.number(9) == Some(0);
    };
    match frame.kind {
        0 => frame
            .value(1)
            .is_some_and(|name| Some(name) != seat.name.as_deref()),
        3 => {
            let same_words = |option| frame.value(option) == member.admission.value(option);
            seat.renamed
                || frame.body.len() != member.admission.body.len()
                || ![9, 11, 12, 13, 21].into_iter().all(same_words)
                || frame.value(13) != Some(&member.ring)
                || frame.number(12) != Some(member.heartbeat)
                || !member.kap_default
        }
        _ => false,
    }
}

/// Whether the server ends the connection on this message.
fn may_end(frame: &Frame, send_limit: usize) -> bool {
    frame.kind == 2 || (frame.kind == 8 && frame.encode().len() > send_limit)
}

/// Q37: after a name that ours refuses and the C server takes, nothing but another name is compared.
fn follows_forging_name(book: &Book, slot: &Slot, frames: &[Frame]) -> bool {
    let named = book.seat(slot).and_then(|seat| seat.name.as_deref());
    let forging =
        |name: Option<&[u8]>| name.is_some_and(|name| name.iter().any(u8::is_ascii_control));
    let names_itself = |frame: &Frame| frame.kind == 0 && frame.value(1).is_some();
    (forging(named) && !(frames.len() == 1 && names_itself(&frames[0])))
        || (frames.len() > 1
            && frames
                .iter()
                .any(|frame| frame.kind == 0 && forging(frame.value(1))))
}

/// Whether it could not be told which answer belongs to which message, or what of the step would have
/// to be left out.
fn merged_badly(frames: &[Frame], send_limit: usize) -> bool {
    if frames.len() < 2 {
        return false;
    }
    let admission = frames.iter().position(|frame| frame.kind == 3);
    let after_admission = &frames[admission.map_or(frames.len(), |at| at + 1)..];
    frames.iter().any(|frame| matches!(frame.kind, 2 | 15))
        || after_admission
            .iter()
            .any(|frame| matches!(frame.kind, 0 | 3))
        || (admission.is_some() && frames.iter().any(|frame| may_end(frame, send_limit)))
}
