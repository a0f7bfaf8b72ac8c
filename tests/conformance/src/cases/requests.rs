//! What a member may ask, and what it must not forget.

use crate::case::Case;
use crate::script::{Peer, Script, frame, option, raw_option, seq};
use libqdevice::base::{
    Heuristics, KeepActivePartition, Millis, NodeId, NodeInfo, NodeList, NodeState, Quorate,
    RingId, Vote,
};
use libqdevice::wire::{
    HeuristicsReport, Message, MsgType, NodeListKind, NodeListReport, OptType, Options, Plain,
};

const A: Peer = Peer('A');

const RING: RingId = RingId::new(1, 8);

const MEMBERSHIP: u8 = NodeListKind::Membership.number();
const QUORUM: u8 = NodeListKind::Quorum.number();

/// The options are set and confirmed.
fn sets(s: &mut Script, options: Options) {
    s.send(A, Message::SetOption(options));
    s.receive(A, Message::SetOptionReply(options));
}

fn heartbeat(seq: u32, millis: u32) -> Options {
    Options {
        seq: Some(seq),
        heartbeat: Some(Millis(millis)),
        ..Options::default()
    }
}

/// A node list of these options earns code 7.
fn incomplete(s: &mut Script, seq_of_reply: Option<u32>, options: &[Vec<u8>]) {
    s.send_bytes(A, frame(MsgType::NodeList, options));
    s.error(A, seq_of_reply, 7);
}

fn kind(number: u8) -> Vec<u8> {
    option(OptType::NodeListType, &[number])
}

fn node_1() -> Vec<u8> {
    option(OptType::NodeInfo, &[0, 9, 0, 4, 0, 0, 0, 1])
}

