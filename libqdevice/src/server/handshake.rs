//! What leads to membership: preinit, starttls, init. [C: qnetd-client-msg-received.c]

use super::clusters::Candidate;
use super::peer::{Seat, Stage, Tls};
use super::tenure::{Ending, Tenure, lists_lease};
use super::{Action, Cause, Fault, Identity, Notice, Party, PeerId, Protection, Refusal, Server};
use crate::base::{Algorithm, Fingerprint, Millis, NodeId, RingId, TieBreaker, Time, TlsSupport};
use crate::vote::Member;
use crate::wire::{
    Init, InitReply, Message, MsgType, OptType, PreInit, PreInitReply, algorithm_number,
    algorithm_of,
};
use std::collections::BTreeSet;

impl Server {
    /// A client names its cluster; it may do so again until it is admitted.
    pub(super) fn on_preinit(
        &mut self,
        id: PeerId,
        asked: PreInit,
        out: &mut Vec<Action>,
    ) -> Result<(), Refusal> {
        let Some(name) = asked.cluster else {
            return Err(Refusal::Missing(MsgType::PreInit, "cluster name"));
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return Ok(());
        };
        match peer.stage {
            // The name is fixed by now, and with it the certificate that was checked.
            Stage::Admitted(_) => return Err(Refusal::Unexpected(MsgType::PreInit)),
            Stage::Fresh | Stage::Named(_) if !name.is_printable() => {
                return Err(Refusal::UnprintableName);
            }
            Stage::Fresh | Stage::Named(_) => peer.stage = Stage::Named(name),
        }
        let reply = PreInitReply {
            seq: asked.seq,
            tls: Some(self.config.tls),
            client_cert_required: Some(self.config.client_cert_required.into()),
        };
        out.push(Action::Send {
            peer: id,
            message: Message::PreInitReply(reply),
        });
        Ok(())
    }

    /// A client wants TLS; there is no answer but TLS itself.
    pub(super) fn on_start_tls(&mut self, id: PeerId, out: &mut Vec<Action>) -> Result<(), Fault> {
        let Some(peer) = self.peers.get_mut(&id) else {
            return Ok(());
        };
        if peer.stage == Stage::Fresh {
            return Err(Refusal::BeforePreinit(MsgType::StartTls).into());
        }
        if self.config.tls == TlsSupport::Unsupported {
            return Err(Cause::NoTls.into());
        }
        if peer.tls != Tls::Plain {
            return Err(Refusal::Unexpected(MsgType::StartTls).into());
        }
        peer.tls = Tls::Starting;
        out.push(Action::StartTls { peer: id });
        Ok(())
    }

