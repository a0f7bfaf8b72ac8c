//! The body of a message to a [`Message`]. [C: msg.c, `msg_decode`]
//!
//! Not here: which options a message must have. Every known option is checked in every message,
//! whether the message has a use for it or not; the first fault ends the walk. Options nobody knows
//! are passed over. Of two options the last counts, node entries add up.

use super::code::{LeaseNews, MsgType, NodeListKind, OptType};
use super::error::{DecodeError, DecodeFault};
use super::message::{
    Echo, HeuristicsReply, HeuristicsReport, Init, InitReply, Message, NodeListReply,
    NodeListReport, Options, Plain, PreInit, PreInitReply, ServerError, VoteReply,
};
use super::tlv::{Numbers, Reader, Value};
use crate::base::{
    ClusterName, Heuristics, KeepActivePartition, Millis, NodeId, NodeInfo, NodeList, NodeState,
    Quorate, RingId, TieBreaker, TlsSupport, Vote,
};

/// Decodes everything behind the header of a message.
///
/// Allocates no more than a small multiple of `body`.
///
/// # Errors
/// The first fault found, with the sequence number if that stood before it.
pub fn decode(msg_type: MsgType, body: &[u8]) -> Result<Message, DecodeError> {
    let mut fields = Fields::default();
    match fields.read(body) {
        Ok(()) => Ok(fields.into_message(msg_type, body)),
        Err(fault) => Err(DecodeError {
            seq: fields.seq,
            fault,
        }),
    }
}

