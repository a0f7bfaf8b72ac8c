//! Admission: every code of `INIT_REPLY`.

use crate::case::Case;
use crate::script::{FFSPLIT, Peer, Script, TEST, init};
use libqdevice::base::{Millis, NodeId, Quorate, RingId, TieBreaker, Vote};
use libqdevice::wire::{Init, InitReply, Message, NodeListKind, NodeListReply};

const A: Peer = Peer('A');
const B: Peer = Peer('B');
const C: Peer = Peer('C');

const TWO_NODE_LMS: u16 = 2;
const LMS: u16 = 3;

/// How an INIT differs from a good one.
type Change = fn(&mut Init);

fn asks(s: &mut Script, peer: Peer, code: u16, change: Change) {
    let mut asked = init(2);
    change(&mut asked);
    s.send(peer, Message::Init(asked));
    s.init_reply(peer, Some(2), code);
}

/// The answer to an INIT without node id names these algorithms.
fn knows(s: &mut Script, algorithms: &[u16]) {
    let supported_algorithms = Some(algorithms.to_vec());
    let reply = InitReply {
        supported_algorithms,
        ..s.init_reply_message(Some(2), 7)
    };
    s.receive(A, Message::InitReply(reply));
}

/// The answer to a quorum list, the first report of a client, names this ring.
fn has_ring(s: &mut Script, ring: RingId) {
    s.receive(
        A,
        Message::NodeListReply(NodeListReply {
            seq: Some(10),
            kind: Some(NodeListKind::Quorum),
            ring: Some(ring),
            vote: Some(Vote::NoChange),
        }),
    );
}

fn algorithm_is_known(s: &mut Script, algorithm: u16) {
    s.named(A);
    s.send(
        A,
        Message::Init(Init {
            algorithm: Some(algorithm),
            ..init(1)
        }),
    );
    s.init_reply(A, Some(2), 0);
}

