//! What a member of a cluster may ask and report. [C: qnetd-client-msg-received.c]

use super::clusters::ClusterId;
use super::gate::gate;
use super::peer::{Seat, Stage};
use super::{Action, Fault, Notice, PeerId, Refusal, Server};
use crate::base::{Heuristics, NodeId, RingId, Time, Vote};
use crate::report::Trigger;
use crate::vote::{Member, Occasion, Verdict, View};
use crate::wire::{
    HeuristicsReply, HeuristicsReport, LeaseNews, Message, MsgType, NodeListKind, NodeListReply,
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
            Message::NodeList(report) => self.on_node_list(now, id, report, out)?,
            Message::AskForVote(asked) => self.on_ask_for_vote(now, id, asked, out)?,
            Message::VoteInfoReply(reply) => self.on_vote_info_reply(now, id, reply, out)?,
            Message::HeuristicsChange(report) => self.on_heuristics_change(now, id, report, out)?,
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
        if let (Some(LeaseNews::Goodbye), Some(seat)) = (asked.lease, self.seat_mut(id)) {
            seat.tenure.goodbye = true;
        }
        out.push(Action::Send {
            peer: id,
            message: Message::SetOptionReply(asked),
        });
        Ok(())
    }

    fn on_node_list(
        &mut self,
        now: Time,
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
        let (vote, ring) = self.judge(now, id, place, occasion, member, out)?;
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
        now: Time,
        id: PeerId,
        asked: Plain,
        out: &mut Vec<Action>,
    ) -> Result<(), Fault> {
        let place = self.place(id, MsgType::AskForVote)?;
        let seq = asked
            .seq
            .ok_or(Refusal::Missing(MsgType::AskForVote, "seq number set"))?;
        let member = self.member(place).cloned().unwrap_or_default();
        let (vote, ring) = self.judge(now, id, place, Occasion::Question, member, out)?;
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
        now: Time,
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
            let announce = own.arbiter.confirm(now, node, seq, &own.members);
            if !announce.is_empty() {
                let finding = own.finding.clone();
                let trigger = (Trigger::Confirmed, node);
                self.keep_decision(cluster, trigger, &finding, None, &announce);
            }
            self.announce(cluster, announce, out);
            self.watch_holdup(now, cluster, out);
        }
        Ok(())
    }

    fn on_heuristics_change(
        &mut self,
        now: Time,
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
        let (vote, ring) = self.judge(now, id, place, Occasion::Heuristics, member, out)?;
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
        now: Time,
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
            .judge(now, occasion, view)
            .map_err(Refusal::Objection)?;
        own.members.insert(node, Box::new(reported));
        let trigger = (occasion.into(), node);
        let Verdict {
            reply,
            announce,
            finding,
        } = verdict;
        self.keep_decision(cluster, trigger, &finding, Some(reply), &announce);
        self.tell_finding(cluster, finding, out);
        self.announce(cluster, announce, out);
        self.watch_holdup(now, cluster, out);
        if let Some(seat) = self.seat_mut(id) {
            seat.votes.note(reply);
        }
        if let Some(party) = self.party(id) {
            let vote = reply;
            out.push(Action::Tell(Notice::Answered { party, vote, ring }));
        }
        Ok((reply, ring))
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
        let members = &self.clusters.get(cluster)?.members;
        members.get(&node).map(Box::as_ref)
    }

    fn member_mut(&mut self, (cluster, node): (ClusterId, NodeId)) -> Option<&mut Member> {
        let members = &mut self.clusters.get_mut(cluster)?.members;
        members.get_mut(&node).map(Box::as_mut)
    }

    pub(super) fn seat_mut(&mut self, id: PeerId) -> Option<&mut Seat> {
        match &mut self.peers.get_mut(&id)?.stage {
            Stage::Admitted(seat) => Some(seat),
            Stage::Fresh | Stage::Named(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, config, error, init, membership};
    use super::*;
    use crate::base::{KeepActivePartition, Millis, NodeList, Quorate};
    use crate::wire::{Echo, Init};

    const RING: RingId = RingId::new(1, 8);

    /// One admitted client, node 1 on connection 1.
    fn bench() -> Bench {
        let mut bench = Bench::new();
        bench.admitted(1, "K", 1);
        bench
    }

    fn to_1(message: Message) -> Vec<Action> {
        vec![Action::Send {
            peer: PeerId(1),
            message,
        }]
    }

    fn list(kind: NodeListKind, ids: &[u32]) -> NodeListReport {
        NodeListReport::new(5, kind, NodeList::of_ids(ids.iter().copied()))
    }

    fn list_reply(kind: NodeListKind, ring: RingId, vote: Vote) -> Message {
        Message::NodeListReply(NodeListReply {
            seq: Some(5),
            kind: Some(kind),
            ring: Some(ring),
            vote: Some(vote),
        })
    }

    fn heuristics(seq: Option<u32>, heuristics: Heuristics) -> Message {
        Message::HeuristicsChange(HeuristicsReport { seq, heuristics })
    }

    #[test]
    fn nothing_of_a_member_is_served_before_init() {
        let seq = Some(5);
        let requests = [
            Message::SetOption(Options {
                seq,
                ..Options::default()
            }),
            Message::EchoRequest(Echo::new(5)),
            Message::NodeList(list(NodeListKind::Quorum, &[])),
            Message::AskForVote(Plain { seq }),
            Message::VoteInfoReply(Plain { seq }),
            heuristics(seq, Heuristics::Pass),
        ];
        for request in requests {
            let mut bench = Bench::new();
            bench.named(1, "K");
            assert_eq!(
                bench.send(1, request.clone()),
                error(1, seq, 11),
                "{request:?}"
            );
        }
    }

    #[test]
    fn an_echo_comes_back_as_it_was() {
        let body = b"\xff\xff\0\0\0\0\0\x04\0\0\0\x07".to_vec();
        let echo = Echo::received(Some(7), body);
        let mut bench = bench();
        assert_eq!(
            bench.send(1, Message::EchoRequest(echo.clone())),
            to_1(Message::EchoReply(echo))
        );
    }

    #[test]
    fn options_are_confirmed_as_they_were_set() {
        let mut bench = bench();
        let none = Options {
            seq: None,
            ..Options::default()
        };
        assert_eq!(
            bench.send(1, Message::SetOption(none)),
            to_1(Message::SetOptionReply(none))
        );
        let both = Options {
            seq: Some(5),
            heartbeat: Some(Millis(1000)),
            keep_active_partition: Some(KeepActivePartition::Enabled),
            ..Options::default()
        };
        assert_eq!(
            bench.send(1, Message::SetOption(both)),
            to_1(Message::SetOptionReply(both))
        );
        assert_eq!(bench.server.next_deadline(), Some(Time::from_millis(1500)));
    }

    #[test]
    fn an_unbearable_heartbeat_is_refused_with_all_that_came_with_it() {
        let mut bench = Bench::set("heartbeat_interval_max=20000000");
        bench.admitted(1, "K", 1);
        let before = bench.server.clone();
        for millis in [999, 12_000_001, 20_000_001] {
            let asked = Options {
                seq: Some(5),
                heartbeat: Some(Millis(millis)),
                keep_active_partition: Some(KeepActivePartition::Enabled),
                ..Options::default()
            };
            assert_eq!(
                bench.send(1, Message::SetOption(asked)),
                error(1, Some(5), 13)
            );
        }
        assert_eq!(bench.server, before);
    }

    #[test]
    fn a_list_without_an_option_it_needs_is_refused() {
        let mut bench = bench();
        let membership = list(NodeListKind::Membership, &[1]);
        let cases = [
            (
                NodeListReport {
                    kind: None,
                    ..membership.clone()
                },
                Some(5),
            ),
            (
                NodeListReport {
                    seq: None,
                    ring: Some(RING),
                    ..membership.clone()
                },
                None,
            ),
            (membership, Some(5)),
            (list(NodeListKind::Quorum, &[1]), Some(5)),
        ];
        for (report, seq) in cases {
            let request = Message::NodeList(report.clone());
            assert_eq!(bench.send(1, request), error(1, seq, 7), "{report:?}");
        }
    }

    #[test]
    fn the_other_requests_need_a_number_and_heuristics_a_result() {
        let mut bench = bench();
        let none = Plain { seq: None };
        assert_eq!(bench.send(1, Message::AskForVote(none)), error(1, None, 7));
        assert_eq!(
            bench.send(1, Message::VoteInfoReply(none)),
            error(1, None, 7)
        );
        assert_eq!(
            bench.send(1, heuristics(None, Heuristics::Pass)),
            error(1, None, 7)
        );
        assert_eq!(
            bench.send(1, heuristics(Some(5), Heuristics::Undefined)),
            error(1, Some(5), 7)
        );
    }

    #[test]
    fn ffsplit_has_no_answer_to_a_question_and_none_to_a_confirmation() {
        let mut bench = bench();
        let plain = Plain { seq: Some(5) };
        assert_eq!(
            bench.send(1, Message::AskForVote(plain)),
            error(1, Some(5), 14)
        );
        assert_eq!(bench.send(1, Message::VoteInfoReply(plain)), []);
    }

    #[test]
    fn a_list_without_its_sender_is_refused_and_not_stored() {
        let mut bench = bench();
        let before = bench.server.clone();
        for ids in [&[][..], &[2]] {
            let report = list(NodeListKind::InitialConfig, ids);
            assert_eq!(
                bench.send(1, Message::NodeList(report)),
                error(1, Some(5), 18)
            );
            let report = NodeListReport {
                ring: Some(RING),
                ..list(NodeListKind::Membership, ids)
            };
            assert_eq!(
                bench.send(1, Message::NodeList(report)),
                error(1, Some(5), 19)
            );
        }
        assert_eq!(bench.server, before);
    }

    #[test]
    fn a_membership_is_answered_with_its_own_ring_and_other_lists_with_the_stored_one() {
        let mut bench = bench();
        let first = list(NodeListKind::InitialConfig, &[1, 2]);
        assert_eq!(
            bench.send(1, Message::NodeList(first)),
            to_1(list_reply(
                NodeListKind::InitialConfig,
                RingId::new(1, 4),
                Vote::AskLater
            ))
        );
        let report = NodeListReport::membership(5, RING, NodeList::of_ids([1, 2]));
        let actions = bench.send(1, Message::NodeList(report));
        let ack = VoteReply {
            seq: Some(1),
            vote: Some(Vote::Ack),
            ring: Some(RING),
        };
        let reply = list_reply(NodeListKind::Membership, RING, Vote::NoChange);
        assert_eq!(
            actions,
            [to_1(Message::VoteInfo(ack)), to_1(reply)].concat(),
            "the pushed vote comes first"
        );
        let quorum = NodeListReport {
            quorate: Some(Quorate::Yes),
            ring: Some(RingId::new(9, 9)),
            ..list(NodeListKind::Quorum, &[1])
        };
        assert_eq!(
            bench.send(1, Message::NodeList(quorum)),
            to_1(list_reply(NodeListKind::Quorum, RING, Vote::NoChange))
        );
    }

    #[test]
    fn heuristics_are_repeated_in_the_answer_and_kept_even_if_the_vote_comes_later() {
        let mut bench = bench();
        let reply = HeuristicsReply {
            seq: Some(5),
            vote: Some(Vote::AskLater),
            ring: Some(RingId::new(1, 4)),
            heuristics: Heuristics::Pass,
        };
        assert_eq!(
            bench.send(1, heuristics(Some(5), Heuristics::Pass)),
            to_1(Message::HeuristicsChangeReply(reply))
        );
        let place = bench.server.place(PeerId(1), MsgType::AskForVote).unwrap();
        assert_eq!(
            bench.server.member(place).unwrap().heuristics,
            Heuristics::Pass
        );
    }

    #[test]
    fn a_membership_without_heuristics_forgets_the_older_result() {
        let mut bench = bench();
        bench.send(1, heuristics(Some(5), Heuristics::Pass));
        bench.send(1, membership(RING, &[1]));
        let place = bench.server.place(PeerId(1), MsgType::AskForVote).unwrap();
        assert_eq!(
            bench.server.member(place).unwrap().heuristics,
            Heuristics::Undefined
        );
    }

    #[test]
    fn new_clients_keep_an_active_partition_if_the_settings_say_so() {
        let mut bench = Bench::set("keep_active_partition_tie_breaker=on");
        bench.admitted(1, "K", 1);
        let place = bench.server.place(PeerId(1), MsgType::AskForVote).unwrap();
        let keep = bench.server.member(place).unwrap().keep_active_partition;
        assert_eq!(keep, KeepActivePartition::Enabled);
    }

    #[test]
    fn clusters_do_not_hear_of_each_other() {
        let mut bench = bench();
        bench.send(1, config(&[1, 2]));
        bench.named(2, "L");
        bench.send(
            2,
            Message::Init(Init {
                ring: Some(RING),
                ..init(1)
            }),
        );
        bench.send(2, config(&[1, 2]));
        let actions = bench.send(2, membership(RING, &[1, 2]));
        assert!(
            actions.iter().all(|action| matches!(
                action,
                Action::Send {
                    peer: PeerId(2),
                    ..
                }
            )),
            "{actions:?}"
        );
    }
}
