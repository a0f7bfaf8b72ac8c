//! Who may say what before being admitted.

use crate::case::Case;
use crate::script::{Peer, Script, frame, init, option, preinit_reply, seq};
use libqdevice::base::{ClusterName, NodeList, Quorate};
use libqdevice::wire::{
    Echo, HeuristicsReport, Message, MsgType, NodeListKind, NodeListReport, OptType, Options,
    Plain, PreInit,
};

const A: Peer = Peer('A');
const B: Peer = Peer('B');

/// Types of messages that only a server sends.
const OF_SERVERS: [MsgType; 9] = [
    MsgType::PreInitReply,
    MsgType::InitReply,
    MsgType::ServerError,
    MsgType::SetOptionReply,
    MsgType::EchoReply,
    MsgType::NodeListReply,
    MsgType::AskForVoteReply,
    MsgType::VoteInfo,
    MsgType::HeuristicsChangeReply,
];

fn unexpected(s: &mut Script) {
    for msg_type in OF_SERVERS {
        s.send_bytes(A, frame(msg_type, &[seq(30)]));
        s.error(A, 30, 8);
        s.send_bytes(A, frame(msg_type, &[option(OptType::Vote, &[1])]));
        s.error(A, None, 8);
    }
}

/// Complete requests that only a member may make.
fn of_members(seq: Option<u32>) -> [Message; 6] {
    let list = NodeListReport {
        seq,
        kind: Some(NodeListKind::Quorum),
        quorate: Some(Quorate::Yes),
        nodes: NodeList::of_ids([1]),
        ..NodeListReport::default()
    };
    let plain = Plain { seq };
    let heuristics = libqdevice::base::Heuristics::Pass;
    let keep_active_partition = Some(libqdevice::base::KeepActivePartition::Enabled);
    [
        Message::SetOption(Options {
            seq,
            keep_active_partition,
            ..Options::default()
        }),
        Message::EchoRequest(Echo::new(seq.unwrap_or_default())),
        Message::NodeList(list),
        Message::AskForVote(plain),
        Message::VoteInfoReply(plain),
        Message::HeuristicsChange(HeuristicsReport { seq, heuristics }),
    ]
}

fn refused_before_init(s: &mut Script) {
    for message in of_members(Some(31)) {
        s.send(A, message);
        s.error(A, 31, 11);
    }
    s.send_bytes(
        A,
        frame(MsgType::NodeList, &[option(OptType::NodeListType, &[3])]),
    );
    s.error(A, None, 11);
}

