//! The arbiter: everything `corosync-qnetd` decides.
//!
//! Not here: who deserves a vote, which is [`vote`](crate::vote), and bytes, which are
//! [`wire`](crate::wire).

mod chronicle;
mod clusters;
mod departure;
mod event;
#[cfg(test)]
mod fixture;
mod gate;
mod handshake;
mod holdup;
mod memory;
mod notice;
mod packed;
mod pasts;
mod peer;
mod protection;
mod refusal;
mod report;
mod requests;
mod scroll;
mod settings;
mod silence;
mod status;
mod tenure;
mod what_if;

pub use event::{Action, Event, Identity, PeerId};
pub use memory::{Gathering, Memory, MemoryFault};
pub use notice::{Notice, Party};
pub use protection::Protection;
pub use refusal::{Cause, Refusal};
pub use report::{Cursor, Presence, Wall};
pub use settings::QnetdSettings;
pub use what_if::WhatIfFault;

use crate::base::{Aside, ClusterName, Deadlines, Fingerprint, Millis, NodeId, Time, TlsSupport};
use crate::vote::{Announcement, Finding, Grant};
use crate::wire::{Malformed, Message, ReplyErrorCode, ServerError, VoteReply};
use chronicle::Chronicle;
use clusters::{ClusterId, Clusters};
use peer::{Peer, Stage, Tls};
use refusal::Fault;
use silence::Silence;
use std::collections::{BTreeMap, BTreeSet};
use tenure::Ending;

/// What the server is told at its start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ServerConfig {
    /// Where it listens, as the status text shows it: `host:port`, `*` for any host.
    pub address: String,
    /// How it stands to TLS.
    pub tls: TlsSupport,
    /// Whether clients that use TLS have to show the certificate of their cluster.
    pub client_cert_required: bool,
    /// How many connections there may be; any number if `None`.
    pub max_clients: Option<u64>,
    /// How many decisions are kept of each cluster, to be explained; none, and nothing is counted either.
    pub history: usize,
    /// The advanced settings.
    pub settings: QnetdSettings,
}

/// The state machine behind `corosync-qnetd`.
///
/// Feed it with [`handle`](Self::handle) and [`handle_timeout`](Self::handle_timeout), ask
/// [`next_deadline`](Self::next_deadline) when to call the latter, and perform the actions in order.
/// Every call costs O(log n) in the number of clients and clusters, plus what the members of the one
/// cluster concerned have reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    config: ServerConfig,
    /// Boxed, because the nodes of a map that only grows are half empty.
    peers: BTreeMap<PeerId, Box<Peer>>,
    clusters: Clusters,
    silence: Silence,
    /// When those who wait for the end of a vote of others are to get it.
    holdups: Deadlines<ClusterId>,
    /// Who is to be disconnected before the call returns.
    doomed: BTreeSet<PeerId>,
    /// The certificates that count no longer.
    revoked: BTreeSet<Fingerprint>,
    /// How many TLS handshakes have failed.
    failed_handshakes: u64,
    /// The clusters of which was told that a client is not protected.
    told_unprotected: BTreeSet<ClusterName>,
    /// Whether the daemon was asked to end.
    ending: bool,
    /// How often what has to be known after a restart may have changed.
    revision: Aside<u64>,
    /// What has happened.
    chronicle: Aside<Chronicle>,
}

/// The heartbeat of a client that has not named its own. [C: qnet-config.h]
const FIRST_HEARTBEAT: Millis = Millis(120_000);

