//! Random messages for property tests: everything that our own code could send.

use super::code::{LeaseNews, MsgType, NodeListKind, Numbered};
use super::message::{
    Echo, HeuristicsReply, HeuristicsReport, Init, InitReply, Message, NodeListReply,
    NodeListReport, Options, Plain, PreInit, PreInitReply, ServerError, VoteReply,
};
use crate::base::{
    ClusterName, Heuristics, Millis, NodeId, NodeInfo, NodeList, RingId, TieBreaker,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Long enough for every message made here.
pub(super) const ROOMY: usize = 32768;

pub(super) fn message() -> impl Strategy<Value = Message> {
    // Undecodable is an empty body only, and a message without any option has one.
    any_message().prop_filter("has an option", |m| m.encode(ROOMY).unwrap().len() > 6)
}

pub(super) fn msg_type() -> impl Strategy<Value = MsgType> {
    prop::sample::select(MsgType::ALL)
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (seq(), of(name())).prop_map(|(seq, cluster)| Message::PreInit(PreInit { seq, cluster })),
        preinit_reply().prop_map(Message::PreInitReply),
        plain().prop_map(Message::StartTls),
        init().prop_map(Message::Init),
        init_reply().prop_map(Message::InitReply),
        (seq(), of(any::<u16>()))
            .prop_map(|(seq, error)| Message::ServerError(ServerError { seq, error })),
        options().prop_map(Message::SetOption),
        options().prop_map(Message::SetOptionReply),
        echo().prop_map(Message::EchoRequest),
        echo().prop_map(Message::EchoReply),
        node_list().prop_map(Message::NodeList),
        node_list_reply().prop_map(Message::NodeListReply),
        plain().prop_map(Message::AskForVote),
        vote_reply().prop_map(Message::AskForVoteReply),
        vote_reply().prop_map(Message::VoteInfo),
        plain().prop_map(Message::VoteInfoReply),
        (seq(), heuristics()).prop_map(|(seq, heuristics)| {
            Message::HeuristicsChange(HeuristicsReport { seq, heuristics })
        }),
        heuristics_reply().prop_map(Message::HeuristicsChangeReply),
    ]
}

fn seq() -> impl Strategy<Value = Option<u32>> {
    of(any::<u32>())
}

fn plain() -> impl Strategy<Value = Plain> {
    seq().prop_map(|seq| Plain { seq })
}

fn name() -> impl Strategy<Value = ClusterName> {
    vec(any::<u8>(), 0..40).prop_map(ClusterName::new)
}

fn preinit_reply() -> impl Strategy<Value = PreInitReply> {
    (seq(), of(word(0..3)), of(any::<u8>())).prop_map(|(seq, tls, client_cert_required)| {
        PreInitReply {
            seq,
            tls,
            client_cert_required,
        }
    })
}

fn init() -> impl Strategy<Value = Init> {
    let lists = (of(numbers()), of(numbers()));
    let rest = (
        of(any::<u32>()),
        of(any::<u16>()),
        of(any::<u32>()),
        of(tie_breaker()),
        ring(),
    );
    (seq(), lists, rest).prop_map(
        |(seq, lists, (node, algorithm, heartbeat, tie_breaker, ring))| Init {
            seq,
            supported_messages: lists.0,
            supported_options: lists.1,
            node: node.map(NodeId),
            algorithm,
            heartbeat: heartbeat.map(Millis),
            tie_breaker,
            ring,
        },
    )
}

fn init_reply() -> impl Strategy<Value = InitReply> {
    let lists = (of(numbers()), of(numbers()), of(numbers()));
    let sizes = (of(any::<u32>()), of(any::<u32>()));
    (seq(), of(any::<u16>()), lists, sizes).prop_map(|(seq, error, lists, sizes)| InitReply {
        seq,
        error,
        supported_messages: lists.0,
        supported_options: lists.1,
        max_request_size: sizes.0,
        max_reply_size: sizes.1,
        supported_algorithms: lists.2,
    })
}