/// All options a body can have, as far as a message wants them.
#[derive(Debug, Default)]
struct Fields<'a> {
    seq: Option<u32>,
    cluster: Option<&'a [u8]>,
    tls: Option<TlsSupport>,
    client_cert_required: Option<u8>,
    supported_messages: Option<Numbers<'a>>,
    supported_options: Option<Numbers<'a>>,
    error: Option<u16>,
    max_request_size: Option<u32>,
    max_reply_size: Option<u32>,
    node: Option<NodeId>,
    supported_algorithms: Option<Numbers<'a>>,
    algorithm: Option<u16>,
    heartbeat: Option<Millis>,
    ring: Option<RingId>,
    config_version: Option<u64>,
    nodes: NodeList,
    kind: Option<NodeListKind>,
    vote: Option<Vote>,
    quorate: Option<Quorate>,
    tie_breaker: Option<TieBreaker>,
    heuristics: Heuristics,
    keep_active_partition: Option<KeepActivePartition>,
    lease: Option<LeaseNews>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, body: &'a [u8]) -> Result<(), DecodeFault> {
        if body.is_empty() {
            return Err(DecodeFault::Empty);
        }
        for option in Reader::new(body) {
            let (number, bytes) = option?;
            if let Some(opt) = OptType::from_number(number) {
                self.read_option(Value { opt, bytes })?;
            }
        }
        Ok(())
    }

    fn read_option(&mut self, value: Value<'a>) -> Result<(), DecodeFault> {
        match value.opt {
            OptType::MsgSeqNumber => self.seq = Some(value.u32()?),
            OptType::ClusterName => self.cluster = Some(value.bytes),
            OptType::TlsSupported => self.tls = Some(value.word()?),
            OptType::TlsClientCertRequired => self.client_cert_required = Some(value.u8()?),
            OptType::SupportedMessages => self.supported_messages = Some(value.numbers()?),
            OptType::SupportedOptions => self.supported_options = Some(value.numbers()?),
            OptType::ReplyErrorCode => self.error = Some(value.u16()?),
            OptType::ServerMaximumRequestSize => self.max_request_size = Some(value.u32()?),
            OptType::ServerMaximumReplySize => self.max_reply_size = Some(value.u32()?),
            OptType::NodeId => self.node = Some(NodeId(value.u32()?)),
            OptType::SupportedDecisionAlgorithms => {
                self.supported_algorithms = Some(value.numbers()?);
            }
            OptType::DecisionAlgorithm => self.algorithm = Some(value.u16()?),
            OptType::HeartbeatInterval => self.heartbeat = Some(Millis(value.u32()?)),
            OptType::RingId => self.ring = Some(ring_id(value)?),
            OptType::ConfigVersion => self.config_version = Some(value.u64()?),
            // Belongs into node entries. Outside of them it has no meaning and is only checked.
            OptType::DataCenterId => drop(value.u32()?),
            OptType::NodeState => drop(value.word::<NodeState>()?),
            OptType::NodeInfo => self.nodes.0.push(node_info(value.bytes)?),
            OptType::NodeListType => self.kind = Some(node_list_kind(value)?),
            OptType::Vote => self.vote = Some(value.word()?),
            OptType::Quorate => self.quorate = Some(value.word()?),
            OptType::TieBreaker => self.tie_breaker = Some(tie_breaker(value)?),
            OptType::Heuristics => self.heuristics = heuristics(value)?,
            OptType::KeepActivePartitionTieBreaker => {
                self.keep_active_partition = Some(value.word()?);
            }
            // What a later version may have to say means nothing here, and is no fault.
            OptType::Lease => self.lease = LeaseNews::from_number(value.u8()?),
        }
        Ok(())
    }

    fn into_message(self, msg_type: MsgType, body: &[u8]) -> Message {
        match msg_type {
            MsgType::PreInit => Message::PreInit(self.into_preinit()),
            MsgType::PreInitReply => Message::PreInitReply(self.into_preinit_reply()),
            MsgType::StartTls => Message::StartTls(self.into_plain()),
            MsgType::Init => Message::Init(self.into_init()),
            MsgType::InitReply => Message::InitReply(self.into_init_reply()),
            MsgType::ServerError => Message::ServerError(ServerError {
                seq: self.seq,
                error: self.error,
            }),
            MsgType::SetOption => Message::SetOption(self.into_options()),
            MsgType::SetOptionReply => Message::SetOptionReply(self.into_options()),
            MsgType::EchoRequest => Message::EchoRequest(Echo::received(self.seq, body.to_vec())),
            MsgType::EchoReply => Message::EchoReply(Echo::received(self.seq, body.to_vec())),
            MsgType::NodeList => Message::NodeList(self.into_node_list()),
            MsgType::NodeListReply => Message::NodeListReply(self.into_node_list_reply()),
            MsgType::AskForVote => Message::AskForVote(self.into_plain()),
            MsgType::AskForVoteReply => Message::AskForVoteReply(self.into_vote_reply()),
            MsgType::VoteInfo => Message::VoteInfo(self.into_vote_reply()),
            MsgType::VoteInfoReply => Message::VoteInfoReply(self.into_plain()),
            MsgType::HeuristicsChange => Message::HeuristicsChange(HeuristicsReport {
                seq: self.seq,
                heuristics: self.heuristics,
            }),
            MsgType::HeuristicsChangeReply => {
                Message::HeuristicsChangeReply(self.into_heuristics_reply())
            }
        }
    }

    fn into_plain(self) -> Plain {
        Plain { seq: self.seq }
    }

    fn into_preinit(self) -> PreInit {
        PreInit {
            seq: self.seq,
            cluster: self.cluster.map(ClusterName::new),
        }
    }

    fn into_preinit_reply(self) -> PreInitReply {
        PreInitReply {
            seq: self.seq,
            tls: self.tls,
            client_cert_required: self.client_cert_required,
        }
    }

    fn into_init(self) -> Init {
        Init {
            seq: self.seq,
            supported_messages: self.supported_messages.map(Numbers::to_vec),
            supported_options: self.supported_options.map(Numbers::to_vec),
            node: self.node,
            algorithm: self.algorithm,
            heartbeat: self.heartbeat,
            tie_breaker: self.tie_breaker,
            ring: self.ring,
        }
    }

    fn into_init_reply(self) -> InitReply {
        InitReply {
            seq: self.seq,
            error: self.error,
            supported_messages: self.supported_messages.map(Numbers::to_vec),
            supported_options: self.supported_options.map(Numbers::to_vec),
            max_request_size: self.max_request_size,
            max_reply_size: self.max_reply_size,
            supported_algorithms: self.supported_algorithms.map(Numbers::to_vec),
        }
    }

    fn into_options(self) -> Options {
        Options {
            seq: self.seq,
            heartbeat: self.heartbeat,
            keep_active_partition: self.keep_active_partition,
            lease: self.lease,
        }
    }

    fn into_node_list(self) -> NodeListReport {
        NodeListReport {
            seq: self.seq,
            kind: self.kind,
            ring: self.ring,
            config_version: self.config_version,
            quorate: self.quorate,
            nodes: self.nodes,
            heuristics: self.heuristics,
        }
    }

    fn into_node_list_reply(self) -> NodeListReply {
        NodeListReply {
            seq: self.seq,
            kind: self.kind,
            ring: self.ring,
            vote: self.vote,
        }
    }

    fn into_vote_reply(self) -> VoteReply {
        VoteReply {
            seq: self.seq,
            vote: self.vote,
            ring: self.ring,
        }
    }

    fn into_heuristics_reply(self) -> HeuristicsReply {
        HeuristicsReply {
            seq: self.seq,
            vote: self.vote,
            ring: self.ring,
            heuristics: self.heuristics,
        }
    }
}