impl Server {
    /// A server without clients.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            silence: Silence::new(&config.settings),
            chronicle: Aside::new(Chronicle::new(config.history)),
            config,
            peers: BTreeMap::new(),
            clusters: Clusters::default(),
            holdups: Deadlines::default(),
            doomed: BTreeSet::new(),
            revoked: BTreeSet::new(),
            failed_handshakes: 0,
            told_unprotected: BTreeSet::new(),
            ending: false,
            revision: Aside::new(0),
        }
    }

    /// Something has happened. What has to be done is appended to `out`.
    ///
    /// An event of a connection that is closed already is ignored: it was under way.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Action>) {
        self.chronicle.now = now;
        match event {
            Event::Accepted { peer, address } => self.accept(now, peer, address, out),
            Event::Received { peer, message } => self.receive(now, peer, message, out),
            Event::TlsUp { peer, identity } => self.on_tls_up(peer, identity, out),
            Event::TlsFailed { peer, reason } => self.on_tls_failed(now, peer, reason, out),
            Event::Revoked(certificates) => self.on_revoked(certificates, out),
            Event::SendFailed { peer, fault } => {
                self.doom(peer, Cause::SendFailed(fault), out);
            }
            Event::Dismissed { cluster, node } => self.dismiss(&cluster, node, out),
            Event::Gone { peer } => self.on_gone(now, peer, Ending::Closed, out),
            Event::Lost { peer } => self.on_gone(now, peer, Ending::Broken, out),
            Event::Shutdown => self.shut_down(out),
        }
        self.settle(now, out);
    }

    /// A deadline has come.
    pub fn handle_timeout(&mut self, now: Time, out: &mut Vec<Action>) {
        self.chronicle.now = now;
        while let Some(id) = self.silence.pop_due(now) {
            if let Some(patience) = self.peers.get(&id).map(|peer| peer.patience) {
                self.doom(id, Cause::Silent(patience), out);
            }
        }
        self.settle(now, out);
        while let Some(cluster) = self.holdups.pop_due(now) {
            self.lapse(now, cluster, out);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let soonest = [self.silence.next(), self.holdups.next()];
        soonest.into_iter().flatten().min()
    }

    /// The number of the cluster that has admitted a client.
    #[must_use]
    pub fn cluster_number(&self, peer: PeerId) -> Option<u64> {
        match &self.peers.get(&peer)?.stage {
            Stage::Admitted(seat) => Some(seat.cluster.number()),
            Stage::Fresh | Stage::Named(_) => None,
        }
    }

    /// Who may be casting the vote of a cluster, with the ring it was granted for.
    #[must_use]
    pub fn grants(&self, cluster: &ClusterName) -> Vec<(NodeId, Grant)> {
        self.clusters
            .named(cluster)
            .map(|cluster| cluster.arbiter.grants())
            .unwrap_or_default()
    }

    fn accept(&mut self, now: Time, id: PeerId, address: String, out: &mut Vec<Action>) {
        if self.ending {
            out.push(Action::Close { peer: id });
            return;
        }
        let connected = u64::try_from(self.peers.len()).unwrap_or(u64::MAX);
        if self.config.max_clients.is_some_and(|max| connected >= max) {
            self.chronicle.too_many_clients += 1;
            out.push(Action::Tell(Notice::TooManyClients { address }));
            out.push(Action::Close { peer: id });
            return;
        }
        let patience = self.silence.patience_at_most(FIRST_HEARTBEAT);
        self.silence.heard(now, id, patience);
        out.push(Action::Tell(Notice::Connected {
            address: address.clone(),
        }));
        let (tls, stage) = (Tls::Plain, Stage::Fresh);
        let peer = Peer {
            address,
            heartbeat: FIRST_HEARTBEAT,
            patience,
            heard: now,
            tls,
            stage,
            since: Aside::new(now),
        };
        self.peers.insert(id, Box::new(peer));
    }

    fn receive(
        &mut self,
        now: Time,
        id: PeerId,
        message: Result<Message, Malformed>,
        out: &mut Vec<Action>,
    ) {
        if !self.peers.contains_key(&id) {
            return;
        }
        match message {
            Ok(message) => {
                self.hear(now, id);
                let seq = message.seq();
                match self.serve(now, id, message, out) {
                    Ok(()) => {}
                    Err(Fault::Refused(refusal)) => self.refuse(id, seq, refusal, out),
                    Err(Fault::Dropped(cause)) => self.doom(id, cause, out),
                }
            }
            Err(malformed) => {
                // What was skipped is no sign of life: the client does not speak our protocol.
                if matches!(malformed, Malformed::Undecodable(_)) {
                    self.hear(now, id);
                }
                if let Some(party) = self.party(id) {
                    out.push(Action::Tell(Notice::Malformed(party, malformed)));
                }
                send_error(id, malformed.seq(), malformed.reply_code(), out);
            }
        }
    }

    /// A client has given a sign of life.
    fn hear(&mut self, now: Time, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.heard = now;
            self.silence.heard(now, id, peer.patience);
        }
    }

    /// Answers a message with an error; the client stays.
    fn refuse(&mut self, id: PeerId, seq: Option<u32>, refusal: Refusal, out: &mut Vec<Action>) {
        if refusal == Refusal::TlsRequired {
            self.chronicle.refused("tls-required");
        }
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(Notice::Refused(party, refusal)));
        }
        send_error(id, seq, refusal.code(), out);
    }

    /// Pushes votes to members of a cluster.
    fn announce(&mut self, cluster: ClusterId, told: Vec<Announcement>, out: &mut Vec<Action>) {
        for Announcement {
            to,
            seq,
            vote,
            ring,
        } in told
        {
            let peers = self.clusters.get(cluster).map(|cluster| &cluster.peers);
            let Some(&id) = peers.and_then(|peers| peers.get(&to)) else {
                continue;
            };
            if let Some(seat) = self.seat_mut(id) {
                seat.votes.note(vote);
            }
            if let Some(own) = self.clusters.get(cluster) {
                self.chronicle.sent(&own.name, vote);
            }
            if let Some(party) = self.party(id) {
                out.push(Action::Tell(Notice::Announced {
                    party,
                    seq,
                    vote,
                    ring,
                }));
            }
            let info = VoteReply {
                seq: Some(seq),
                vote: Some(vote),
                ring: Some(ring),
            };
            out.push(Action::Send {
                peer: id,
                message: Message::VoteInfo(info),
            });
        }
    }

    /// Tells the operator what the arbiter saw.
    fn tell_finding(&mut self, cluster: ClusterId, finding: Finding, out: &mut Vec<Action>) {
        let Some(cluster) = self.clusters.get_mut(cluster) else {
            return;
        };
        let changed = match finding {
            Finding::NotJudged => return,
            Finding::Unsettled => false,
            Finding::Nobody | Finding::Partition { .. } => cluster.finding != finding,
        };
        if changed {
            cluster.finding = finding.clone();
        }
        let cluster = cluster.name.clone();
        out.push(Action::Tell(Notice::Judged {
            cluster,
            finding,
            changed,
        }));
    }

    /// How the log names a client.
    fn party(&self, id: PeerId) -> Option<Party> {
        let peer = self.peers.get(&id)?;
        let (cluster, node) = match &peer.stage {
            Stage::Fresh => (None, None),
            Stage::Named(name) => (Some(name.clone()), None),
            Stage::Admitted(seat) => (
                self.clusters.get(seat.cluster).map(|own| own.name.clone()),
                Some(seat.node),
            ),
        };
        Some(Party {
            address: peer.address.clone(),
            cluster,
            node,
        })
    }
}

