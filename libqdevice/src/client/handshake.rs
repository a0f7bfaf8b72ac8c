//! From the connection to the admission: PREINIT, the choice of TLS, INIT.
//! [C: qdevice-net-msg-received.c, qdevice-net-send.c]

use super::heuristics::Purpose;
use super::lease::Lease;
use super::phase::{Attempt, Phase, Protection};
use super::session::{Features, Session};
use super::{Action, Client, ClientConfig, HeuristicsMode, Notice, Reason, Timer, Turn};
use crate::base::TlsSupport;
use crate::wire::{
    Init, InitReply, Message, MsgType, OptType, Plain, PreInit, PreInitReply, algorithm_number,
};

impl Client {
    /// Begins an attempt to connect.
    pub(super) fn connect(&mut self, turn: &mut Turn<'_>) {
        let timeout = self.config.connect_timeout;
        self.phase = Phase::Connecting(Attempt::UnderWay);
        self.deadlines.set(Timer::Connect, turn.now.after(timeout));
        turn.tell(Notice::Connecting {
            host: self.config.host.clone(),
            port: self.config.port,
            timeout,
        });
        turn.act(Action::Connect);
    }

    /// The connection stands: names the cluster. The number of the last message is used again, as in C.
    pub(super) fn on_up(&mut self, turn: &mut Turn<'_>) {
        let asked = self.last_seq;
        let cluster = self.config.cluster_name.clone();
        turn.send(Message::PreInit(PreInit::new(asked, cluster)));
        self.phase = Phase::PreInit { asked };
    }

    pub(super) fn on_preinit_reply(
        &mut self,
        reply: PreInitReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        self.phase.preinit_answered(reply.seq)?;
        let (Some(server), Some(wanted)) = (reply.tls, reply.client_cert_required) else {
            return Err(Reason::OptionMissing(MsgType::PreInitReply));
        };
        match transport(server, self.config.tls)? {
            Transport::Plain => {
                if self.config.tls == TlsSupport::Supported {
                    turn.tell(Notice::NotEncrypted);
                }
                self.send_init(Protection::None, turn);
            }
            Transport::Tls => {
                let seq = Some(self.next_seq());
                turn.send(Message::StartTls(Plain { seq }));
                turn.act(Action::StartTls);
                self.phase = Phase::StartTls {
                    certificate_asked: wanted != 0,
                };
            }
        }
        Ok(())
    }

    /// The TLS handshake has succeeded, and with it the check of who the server is.
    pub(super) fn on_tls_up(
        &mut self,
        certificate_asked: bool,
        has_certificate: bool,
        turn: &mut Turn<'_>,
    ) {
        let protection = Protection::Tls {
            certificate_sent: certificate_asked && has_certificate,
        };
        self.send_init(protection, turn);
    }

    fn send_init(&mut self, protection: Protection, turn: &mut Turn<'_>) {
        let (asked, ring) = (self.next_seq(), self.membership.ring());
        turn.send(Message::Init(Init {
            seq: Some(asked),
            supported_messages: Some(MsgType::ALL.iter().map(|known| known.number()).collect()),
            supported_options: Some(OptType::ALL.iter().map(|known| known.number()).collect()),
            node: Some(self.config.node),
            algorithm: Some(algorithm_number(self.config.strategy.algorithm())),
            heartbeat: Some(self.config.heartbeat),
            tie_breaker: Some(self.config.tie_breaker),
            ring: Some(ring),
        }));
        self.phase = Phase::Init {
            asked,
            ring,
            protection,
            at: turn.now,
        };
    }

    pub(super) fn on_init_reply(
        &mut self,
        reply: &InitReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        let (reported, protection, asked_at) = self.phase.init_answered(reply.seq)?;
        let terms = Terms::of(reply, &self.config, self.heuristics.mode())?;
        turn.act(Action::Limit {
            receive: terms.max_reply_size,
            send: terms.max_request_size,
        });
        self.deadlines.clear(Timer::Connect);
        self.phase = Phase::Greeting(Session {
            server: terms.features,
            protection,
            reported,
            lease: Lease::new(self.config.heartbeat, asked_at),
        });
        self.arm_lease();
        self.run_heuristics(Purpose::Connect, turn)
    }
}