    /// The TLS handshake with a client has succeeded. Its certificate may have been revoked since it
    /// was looked at.
    pub(super) fn on_tls_up(
        &mut self,
        id: PeerId,
        identity: Option<Identity>,
        out: &mut Vec<Action>,
    ) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.tls = Tls::Up(identity);
            if peer.shows_one_of(&self.revoked) {
                self.doom(id, Cause::Revoked, out);
            }
        }
    }

    /// The TLS handshake with a client has failed.
    pub(super) fn on_tls_failed(
        &mut self,
        now: Time,
        id: PeerId,
        reason: String,
        out: &mut Vec<Action>,
    ) {
        if let Some(party) = self.party(id) {
            self.failed_handshakes += 1;
            self.chronicle.refused("tls-failed");
            self.keep_end(&party, "tls-failed");
            out.push(Action::Tell(Notice::TlsFailed(party, reason)));
            self.part(now, [id], Ending::Closed, out);
        }
    }

    /// Certificates that count no longer: whoever has shown one is disconnected.
    pub(super) fn on_revoked(&mut self, revoked: BTreeSet<Fingerprint>, out: &mut Vec<Action>) {
        self.revoked = revoked;
        let concerned = self.peers.iter();
        let concerned = concerned.filter(|(_, peer)| peer.shows_one_of(&self.revoked));
        let concerned: Vec<PeerId> = concerned.map(|(id, _)| *id).collect();
        for id in concerned {
            self.doom(id, Cause::Revoked, out);
        }
    }

    /// A client wants to be admitted. The answer has always the same type and says what the server
    /// knows; the connection stays.
    pub(super) fn on_init(&mut self, now: Time, id: PeerId, asked: &Init, out: &mut Vec<Action>) {
        let admitted = self.admit(now, id, asked);
        if let Some(party) = self.party(id) {
            let is_test = asked.algorithm == Some(algorithm_number(Algorithm::Test));
            if admitted.is_ok() && is_test {
                out.push(Action::Tell(Notice::TestAlgorithm(party.clone())));
            }
            let told = match admitted {
                Ok(()) => self.admission(id, party),
                Err(refusal) => Some(Notice::Refused(party, refusal)),
            };
            out.extend(told.map(Action::Tell));
            if admitted.is_ok() {
                self.tell_unprotected(id, out);
            }
        }
        let reply = self.init_reply(asked, admitted);
        out.push(Action::Send {
            peer: id,
            message: Message::InitReply(reply),
        });
    }

    fn admission(&self, id: PeerId, party: Party) -> Option<Notice> {
        let own = self.clusters.named(party.cluster.as_ref()?)?;
        Some(Notice::Admitted {
            algorithm: own.algorithm,
            tie_breaker: own.tie_breaker,
            protection: Protection::of(self.peers.get(&id)?, &self.config),
            party,
        })
    }

    fn init_reply(&self, asked: &Init, admitted: Result<(), Refusal>) -> InitReply {
        let settings = &self.config.settings;
        let size = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
        // A client that does not know of leases need not hear of them.
        let known = |kind: &OptType| *kind != OptType::Lease || lists_lease(asked);
        InitReply {
            seq: asked.seq,
            error: Some(admitted.map_or_else(|refusal| refusal.code().number(), |()| 0)),
            supported_messages: asked
                .supported_messages
                .as_ref()
                .map(|_| MsgType::ALL.iter().map(|kind| kind.number()).collect()),
            supported_options: asked.supported_options.as_ref().map(|_| {
                OptType::ALL
                    .iter()
                    .copied()
                    .filter(known)
                    .map(OptType::number)
                    .collect()
            }),
            max_request_size: Some(size(settings.max_client_receive_size)),
            max_reply_size: Some(size(settings.max_client_send_size)),
            supported_algorithms: Some(Algorithm::ALL.map(algorithm_number).to_vec()),
        }
    }

    fn admit(&mut self, now: Time, id: PeerId, asked: &Init) -> Result<(), Refusal> {
        let wish = self.examine(now, id, asked)?;
        let Some(peer) = self.peers.get_mut(&id) else {
            return Err(BEFORE_PREINIT);
        };
        let name = match &peer.stage {
            Stage::Fresh => return Err(BEFORE_PREINIT),
            Stage::Named(name) => name,
            // It would have to share the cluster with itself.
            Stage::Admitted(_) => return Err(Refusal::DuplicateNodeId),
        };
        let member = Member {
            keep_active_partition: self.config.settings.keep_active_partition_tie_breaker,
            ring: wish.ring,
            ..Member::default()
        };
        let Wish {
            node,
            algorithm,
            tie_breaker,
            ..
        } = wish;
        let candidate = Candidate {
            peer: id,
            node,
            algorithm,
            tie_breaker,
            member,
        };
        let cluster = self.clusters.admit(now, name, candidate)?;
        self.chronicle.came(name);
        peer.stage = Stage::Admitted(Seat::new(cluster, node, Tenure::of(asked)));
        Ok(())
    }

    /// Reads INIT in the order of the C program, in which a missing option is worth mentioning only
    /// if nothing was wrong before, while a wrong value always is.
    ///
    /// A bearable heartbeat holds from now on even if the client is not admitted.
    fn examine(&mut self, now: Time, id: PeerId, asked: &Init) -> Result<Wish, Refusal> {
        let stage = self.peers.get(&id).map(|peer| &peer.stage);
        let named = matches!(stage, Some(Stage::Named(_) | Stage::Admitted(_)));
        let admitted = matches!(stage, Some(Stage::Admitted(_)));
        let mut exam = Exam {
            fault: (!named).then_some(BEFORE_PREINIT),
        };

        let node = exam.need(asked.node, "node id set");
        let ring = exam.need(asked.ring, "ring id set");
        let faulty = exam.fault.is_some();
        if exam
            .need(asked.heartbeat, "heartbeat interval set")
            .is_some()
            || faulty
        {
            // Behind another fault a missing heartbeat counts as 0, which is too short.
            let heartbeat = asked.heartbeat.unwrap_or_default();
            match self.patience_for(heartbeat) {
                Ok(patience) if !admitted => self.set_heartbeat(now, id, heartbeat, patience),
                Ok(_) => {}
                Err(refusal) => exam.fault = Some(refusal),
            }
        }
        let tie_breaker = exam.need(asked.tie_breaker, "tie-breaker set");
        let number = exam.need(asked.algorithm, "decision algorithm");
        let algorithm = number.and_then(algorithm_of);
        if let (Some(number), None) = (number, algorithm) {
            exam.fault = Some(Refusal::Algorithm(number));
        }

        match (exam.fault, node, ring, tie_breaker, algorithm) {
            (None, Some(node), Some(ring), Some(tie_breaker), Some(algorithm)) => Ok(Wish {
                node,
                ring,
                tie_breaker,
                algorithm,
            }),
            (fault, ..) => Err(fault.unwrap_or(BEFORE_PREINIT)),
        }
    }

    /// How long a client with this heartbeat may be silent.
    ///
    /// # Errors
    ///
    /// The heartbeat is outside the limits.
    pub(super) fn patience_for(&self, heartbeat: Millis) -> Result<Millis, Refusal> {
        let settings = &self.config.settings;
        let bearable = settings.heartbeat_interval_min..=settings.heartbeat_interval_max;
        let patience = self
            .silence
            .patience(heartbeat)
            .filter(|_| bearable.contains(&heartbeat));
        patience.ok_or(Refusal::Heartbeat(heartbeat.0))
    }

    /// The client's heartbeat changes, and with it how long it may be silent.
    pub(super) fn set_heartbeat(
        &mut self,
        now: Time,
        id: PeerId,
        heartbeat: Millis,
        patience: Millis,
    ) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.heartbeat = heartbeat;
            peer.patience = patience;
            peer.heard = now;
            self.silence.heard(now, id, patience);
        }
    }
}