fn send_error(peer: PeerId, seq: Option<u32>, code: ReplyErrorCode, out: &mut Vec<Action>) {
    let error = ServerError {
        seq,
        error: Some(code.number()),
    };
    out.push(Action::Send {
        peer,
        message: Message::ServerError(error),
    });
}

#[cfg(test)]
mod tests {
    use super::fixture::{
        Bench, announced, certified_for, config, confirmation, error, goodbye, init, membership,
        preinit,
    };
    use super::*;
    use crate::base::{RingId, Vote};
    use crate::wire::{DecodeError, DecodeFault, Echo, Plain};

    const CLOSE_1: [Action; 1] = [Action::Close { peer: PeerId(1) }];

    fn malformed(bench: &mut Bench, malformed: Malformed) -> Vec<Action> {
        bench.handle(Event::Received {
            peer: PeerId(1),
            message: Err(malformed),
        })
    }

    fn undecodable(seq: Option<u32>) -> Malformed {
        Malformed::Undecodable(DecodeError {
            seq,
            fault: DecodeFault::Truncated,
        })
    }

    /// Nodes 1 and 2.
    fn pair() -> Bench {
        Bench::new().together(&[1, 2])
    }

    #[test]
    fn a_silent_client_is_disconnected_when_its_patience_ends() {
        let mut bench = Bench::new();
        bench.connect(1);
        assert_eq!(
            bench.server.next_deadline(),
            Some(Time::from_millis(180_000))
        );
        assert_eq!(bench.wait(179_999), []);
        assert_eq!(bench.wait(1), CLOSE_1);
        assert_eq!(bench.server.next_deadline(), None);
    }

