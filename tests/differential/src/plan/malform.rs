//! What no client should say.

use super::roll::Roll;
use crate::trace::{Flavour, Frame, Piece, Slot, Step};

/// A few places at which the bytes of a step fall apart into segments.
pub(super) fn cuts(roll: &mut Roll) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..=roll.below(2)).map(|_| 1 + roll.index(40)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    // A header in two pieces before an empty body is left out of lockstep (Q7).
    cuts.retain(|&cut| cut >= 6);
    cuts
}

/// A message that has something wrong with it, made from one that has not.
pub(super) fn spoil(roll: &mut Roll, slot: &Slot, sample: Frame, flavour: Flavour) -> Step {
    let limit = u32::try_from(flavour.receive_limit()).unwrap_or(u32::MAX);
    let mut frame = sample;
    match roll.below(20) {
        0..4 => {
            let at = roll.index(frame.body.len());
            frame.body.remove(at);
        }
        4..6 => {
            let at = roll.index(frame.body.len());
            frame.body.push(frame.body[at].clone());
        }
        6 => {
            let at = roll.index(frame.body.len());
            let piece = frame.body.remove(at);
            frame.body.push(piece);
        }
        7..10 => spoil_value(roll, &mut frame),
        10 => frame
            .body
            .push(Piece::Option(24 + number16(roll, 1000), vec![1, 2, 3])),
        11 => frame
            .body
            .push(Piece::Option(number16(roll, 24), random_bytes(roll, 12))),
        12 => frame.body.push(Piece::Raw(random_bytes(roll, 3))),
        13 => frame.body.push(Piece::Raw(vec![0, 0, 0, 9, 1, 2, 3])),
        14 => frame.body.clear(),
        15 => frame.kind = 18 + number16(roll, 60_000),
        16 => {
            frame.kind = 18 + number16(roll, 100);
            frame.body.clear();
        }
        17 => frame.kind = *roll.pick(&[1, 4, 5, 7, 9, 11, 13, 14, 17]),
        18 => return limits(roll, slot, limit),
        _ => {
            frame = match roll.below(4) {
                0 => Frame::new(2, [(0, vec![0, 0, 0, 9])]),
                1 => Frame {
                    kind: 8,
                    body: vec![Piece::Filler(99, 200 + number16(roll, 100))],
                },
                2 => Frame {
                    kind: 8,
                    body: vec![Piece::Filler(99, number16(roll, 2000))],
                },
                _ => Frame {
                    kind: 15,
                    body: Vec::new(),
                },
            };
        }
    }
    Step::say(slot, frame)
}

/// Messages at and beyond the longest that a server reads.
fn limits(roll: &mut Roll, slot: &Slot, limit: u32) -> Step {
    let body = limit - 6;
    let kind = *roll.pick(&[10, 8, 0, 77]);
    let size = *roll.pick(&[body - 1, body, body + 1, body + 2, body + 5000]);
    Step::say(
        slot,
        Frame {
            kind,
            body: vec![Piece::Zeros(size)],
        },
    )
}

/// Changes the value of one option.
fn spoil_value(roll: &mut Roll, frame: &mut Frame) {
    let at = roll.index(frame.body.len());
    let Some(Piece::Option(_, value)) = frame.body.get_mut(at) else {
        return;
    };
    match roll.below(4) {
        0 => value.push(0),
        1 => {
            value.pop();
        }
        2 => value.clear(),
        _ => {
            if let Some(byte) = value.last_mut() {
                *byte = byte.wrapping_add(number8(roll));
            }
        }
    }
}

fn random_bytes(roll: &mut Roll, most: u32) -> Vec<u8> {
    (0..=roll.below(most)).map(|_| number8(roll)).collect()
}

fn number8(roll: &mut Roll) -> u8 {
    u8::try_from(roll.below(256)).unwrap_or(0)
}

fn number16(roll: &mut Roll, end: u32) -> u16 {
    u16::try_from(roll.below(end)).unwrap_or(0)
}