const BEFORE_PREINIT: Refusal = Refusal::BeforePreinit(MsgType::Init);

/// What a complete INIT asks for.
#[derive(Debug, Clone, Copy)]
struct Wish {
    node: NodeId,
    ring: RingId,
    tie_breaker: TieBreaker,
    algorithm: Algorithm,
}

/// What is wrong with an INIT so far.
struct Exam {
    fault: Option<Refusal>,
}

impl Exam {
    fn need<T>(&mut self, option: Option<T>, name: &'static str) -> Option<T> {
        if option.is_none() && self.fault.is_none() {
            self.fault = Some(Refusal::Missing(MsgType::Init, name));
        }
        option
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, certified_for, error, error_of, init, preinit};
    use super::super::{Event, ServerConfig};
    use super::*;
    use crate::wire::{Plain, VoteReply};

    fn start_tls(seq: u32) -> Message {
        Message::StartTls(Plain { seq: Some(seq) })
    }

    fn with_tls(tls: TlsSupport) -> Bench {
        Bench::with(ServerConfig {
            tls,
            client_cert_required: true,
            ..ServerConfig::default()
        })
    }

    fn tls_up(peer: u64, shown: Option<&str>) -> Event {
        let identity = shown.map(|name| certified_for(&[name.as_bytes()]));
        Event::TlsUp {
            peer: PeerId(peer),
            identity,
        }
    }

    #[test]
    fn preinit_is_answered_with_how_the_server_stands_to_tls() {
        let mut bench = with_tls(TlsSupport::Required);
        bench.connect(1);
        let reply = PreInitReply {
            seq: Some(1),
            tls: Some(TlsSupport::Required),
            client_cert_required: Some(1),
        };
        let message = Message::PreInitReply(reply);
        assert_eq!(
            bench.send(1, preinit("K")),
            [Action::Send {
                peer: PeerId(1),
                message
            }]
        );
    }