fn ring_id(value: Value<'_>) -> Result<RingId, DecodeFault> {
    let [n0, n1, n2, n3, seq @ ..] = value.exactly::<12>()?;
    Ok(RingId::new(
        u32::from_be_bytes([n0, n1, n2, n3]),
        u64::from_be_bytes(seq),
    ))
}

fn node_list_kind(value: Value<'_>) -> Result<NodeListKind, DecodeFault> {
    NodeListKind::from_number(value.u8()?).ok_or(value.invalid())
}

/// The node id is always sent and means something in one mode only.
fn tie_breaker(value: Value<'_>) -> Result<TieBreaker, DecodeFault> {
    let [mode, node @ ..] = value.exactly::<5>()?;
    match mode {
        1 => Ok(TieBreaker::Lowest),
        2 => Ok(TieBreaker::Highest),
        3 => Ok(TieBreaker::Node(NodeId(u32::from_be_bytes(node)))),
        _ => Err(value.invalid()),
    }
}

/// Undefined has no number: a peer without a result leaves the option out.
fn heuristics(value: Value<'_>) -> Result<Heuristics, DecodeFault> {
    match value.u8()? {
        1 => Ok(Heuristics::Pass),
        2 => Ok(Heuristics::Fail),
        _ => Err(value.invalid()),
    }
}

/// Whatever is wrong inside a node entry is one fault: the entry is malformed.
fn node_info(bytes: &[u8]) -> Result<NodeInfo, DecodeFault> {
    let mut node = NodeInfo::default();
    read_node_info(&mut node, bytes).map_err(|_| DecodeFault::NodeInfo)?;
    if node.id == NodeId(0) {
        Err(DecodeFault::NodeInfo)
    } else {
        Ok(node)
    }
}

