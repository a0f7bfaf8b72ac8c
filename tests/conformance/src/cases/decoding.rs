//! Bodies that can and bodies that cannot be decoded.
//!
//! The echo shows both: what can be decoded comes back, what cannot earns code 9.

use crate::case::Case;
use crate::script::{Peer, Script, frame, init, option, preinit_reply, raw_frame, raw_option, seq};
use libqdevice::base::ClusterName;
use libqdevice::wire::{Message, MsgType, OptType};

const A: Peer = Peer('A');
const B: Peer = Peer('B');

/// An echo of these options comes back.
fn fine(s: &mut Script, options: &[Vec<u8>]) {
    s.send_bytes(A, frame(MsgType::EchoRequest, options));
    s.receive_bytes(A, frame(MsgType::EchoReply, options));
}

/// An echo of a sequence number and these options cannot be decoded.
fn broken(s: &mut Script, options: &[Vec<u8>]) {
    s.send_bytes(A, frame(MsgType::EchoRequest, &[seq(70), options.concat()]));
    s.error(A, 70, 9);
}

const fn ones<const N: usize>() -> [u8; N] {
    [1; N]
}

/// Options of fixed size and a value that each of them takes.
const FIXED: [(OptType, &[u8]); 19] = [
    (OptType::MsgSeqNumber, &ones::<4>()),
    (OptType::TlsSupported, &ones::<1>()),
    (OptType::TlsClientCertRequired, &ones::<1>()),
    (OptType::ReplyErrorCode, &ones::<2>()),
    (OptType::ServerMaximumRequestSize, &ones::<4>()),
    (OptType::ServerMaximumReplySize, &ones::<4>()),
    (OptType::NodeId, &ones::<4>()),
    (OptType::DecisionAlgorithm, &ones::<2>()),
    (OptType::HeartbeatInterval, &ones::<4>()),
    (OptType::RingId, &ones::<12>()),
    (OptType::ConfigVersion, &ones::<8>()),
    (OptType::DataCenterId, &ones::<4>()),
    (OptType::NodeState, &ones::<1>()),
    (OptType::NodeListType, &ones::<1>()),
    (OptType::Vote, &ones::<1>()),
    (OptType::Quorate, &ones::<1>()),
    (OptType::TieBreaker, &ones::<5>()),
    (OptType::Heuristics, &ones::<1>()),
    (OptType::KeepActivePartitionTieBreaker, &ones::<1>()),
];

const ARRAYS: [OptType; 3] = [
    OptType::SupportedMessages,
    OptType::SupportedOptions,
    OptType::SupportedDecisionAlgorithms,
];

