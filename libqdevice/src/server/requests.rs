//! What a member of a cluster may ask and report. [C: qnetd-client-msg-received.c]

use super::clusters::ClusterId;
use super::gate::gate;
use super::peer::{Seat, Stage};
use super::{Action, Fault, Notice, PeerId, Refusal, Server};
use crate::base::{Heuristics, NodeId, RingId, Time, Vote};
use crate::vote::{Member, Occasion, View};
use crate::wire::{
    HeuristicsReply, HeuristicsReport, Message, MsgType, NodeListKind, NodeListReply,
    NodeListReport, Options, Plain, VoteReply,
};

impl Server {
    /// Serves a message that could be decoded.
    ///
    /// # Errors
    ///
    /// The message is to be answered with an error, or its sender to be disconnected.
    pub(super) fn serve(
        &mut self,
        now: Time,
        id: PeerId,
        message: Message,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let kind = message.msg_type();
        match message {
            Message::PreInit(asked) => self.on_preinit(id, asked, out)?,
            Message::StartTls(_) => self.on_start_tls(id, out)?,
            Message::Init(asked) => {
                self.pass_gate(id)?;
                self.on_init(now, id, &asked, out);
            }
            Message::SetOption(asked) => self.on_set_option(now, id, asked, out)?,
            Message::EchoRequest(echo) => {
                self.place(id, kind)?;
                out.push(Action::Send {
                    peer: id,
                    message: Message::EchoReply(echo),
                });
            }
            Message::NodeList(report) => self.on_node_list(id, report, out)?,
            Message::AskForVote(asked) => self.on_ask_for_vote(id, asked, out)?,
            Message::VoteInfoReply(reply) => self.on_vote_info_reply(id, reply, out)?,
            Message::HeuristicsChange(report) => self.on_heuristics_change(id, report, out)?,
            Message::PreInitReply(_)
            | Message::InitReply(_)
            | Message::ServerError(_)
            | Message::SetOptionReply(_)
            | Message::EchoReply(_)
            | Message::NodeListReply(_)
            | Message::AskForVoteReply(_)
            | Message::VoteInfo(_)
            | Message::HeuristicsChangeReply(_) => return Err(Refusal::Unexpected(kind).into()),
        }
        Ok(())
    }

    fn on_set_option(
        &mut self,
        now: Time,
        id: PeerId,
        asked: Options,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let place = self.place(id, MsgType::SetOption)?;
        if let Some(heartbeat) = asked.heartbeat {
            let patience = self.patience_for(heartbeat)?;
            self.set_heartbeat(now, id, heartbeat, patience);
        }
        if let (Some(keep), Some(member)) = (asked.keep_active_partition, self.member_mut(place)) {
            member.keep_active_partition = keep;
        }
        out.push(Action::Send {
            peer: id,
            message: Message::SetOptionReply(asked),
        });
        Ok(())
    }

    fn on_node_list(
        &mut self,
        id: PeerId,
        report: NodeListReport,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let place = self.place(id, MsgType::NodeList)?;
        let missing = |option| Refusal::Missing(MsgType::NodeList, option);
        let kind = report.kind.ok_or(missing("node list type set"))?;
        let seq = report.seq.ok_or(missing("seq number set"))?;
        let mut member = self.member(place).cloned().unwrap_or_default();
        let occasion = match kind {
            NodeListKind::InitialConfig | NodeListKind::ChangedConfig => {
                member.config = report.nodes.into();
                Occasion::Config
            }
            NodeListKind::Membership => {
                member.ring = report.ring.ok_or(missing("ring id number set"))?;
                member.membership = report.nodes.into();
                member.heuristics = report.heuristics;
                Occasion::Membership
            }
            NodeListKind::Quorum => {
                report.quorate.ok_or(missing("quorate set"))?;
                Occasion::Quorum
            }
        };
        let (vote, ring) = self.judge(id, place, occasion, member, out)?;
        if let Some(seat) = self.seat_mut(id) {
            match kind {
                NodeListKind::InitialConfig | NodeListKind::ChangedConfig => {
                    seat.config_version = report.config_version;
                }
                NodeListKind::Membership => seat.membership_heuristics = report.heuristics,
                NodeListKind::Quorum => {}
            }
        }
        let reply = NodeListReply {
            seq: Some(seq),
            kind: Some(kind),
            ring: Some(ring),
            vote: Some(vote),
        };
        out.push(Action::Send {
            peer: id,
            message: Message::NodeListReply(reply),
        });
        Ok(())
    }

    fn on_ask_for_vote(
        &mut self,
        id: PeerId,
        asked: Plain,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let place = self.place(id, MsgType::AskForVote)?;
        let seq = asked
            .seq
            .ok_or(Refusal::Missing(MsgType::AskForVote, "seq number set"))?;
        let member = self.member(place).cloned().unwrap_or_default();
        let (vote, ring) = self.judge(id, place, Occasion::Question, member, out)?;
        let reply = VoteReply {
            seq: Some(seq),
            vote: Some(vote),
            ring: Some(ring),
        };
        out.push(Action::Send {
            peer: id,
            message: Message::AskForVoteReply(reply),
        });
        Ok(())
    }

