//! Messages out of a stream of bytes.

use crate::case::Case;
use crate::script::{Peer, Script, bytes_of, echo, echo_reply, init, preinit_reply, raw_frame};
use crate::script::{frame, raw_option, seq};
use libqdevice::wire::{Message, MsgType, PreInit};

const A: Peer = Peer('A');

/// An echo of `len` bytes, header included, made long by options that nobody knows.
fn long_echo(msg_type: MsgType, len: usize) -> Vec<u8> {
    frame(msg_type, &[raw_option(0xfff0, &vec![0x55; len - 10])])
}

fn preinit_bytes(s: &Script) -> Vec<u8> {
    bytes_of(&Message::PreInit(PreInit {
        seq: Some(1),
        cluster: Some(s.cluster().clone()),
    }))
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "byte-by-byte",
        "W2 W4",
        "a message may arrive byte by byte",
        |s| {
            s.connect(A);
            for byte in preinit_bytes(s) {
                s.send_bytes(A, [byte]);
            }
            s.receive(A, preinit_reply(1));
        },
    ),
    Case::new(
        "two-in-one",
        "W4 W6",
        "two messages may arrive at once",
        |s| {
            s.connect(A);
            let both = [preinit_bytes(s), bytes_of(&Message::Init(init(1)))].concat();
            s.send_bytes(A, both);
            s.receive(A, preinit_reply(1));
            s.init_reply(A, Some(2), 0);
        },
    ),
    Case::new(
        "pipelining",
        "W6",
        "40 requests at once are answered in their order",
        |s| {
            s.member(A, 1);
            s.send_bytes(
                A,
                (1..=40)
                    .flat_map(|n| bytes_of(&echo(n)))
                    .collect::<Vec<u8>>(),
            );
            for number in 1..=40 {
                s.receive(A, echo_reply(number));
            }
        },
    ),
    Case::new(
        "half-close",
        "W7",
        "a client that half-closes is sent away",
        |s| {
            s.member(A, 1);
            s.half_close(A);
            s.ends(A);
        },
    ),
    Case::new(
        "half-close-within-message",
        "W7",
        "so is one in the middle of a message",
        |s| {
            s.member(A, 1);
            s.send_bytes(A, [0, 8, 0, 0]);
            s.half_close(A);
            s.ends(A);
        },
    ),
    Case::new(
        "longest-request",
        "W10",
        "a body of 32762 bytes is read",
        |s| {
            s.member(A, 1);
            s.send_bytes(A, long_echo(MsgType::EchoRequest, 32768));
            s.receive_bytes(A, long_echo(MsgType::EchoReply, 32768));
        },
    ),
    Case::new(
        "too-long-request",
        "W10 W12",
        "a body of 32763 bytes is skipped",
        |s| {
            s.member(A, 1);
            s.send_bytes(A, long_echo(MsgType::EchoRequest, 32769));
            s.error(A, None, 5);
            s.quiet(A);
        },
    ),
    Case::new(
        "far-too-long",
        "W11 W12",
        "a message is skipped to its end and then refused",
        |s| {
            s.member(A, 1);
            let bytes = raw_frame(MsgType::NodeList.number(), &vec![0; 200_000]);
            s.send_bytes(A, &bytes[..bytes.len() - 1]);
            s.silence(A, 100);
            s.send_bytes(A, &bytes[bytes.len() - 1..]);
            s.error(A, None, 5);
        },
    ),
    Case::new(
        "skipped-is-not-read",
        "W11",
        "what is too long has no effect",
        |s| {
            s.connect(A);
            let long = vec![b'x'; 32767];
            s.send_bytes(A, frame(MsgType::PreInit, &[raw_option(1, &long), seq(7)]));
            s.error(A, None, 5);
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 6);
        },
    ),
    Case::new(
        "unknown-type",
        "W11 W12",
        "an unknown type is refused, the stream goes on",
        |s| {
            s.connect(A);
            for number in [18, 19, 255, 256, 0xffff] {
                s.send_bytes(A, raw_frame(number, &seq(5)));
                s.error(A, None, 4);
            }
            s.quiet(A);
        },
    ),
    Case::new(
        "unknown-type-at-its-end",
        "W12",
        "it is refused when it has ended",
        |s| {
            s.connect(A);
            let bytes = raw_frame(18, &seq(5));
            s.send_bytes(A, &bytes[..13]);
            s.silence(A, 100);
            s.send_bytes(A, [bytes[13..].to_vec(), raw_frame(19, &[0])].concat());
            s.error(A, None, 4);
            s.error(A, None, 4);
        },
    ),
    Case::new(
        "unknown-before-too-long",
        "W11",
        "an unknown type comes before a length",
        |s| {
            s.connect(A);
            s.send_bytes(A, raw_frame(18, &vec![0; 40_000]));
            s.error(A, None, 4);
        },
    ),
    Case::new(
        "unknown-type-empty",
        "W13",
        "an unknown type without a body is refused",
        |s| {
            s.connect(A);
            s.send_bytes(A, raw_frame(18, &[]));
            s.differs(
                "Q8 empty unknown message",
                |s| s.error(A, None, 0),
                |s| s.error(A, None, 4),
            );
            s.quiet(A);
        },
    ),
    Case::new(
        "client-hello",
        "W8",
        "TLS sent to the port at once is not answered",
        |s| {
            s.connect(A);
            s.send_bytes(A, [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3]);
            s.silence(A, 200);
            s.close(A);
        },
    ),
];