    #[test]
    fn preinit_needs_a_printable_name_and_may_change_it_until_the_client_is_admitted() {
        let mut bench = Bench::new();
        bench.connect(1);
        let nameless = PreInit {
            seq: Some(1),
            cluster: None,
        };
        assert_eq!(
            bench.send(1, Message::PreInit(nameless)),
            error(1, Some(1), 7)
        );
        assert_eq!(
            bench.send(1, preinit("a\nCluster \"B\":")),
            error(1, Some(1), 9)
        );
        assert_eq!(bench.send(1, preinit("a\0b")), error(1, Some(1), 9));
        bench.send(1, preinit("A"));
        bench.send(1, preinit("B"));
        bench.send(1, Message::Init(init(1)));
        assert_eq!(bench.send(1, preinit("A")), error(1, Some(1), 8));
        assert!(bench.server.clusters.named(&"B".into()).is_some());
        assert!(bench.server.clusters.named(&"A".into()).is_none());
    }

    /// An INIT with the options named.
    fn asking(options: &str) -> Message {
        let all = init(1);
        let mut asked = Init {
            seq: Some(2),
            ..Init::default()
        };
        for option in options.split_whitespace() {
            match option.split_once('=') {
                None if option == "node" => asked.node = all.node,
                None if option == "ring" => asked.ring = all.ring,
                None if option == "tie" => asked.tie_breaker = all.tie_breaker,
                Some(("beat", millis)) => asked.heartbeat = Some(Millis(millis.parse().unwrap())),
                Some(("algo", number)) => asked.algorithm = Some(number.parse().unwrap()),
                None | Some(_) => panic!("{option}"),
            }
        }
        Message::Init(asked)
    }

    #[test]
    fn init_codes_come_in_the_order_of_the_c_server() {
        let unnamed = [
            ("node ring beat=8000 tie algo=1", 6),
            ("node ring tie algo=1", 13),
            ("node ring beat=999 tie algo=1", 13),
            ("node ring beat=8000 tie algo=9", 12),
        ];
        let named = [
            ("ring beat=8000 tie algo=1", 7),
            ("ring tie algo=1", 13),
            ("node beat=8000 tie algo=1", 7),
            ("node ring tie algo=1", 7),
            ("node ring beat=8000 algo=1", 7),
            ("node ring beat=8000 tie", 7),
            ("node ring beat=8000 algo=9", 12),
            ("node ring beat=1 tie algo=4", 12),
            ("", 13),
            ("beat=1000", 7),
            ("node ring beat=999 tie algo=1", 13),
            ("node ring beat=1000 tie algo=1", 0),
            ("node ring beat=120000 tie algo=1", 0),
            ("node ring beat=120001 tie algo=1", 13),
        ];
        for (options, code) in unnamed {
            let mut bench = Bench::new();
            bench.connect(1);
            assert_eq!(
                error_of(&bench.send(1, asking(options))),
                Some(code),
                "unnamed {options}"
            );
        }
        for (options, code) in named {
            let mut bench = Bench::new();
            bench.named(1, "K");
            assert_eq!(
                error_of(&bench.send(1, asking(options))),
                Some(code),
                "named {options}"
            );
        }
    }

    #[test]
    fn unknown_algorithms_are_refused() {
        for number in [4, 9, 0xffff] {
            let mut bench = Bench::new();
            bench.named(1, "K");
            let asked = Init {
                algorithm: Some(number),
                ..init(1)
            };
            assert_eq!(
                error_of(&bench.send(1, Message::Init(asked))),
                Some(12),
                "{number}"
            );
        }
    }

    #[test]
    fn a_newcomer_that_collides_in_everything_hears_of_the_tie_breaker() {
        let mut bench = Bench::new();
        bench.admitted(1, "K", 1);
        bench.named(2, "K");
        let mut asked = Init {
            tie_breaker: Some(TieBreaker::Highest),
            ..init(1)
        };
        assert_eq!(
            error_of(&bench.send(2, Message::Init(asked.clone()))),
            Some(15)
        );
        asked.tie_breaker = Some(TieBreaker::Lowest);
        assert_eq!(error_of(&bench.send(2, Message::Init(asked))), Some(17));
        assert_eq!(error_of(&bench.send(2, Message::Init(init(2)))), Some(0));
    }

