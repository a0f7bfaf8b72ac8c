//! The words in which messages and options are written down.
//!
//! These tables stand beside the codec of the product and not on it: a tester that encodes with the
//! code under test cannot see its faults. [C: msg.h, tlv.h]

/// Words of the message types, by number.
pub(super) const MESSAGES: [&str; 18] = [
    "preinit",
    "preinit-reply",
    "starttls",
    "init",
    "init-reply",
    "error",
    "set-option",
    "set-option-reply",
    "echo",
    "echo-reply",
    "node-list",
    "node-list-reply",
    "ask",
    "ask-reply",
    "vote-info",
    "vote-info-reply",
    "heuristics-change",
    "heuristics-change-reply",
];

/// How the value of an option is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// One byte with names, the number of the first, and the names.
    Named(u8, &'static [&'static str]),
    /// Two bytes with names that start at 0.
    Named16(&'static [&'static str]),
    /// Letters, digits and a few marks.
    Text,
    /// Two bytes each, separated by commas.
    Numbers,
    /// `NODE.SEQ`, both decimal.
    Ring,
    /// `lowest`, `highest` or `nodeN`.
    TieBreaker,
    /// `ID`, `ID@DATACENTER`, `ID:STATE`, `ID@DATACENTER:STATE`.
    Member,
}

/// Words and shapes of the options, by number.
pub(super) const OPTIONS: [(&str, Shape); 24] = [
    ("seq", Shape::U32),
    ("cluster", Shape::Text),
    ("tls", Shape::U8),
    ("client-cert", Shape::U8),
    ("messages", Shape::Numbers),
    ("options", Shape::Numbers),
    ("code", Shape::U16),
    ("max-request", Shape::U32),
    ("max-reply", Shape::U32),
    ("node", Shape::U32),
    ("algorithms", Shape::Numbers),
    (
        "algorithm",
        Shape::Named16(&["test", "ffsplit", "2nodelms", "lms"]),
    ),
    ("heartbeat", Shape::U32),
    ("ring", Shape::Ring),
    ("version", Shape::U64),
    ("data-center", Shape::U32),
    ("state", Shape::Named(1, &STATES)),
    ("sees", Shape::Member),
    (
        "list",
        Shape::Named(0, &["initial", "changed", "membership", "quorum"]),
    ),
    (
        "vote",
        Shape::Named(1, &["ack", "nack", "ask-later", "wait", "no-change"]),
    ),
    ("quorate", Shape::Named(0, &["no", "yes"])),
    ("tie", Shape::TieBreaker),
    ("heuristics", Shape::Named(1, &["pass", "fail"])),
    ("kap", Shape::Named(0, &["off", "on"])),
];

/// States of a node in a quorum list; the first has the number 1.
pub(super) const STATES: [&str; 3] = ["member", "dead", "leaving"];