pub(super) const CASES: &[Case] = &[
    Case::new("init", "S18", "a good init is admitted", |s| s.member(A, 1)),
    Case::new(
        "init-without-seq",
        "W41",
        "without a number the answer has none",
        |s| {
            s.named(A);
            s.send(
                A,
                Message::Init(Init {
                    seq: None,
                    ..init(1)
                }),
            );
            s.init_reply(A, None, 0);
        },
    ),
    Case::new(
        "init-lists",
        "W20",
        "who names what he knows is told what the server knows",
        |s| {
            s.named(A);
            let asked = Init {
                supported_messages: Some((0..18).collect()),
                supported_options: Some(vec![]),
                ..init(1)
            };
            s.send(A, Message::Init(asked));
            let reply = InitReply {
                supported_messages: Some((0..18).collect()),
                supported_options: Some((0..24).collect()),
                ..s.init_reply_message(Some(2), 0)
            };
            s.receive(A, Message::InitReply(reply));
        },
    ),
    Case::new(
        "init-one-list",
        "W20",
        "each list is told for itself, with a refusal too",
        |s| {
            s.named(A);
            let asked = Init {
                supported_options: Some(vec![9, 9]),
                node: None,
                ..init(1)
            };
            s.send(A, Message::Init(asked));
            let reply = InitReply {
                supported_options: Some((0..24).collect()),
                ..s.init_reply_message(Some(2), 7)
            };
            s.receive(A, Message::InitReply(reply));
        },
    ),
    Case::new(
        "init-algorithms",
        "W20",
        "the server knows these algorithms",
        |s| {
            s.named(A);
            s.send(
                A,
                Message::Init(Init {
                    node: None,
                    ..init(1)
                }),
            );
            knows(s, &[TEST, FFSPLIT, TWO_NODE_LMS, LMS]);
        },
    ),
    Case::new(
        "init-heartbeats",
        "S18",
        "heartbeats of 1 s to 2 min are accepted",
        |s| {
            for (peer, heartbeat) in [(A, 1000), (B, 120_000)] {
                s.admitted(
                    peer,
                    Init {
                        heartbeat: Some(Millis(heartbeat)),
                        ..init(1)
                    },
                );
                s.close(peer);
            }
        },
    ),
    Case::new("init-node-0", "S17", "node id 0 is accepted", |s| {
        s.member(A, 0);
    }),
    Case::new("init-test", "S18", "the algorithm test", |s| {
        algorithm_is_known(s, TEST);
    }),
    Case::new("init-2nodelms", "S18", "the algorithm 2nodelms", |s| {
        algorithm_is_known(s, TWO_NODE_LMS);
    }),
    Case::new("init-lms", "S18", "the algorithm lms", |s| {
        algorithm_is_known(s, LMS);
    }),
    Case::new(
        "init-tie-breaker-differs",
        "S16",
        "a cluster has one tie-breaker",
        |s| {
            s.member(A, 1);
            s.named(B);
            asks(s, B, 15, |m| m.tie_breaker = Some(TieBreaker::Highest));
            asks(s, B, 15, |m| {
                m.tie_breaker = Some(TieBreaker::Node(NodeId(1)));
            });
        },
    ),
    Case::new(
        "init-tie-breaker-node",
        "S16",
        "of two nominated nodes too",
        |s| {
            s.admitted(
                A,
                Init {
                    tie_breaker: Some(TieBreaker::Node(NodeId(3))),
                    ..init(1)
                },
            );
            s.config(A, &[1, 2]);
            s.answered(A, Vote::AskLater);
            s.named(B);
            asks(s, B, 15, |m| {
                m.tie_breaker = Some(TieBreaker::Node(NodeId(4)));
            });
            asks(s, B, 15, |m| m.tie_breaker = Some(TieBreaker::Lowest));
            asks(s, B, 0, |m| {
                m.tie_breaker = Some(TieBreaker::Node(NodeId(3)));
            });
        },
    ),
    Case::new(
        "init-algorithm-differs",
        "S18",
        "a cluster has one algorithm",
        |s| {
            s.member(A, 1);
            s.named(B);
            s.send(
                B,
                Message::Init(Init {
                    algorithm: Some(LMS),
                    ..init(2)
                }),
            );
            s.init_reply(B, Some(2), 16);
        },
    ),
    Case::new(
        "init-duplicate",
        "S71",
        "a node id is taken until its client is gone",
        |s| {
            s.member(A, 1);
            s.named(B);
            asks(s, B, 17, |m| m.node = Some(NodeId(1)));
            s.close(A);
            asks(s, B, 0, |m| m.node = Some(NodeId(1)));
        },
    ),
    Case::new(
        "init-collides-in-all",
        "S16",
        "the tie-breaker is looked at first",
        |s| {
            s.member(A, 1);
            s.named(B);
            asks(s, B, 15, |m| {
                m.node = Some(NodeId(1));
                m.tie_breaker = Some(TieBreaker::Highest);
            });
        },
    ),
    Case::new(
        "init-refused-is-no-member",
        "S17",
        "who was refused does not take an id",
        |s| {
            s.named(A);
            asks(s, A, 13, |m| m.heartbeat = Some(Millis(1)));
            s.named(B);
            asks(s, B, 0, |_| {});
            asks(s, A, 17, |_| {});
            s.named(C);
            asks(s, C, 17, |_| {});
        },
    ),
    Case::new(
        "init-again",
        "S18",
        "a second init is refused and changes nothing",
        |s| {
            s.member(A, 1);
            s.send(
                A,
                Message::Init(Init {
                    ring: Some(RingId::new(1, 400)),
                    seq: Some(3),
                    ..init(1)
                }),
            );
            s.init_reply(A, Some(3), 17);
            s.quorum(A, Quorate::No, &[1]);
            s.differs(
                "Q2 second init",
                |s| has_ring(s, RingId::new(1, 400)),
                |s| has_ring(s, RingId::new(1, 4)),
            );
        },
    ),
];