/// What both sides will speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Plain,
    Tls,
}

const fn transport(server: TlsSupport, client: TlsSupport) -> Result<Transport, Reason> {
    match (server, client) {
        (TlsSupport::Unsupported | TlsSupport::Supported, TlsSupport::Unsupported)
        | (TlsSupport::Unsupported, TlsSupport::Supported) => Ok(Transport::Plain),
        (
            TlsSupport::Supported | TlsSupport::Required,
            TlsSupport::Supported | TlsSupport::Required,
        ) => Ok(Transport::Tls),
        (TlsSupport::Unsupported, TlsSupport::Required)
        | (TlsSupport::Required, TlsSupport::Unsupported) => {
            Err(Reason::IncompatibleTls { server, client })
        }
    }
}

/// On what terms a server admits this node.
struct Terms {
    max_request_size: u32,
    max_reply_size: u32,
    features: Features,
}

impl Terms {
    /// Checks the answer to INIT in the order of the C program.
    fn of(
        reply: &InitReply,
        config: &ClientConfig,
        heuristics: HeuristicsMode,
    ) -> Result<Self, Reason> {
        let missing = Reason::OptionMissing(MsgType::InitReply);
        match reply.error {
            None => return Err(missing),
            Some(0) => {}
            Some(code) => return Err(Reason::InitRefused(code)),
        }
        let (
            Some(max_request_size),
            Some(max_reply_size),
            Some(_),
            Some(options),
            Some(algorithms),
        ) = (
            reply.max_request_size,
            reply.max_reply_size,
            &reply.supported_messages,
            &reply.supported_options,
            &reply.supported_algorithms,
        )
        else {
            return Err(missing);
        };
        check_sizes(max_request_size, max_reply_size, config)?;
        if !algorithms.contains(&algorithm_number(config.strategy.algorithm())) {
            return Err(Reason::AlgorithmUnknownToServer);
        }
        let features = Features {
            heuristics: options.contains(&OptType::Heuristics.number()),
            keep_active_partition: options
                .contains(&OptType::KeepActivePartitionTieBreaker.number()),
            lease: options.contains(&OptType::Lease.number()),
        };
        if !features.heuristics && heuristics != HeuristicsMode::Off {
            return Err(Reason::HeuristicsUnknownToServer);
        }
        Ok(Self {
            max_request_size,
            max_reply_size,
            features,
        })
    }
}

