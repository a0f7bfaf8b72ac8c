//! A [`Message`] to bytes. [C: msg.c, `msg_create_*`]
//!
//! Options stand in the order in which the C programs send them.

use super::code::{LeaseNews, NodeListKind, OptType};
use super::error::TooLong;
use super::message::{
    Echo, HeuristicsReply, HeuristicsReport, Init, InitReply, Message, NodeListReply,
    NodeListReport, Options, PreInit, PreInitReply, ServerError, VoteReply,
};
use super::tlv::Writer;
use crate::base::{ClusterName, Heuristics, NodeInfo, RingId, TieBreaker};

impl Message {
    /// The message as it goes over the wire, header included.
    ///
    /// # Errors
    /// When it would be longer than `limit` bytes, or a value longer than its length field can say.
    pub fn encode(&self, limit: usize) -> Result<Vec<u8>, TooLong> {
        let mut writer = Writer::new(self.msg_type(), limit);
        let w = &mut writer;
        match self {
            Self::PreInit(m) => preinit(w, m),
            Self::PreInitReply(m) => preinit_reply(w, m),
            Self::StartTls(m) | Self::AskForVote(m) | Self::VoteInfoReply(m) => seq(w, m.seq),
            Self::Init(m) => init(w, m),
            Self::InitReply(m) => init_reply(w, m),
            Self::ServerError(m) => server_error(w, m),
            Self::SetOption(m) | Self::SetOptionReply(m) => options(w, m),
            Self::EchoRequest(m) | Self::EchoReply(m) => echo(w, m),
            Self::NodeList(m) => node_list(w, m),
            Self::NodeListReply(m) => node_list_reply(w, m),
            Self::AskForVoteReply(m) | Self::VoteInfo(m) => vote_reply(w, m),
            Self::HeuristicsChange(m) => heuristics_report(w, m),
            Self::HeuristicsChangeReply(m) => heuristics_reply(w, m),
        }
        writer.finish()
    }
}

fn preinit(w: &mut Writer, m: &PreInit) {
    seq(w, m.seq);
    w.bytes(
        OptType::ClusterName,
        m.cluster.as_ref().map(ClusterName::as_bytes),
    );
}

fn preinit_reply(w: &mut Writer, m: &PreInitReply) {
    seq(w, m.seq);
    w.word(OptType::TlsSupported, m.tls);
    w.u8(OptType::TlsClientCertRequired, m.client_cert_required);
}

fn init(w: &mut Writer, m: &Init) {
    seq(w, m.seq);
    w.numbers(OptType::SupportedMessages, m.supported_messages.as_deref());
    w.numbers(OptType::SupportedOptions, m.supported_options.as_deref());
    w.u32(OptType::NodeId, m.node.map(|id| id.0));
    w.u16(OptType::DecisionAlgorithm, m.algorithm);
    w.u32(
        OptType::HeartbeatInterval,
        m.heartbeat.map(|interval| interval.0),
    );
    tie_breaker(w, m.tie_breaker);
    ring(w, m.ring);
}

/// Here the sequence number does not come first.
fn init_reply(w: &mut Writer, m: &InitReply) {
    w.u16(OptType::ReplyErrorCode, m.error);
    w.numbers(OptType::SupportedMessages, m.supported_messages.as_deref());
    w.numbers(OptType::SupportedOptions, m.supported_options.as_deref());
    seq(w, m.seq);
    w.u32(OptType::ServerMaximumRequestSize, m.max_request_size);
    w.u32(OptType::ServerMaximumReplySize, m.max_reply_size);
    w.numbers(
        OptType::SupportedDecisionAlgorithms,
        m.supported_algorithms.as_deref(),
    );
}

fn server_error(w: &mut Writer, m: &ServerError) {
    seq(w, m.seq);
    w.u16(OptType::ReplyErrorCode, m.error);
}

fn options(w: &mut Writer, m: &Options) {
    seq(w, m.seq);
    w.u32(
        OptType::HeartbeatInterval,
        m.heartbeat.map(|interval| interval.0),
    );
    w.word(
        OptType::KeepActivePartitionTieBreaker,
        m.keep_active_partition,
    );
    w.u8(OptType::Lease, m.lease.map(LeaseNews::number));
}

