//! INIT with something missing or wrong.

use crate::case::Case;
use crate::script::{Peer, Script, init};
use libqdevice::base::Millis;
use libqdevice::wire::{Init, Message};

const A: Peer = Peer('A');

/// How an INIT differs from a good one.
type Change = fn(&mut Init);

/// What is wrong and the code it earns, behind a preinit.
const NAMED: &[(&str, Change, u16)] = &[
    ("no node id", |m| m.node = None, 7),
    ("no ring id", |m| m.ring = None, 7),
    ("no heartbeat", |m| m.heartbeat = None, 7),
    ("no tie-breaker", |m| m.tie_breaker = None, 7),
    ("no algorithm", |m| m.algorithm = None, 7),
    (
        "neither node id nor heartbeat",
        |m| (m.node, m.heartbeat) = (None, None),
        13,
    ),
    (
        "neither ring id nor heartbeat",
        |m| (m.ring, m.heartbeat) = (None, None),
        13,
    ),
    (
        "neither node id nor algorithm",
        |m| (m.node, m.algorithm) = (None, None),
        7,
    ),
    (
        "no tie-breaker, algorithm 9",
        |m| (m.tie_breaker, m.algorithm) = (None, Some(9)),
        12,
    ),
    (
        "no node id, algorithm 9",
        |m| (m.node, m.algorithm) = (None, Some(9)),
        12,
    ),
    ("heartbeat 0", |m| m.heartbeat = Some(Millis(0)), 13),
    ("heartbeat 999", |m| m.heartbeat = Some(Millis(999)), 13),
    (
        "heartbeat 120001",
        |m| m.heartbeat = Some(Millis(120_001)),
        13,
    ),
    (
        "the longest heartbeat",
        |m| m.heartbeat = Some(Millis(u32::MAX)),
        13,
    ),
    ("algorithm 4", |m| m.algorithm = Some(4), 12),
    ("algorithm 65535", |m| m.algorithm = Some(0xffff), 12),
    (
        "heartbeat 0, algorithm 4",
        |m| (m.heartbeat, m.algorithm) = (Some(Millis(0)), Some(4)),
        12,
    ),
    (
        "nothing",
        |m| {
            *m = Init {
                seq: m.seq,
                ..Init::default()
            }
        },
        13,
    ),
    (
        "nothing but a good heartbeat",
        |m| {
            *m = Init {
                seq: m.seq,
                heartbeat: m.heartbeat,
                ..Init::default()
            }
        },
        7,
    ),
];

/// The same without a preinit.
const UNNAMED: &[(&str, Change, u16)] = &[
    ("nothing wrong", |_| {}, 6),
    ("no node id", |m| m.node = None, 6),
    ("no heartbeat", |m| m.heartbeat = None, 13),
    ("heartbeat 999", |m| m.heartbeat = Some(Millis(999)), 13),
    ("algorithm 9", |m| m.algorithm = Some(9), 12),
    ("no algorithm", |m| m.algorithm = None, 6),
    (
        "nothing",
        |m| {
            *m = Init {
                seq: m.seq,
                ..Init::default()
            }
        },
        13,
    ),
];

/// All lines of a table on one connection; none of them admits.
fn refused(s: &mut Script, table: &[(&str, Change, u16)]) {
    for ((_, change, code), seq) in table.iter().zip(100..) {
        let mut asked = init(1);
        asked.seq = Some(seq);
        change(&mut asked);
        s.send(A, Message::Init(asked));
        s.init_reply(A, Some(seq), *code);
    }
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "init-refusals",
        "S17",
        "what is missing or wrong, one by one",
        |s| {
            s.named(A);
            refused(s, NAMED);
        },
    ),
    Case::new(
        "init-refusals-unnamed",
        "S17",
        "the same before preinit",
        |s| {
            s.connect(A);
            refused(s, UNNAMED);
        },
    ),
    Case::new(
        "init-after-refusal",
        "S17",
        "a client that was refused may try again",
        |s| {
            s.named(A);
            refused(s, NAMED);
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 0);
            s.quiet(A);
        },
    ),
];