fn options() -> impl Strategy<Value = Options> {
    let lease = of(prop::sample::select(LeaseNews::ALL));
    (seq(), of(any::<u32>()), of(word(0..2)), lease).prop_map(
        |(seq, heartbeat, keep_active_partition, lease)| Options {
            seq,
            heartbeat: heartbeat.map(Millis),
            keep_active_partition,
            lease,
        },
    )
}

/// A sequence number somewhere between options that nobody knows.
fn echo() -> impl Strategy<Value = Echo> {
    let unknown = || {
        vec((24_u16.., vec(any::<u8>(), 0..9)), 0..3).prop_map(|options| {
            let option = |(number, value): &(u16, Vec<u8>)| {
                let length = u16::try_from(value.len()).unwrap();
                [&number.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
            };
            options.iter().flat_map(option).collect::<Vec<u8>>()
        })
    };
    (unknown(), seq(), unknown()).prop_map(|(before, seq, after)| {
        let own = seq.map_or_else(Vec::new, |seq| Echo::new(seq).body().to_vec());
        Echo::received(seq, [before, own, after].concat())
    })
}

fn node_list() -> impl Strategy<Value = NodeListReport> {
    let head = (seq(), of(prop::sample::select(NodeListKind::ALL)), ring());
    (
        head,
        of(any::<u64>()),
        of(word(0..2)),
        vec(node(), 0..6),
        heuristics(),
    )
        .prop_map(
            |((seq, kind, ring), config_version, quorate, nodes, heuristics)| NodeListReport {
                seq,
                kind,
                ring,
                config_version,
                quorate,
                nodes: NodeList(nodes),
                heuristics,
            },
        )
}

fn node_list_reply() -> impl Strategy<Value = NodeListReply> {
    (
        seq(),
        of(prop::sample::select(NodeListKind::ALL)),
        ring(),
        of(word(1..6)),
    )
        .prop_map(|(seq, kind, ring, vote)| NodeListReply {
            seq,
            kind,
            ring,
            vote,
        })
}

fn vote_reply() -> impl Strategy<Value = VoteReply> {
    (seq(), of(word(1..6)), ring()).prop_map(|(seq, vote, ring)| VoteReply { seq, vote, ring })
}

fn heuristics_reply() -> impl Strategy<Value = HeuristicsReply> {
    (seq(), of(word(1..6)), ring(), heuristics()).prop_map(|(seq, vote, ring, heuristics)| {
        HeuristicsReply {
            seq,
            vote,
            ring,
            heuristics,
        }
    })
}

fn ring() -> impl Strategy<Value = Option<RingId>> {
    of((any::<u32>(), any::<u64>()).prop_map(|(node, seq)| RingId::new(node, seq)))
}

fn node() -> impl Strategy<Value = NodeInfo> {
    (1_u32.., prop_oneof![Just(0), any::<u32>()], of(word(1..4))).prop_map(
        |(id, data_center, state)| NodeInfo {
            id: NodeId(id),
            data_center,
            state,
        },
    )
}

fn tie_breaker() -> impl Strategy<Value = TieBreaker> {
    prop_oneof![
        Just(TieBreaker::Lowest),
        Just(TieBreaker::Highest),
        any::<u32>().prop_map(|id| TieBreaker::Node(NodeId(id))),
    ]
}

fn heuristics() -> impl Strategy<Value = Heuristics> {
    prop::sample::select(&[Heuristics::Undefined, Heuristics::Pass, Heuristics::Fail][..])
}

fn numbers() -> impl Strategy<Value = Vec<u16>> {
    vec(any::<u16>(), 0..30)
}

fn word<T: Numbered<u8> + std::fmt::Debug>(
    numbers: std::ops::Range<u8>,
) -> impl Strategy<Value = T> {
    numbers.prop_map(|number| T::of_number(number).expect("a number in use"))
}