    #[test]
    fn a_message_is_a_sign_of_life_even_if_it_is_unexpected_or_cannot_be_decoded() {
        let mut bench = Bench::new();
        bench.connect(1);
        bench.wait(100_000);
        bench.send(1, Message::VoteInfo(VoteReply::default()));
        assert_eq!(bench.wait(179_999), []);
        malformed(&mut bench, undecodable(None));
        assert_eq!(bench.wait(179_999), []);
        assert_eq!(bench.wait(1), CLOSE_1);
    }

    #[test]
    fn a_skipped_message_is_no_sign_of_life() {
        let mut bench = Bench::new();
        bench.connect(1);
        bench.wait(100_000);
        malformed(&mut bench, Malformed::UnknownType(99));
        malformed(&mut bench, Malformed::TooLong(99_999));
        assert_eq!(bench.wait(80_000), CLOSE_1);
    }

    #[test]
    fn without_dead_peer_detection_nobody_is_waited_for() {
        let mut bench = Bench::set("dpd_enabled=off");
        bench.admitted(1, "K", 1);
        assert_eq!(bench.server.next_deadline(), None);
    }

    #[test]
    fn an_extreme_coefficient_is_cut_to_five_hours_instead_of_refusing_everybody() {
        let mut bench = Bench::set("dpd_interval_coefficient=1000");
        assert_eq!(bench.connect(1), []);
        assert_eq!(
            bench.server.next_deadline(),
            Some(Time::from_millis(18_000_000))
        );
    }

    #[test]
    fn what_is_no_message_is_answered_by_its_kind() {
        let mut bench = Bench::new();
        bench.connect(1);
        assert_eq!(
            malformed(&mut bench, Malformed::UnknownType(99)),
            error(1, None, 4)
        );
        assert_eq!(
            malformed(&mut bench, Malformed::TooLong(32_763)),
            error(1, None, 5)
        );
        assert_eq!(malformed(&mut bench, undecodable(None)), error(1, None, 9));
        assert_eq!(
            malformed(&mut bench, undecodable(Some(7))),
            error(1, Some(7), 9)
        );
    }

    #[test]
    fn messages_of_servers_are_unexpected_at_any_time() {
        let mut bench = Bench::new();
        bench.connect(1);
        let info = Message::VoteInfo(VoteReply {
            seq: Some(5),
            ..VoteReply::default()
        });
        assert_eq!(bench.send(1, info.clone()), error(1, Some(5), 8));
        bench.admitted(2, "K", 1);
        assert_eq!(bench.send(2, info), error(2, Some(5), 8));
        assert_eq!(
            bench.send(2, Message::EchoReply(Echo::new(6))),
            error(2, Some(6), 8)
        );
    }

    #[test]
    fn one_connection_too_many_is_closed_until_another_one_goes() {
        let mut bench = Bench::with(ServerConfig {
            max_clients: Some(1),
            ..Default::default()
        });
        assert_eq!(bench.connect(1), []);
        assert_eq!(bench.connect(2), [Action::Close { peer: PeerId(2) }]);
        bench.handle(Event::Gone { peer: PeerId(1) });
        assert_eq!(bench.connect(3), []);
    }

    #[test]
    fn late_events_of_a_closed_connection_are_ignored() {
        let mut bench = Bench::new();
        assert_eq!(bench.send(1, preinit("K")), []);
        assert_eq!(bench.send_failed(1), []);
        assert_eq!(bench.handle(Event::Gone { peer: PeerId(1) }), []);
        let identity = Some(certified_for(&[b"K"]));
        assert_eq!(
            bench.handle(Event::TlsUp {
                peer: PeerId(1),
                identity
            }),
            []
        );
    }