fn ring() -> Vec<u8> {
    option(OptType::RingId, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8])
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "echo-verbatim",
        "W40",
        "an echo comes back byte for byte",
        |s| {
            s.member(A, 1);
            let node = node_1();
            let options = [
                raw_option(0xabcd, b"abc"),
                seq(1),
                node.clone(),
                node,
                raw_option(24, &[]),
                seq(2),
            ];
            s.send_bytes(A, frame(MsgType::EchoRequest, &options));
            s.receive_bytes(A, frame(MsgType::EchoReply, &options));
        },
    ),
    Case::new("echo-without-seq", "W40", "an echo needs no number", |s| {
        s.member(A, 1);
        s.send_bytes(A, frame(MsgType::EchoRequest, &[raw_option(24, &[])]));
        s.receive_bytes(A, frame(MsgType::EchoReply, &[raw_option(24, &[])]));
    }),
    Case::new(
        "set-option",
        "S22",
        "options are confirmed as they were asked for",
        |s| {
            s.member(A, 1);
            let keep_active_partition = Some(KeepActivePartition::Enabled);
            sets(s, heartbeat(20, 4000));
            sets(
                s,
                Options {
                    seq: Some(21),
                    keep_active_partition,
                    ..Options::default()
                },
            );
            sets(
                s,
                Options {
                    keep_active_partition,
                    ..heartbeat(22, 1000)
                },
            );
            sets(
                s,
                Options {
                    seq: Some(23),
                    ..Options::default()
                },
            );
        },
    ),
    Case::new(
        "set-option-without-seq",
        "W41",
        "they need no number",
        |s| {
            s.member(A, 1);
            sets(
                s,
                Options {
                    seq: None,
                    ..heartbeat(0, 4000)
                },
            );
        },
    ),
    Case::new(
        "set-option-order",
        "S22",
        "the confirmation has its own order and no more",
        |s| {
            s.member(A, 1);
            let keep = option(OptType::KeepActivePartitionTieBreaker, &[1]);
            let beat = option(OptType::HeartbeatInterval, &[0, 0, 16, 0]);
            let foreign = option(OptType::NodeId, &[0, 0, 0, 1]);
            let asked = [foreign, keep.clone(), beat.clone(), seq(5)];
            s.send_bytes(A, frame(MsgType::SetOption, &asked));
            s.receive_bytes(A, frame(MsgType::SetOptionReply, &[seq(5), beat, keep]));
        },
    ),
    Case::new(
        "set-option-heartbeat",
        "S20",
        "a heartbeat has to be within the limits",
        |s| {
            s.member(A, 1);
            for (number, millis) in (20..).zip([0, 999, 120_001, u32::MAX]) {
                s.send(A, Message::SetOption(heartbeat(number, millis)));
                s.error(A, number, 13);
            }
            sets(s, heartbeat(30, 1000));
            sets(s, heartbeat(31, 120_000));
        },
    ),
    Case::new(
        "list-without-kind",
        "S30",
        "a node list says which it is",
        |s| {
            s.member(A, 1);
            incomplete(s, Some(5), &[seq(5), ring(), node_1()]);
            incomplete(s, None, &[ring(), node_1()]);
        },
    ),
    Case::new("list-without-seq", "S31", "a node list has a number", |s| {
        s.member(A, 1);
        for number in 0..4 {
            let quorate = option(OptType::Quorate, &[1]);
            incomplete(s, None, &[kind(number), ring(), quorate, node_1()]);
        }
    }),
    Case::new(
        "membership-without-ring",
        "S32",
        "a membership has a ring",
        |s| {
            s.member(A, 1);
            incomplete(s, Some(5), &[seq(5), kind(MEMBERSHIP), node_1()]);
        },
    ),
    Case::new(
        "quorum-without-quorate",
        "S32",
        "a quorum list says whether",
        |s| {
            s.member(A, 1);
            incomplete(s, Some(5), &[seq(5), kind(QUORUM), ring(), node_1()]);
        },
    ),
    Case::new(
        "config-list-checks",
        "F1",
        "configured nodes include the sender",
        |s| {
            s.member(A, 1);
            for ids in [&[][..], &[2], &[2, 3]] {
                s.config(A, ids);
                s.refused(A, 18);
                s.changed_config(A, ids);
                s.refused(A, 18);
            }
            s.config(A, &[2, 1]);
            s.answered(A, Vote::AskLater);
        },
    ),
    Case::new(
        "membership-list-checks",
        "F2",
        "a membership includes the sender",
        |s| {
            s.member(A, 1);
            s.config(A, &[1, 2]);
            s.answered(A, Vote::AskLater);
            for ids in [&[][..], &[2]] {
                s.membership(A, RING, ids);
                s.refused(A, 19);
            }
            s.quorum(A, Quorate::No, &[1]);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new(
        "list-rings",
        "S35",
        "a membership is answered with its ring, others keep it",
        |s| {
            s.member(A, 1);
            s.config(A, &[1, 2]);
            s.answered(A, Vote::AskLater);
            s.membership(A, RING, &[1]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
            s.confirms(A);
            s.quorum(A, Quorate::Yes, &[1]);
            s.answered(A, Vote::NoChange);
            s.changed_config(A, &[1, 2]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new(
        "quorum-list",
        "S34",
        "a quorum list changes nothing, whatever is in it",
        |s| {
            s.member(A, 1);
            s.quorum(A, Quorate::Yes, &[]);
            s.answered(A, Vote::NoChange);
            s.quorum(A, Quorate::No, &[7, 7]);
            s.answered(A, Vote::NoChange);
            let dead = NodeInfo {
                state: Some(NodeState::Dead),
                ..NodeId(2).into()
            };
            let report = NodeListReport {
                seq: Some(40),
                kind: Some(NodeListKind::Quorum),
                quorate: Some(Quorate::Yes),
                nodes: NodeList(vec![NodeId(1).into(), dead]),
                ..NodeListReport::default()
            };
            s.send(A, Message::NodeList(report));
            let no_change = [
                seq(40),
                kind(QUORUM),
                option(OptType::RingId, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4]),
                option(OptType::Vote, &[5]),
            ];
            s.receive_bytes(A, frame(MsgType::NodeListReply, &no_change));
        },
    ),
    Case::new(
        "config-version",
        "S32",
        "a configuration may have a version",
        |s| {
            s.member(A, 1);
            let report = NodeListReport {
                seq: Some(10),
                kind: Some(NodeListKind::InitialConfig),
                config_version: Some(u64::MAX),
                nodes: NodeList::of_ids([1, 2]),
                ..NodeListReport::default()
            };
            s.send(A, Message::NodeList(report));
            let later = [
                seq(10),
                kind(0),
                option(OptType::RingId, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4]),
                option(OptType::Vote, &[3]),
            ];
            s.receive_bytes(A, frame(MsgType::NodeListReply, &later));
        },
    ),
    Case::new(
        "ask-for-vote",
        "S36",
        "ffsplit has no vote for who asks",
        |s| {
            s.member(A, 1);
            s.send(A, Message::AskForVote(Plain { seq: Some(5) }));
            s.error(A, 5, 14);
            s.send_bytes(A, frame(MsgType::AskForVote, &[raw_option(24, &[])]));
            s.error(A, None, 7);
        },
    ),
    Case::new(
        "vote-info-reply",
        "S37",
        "a stray confirmation is no error, one without number is",
        |s| {
            s.member(A, 1);
            for number in [0, 1, u32::MAX] {
                s.confirms_number(A, number);
            }
            s.send_bytes(A, frame(MsgType::VoteInfoReply, &[raw_option(24, &[])]));
            s.error(A, None, 7);
        },
    ),
    Case::new(
        "heuristics-incomplete",
        "S38",
        "changed heuristics need number and result",
        |s| {
            s.member(A, 1);
            let undefined = HeuristicsReport {
                seq: Some(5),
                heuristics: Heuristics::Undefined,
            };
            s.send(A, Message::HeuristicsChange(undefined));
            s.error(A, 5, 7);
            let unnumbered = HeuristicsReport {
                seq: None,
                heuristics: Heuristics::Pass,
            };
            s.send(A, Message::HeuristicsChange(unnumbered));
            s.error(A, None, 7);
        },
    ),
    Case::new(
        "heuristics-early",
        "3.1",
        "heuristics before the lists are answered ask later",
        |s| {
            s.member(A, 1);
            s.heuristics(A, Heuristics::Pass);
            s.answered(A, Vote::AskLater);
            s.config(A, &[1, 2]);
            s.answered(A, Vote::AskLater);
            s.heuristics(A, Heuristics::Fail);
            s.answered(A, Vote::AskLater);
        },
    ),
];