fn echo(w: &mut Writer, m: &Echo) {
    w.raw(m.body());
}

fn node_list(w: &mut Writer, m: &NodeListReport) {
    seq(w, m.seq);
    w.u8(OptType::NodeListType, m.kind.map(NodeListKind::number));
    ring(w, m.ring);
    w.u64(OptType::ConfigVersion, m.config_version);
    w.word(OptType::Quorate, m.quorate);
    for node in &m.nodes.0 {
        node_info(w, node);
    }
    heuristics(w, m.heuristics);
}

fn node_list_reply(w: &mut Writer, m: &NodeListReply) {
    seq(w, m.seq);
    w.u8(OptType::NodeListType, m.kind.map(NodeListKind::number));
    ring(w, m.ring);
    w.word(OptType::Vote, m.vote);
}

fn vote_reply(w: &mut Writer, m: &VoteReply) {
    seq(w, m.seq);
    w.word(OptType::Vote, m.vote);
    ring(w, m.ring);
}

fn heuristics_report(w: &mut Writer, m: &HeuristicsReport) {
    seq(w, m.seq);
    heuristics(w, m.heuristics);
}

fn heuristics_reply(w: &mut Writer, m: &HeuristicsReply) {
    seq(w, m.seq);
    w.word(OptType::Vote, m.vote);
    ring(w, m.ring);
    heuristics(w, m.heuristics);
}

fn seq(w: &mut Writer, seq: Option<u32>) {
    w.u32(OptType::MsgSeqNumber, seq);
}

fn ring(w: &mut Writer, ring: Option<RingId>) {
    if let Some(RingId { node, seq }) = ring {
        w.parts(
            OptType::RingId,
            &[&node.0.to_be_bytes(), &seq.to_be_bytes()],
        );
    }
}

fn tie_breaker(w: &mut Writer, tie_breaker: Option<TieBreaker>) {
    let Some(tie_breaker) = tie_breaker else {
        return;
    };
    let (mode, node) = match tie_breaker {
        TieBreaker::Lowest => (1, 0),
        TieBreaker::Highest => (2, 0),
        TieBreaker::Node(id) => (3, id.0),
    };
    w.parts(OptType::TieBreaker, &[&[mode], &node.to_be_bytes()]);
}

fn heuristics(w: &mut Writer, heuristics: Heuristics) {
    let number = match heuristics {
        Heuristics::Undefined => None,
        Heuristics::Pass => Some(1),
        Heuristics::Fail => Some(2),
    };
    w.u8(OptType::Heuristics, number);
}