    /// A client has confirmed a pushed vote. There is no answer.
    fn on_vote_info_reply(
        &mut self,
        id: PeerId,
        reply: Plain,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let (cluster, node) = self.place(id, MsgType::VoteInfoReply)?;
        let seq = reply
            .seq
            .ok_or(Refusal::Missing(MsgType::VoteInfoReply, "seq number set"))?;
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(Notice::Confirmed { party, seq }));
        }
        if let Some(own) = self.clusters.get_mut(cluster) {
            let announce = own.arbiter.confirm(node, seq, &own.members);
            self.announce(cluster, announce, out);
        }
        Ok(())
    }

    fn on_heuristics_change(
        &mut self,
        id: PeerId,
        report: HeuristicsReport,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let place = self.place(id, MsgType::HeuristicsChange)?;
        let missing = |option| Refusal::Missing(MsgType::HeuristicsChange, option);
        let seq = report.seq.ok_or(missing("seq number set"))?;
        if report.heuristics == Heuristics::Undefined {
            return Err(missing("heuristics set").into());
        }
        let mut member = self.member(place).cloned().unwrap_or_default();
        member.heuristics = report.heuristics;
        let (vote, ring) = self.judge(id, place, Occasion::Heuristics, member, out)?;
        if let Some(seat) = self.seat_mut(id) {
            seat.regular_heuristics = report.heuristics;
        }
        let reply = HeuristicsReply {
            seq: Some(seq),
            vote: Some(vote),
            ring: Some(ring),
            heuristics: report.heuristics,
        };
        out.push(Action::Send {
            peer: id,
            message: Message::HeuristicsChangeReply(reply),
        });
        Ok(())
    }

    /// Has a report judged, then stores it; gives the vote and the ring to answer with.
    ///
    /// # Errors
    ///
    /// The algorithm does not accept the report: nothing is stored.
    fn judge(
        &mut self,
        id: PeerId,
        (cluster, node): (ClusterId, NodeId),
        occasion: Occasion,
        reported: Member,
        out: &mut Vec<Action>,
    ) -> Result<(Vote, RingId), Fault> {
        if let Some(party) = self.party(id) {
            let nodes = match occasion {
                Occasion::Config => reported.config.list().ids().collect(),
                Occasion::Membership => reported.membership.list().ids().collect(),
                Occasion::Quorum | Occasion::Heuristics | Occasion::Question => Vec::new(),
            };
            let (ring, heuristics) = (reported.ring, reported.heuristics);
            out.push(Action::Tell(Notice::Reported {
                party,
                occasion,
                ring,
                heuristics,
                nodes,
            }));
        }
        let Some(own) = self.clusters.get_mut(cluster) else {
            return Err(Refusal::BeforeInit(MsgType::NodeList).into());
        };
        let ring = reported.ring;
        let view = View::with(&own.members, node, &reported);
        let verdict = own
            .arbiter
            .judge(occasion, view)
            .map_err(Refusal::Objection)?;
        own.members.insert(node, reported);
        self.tell_finding(cluster, verdict.finding, out);
        self.announce(cluster, verdict.announce, out);
        if let Some(seat) = self.seat_mut(id) {
            seat.votes.note(verdict.reply);
        }
        Ok((verdict.reply, ring))
    }

    /// The checks common to all messages of members; gives the sender's cluster and node id.
    ///
    /// # Errors
    ///
    /// TLS is not as it has to be, or the client is not admitted.
    fn place(&self, id: PeerId, kind: MsgType) -> Result<(ClusterId, NodeId), Fault> {
        self.pass_gate(id)?;
        match self.peers.get(&id).map(|peer| &peer.stage) {
            Some(Stage::Admitted(seat)) => Ok((seat.cluster, seat.node)),
            Some(Stage::Fresh | Stage::Named(_)) | None => Err(Refusal::BeforeInit(kind).into()),
        }
    }

    /// # Errors
    ///
    /// TLS is not as it has to be.
    fn pass_gate(&self, id: PeerId) -> Result<(), Fault> {
        let Some(peer) = self.peers.get(&id) else {
            return Ok(());
        };
        let name = match &peer.stage {
            Stage::Fresh => None,
            Stage::Named(name) => Some(name),
            Stage::Admitted(seat) => self.clusters.get(seat.cluster).map(|own| &own.name),
        };
        gate(&self.config, &peer.tls, name)
    }

    fn member(&self, (cluster, node): (ClusterId, NodeId)) -> Option<&Member> {
        self.clusters.get(cluster)?.members.get(&node)
    }

    fn member_mut(&mut self, (cluster, node): (ClusterId, NodeId)) -> Option<&mut Member> {
        self.clusters.get_mut(cluster)?.members.get_mut(&node)
    }

    fn seat_mut(&mut self, id: PeerId) -> Option<&mut Seat> {
        match &mut self.peers.get_mut(&id)?.stage {
            Stage::Admitted(seat) => Some(seat),
            Stage::Fresh | Stage::Named(_) => None,
        }
    }
}
