//! The arbiter: everything `corosync-qnetd` decides.
//!
//! Not here: who deserves a vote, which is [`vote`](crate::vote), and bytes, which are
//! [`wire`](crate::wire).

mod clusters;
mod event;
mod gate;
mod handshake;
mod notice;
mod peer;
mod refusal;
mod requests;
mod settings;
mod silence;
mod status;

pub use event::{Action, Event, Identity, PeerId};
pub use notice::{Notice, Party};
pub use refusal::{Cause, Refusal};
pub use settings::QnetdSettings;

use crate::base::{ClusterName, Millis, NodeId, Time, TlsSupport};
use crate::vote::{Announcement, Finding, Grant, View};
use crate::wire::{Malformed, Message, ReplyErrorCode, ServerError, VoteReply};
use clusters::{ClusterId, Clusters};
use peer::{Peer, Stage, Tls};
use refusal::Fault;
use silence::Silence;
use std::collections::{BTreeMap, BTreeSet};

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
    peers: BTreeMap<PeerId, Peer>,
    clusters: Clusters,
    silence: Silence,
    /// Who is to be disconnected before the call returns.
    doomed: BTreeSet<PeerId>,
    /// Whether the daemon was asked to end.
    ending: bool,
}

/// The heartbeat of a client that has not named its own. [C: qnet-config.h]
const FIRST_HEARTBEAT: Millis = Millis(120_000);

impl Server {
    /// A server without clients.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self {
            silence: Silence::new(&config.settings),
            config,
            peers: BTreeMap::new(),
            clusters: Clusters::default(),
            doomed: BTreeSet::new(),
            ending: false,
        }
    }

    /// Something has happened. What has to be done is appended to `out`.
    ///
    /// An event of a connection that is closed already is ignored: it was under way.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Accepted { peer, address } => self.accept(now, peer, address, out),
            Event::Received { peer, message } => self.receive(now, peer, message, out),
            Event::TlsUp { peer, identity } => self.on_tls_up(peer, identity),
            Event::SendFailed { peer, fault } => {
                self.doom(peer, Cause::SendFailed(fault), out);
            }
            Event::Gone { peer } => self.part(peer, out),
            Event::Shutdown => self.shut_down(out),
        }
        self.settle(out);
    }

    /// A deadline has come.
    pub fn handle_timeout(&mut self, now: Time, out: &mut Vec<Action>) {
        while let Some(id) = self.silence.pop_due(now) {
            if let Some(patience) = self.peers.get(&id).map(|peer| peer.patience) {
                self.doom(id, Cause::Silent(patience), out);
            }
        }
        self.settle(out);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.silence.next()
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
            tls,
            stage,
        };
        self.peers.insert(id, peer);
    }

    fn receive(
        &mut self,
        now: Time,
        id: PeerId,
        message: Result<Message, Malformed>,
        out: &mut Vec<Action>,
    ) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        match message {
            Ok(message) => {
                self.silence.heard(now, id, peer.patience);
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
                    self.silence.heard(now, id, peer.patience);
                }
                if let Some(party) = self.party(id) {
                    out.push(Action::Tell(Notice::Malformed(party, malformed)));
                }
                send_error(id, malformed.seq(), malformed.reply_code(), out);
            }
        }
    }

    /// Answers a message with an error; the client stays.
    fn refuse(&self, id: PeerId, seq: Option<u32>, refusal: Refusal, out: &mut Vec<Action>) {
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(Notice::Refused(party, refusal)));
        }
        send_error(id, seq, refusal.code(), out);
    }

    /// The client is to be disconnected before the call returns.
    fn doom(&mut self, id: PeerId, cause: Cause, out: &mut Vec<Action>) {
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(Notice::Dropped(party, cause)));
            self.doomed.insert(id);
        }
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
            if let Some(Peer {
                stage: Stage::Admitted(seat),
                ..
            }) = self.peers.get_mut(&id)
            {
                seat.votes.note(vote);
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

    /// Disconnects the doomed until none is left.
    fn settle(&mut self, out: &mut Vec<Action>) {
        while let Some(id) = self.doomed.pop_first() {
            out.push(Action::Close { peer: id });
            self.part(id, out);
        }
    }

    /// A client is gone: the others of its cluster are judged without it.
    fn part(&mut self, id: PeerId, out: &mut Vec<Action>) {
        let Some(party) = self.party(id) else { return };
        out.push(Action::Tell(Notice::Left(party)));
        self.silence.forget(id);
        self.doomed.remove(&id);
        let Some(Peer {
            stage: Stage::Admitted(seat),
            ..
        }) = self.peers.remove(&id)
        else {
            return;
        };
        let Some(cluster) = self.clusters.get_mut(seat.cluster) else {
            return;
        };
        let verdict = cluster
            .arbiter
            .leave(View::without(&cluster.members, seat.node));
        self.clusters.remove(seat.cluster, seat.node);
        self.tell_finding(seat.cluster, verdict.finding, out);
        self.announce(seat.cluster, verdict.announce, out);
    }

    /// Lets all clients go. Nothing is decided and nobody is told anything.
    fn shut_down(&mut self, out: &mut Vec<Action>) {
        self.ending = true;
        out.push(Action::Tell(Notice::GoingDown));
        out.extend(self.peers.keys().map(|&peer| Action::Close { peer }));
        self.peers.clear();
        self.clusters = Clusters::default();
        self.silence = Silence::new(&self.config.settings);
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