fn node_info(w: &mut Writer, node: &NodeInfo) {
    w.nested(OptType::NodeInfo, |w| {
        w.u32(OptType::NodeId, Some(node.id.0));
        w.u32(
            OptType::DataCenterId,
            Some(node.data_center).filter(|&center| center != 0),
        );
        w.word(OptType::NodeState, node.state);
    });
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::super::frame::Deframer;
    use super::super::strategies::{ROOMY, message};
    use super::*;
    use crate::base::{NodeId, NodeList, NodeState, TlsSupport};
    use proptest::prelude::*;

    fn encoded(message: Message) -> Vec<u8> {
        message.encode(ROOMY).unwrap()
    }

    #[test]
    fn a_preinit_reply_without_sequence_number_is_the_known_one() {
        let reply = PreInitReply {
            seq: None,
            tls: Some(TlsSupport::Unsupported),
            client_cert_required: Some(1),
        };
        assert_eq!(
            encoded(Message::PreInitReply(reply)),
            [0, 1, 0, 0, 0, 10, 0, 2, 0, 1, 0, 0, 3, 0, 1, 1]
        );
    }

    #[test]
    fn an_init_reply_has_its_sequence_number_in_the_middle() {
        let reply = InitReply {
            seq: Some(77),
            error: Some(0),
            max_request_size: Some(32768),
            max_reply_size: Some(32768),
            supported_algorithms: Some(vec![0, 1, 2, 3]),
            ..InitReply::default()
        };
        #[rustfmt::skip]
        assert_eq!(encoded(Message::InitReply(reply)), [
            0, 4, 0, 0, 0, 42,
            0, 6, 0, 2, 0, 0,
            0, 0, 0, 4, 0, 0, 0, 77,
            0, 7, 0, 4, 0, 0, 0x80, 0,
            0, 8, 0, 4, 0, 0, 0x80, 0,
            0, 10, 0, 8, 0, 0, 0, 1, 0, 2, 0, 3,
        ]);
    }

    #[test]
    fn a_full_init_reply_has_140_bytes() {
        let reply = InitReply {
            seq: Some(1),
            error: Some(0),
            supported_messages: Some((0..18).collect()),
            supported_options: Some((0..24).collect()),
            max_request_size: Some(32768),
            max_reply_size: Some(32768),
            supported_algorithms: Some(vec![0, 1, 2, 3]),
        };
        let message = Message::InitReply(reply);
        assert_eq!(message.encode(140).map(|bytes| bytes.len()), Ok(140));
        assert_eq!(message.encode(139), Err(TooLong));
    }

    #[test]
    fn a_node_entry_leaves_out_what_is_not_set() {
        let whole = NodeInfo {
            id: NodeId(2),
            data_center: 3,
            state: Some(NodeState::Dead),
        };
        let nodes = NodeList(vec![NodeId(1).into(), whole]);
        let report = NodeListReport {
            nodes,
            ..NodeListReport::default()
        };
        #[rustfmt::skip]
        assert_eq!(encoded(Message::NodeList(report)), [
            0, 10, 0, 0, 0, 37,
            0, 17, 0, 8, 0, 9, 0, 4, 0, 0, 0, 1,
            0, 17, 0, 21, 0, 9, 0, 4, 0, 0, 0, 2, 0, 15, 0, 4, 0, 0, 0, 3, 0, 16, 0, 1, 2,
        ]);
    }

    #[test]
    fn a_tie_breaker_names_a_node_in_one_mode_only() {
        let value = |tie_breaker| {
            let init = Init {
                tie_breaker: Some(tie_breaker),
                ..Init::default()
            };
            encoded(Message::Init(init))[10..].to_vec()
        };
        assert_eq!(value(TieBreaker::Lowest), [1, 0, 0, 0, 0]);
        assert_eq!(value(TieBreaker::Highest), [2, 0, 0, 0, 0]);
        assert_eq!(value(TieBreaker::Node(NodeId(258))), [3, 0, 0, 1, 2]);
    }

    #[test]
    fn undefined_heuristics_are_left_out() {
        let report = HeuristicsReport {
            seq: Some(1),
            heuristics: Heuristics::Undefined,
        };
        assert_eq!(encoded(Message::HeuristicsChange(report)).len(), 6 + 8);
    }

    #[test]
    fn an_echo_reply_repeats_the_request_byte_for_byte() {
        let body = [
            0, 99, 0, 1, 7, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2,
        ];
        let decoded = decode(crate::wire::MsgType::EchoRequest, &body).unwrap();
        let Message::EchoRequest(echo) = decoded else {
            panic!("{decoded:?}")
        };
        assert_eq!(echo.seq(), Some(2));
        assert_eq!(encoded(Message::EchoReply(echo))[6..], body);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(message in message()) {
            let bytes = message.encode(ROOMY).unwrap();
            prop_assert_eq!(decode(message.msg_type(), &bytes[6..]), Ok(message.clone()));
            let mut unread = bytes.as_slice();
            prop_assert_eq!(Deframer::new(bytes.len()).next_frame(&mut unread), Some(Ok(message)));
            prop_assert!(unread.is_empty());
        }

        #[test]
        fn a_message_fits_its_own_length_and_nothing_less(message in message(), less in 1_usize..50) {
            let bytes = message.encode(ROOMY).unwrap();
            prop_assert_eq!(message.encode(bytes.len()), Ok(bytes.clone()));
            prop_assert_eq!(message.encode(bytes.len().saturating_sub(less)), Err(TooLong));
        }
    }
}