    #[test]
    fn a_client_that_does_not_read_is_disconnected_and_the_others_are_judged_without_it() {
        let mut bench = pair();
        let actions = bench.send_failed(2);
        assert_eq!(actions[0], Action::Close { peer: PeerId(2) });
        assert_eq!(announced(&actions[1..]), [(1, Some(Vote::Ack))]);
        assert_eq!(actions.len(), 2);
    }

    #[test]
    fn a_connection_that_is_gone_is_not_closed_again() {
        let mut bench = pair();
        let actions = bench.handle(Event::Gone { peer: PeerId(2) });
        assert_eq!(announced(&actions), [(1, Some(Vote::Ack))]);
        assert_eq!(actions.len(), 1);
    }

    #[test]
    fn two_nodes_that_fall_silent_together_are_both_gone_when_the_call_returns() {
        let mut bench = pair();
        let actions = bench.wait(12_000);
        let closed: Vec<_> = actions
            .iter()
            .filter(|action| matches!(action, Action::Close { .. }))
            .collect();
        assert_eq!(closed.len(), 2);
        assert_eq!(bench.server.peers.len() + bench.server.clusters.len(), 0);
        assert_eq!(bench.server.next_deadline(), None);
    }

    #[test]
    fn nodes_that_fall_silent_together_are_judged_together() {
        let mut bench = Bench::new();
        for node in 1..=4 {
            bench.admitted(node.into(), "K", node);
            bench.send(node.into(), config(&[1, 2, 3, 4]));
        }
        for (peer, half) in [(1, [1, 2]), (2, [1, 2]), (3, [3, 4]), (4, [3, 4])] {
            bench.send(peer, membership(RingId::new(half[0], 8), &half));
        }
        for peer in [3, 4, 1] {
            bench.send(peer, confirmation(2));
        }
        assert_eq!(bench.granted(), [1, 2]);
        bench.wait(1000);
        for peer in [2, 4] {
            bench.send(peer, Message::EchoRequest(Echo::new(1)));
        }
        // Without node 1 alone the other half would have more nodes, and node 2 would lose the vote.
        let actions = bench.wait(11_000);
        let close = |peer| Action::Close { peer: PeerId(peer) };
        assert_eq!(actions[..2], [1, 3].map(close));
        assert_eq!(announced(&actions[2..]), [(4, Some(Vote::Nack))]);
        assert_eq!(
            announced(&bench.send(4, confirmation(3))),
            [(2, Some(Vote::Ack))]
        );
    }

    #[test]
    fn shutting_down_closes_everything_and_decides_nothing() {
        let mut bench = pair();
        let actions = bench.handle(Event::Shutdown);
        assert_eq!(
            actions,
            [1, 2].map(|peer| Action::Close { peer: PeerId(peer) })
        );
        assert_eq!(bench.server.next_deadline(), None);
        assert_eq!(bench.connect(3), [Action::Close { peer: PeerId(3) }]);
    }

    #[test]
    fn a_node_that_says_goodbye_takes_its_grant_along() {
        let mut bench = pair();
        assert_eq!(bench.granted(), [1, 2]);
        bench.send(2, goodbye());
        bench.handle(Event::Gone { peer: PeerId(2) });
        assert_eq!(bench.granted(), [1]);
        bench.send(1, goodbye());
        bench.handle(Event::Gone { peer: PeerId(1) });
        assert_eq!(bench.granted(), [0; 0]);
    }

    #[test]
    fn a_client_that_failed_to_be_admitted_just_goes() {
        let mut bench = pair();
        bench.named(3, "K");
        bench.send(3, Message::Init(init(1)));
        assert_eq!(bench.handle(Event::Gone { peer: PeerId(3) }), []);
    }

    #[test]
    fn a_plain_message_that_nobody_asked_for_is_answered_with_its_number() {
        let mut bench = Bench::new();
        bench.connect(1);
        let ask = Message::AskForVote(Plain { seq: Some(9) });
        assert_eq!(bench.send(1, ask), error(1, Some(9), 11));
    }
}