/// Options that know few values, and all values between 0 and 8 that they do know.
const ENUMS: [(OptType, &[u8]); 8] = [
    (OptType::TlsSupported, &[0, 1, 2]),
    (OptType::TlsClientCertRequired, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (OptType::NodeState, &[1, 2, 3]),
    (OptType::NodeListType, &[0, 1, 2, 3]),
    (OptType::Vote, &[1, 2, 3, 4, 5]),
    (OptType::Quorate, &[0, 1]),
    (OptType::Heuristics, &[1, 2]),
    (OptType::KeepActivePartitionTieBreaker, &[0, 1]),
];

/// Values of a node entry that are broken.
const BROKEN_ENTRIES: [&[u8]; 8] = [
    &[],
    // No id, though something else.
    &[0, 15, 0, 4, 0, 0, 0, 1],
    // Id 0.
    &[0, 9, 0, 4, 0, 0, 0, 0],
    // Id longer than the entry, id shorter than an id.
    &[0, 9, 0, 5, 0, 0, 0, 1],
    &[0, 9, 0, 3, 0, 0, 1],
    // Stray bytes.
    &[0, 9, 0, 4, 0, 0, 0, 1, 0],
    &[0, 9, 0, 4, 0, 0, 0, 1, 0, 15, 0],
    // A state nobody knows.
    &[0, 9, 0, 4, 0, 0, 0, 1, 0, 16, 0, 1, 4],
];

pub(super) const CASES: &[Case] = &[
    Case::new(
        "empty-body",
        "W31",
        "a body has at least one option, in every message",
        |s| {
            s.connect(A);
            for msg_type in MsgType::ALL {
                s.send_bytes(A, raw_frame(msg_type.number(), &[]));
                s.error(A, None, 9);
            }
        },
    ),
    Case::new(
        "fault-before-state",
        "W30",
        "decoding comes before any other check",
        |s| {
            s.connect(A);
            for msg_type in MsgType::ALL {
                s.send_bytes(A, frame(*msg_type, &[seq(3), option(OptType::Vote, &[0])]));
                s.error(A, 3, 9);
            }
        },
    ),
    Case::new(
        "seq-before-fault",
        "W30",
        "a number that stands before the fault is told",
        |s| {
            s.member(A, 1);
            let fault = option(OptType::Vote, &[9]);
            s.send_bytes(A, frame(MsgType::EchoRequest, &[seq(3), fault.clone()]));
            s.error(A, 3, 9);
            s.send_bytes(A, frame(MsgType::EchoRequest, &[fault.clone(), seq(3)]));
            s.error(A, None, 9);
            s.send_bytes(
                A,
                frame(MsgType::EchoRequest, &[seq(3), seq(4), fault, seq(5)]),
            );
            s.error(A, 4, 9);
        },
    ),
    Case::new(
        "stray-bytes",
        "W33",
        "one to three bytes behind the last option are a fault",
        |s| {
            s.member(A, 1);
            for stray in 1..=3 {
                broken(s, &[vec![0; stray]]);
            }
        },
    ),
    Case::new(
        "option-over-end",
        "W33",
        "an option ends within its message",
        |s| {
            s.member(A, 1);
            broken(s, &[vec![0xff, 0xf0, 0, 1]]);
            broken(s, &[vec![0xff, 0xf0, 0xff, 0xff, 1, 2, 3]]);
            broken(s, &[vec![0, 1, 0, 3, b'a', b'b']]);
        },
    ),
    Case::new(
        "fixed-sizes",
        "W34",
        "options of fixed size have no other",
        |s| {
            s.member(A, 1);
            for (opt, value) in FIXED {
                fine(s, &[option(opt, value)]);
                broken(s, &[option(opt, &value[1..])]);
                broken(s, &[option(opt, &[value, &[1]].concat())]);
            }
        },
    ),
    Case::new(
        "arrays",
        "W34",
        "arrays of numbers have an even length, 0 included",
        |s| {
            s.member(A, 1);
            for opt in ARRAYS {
                fine(s, &[option(opt, &[])]);
                fine(s, &[option(opt, &[0xff; 6])]);
                broken(s, &[option(opt, &[0; 3])]);
            }
        },
    ),
    Case::new(
        "enum-values",
        "W30",
        "options of few values take no others",
        |s| {
            s.member(A, 1);
            for (opt, known) in ENUMS {
                for value in 0..=8 {
                    let options = [option(opt, &[value])];
                    if known.contains(&value) {
                        fine(s, &options);
                    } else {
                        broken(s, &options);
                    }
                }
            }
        },
    ),
    Case::new(
        "tie-breaker-modes",
        "W30",
        "a tie-breaker has one of three modes",
        |s| {
            s.member(A, 1);
            for mode in 0..=4 {
                let options = [option(OptType::TieBreaker, &[mode, 0, 0, 0, 9])];
                if (1..=3).contains(&mode) {
                    fine(s, &options);
                } else {
                    broken(s, &options);
                }
            }
        },
    ),
    Case::new(
        "open-numbers",
        "W30",
        "error codes and algorithms may be any",
        |s| {
            s.member(A, 1);
            fine(s, &[option(OptType::ReplyErrorCode, &[0xff, 0xff])]);
            fine(s, &[option(OptType::DecisionAlgorithm, &[0xff, 0xff])]);
        },
    ),
    Case::new(
        "unknown-options",
        "W35",
        "options that nobody knows are passed over",
        |s| {
            s.connect(A);
            let name = option(OptType::ClusterName, s.cluster().as_bytes());
            let options = [
                raw_option(24, &[9; 30]),
                name,
                raw_option(0xffff, &[]),
                seq(1),
            ];
            s.send_bytes(A, frame(MsgType::PreInit, &options));
            s.receive(A, preinit_reply(1));
        },
    ),
    Case::new(
        "node-entries",
        "W32",
        "a node entry has an id and may have more",
        |s| {
            s.member(A, 1);
            let entry: &[&[u8]] = &[
                &[0, 16, 0, 1, 2],
                &[0, 99, 0, 0],
                &[0, 9, 0, 4, 0, 0, 0, 0],
                &[0, 15, 0, 4, 0, 0, 0, 7],
                &[0, 9, 0, 4, 0, 0, 0, 1],
            ];
            fine(s, &[option(OptType::NodeInfo, &entry.concat())]);
        },
    ),
    Case::new(
        "broken-node-entries",
        "W32",
        "a broken node entry breaks the message",
        |s| {
            s.member(A, 1);
            for entry in BROKEN_ENTRIES {
                broken(s, &[option(OptType::NodeInfo, entry)]);
            }
        },
    ),
    Case::new(
        "last-counts",
        "W36",
        "of two options the last counts",
        |s| {
            s.connect(A);
            let name = |name: &ClusterName| option(OptType::ClusterName, name.as_bytes());
            let own = s.cluster().clone();
            let options = [seq(3), name(&"elsewhere".into()), name(&own), seq(4)];
            s.send_bytes(A, frame(MsgType::PreInit, &options));
            s.receive(A, preinit_reply(4));
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 0);
            s.named(B);
            s.send(B, Message::Init(init(1)));
            s.init_reply(B, Some(2), 17);
        },
    ),
    Case::new(
        "no-second-chance",
        "W30 W36",
        "a good option does not mend a bad one",
        |s| {
            s.member(A, 1);
            broken(
                s,
                &[option(OptType::Vote, &[0]), option(OptType::Vote, &[1])],
            );
        },
    ),
];