const fn check_sizes(request: u32, reply: u32, config: &ClientConfig) -> Result<(), Reason> {
    let (needed, accepted) = (config.min_request_size, config.max_reply_size);
    if (request as u64) < needed {
        return Err(Reason::RequestsTooShort {
            server: request,
            needed,
        });
    }
    if reply as u64 > accepted {
        return Err(Reason::RepliesTooLong {
            server: reply,
            accepted,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, RING, config, config_with_heuristics, init_reply, init_reply_without, preinit_reply,
    };
    use super::super::{HeuristicsMode, Link, LinkFault, Next};
    use super::*;
    use crate::base::{
        KeepActivePartition, Millis, NodeId, NodeInfo, NodeList, NodeState, Quorate, TieBreaker,
    };
    use crate::wire::{NodeListKind, NodeListReport, Options};

    #[test]
    fn the_dialogue_of_a_fresh_process_has_the_messages_and_numbers_of_the_c_program() {
        let mut bench = Bench::connecting();
        bench.link(Link::Up);
        let cluster = Some("demo".into());
        assert_eq!(
            bench.sent(),
            [Message::PreInit(PreInit {
                seq: Some(1),
                cluster
            })]
        );

        bench.receive(preinit_reply(1, TlsSupport::Supported));
        let init = Init {
            seq: Some(2),
            supported_messages: Some((0..=17).collect()),
            supported_options: Some((0..=23).chain([0x8000]).collect()),
            node: Some(NodeId(1)),
            algorithm: Some(1),
            heartbeat: Some(Millis(8_000)),
            tie_breaker: Some(TieBreaker::Lowest),
            ring: Some(RING),
        };
        assert_eq!(bench.sent(), [Message::Init(init)]);

        bench.receive(Message::InitReply(init_reply(2)));
        let node = |id, state| NodeInfo {
            state: Some(state),
            ..NodeInfo::from(NodeId(id))
        };
        let expected = [
            Message::SetOption(Options {
                seq: Some(3),
                keep_active_partition: Some(KeepActivePartition::Enabled),
                ..Options::default()
            }),
            Message::NodeList(NodeListReport {
                seq: Some(4),
                kind: Some(NodeListKind::InitialConfig),
                config_version: Some(2),
                nodes: NodeList::of_ids([1, 2]),
                ..NodeListReport::default()
            }),
            Message::NodeList(NodeListReport {
                seq: Some(5),
                kind: Some(NodeListKind::Membership),
                ring: Some(RING),
                nodes: NodeList::of_ids([1, 2]),
                ..NodeListReport::default()
            }),
            Message::NodeList(NodeListReport {
                seq: Some(6),
                kind: Some(NodeListKind::Quorum),
                quorate: Some(Quorate::Yes),
                nodes: NodeList(vec![node(1, NodeState::Member), node(2, NodeState::Dead)]),
                ..NodeListReport::default()
            }),
        ];
        assert_eq!(bench.sent(), expected);
    }

    #[test]
    fn the_sizes_of_the_server_hold_from_its_admission_on() {
        let mut bench = Bench::asking(config());
        bench.receive(Message::InitReply(init_reply(2)));
        assert_eq!(
            bench.done()[0],
            Action::Limit {
                receive: 65_536,
                send: 32_768
            }
        );
    }

    #[test]
    fn options_are_set_only_on_a_server_that_knows_them() {
        let mut bench = Bench::asking(config());
        let option = OptType::KeepActivePartitionTieBreaker;
        bench.receive(Message::InitReply(init_reply_without(option, 2)));
        let types: Vec<_> = bench
            .sent()
            .iter()
            .map(|m| (m.msg_type(), m.seq()))
            .collect();
        assert_eq!(types[0], (MsgType::NodeList, Some(3)));
        assert_eq!(types.len(), 3);
    }

    #[test]
    fn numbers_go_on_over_connections_and_preinit_repeats_the_last() {
        let mut bench = Bench::backing_off();
        bench.wait(4_500);
        bench.link(Link::Up);
        bench.receive(preinit_reply(6, TlsSupport::Unsupported));
        let seqs: Vec<_> = bench.sent().iter().map(Message::seq).collect();
        assert_eq!(seqs, [Some(6), Some(7)]);
    }

    #[test]
    fn tls_is_chosen_by_the_table_of_the_c_program() {
        let (off, on, required) = (
            TlsSupport::Unsupported,
            TlsSupport::Supported,
            TlsSupport::Required,
        );
        let error = |server, client| Err(Reason::IncompatibleTls { server, client });
        for (server, client, choice) in [
            (off, off, Ok(Transport::Plain)),
            (off, on, Ok(Transport::Plain)),
            (off, required, error(off, required)),
            (on, off, Ok(Transport::Plain)),
            (on, on, Ok(Transport::Tls)),
            (on, required, Ok(Transport::Tls)),
            (required, off, error(required, off)),
            (required, on, Ok(Transport::Tls)),
            (required, required, Ok(Transport::Tls)),
        ] {
            assert_eq!(
                transport(server, client),
                choice,
                "server {server:?} client {client:?}"
            );
        }
        let fault = transport(off, required).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "Incompatible tls configuration (server 0 client 2)"
        );
    }

    #[test]
    fn where_tls_is_wanted_nothing_is_said_in_plain_text() {
        let mut bench = Bench::new(ClientConfig {
            tls: TlsSupport::Supported,
            ..config()
        });
        bench.membership(RING, &[1]);
        bench.link(Link::Up);
        bench.done();
        bench.receive(preinit_reply(1, TlsSupport::Supported));
        let start = Message::StartTls(Plain { seq: Some(2) });
        assert_eq!(bench.done(), [Action::Send(start), Action::StartTls]);
        bench.link(Link::TlsUp {
            has_certificate: true,
        });
        let sent = bench.sent();
        assert!(
            matches!(&sent[..], [Message::Init(Init { seq: Some(3), .. })]),
            "{sent:?}"
        );
        bench.receive(Message::InitReply(init_reply(3)));
        assert!(bench.client.phase.is_running());
    }

    #[test]
    fn a_message_during_the_handshake_ends_the_connection() {
        let mut bench = tls_bench();
        bench.receive(Message::InitReply(init_reply(2)));
        assert_eq!(bench.reason(), Some(Reason::Unexpected(MsgType::InitReply)));
        let mut bench = tls_bench();
        bench.receive(preinit_reply(2, TlsSupport::Supported));
        assert_eq!(
            bench.reason(),
            Some(Reason::Unexpected(MsgType::PreInitReply))
        );
    }

    #[test]
    fn a_handshake_that_fails_or_takes_too_long_is_tried_again() {
        let mut bench = tls_bench();
        let fault = LinkFault::TlsFailed("the server's certificate is that of \"X\"".into());
        bench.link(Link::Down(fault.clone()));
        let reason = bench.reason().unwrap();
        assert_eq!(reason, Reason::LinkLost(fault));
        assert_eq!(reason.next(), Next::Retry);
        assert_eq!(
            reason.to_string(),
            "Can't start TLS. the server's certificate is that of \"X\""
        );
        let mut bench = tls_bench();
        bench.wait(8_000);
        assert_eq!(bench.reason(), Some(Reason::ConnectTimeout));
    }

    #[test]
    fn a_handshake_nobody_asked_for_changes_nothing() {
        let mut bench = Bench::asking(config());
        bench.link(Link::TlsUp {
            has_certificate: true,
        });
        assert_eq!(bench.done(), []);
    }

    #[test]
    fn a_server_that_declines_tls_is_worth_a_warning() {
        let tell = |tls| {
            let mut bench = Bench::new(ClientConfig { tls, ..config() });
            bench.membership(RING, &[1]);
            bench.link(Link::Up);
            bench.told();
            bench.receive(preinit_reply(1, TlsSupport::Unsupported));
            bench.told()
        };
        assert_eq!(tell(TlsSupport::Unsupported), []);
        assert_eq!(tell(TlsSupport::Supported), [Notice::NotEncrypted]);
    }

    /// A node that has sent STARTTLS with number 2.
    fn tls_bench() -> Bench {
        let mut bench = Bench::new(ClientConfig {
            tls: TlsSupport::Required,
            ..config()
        });
        bench.membership(RING, &[1]);
        bench.link(Link::Up);
        bench.receive(preinit_reply(1, TlsSupport::Supported));
        bench.done();
        bench
    }

    #[test]
    fn an_answer_to_preinit_lacking_something_ends_the_connection() {
        let reply = PreInitReply {
            seq: Some(1),
            tls: Some(TlsSupport::Unsupported),
            client_cert_required: Some(0),
        };
        let missing = Reason::OptionMissing(MsgType::PreInitReply);
        for (reply, reason) in [
            (PreInitReply { seq: None, ..reply }, Reason::WrongSequence),
            (
                PreInitReply {
                    seq: Some(2),
                    ..reply
                },
                Reason::WrongSequence,
            ),
            (PreInitReply { tls: None, ..reply }, missing.clone()),
            (
                PreInitReply {
                    client_cert_required: None,
                    ..reply
                },
                missing,
            ),
        ] {
            let mut bench = Bench::connecting();
            bench.link(Link::Up);
            bench.receive(Message::PreInitReply(reply));
            assert_eq!(bench.reason(), Some(reason), "{reply:?}");
        }
    }

    #[test]
    fn an_answer_that_is_not_due_ends_the_connection() {
        let mut bench = Bench::asking(config());
        bench.receive(preinit_reply(2, TlsSupport::Unsupported));
        assert_eq!(
            bench.reason(),
            Some(Reason::Unexpected(MsgType::PreInitReply))
        );
        let mut bench = Bench::running();
        bench.receive(Message::InitReply(init_reply(6)));
        assert_eq!(bench.reason(), Some(Reason::Unexpected(MsgType::InitReply)));
    }

    /// One row per check of the answer to INIT, each answer wrong in everything the later rows check.
    #[test]
    fn the_answer_to_init_is_checked_in_the_order_of_the_c_program() {
        let exit = Next::GiveUp;
        let missing = || Reason::OptionMissing(MsgType::InitReply);
        let mut reply = InitReply::default();
        let mut rows = vec![(reply.clone(), Reason::WrongSequence, Next::Retry)];
        reply.seq = Some(2);
        rows.push((reply.clone(), missing(), Next::Retry));
        for (code, next) in [
            (17, Next::Retry),
            (15, Next::Retry),
            (16, Next::Retry),
            (12, exit),
        ] {
            reply.error = Some(code);
            rows.push((reply.clone(), Reason::InitRefused(code), next));
        }
        reply.error = Some(0);
        rows.push((reply.clone(), missing(), Next::Retry));
        reply.max_request_size = Some(32_767);
        rows.push((reply.clone(), missing(), Next::Retry));
        reply.max_reply_size = Some(16_777_217);
        rows.push((reply.clone(), missing(), Next::Retry));
        reply.supported_messages = Some(vec![]);
        rows.push((reply.clone(), missing(), Next::Retry));
        reply.supported_options = Some(vec![]);
        rows.push((reply.clone(), missing(), Next::Retry));
        reply.supported_algorithms = Some(vec![0]);
        let fault = Reason::RequestsTooShort {
            server: 32_767,
            needed: 32_768,
        };
        rows.push((reply.clone(), fault, exit));
        reply.max_request_size = Some(32_768);
        let fault = Reason::RepliesTooLong {
            server: 16_777_217,
            accepted: 16_777_216,
        };
        rows.push((reply.clone(), fault, exit));
        reply.max_reply_size = Some(16_777_216);
        rows.push((reply.clone(), Reason::AlgorithmUnknownToServer, exit));
        reply.supported_algorithms = Some(vec![1]);
        rows.push((reply.clone(), Reason::HeuristicsUnknownToServer, exit));

        for (reply, reason, next) in rows {
            let mut bench = Bench::asking(config());
            // Only with heuristics on does the server have to know them; the first run is answered.
            bench.client.config = config_with_heuristics(HeuristicsMode::Sync);
            let plan = bench.client.config.heuristics.clone();
            bench.client.heuristics = super::super::heuristics::Runs::new(plan);
            bench.receive(Message::InitReply(reply.clone()));
            assert_eq!(bench.reason().as_ref(), Some(&reason), "{reply:?}");
            assert_eq!(reason.next(), next, "{reason}");
        }
    }

    #[test]
    fn a_server_without_heuristics_will_do_when_they_are_off() {
        let mut bench = Bench::asking(config());
        bench.receive(Message::InitReply(init_reply_without(
            OptType::Heuristics,
            2,
        )));
        assert!(bench.client.phase.is_running());
    }

    #[test]
    fn when_no_address_is_left_the_next_attempt_waits_for_the_connect_timeout() {
        let mut bench = Bench::connecting();
        bench.link(Link::Down(LinkFault::ConnectFailed(
            "(111): Connection refused".into(),
        )));
        let told: Vec<_> = bench.told().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["Can't connect to qnetd host. (111): Connection refused"]
        );
        bench.wait(7_999);
        assert!(!bench.done().contains(&Action::Connect));
        bench.wait(1);
        assert_eq!(
            bench.done(),
            [
                Action::Cast {
                    ring: RING,
                    vote: false
                },
                Action::HangUp,
                Action::Connect
            ]
        );
    }

    #[test]
    fn the_connect_timeout_covers_the_whole_handshake() {
        let mut bench = Bench::asking(config());
        bench.wait(8_000);
        assert_eq!(bench.reason(), Some(Reason::ConnectTimeout));
        let mut bench = Bench::running();
        bench.wait(7_999);
        assert_eq!(bench.reason(), None);
    }
}
