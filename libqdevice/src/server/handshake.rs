//! What leads to membership: preinit, starttls, init. [C: qnetd-client-msg-received.c]

use super::clusters::Candidate;
use super::peer::{Seat, Stage, Tls};
use super::{Action, Cause, Fault, Identity, Notice, PeerId, Refusal, Server};
use crate::base::{Algorithm, Millis, NodeId, RingId, TieBreaker, Time, TlsSupport};
use crate::vote::{Arbiter, Member};
use crate::wire::{
    Init, InitReply, Message, MsgType, OptType, PreInit, PreInitReply, algorithm_number,
    algorithm_of,
};

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

    /// The TLS handshake with a client has succeeded.
    pub(super) fn on_tls_up(&mut self, id: PeerId, identity: Option<Identity>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.tls = Tls::Up(identity);
        }
    }

    /// A client wants to be admitted. The answer has always the same type and says what the server
    /// knows; the connection stays.
    pub(super) fn on_init(&mut self, now: Time, id: PeerId, asked: &Init, out: &mut Vec<Action>) {
        let admitted = self.admit(now, id, asked);
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(match admitted {
                Ok(()) => Notice::Admitted(party),
                Err(refusal) => Notice::Refused(party, refusal),
            }));
        }
        let reply = self.init_reply(asked, admitted);
        out.push(Action::Send {
            peer: id,
            message: Message::InitReply(reply),
        });
    }

    fn init_reply(&self, asked: &Init, admitted: Result<(), Refusal>) -> InitReply {
        let settings = &self.config.settings;
        let size = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
        InitReply {
            seq: asked.seq,
            error: Some(admitted.map_or_else(|refusal| refusal.code().number(), |()| 0)),
            supported_messages: asked
                .supported_messages
                .as_ref()
                .map(|_| MsgType::ALL.iter().map(|kind| kind.number()).collect()),
            supported_options: asked
                .supported_options
                .as_ref()
                .map(|_| OptType::ALL.iter().map(|kind| kind.number()).collect()),
            max_request_size: Some(size(settings.max_client_receive_size)),
            max_reply_size: Some(size(settings.max_client_send_size)),
            supported_algorithms: Some(Arbiter::supported().map(algorithm_number).collect()),
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
        let cluster = self.clusters.admit(name, candidate)?;
        peer.stage = Stage::Admitted(Seat::new(cluster, node));
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
        let algorithm = number
            .and_then(algorithm_of)
            .filter(|&one| Arbiter::supports(one));
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
