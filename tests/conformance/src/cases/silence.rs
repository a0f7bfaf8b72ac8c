//! Clients that have gone without a word.
//!
//! Times are those of a heartbeat of one second: a client that is silent for one and a half is sent
//! away. Nobody is late by less than that, and late by more only on a machine that stands still.

use crate::case::Case;
use crate::script::{Peer, Script, echo, echo_reply, frame, init, raw_frame, seq};
use libqdevice::base::{Millis, RingId, TieBreaker, Vote};
use libqdevice::wire::{Init, Message, MsgType, Options};

const A: Peer = Peer('A');
const B: Peer = Peer('B');

const SHORT: &[&str] = &["-S", "heartbeat_interval_min=100"];
const NEVER: &[&str] = &["-S", "heartbeat_interval_min=100,dpd_enabled=off"];
const TWICE: &[&str] = &[
    "-S",
    "heartbeat_interval_min=100,dpd_interval_coefficient=2",
];

/// A member with a heartbeat of so many milliseconds.
fn member(s: &mut Script, heartbeat: u32) {
    let heartbeat = Some(Millis(heartbeat));
    s.admitted(
        A,
        Init {
            heartbeat,
            ..init(1)
        },
    );
}

/// Sends bytes half-way and is sent away as if it had not.
fn does_not_count(s: &mut Script, bytes: Vec<u8>, answer: impl FnOnce(&mut Script)) {
    member(s, 1000);
    s.silence(A, 700);
    s.send_unheard(A, bytes);
    answer(s);
    s.ends_between(A, 1490, 2100);
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "silent-client",
        "S54",
        "is sent away after one and a half heartbeats",
        |s| {
            member(s, 1000);
            s.ends_between(A, 1490, 2300);
        },
    )
    .with_server(SHORT),
    Case::new(
        "silent-client-short",
        "S52 S54",
        "with a heartbeat of 400 ms after 600",
        |s| {
            member(s, 400);
            s.ends_between(A, 590, 1400);
        },
    )
    .with_server(SHORT),
    Case::new("silence-coefficient", "S52", "the factor can be set", |s| {
        member(s, 400);
        s.ends_between(A, 790, 1600);
    })
    .with_server(TWICE),
    Case::new(
        "silence-not-watched",
        "S50",
        "the watch can be switched off",
        |s| {
            member(s, 100);
            s.silence(A, 600);
            s.quiet(A);
        },
    )
    .with_server(NEVER),
    Case::new(
        "silence-after-refusal",
        "S52",
        "a refused init sets the heartbeat all the same",
        |s| {
            s.named(A);
            s.send(
                A,
                Message::Init(Init {
                    heartbeat: Some(Millis(400)),
                    node: None,
                    ..init(1)
                }),
            );
            s.init_reply(A, Some(2), 7);
            s.ends_between(A, 590, 1400);
        },
    )
    .with_server(SHORT),
    Case::new(
        "silence-new-heartbeat",
        "S52",
        "a new heartbeat holds at once",
        |s| {
            member(s, 1000);
            let options = Options {
                seq: Some(5),
                heartbeat: Some(Millis(200)),
                ..Options::default()
            };
            s.send(A, Message::SetOption(options));
            s.receive(A, Message::SetOptionReply(options));
            s.ends_between(A, 290, 1100);
        },
    )
    .with_server(SHORT),
    Case::new("silence-echo", "S53", "who sends echoes stays", |s| {
        member(s, 1000);
        for number in 1..=2 {
            s.silence(A, 900);
            s.send(A, echo(number));
            s.receive(A, echo_reply(number));
        }
    })
    .with_server(SHORT),
    Case::new(
        "silence-nonsense",
        "S53",
        "so does who sends what is refused or broken",
        |s| {
            member(s, 1000);
            s.silence(A, 900);
            s.send_bytes(A, frame(MsgType::VoteInfo, &[seq(3)]));
            s.error(A, 3, 8);
            s.silence(A, 900);
            s.send_bytes(A, raw_frame(MsgType::EchoRequest.number(), &[1, 2, 3]));
            s.error(A, None, 9);
            s.silence(A, 900);
        },
    )
    .with_server(SHORT),
    Case::new(
        "silence-unknown-type",
        "W15 S53",
        "what is skipped does not count",
        |s| {
            does_not_count(s, raw_frame(18, &seq(1)), |s| s.error(A, None, 4));
        },
    )
    .with_server(SHORT),
    Case::new(
        "silence-too-long",
        "W15 S53",
        "neither because it is too long",
        |s| {
            let long = raw_frame(MsgType::EchoRequest.number(), &vec![0; 40_000]);
            does_not_count(s, long, |s| s.error(A, None, 5));
        },
    )
    .with_server(SHORT),
    Case::new(
        "silence-half-message",
        "W15",
        "half a message does not count",
        |s| {
            does_not_count(s, vec![0, 8, 0, 0, 0, 8, 0, 0], |_| {});
        },
    )
    .with_server(SHORT),
    Case::new(
        "silence-pushed-vote",
        "S53",
        "what the server sends does not count",
        |s| {
            member(s, 1000);
            s.config(A, &[1, 2]);
            s.answered(A, Vote::AskLater);
            s.configured((B, 2), &[1, 2], TieBreaker::Lowest);
            s.silence(A, 1000);
            s.membership(B, RingId::new(2, 8), &[2]);
            s.pushed(A, Vote::Nack);
            s.answered(B, Vote::NoChange);
            s.ends_between(A, 1490, 2300);
            s.pushed(B, Vote::Ack);
        },
    )
    .with_server(SHORT),
];