    #[test]
    fn names_that_differ_behind_blanks_or_in_case_are_different_clusters() {
        let mut bench = Bench::new();
        for (peer, name) in [(1, "K"), (2, "k"), (3, "K ")] {
            bench.admitted(peer, name, 1);
        }
        assert_eq!(bench.server.clusters.len(), 3);
    }

    #[test]
    fn a_second_init_is_refused_and_changes_nothing() {
        let mut bench = Bench::new();
        bench.admitted(1, "K", 1);
        let before = bench.server.clone();
        let asked = Init {
            heartbeat: Some(Millis(1000)),
            ring: Some(RingId::new(9, 9)),
            ..init(5)
        };
        assert_eq!(error_of(&bench.send(1, Message::Init(asked))), Some(17));
        assert_eq!(bench.server, before);
    }

    #[test]
    fn a_bearable_heartbeat_holds_even_if_the_client_is_not_admitted() {
        let mut bench = Bench::new();
        bench.named(1, "K");
        bench.send(
            1,
            Message::Init(Init {
                node: None,
                ..init(1)
            }),
        );
        assert_eq!(
            bench.server.next_deadline(),
            Some(Time::from_millis(12_000))
        );
    }

    #[test]
    fn a_heartbeat_too_long_to_be_watched_is_refused() {
        let mut bench = Bench::set("heartbeat_interval_max=20000000");
        bench.named(1, "K");
        let asked = |millis| {
            Message::Init(Init {
                heartbeat: Some(Millis(millis)),
                ..init(1)
            })
        };
        assert_eq!(error_of(&bench.send(1, asked(12_000_001))), Some(13));
        assert_eq!(error_of(&bench.send(1, asked(12_000_000))), Some(0));
    }

    #[test]
    fn init_reply_says_what_the_server_knows_also_when_it_refuses() {
        let mut bench =
            Bench::set("max_client_receive_size=99999999999,max_client_send_size=4294967295");
        bench.connect(1);
        let asked = Init {
            supported_messages: Some(vec![]),
            supported_options: Some(vec![1]),
            ..init(1)
        };
        let reply = InitReply {
            seq: Some(2),
            error: Some(6),
            supported_messages: Some((0..18).collect()),
            supported_options: Some((0..24).collect()),
            max_request_size: Some(u32::MAX),
            max_reply_size: Some(u32::MAX),
            supported_algorithms: Some(vec![0, 1, 2, 3]),
        };
        let message = Message::InitReply(reply);
        assert_eq!(
            bench.send(1, Message::Init(asked)),
            [Action::Send {
                peer: PeerId(1),
                message
            }]
        );
    }

    #[test]
    fn starttls_needs_a_name_a_server_with_tls_and_a_plain_connection() {
        let mut bench = with_tls(TlsSupport::Supported);
        bench.connect(1);
        assert_eq!(bench.send(1, start_tls(2)), error(1, Some(2), 6));
        bench.send(1, preinit("K"));
        assert_eq!(
            bench.send(1, start_tls(2)),
            [Action::StartTls { peer: PeerId(1) }]
        );
        bench.handle(tls_up(1, Some("K")));
        assert_eq!(bench.send(1, start_tls(3)), error(1, Some(3), 8));

        let mut without = Bench::new();
        without.named(1, "K");
        assert_eq!(
            without.send(1, start_tls(2)),
            [Action::Close { peer: PeerId(1) }]
        );
    }

    #[test]
    fn a_server_that_requires_tls_says_so_before_anything_else_and_keeps_the_client() {
        let mut bench = with_tls(TlsSupport::Required);
        bench.named(1, "K");
        assert_eq!(bench.send(1, Message::Init(init(1))), error(1, Some(2), 3));
        assert_eq!(
            bench.send(1, Message::AskForVote(Plain { seq: Some(3) })),
            error(1, Some(3), 3)
        );
        // Not asked about TLS: messages that have no place anyway.
        assert_eq!(
            bench.send(
                1,
                Message::VoteInfo(VoteReply {
                    seq: Some(4),
                    ..VoteReply::default()
                })
            ),
            error(1, Some(4), 8)
        );
    }