fn starttls(number: u32) -> Message {
    Message::StartTls(Plain { seq: Some(number) })
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "preinit",
        "S11",
        "preinit is answered with the TLS mode",
        |s| s.named(A),
    ),
    Case::new(
        "preinit-without-seq",
        "S11",
        "without a number the answer has none",
        |s| {
            s.connect(A);
            let preinit = PreInit {
                seq: None,
                cluster: Some(s.cluster().clone()),
            };
            s.send(A, Message::PreInit(preinit));
            s.receive(A, preinit_reply(None));
        },
    ),
    Case::new("preinit-without-name", "S10", "preinit needs a name", |s| {
        s.connect(A);
        s.send(
            A,
            Message::PreInit(PreInit {
                seq: Some(4),
                cluster: None,
            }),
        );
        s.error(A, 4, 7);
        s.send(A, Message::Init(init(1)));
        s.init_reply(A, Some(2), 6);
    }),
    Case::new("preinit-empty-name", "S11", "the name may be empty", |s| {
        s.connect(A);
        s.preinit(A, 4, ClusterName::default());
        s.receive(A, preinit_reply(4));
    }),
    Case::new(
        "preinit-long-name",
        "S11",
        "the name may be as long as a message",
        |s| {
            s.connect(A);
            let longest = 32768 - 6 - 8 - 4;
            s.preinit(A, 4, ClusterName::new(vec![b'x'; longest]));
            s.receive(A, preinit_reply(4));
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 0);
        },
    ),
    Case::new(
        "preinit-odd-name",
        "S11",
        "it may have blanks, quotes and bytes of any charset",
        |s| {
            s.connect(A);
            s.preinit(A, 4, ClusterName::new(*b" \"\\/%n\xff\xfe\xc3("));
            s.receive(A, preinit_reply(4));
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 0);
        },
    ),
    Case::new(
        "preinit-control-name",
        "S11",
        "what would forge a line of a list",
        |s| {
            s.connect(A);
            for name in [b"two\nlines".as_slice(), b"nul\0x", b"\x1b[0m", b"\x7f"] {
                s.preinit(A, 1, ClusterName::new(name));
                s.differs(
                    "Q37 control characters in a name",
                    |s| s.receive(A, preinit_reply(1)),
                    |s| s.error(A, 1, 9),
                );
            }
        },
    ),
    Case::new(
        "preinit-again",
        "S11",
        "until init the last name counts",
        |s| {
            s.connect(A);
            s.preinit(A, 3, "another cluster of preinit-again".into());
            s.receive(A, preinit_reply(3));
            let own = s.cluster().clone();
            s.preinit(A, 4, own);
            s.receive(A, preinit_reply(4));
            s.send(A, Message::Init(init(1)));
            s.init_reply(A, Some(2), 0);
            s.named(B);
            s.send(B, Message::Init(init(1)));
            s.init_reply(B, Some(2), 17);
        },
    ),
    Case::new(
        "preinit-after-init",
        "S11",
        "the name of a member is fixed",
        |s| {
            s.member(A, 1);
            let own = s.cluster().clone();
            s.preinit(A, 5, own);
            s.differs(
                "Q3 preinit after init",
                |s| s.receive(A, preinit_reply(5)),
                |s| s.error(A, 5, 8),
            );
            s.quiet(A);
        },
    ),
    Case::new(
        "names-differ-by-byte",
        "S70",
        "clusters are told apart byte by byte",
        |s| {
            s.member(A, 1);
            s.connect(B);
            let other = s.cluster().to_string().to_uppercase();
            s.preinit(B, 1, other.as_str().into());
            s.receive(B, preinit_reply(1));
            s.send(B, Message::Init(init(1)));
            s.init_reply(B, Some(2), 0);
        },
    ),
    Case::new(
        "unexpected-when-fresh",
        "W37",
        "what only servers send, from a stranger",
        |s| {
            s.connect(A);
            unexpected(s);
        },
    ),
    Case::new(
        "unexpected-when-named",
        "W37",
        "what only servers send, between preinit and init",
        |s| {
            s.named(A);
            unexpected(s);
        },
    ),
    Case::new(
        "unexpected-when-admitted",
        "W37",
        "what only servers send, from a member",
        |s| {
            s.member(A, 1);
            unexpected(s);
            s.quiet(A);
        },
    ),
    Case::new(
        "requests-when-fresh",
        "S20 S30",
        "a stranger has nothing to report",
        |s| {
            s.connect(A);
            refused_before_init(s);
        },
    ),
    Case::new(
        "requests-when-named",
        "S20 S30",
        "neither has a client before init",
        |s| {
            s.named(A);
            refused_before_init(s);
        },
    ),
    Case::new(
        "requests-when-refused",
        "S17",
        "neither has one that was not admitted",
        |s| {
            s.named(A);
            let mut asked = init(1);
            asked.node = None;
            s.send(A, Message::Init(asked));
            s.init_reply(A, Some(2), 7);
            refused_before_init(s);
        },
    ),
    Case::new(
        "starttls-when-fresh",
        "S12",
        "TLS needs a name first",
        |s| {
            s.connect(A);
            s.send(A, starttls(6));
            s.error(A, 6, 6);
            s.send_bytes(
                A,
                frame(MsgType::StartTls, &[option(OptType::Quorate, &[1])]),
            );
            s.error(A, None, 6);
            s.quiet(A);
        },
    ),
    Case::new(
        "starttls-when-off",
        "S13",
        "a server without TLS hangs up on starttls",
        |s| {
            s.named(A);
            s.send(A, starttls(6));
            s.ends(A);
        },
    ),
    Case::new(
        "starttls-of-a-member",
        "S13",
        "also on a member that asks for it",
        |s| {
            s.member(A, 1);
            s.send(A, starttls(6));
            s.ends(A);
        },
    ),
];