fn read_node_info(node: &mut NodeInfo, bytes: &[u8]) -> Result<(), DecodeFault> {
    for option in Reader::new(bytes) {
        let (number, bytes) = option?;
        let value = |opt| Value { opt, bytes };
        if number == OptType::NodeId.number() {
            node.id = NodeId(value(OptType::NodeId).u32()?);
        } else if number == OptType::DataCenterId.number() {
            node.data_center = value(OptType::DataCenterId).u32()?;
        } else if number == OptType::NodeState.number() {
            node.state = Some(value(OptType::NodeState).word()?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{ROOMY, message, msg_type};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The options of a body, from number and value.
    fn body(options: &[(u16, &[u8])]) -> Vec<u8> {
        let option = |&(number, value): &(u16, &[u8])| {
            let length = u16::try_from(value.len()).unwrap();
            [&number.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
        };
        options.iter().flat_map(option).collect()
    }

    /// Decodes as a message that ignores nearly all options.
    fn fault(options: &[(u16, &[u8])]) -> DecodeFault {
        decode(MsgType::EchoRequest, &body(options))
            .unwrap_err()
            .fault
    }

    fn is_fine(options: &[(u16, &[u8])]) -> bool {
        decode(MsgType::EchoRequest, &body(options)).is_ok()
    }

    #[test]
    fn an_empty_body_is_a_fault_in_every_message() {
        for &msg_type in MsgType::ALL {
            let error = DecodeError {
                seq: None,
                fault: DecodeFault::Empty,
            };
            assert_eq!(decode(msg_type, &[]), Err(error), "{msg_type:?}");
        }
    }

    #[test]
    fn the_sequence_number_is_known_if_it_stood_before_the_fault() {
        let bad: (u16, &[u8]) = (19, &[9]);
        let seq: (u16, &[u8]) = (0, &[0, 0, 0, 5]);
        let fault = DecodeFault::InvalidValue(OptType::Vote);
        assert_eq!(
            decode(MsgType::Init, &body(&[seq, bad])),
            Err(DecodeError {
                seq: Some(5),
                fault
            })
        );
        assert_eq!(
            decode(MsgType::Init, &body(&[bad, seq])),
            Err(DecodeError { seq: None, fault })
        );
        let stray = [body(&[seq]), vec![0]].concat();
        let fault = DecodeFault::Truncated;
        assert_eq!(
            decode(MsgType::Init, &stray),
            Err(DecodeError {
                seq: Some(5),
                fault
            })
        );
    }

    #[test]
    fn options_of_fixed_size_have_no_other() {
        let sizes = [
            (0, 4),
            (2, 1),
            (3, 1),
            (6, 2),
            (7, 4),
            (8, 4),
            (9, 4),
            (11, 2),
            (12, 4),
            (13, 12),
            (14, 8),
            (15, 4),
            (16, 1),
            (18, 1),
            (19, 1),
            (20, 1),
            (21, 5),
            (22, 1),
            (23, 1),
        ];
        for (number, size) in sizes {
            let opt = OptType::from_number(number).unwrap();
            for wrong in [0, size - 1, size + 1] {
                let value = vec![1; wrong];
                if wrong != size {
                    let found = fault(&[(number, &value)]);
                    assert_eq!(found, DecodeFault::WrongLength(opt), "{opt:?} of {wrong}");
                }
            }
            assert!(is_fine(&[(number, &vec![1; size])]), "{opt:?} of {size}");
        }
    }

    #[test]
    fn arrays_have_an_even_length_and_may_be_empty() {
        for opt in [
            OptType::SupportedMessages,
            OptType::SupportedOptions,
            OptType::SupportedDecisionAlgorithms,
        ] {
            let number = opt.number();
            assert_eq!(
                fault(&[(number, &[0, 1, 2])]),
                DecodeFault::WrongLength(opt)
            );
            assert!(is_fine(&[(number, &[])]) && is_fine(&[(number, &[0, 1, 2, 3])]));
        }
    }

    #[test]
    fn each_enum_knows_its_values_and_no_others() {
        let known = [
            (OptType::TlsSupported, 0..=2),
            (OptType::TlsClientCertRequired, 0..=255),
            (OptType::NodeState, 1..=3),
            (OptType::NodeListType, 0..=3),
            (OptType::Vote, 1..=5),
            (OptType::Quorate, 0..=1),
            (OptType::Heuristics, 1..=2),
            (OptType::KeepActivePartitionTieBreaker, 0..=1),
        ];
        for (opt, values) in known {
            for value in 0..=255 {
                let fine = is_fine(&[(opt.number(), &[value])]);
                assert_eq!(fine, values.contains(&value), "{opt:?} {value}");
            }
        }
        for mode in 0..=255 {
            let fine = is_fine(&[(21, &[mode, 0, 0, 0, 0])]);
            assert_eq!(fine, (1..=3).contains(&mode), "tie-breaker mode {mode}");
        }
        assert_eq!(
            fault(&[(21, &[0; 5])]),
            DecodeFault::InvalidValue(OptType::TieBreaker)
        );
    }

    #[test]
    fn numbers_that_may_be_open_are_not_judged_here() {
        let init = body(&[(11, &[0xff, 0xff]), (9, &[0; 4]), (12, &[0; 4])]);
        let expected = Init {
            algorithm: Some(0xffff),
            node: Some(NodeId(0)),
            heartbeat: Some(Millis(0)),
            ..Init::default()
        };
        assert_eq!(decode(MsgType::Init, &init), Ok(Message::Init(expected)));
        let error = ServerError {
            seq: None,
            error: Some(999),
        };
        assert_eq!(
            decode(MsgType::ServerError, &body(&[(6, &[3, 231])])),
            Ok(Message::ServerError(error))
        );
    }

    #[test]
    fn unknown_options_are_passed_over_with_their_value() {
        let name = body(&[(24, &[0xff; 9]), (0xffff, &[]), (1, b"c"), (300, &[1])]);
        let cluster = Some(ClusterName::from("c"));
        assert_eq!(
            decode(MsgType::PreInit, &name),
            Ok(Message::PreInit(PreInit { seq: None, cluster }))
        );
    }

    #[test]
    fn names_and_lists_of_no_length_are_there() {
        let preinit = PreInit {
            seq: None,
            cluster: Some(ClusterName::default()),
        };
        assert_eq!(
            decode(MsgType::PreInit, &body(&[(1, b"")])),
            Ok(Message::PreInit(preinit))
        );
        let init = Init {
            supported_options: Some(Vec::new()),
            ..Init::default()
        };
        assert_eq!(
            decode(MsgType::Init, &body(&[(5, b"")])),
            Ok(Message::Init(init))
        );
    }

    #[test]
    fn of_two_options_the_last_counts_and_node_entries_add_up() {
        let node: (u16, &[u8]) = (17, &[0, 9, 0, 4, 0, 0, 0, 1]);
        let twice = body(&[
            node,
            (0, &[0, 0, 0, 1]),
            (18, &[0]),
            node,
            (18, &[2]),
            (0, &[0; 4]),
        ]);
        let report = NodeListReport {
            seq: Some(0),
            kind: Some(NodeListKind::Membership),
            nodes: NodeList::of_ids([1, 1]),
            ..NodeListReport::default()
        };
        assert_eq!(
            decode(MsgType::NodeList, &twice),
            Ok(Message::NodeList(report))
        );
        let names = body(&[(1, b"first"), (1, b"last")]);
        let preinit = PreInit {
            seq: None,
            cluster: Some(ClusterName::from("last")),
        };
        assert_eq!(
            decode(MsgType::PreInit, &names),
            Ok(Message::PreInit(preinit))
        );
    }

    #[test]
    fn a_faulty_option_is_not_made_good_by_a_later_one() {
        assert_eq!(
            fault(&[(19, &[0]), (19, &[1])]),
            DecodeFault::InvalidValue(OptType::Vote)
        );
    }

    #[test]
    fn a_node_entry_takes_its_last_options_and_passes_over_foreign_ones() {
        let entry = body(&[
            (16, &[2]),
            (9, &[0, 0, 0, 7]),
            (99, b"?"),
            (15, &[0, 0, 0, 3]),
            (9, &[0, 0, 0, 8]),
        ]);
        let node = NodeInfo {
            id: NodeId(8),
            data_center: 3,
            state: Some(NodeState::Dead),
        };
        assert_eq!(node_info(&entry), Ok(node));
    }

    #[test]
    fn a_broken_node_entry_is_one_fault() {
        let broken: [&[u8]; 7] = [
            &[],
            &[0, 9, 0, 4, 0, 0, 0, 0],
            &[0, 15, 0, 4, 0, 0, 0, 1],
            &[0, 9, 0, 5, 0, 0, 0, 1],
            &[0, 9, 0, 3, 0, 0, 1],
            &[0, 9, 0, 4, 0, 0, 0, 1, 0, 0, 0],
            &[0, 9, 0, 4, 0, 0, 0, 1, 0, 16, 0, 1, 4],
        ];
        for entry in broken {
            assert_eq!(fault(&[(17, entry)]), DecodeFault::NodeInfo, "{entry:?}");
        }
    }

    #[test]
    fn a_tie_breaker_forgets_a_node_id_without_meaning() {
        let lowest = Init {
            tie_breaker: Some(TieBreaker::Lowest),
            ..Init::default()
        };
        let bytes = body(&[(21, &[1, 0, 0, 0, 9])]);
        assert_eq!(decode(MsgType::Init, &bytes), Ok(Message::Init(lowest)));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail_without_panic(
            msg_type in msg_type(),
            bytes in vec(any::<u8>(), 0..200),
        ) {
            let _ = decode(msg_type, &bytes);
        }

        #[test]
        fn a_message_with_one_byte_changed_decodes_or_fails_without_panic(
            message in message(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = message.encode(ROOMY).unwrap().split_off(6);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(message.msg_type(), &bytes);
        }

        #[test]
        fn what_decodes_keeps_its_meaning_when_sent_on(
            msg_type in msg_type(),
            options in vec((0_u16..26, vec(0_u8..6, 0..13)), 1..6),
        ) {
            let options: Vec<_> = options.iter().map(|(n, value)| (*n, value.as_slice())).collect();
            if let Ok(message) = decode(msg_type, &body(&options)) {
                let again = message.encode(ROOMY).unwrap();
                if again.len() > 6 {
                    prop_assert_eq!(decode(msg_type, &again[6..]), Ok(message));
                }
            }
        }
    }

    #[test]
    fn what_a_later_version_says_about_its_lease_is_no_fault() {
        let lease = |value: u8| decode(MsgType::SetOption, &body(&[(0x8000, &[value])]));
        let options = |lease| {
            Message::SetOption(Options {
                lease,
                ..Options::default()
            })
        };
        assert_eq!(lease(0), Ok(options(Some(LeaseNews::Goodbye))));
        assert_eq!(lease(1), Ok(options(None)));
        assert_eq!(
            fault(&[(0x8000, &[0, 0])]),
            DecodeFault::WrongLength(OptType::Lease)
        );
    }
}