    #[test]
    fn a_certificate_lets_into_its_own_cluster_only() {
        let mut bench = with_tls(TlsSupport::Required);
        for (peer, shown) in [(1, Some("K")), (2, Some("Other")), (3, None)] {
            bench.named(peer, "K");
            bench.send(peer, start_tls(2));
            bench.handle(tls_up(peer, shown));
        }
        assert_eq!(error_of(&bench.send(1, Message::Init(init(1)))), Some(0));
        for peer in [2, 3] {
            let closed = [Action::Close { peer: PeerId(peer) }];
            assert_eq!(bench.send(peer, Message::Init(init(2))), closed);
        }
    }

    #[test]
    fn a_certificate_checked_for_one_name_is_no_use_for_another() {
        let mut bench = with_tls(TlsSupport::Required);
        bench.named(1, "Other");
        bench.send(1, start_tls(2));
        bench.handle(tls_up(1, Some("Other")));
        let ask = Message::AskForVote(Plain { seq: Some(3) });
        assert_eq!(bench.send(1, ask), error(1, Some(3), 11));
        bench.send(1, preinit("K"));
        assert_eq!(
            bench.send(1, Message::Init(init(1))),
            [Action::Close { peer: PeerId(1) }]
        );
    }

    fn prints(prints: &[u8]) -> BTreeSet<Fingerprint> {
        prints.iter().map(|byte| Fingerprint([*byte; 32])).collect()
    }

    #[test]
    fn a_client_with_a_revoked_certificate_is_disconnected_at_once_and_does_not_come_back() {
        let mut bench = with_tls(TlsSupport::Required);
        for peer in [1, 2] {
            bench.named(peer, "K");
            bench.send(peer, start_tls(2));
            let mut identity = certified_for(&[b"K"]);
            identity.certificate = Fingerprint([u8::try_from(peer).unwrap(); 32]);
            bench.handle(Event::TlsUp {
                peer: PeerId(peer),
                identity: Some(identity),
            });
            let node = u32::try_from(peer).unwrap();
            assert_eq!(
                error_of(&bench.send(peer, Message::Init(init(node)))),
                Some(0)
            );
        }
        assert_eq!(bench.handle(Event::Revoked(prints(&[9]))), []);
        let close = |peer| Action::Close { peer: PeerId(peer) };
        let done = bench.handle(Event::Revoked(prints(&[2, 9])));
        assert_eq!(done[..1], [close(2)]);
        assert!(!done.contains(&close(1)));
        assert_eq!(bench.handle(Event::Revoked(prints(&[0]))), []);
        bench.named(3, "K");
        bench.send(3, start_tls(2));
        assert_eq!(bench.handle(tls_up(3, Some("K"))), [close(3)]);
        bench.handle(Event::Revoked(prints(&[])));
        bench.named(4, "K");
        bench.send(4, start_tls(2));
        assert_eq!(bench.handle(tls_up(4, Some("K"))), []);
    }

    #[test]
    fn a_handshake_that_failed_ends_the_client_and_is_told_with_its_cluster() {
        let mut bench = with_tls(TlsSupport::Supported);
        bench.named(1, "K");
        bench.send(1, start_tls(2));
        let mut out = Vec::new();
        let failed = Event::TlsFailed {
            peer: PeerId(1),
            reason: "no certificate".into(),
        };
        bench.server.handle(Time::from_millis(0), failed, &mut out);
        let [Action::Tell(notice), Action::Tell(Notice::Left(_))] = &out[..] else {
            panic!("{out:?}");
        };
        assert_eq!(
            notice.to_string(),
            "TLS handshake failed: no certificate. Disconnecting client 192.0.2.1:1 (cluster K)"
        );
        assert_eq!(bench.server.next_deadline(), None);
    }
}
