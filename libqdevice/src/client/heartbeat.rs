//! Short heartbeats while the vote is a reserve, long ones while it carries the quorum.
//!
//! As long as all configured nodes are together, the vote decides nothing: to lose it to a short stall
//! costs nothing, and to notice an isolation quickly brings the other half into service sooner. As soon
//! as somebody is missing, the vote may be what keeps this node in service, and the heartbeat is the
//! tolerant one of the C program again.

use super::{Client, Turn};
use crate::base::{Millis, Quorate};
use crate::wire::{Message, Options};

impl Client {
    /// Announces a longer heartbeat if the present one is too short for what has become of the
    /// membership. Said before the membership itself is, so that the server decides with it in force.
    pub(super) fn lengthen_heartbeat(&mut self, turn: &mut Turn<'_>) {
        if !self.vote_is_a_reserve() {
            self.announce(self.config.heartbeat, turn);
        }
    }

    /// Announces the short heartbeat if the membership allows it. Only right after an answer that took
    /// `millis`: a lease of the short one must not be over as it begins, and a path that is slow
    /// compared with it keeps the long one.
    pub(super) fn shorten_heartbeat(&mut self, millis: u64, turn: &mut Turn<'_>) {
        let Some(short) = self.config.short_heartbeat else {
            return;
        };
        let may =
            self.phase.is_running() && millis <= u64::from(short.0) / 4 && self.vote_is_a_reserve();
        let lease = self.phase.session().map(|session| session.lease);
        if may && lease.is_some_and(|lease| lease.may_shorten()) {
            self.announce(short, turn);
        }
    }

    fn announce(&mut self, heartbeat: Millis, turn: &mut Turn<'_>) {
        let seq = self.last_seq.wrapping_add(1);
        let Some(session) = self.phase.session() else {
            return;
        };
        if session.lease.announced() == heartbeat {
            return;
        }
        session.lease.announce(heartbeat, seq, turn.now);
        self.last_seq = seq;
        turn.send(Message::SetOption(Options {
            seq: Some(seq),
            heartbeat: Some(heartbeat),
            ..Options::default()
        }));
        self.arm_lease();
    }

    /// Whether all configured nodes are together and have quorum without the device.
    fn vote_is_a_reserve(&self) -> bool {
        let membership = &self.membership;
        let expected = membership.expected_votes;
        // Without a number in corosync.conf the device has one vote less than there are nodes.
        let device = self
            .config
            .device_votes
            .unwrap_or(expected.saturating_sub(1) / 2);
        !membership.forming
            && membership.quorate == Quorate::Yes
            && expected.saturating_sub(device) > expected / 2
            && self
                .config
                .nodes
                .ids()
                .all(|node| membership.nodes.ids().any(|member| member == node))
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{Bench, OTHER_RING, RING, config, init_reply, vote_info};
    use super::super::{ClientConfig, Corosync, Notice, VoteFacts};
    use super::*;
    use crate::base::{Millis, Vote};
    use crate::wire::{ReplyErrorCode, ServerError};

    const SHORT: Millis = Millis(2_000);
    const LONG: Millis = Millis(8_000);

    /// A node with the short heartbeat that was just admitted, and has its vote.
    fn admitted() -> Bench {
        let mut bench = Bench::asking(ClientConfig {
            short_heartbeat: Some(SHORT),
            ..config()
        });
        bench.receive(Message::InitReply(init_reply(2)));
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.done();
        bench
    }

    /// One whose server has confirmed the short heartbeat.
    fn brisk() -> Bench {
        let mut bench = admitted();
        bench.wait_with_server(1_000);
        let asked = asked(&mut bench);
        confirm(&mut bench, asked[0].0, SHORT);
        bench
    }

    fn confirm(bench: &mut Bench, seq: Option<u32>, heartbeat: Millis) {
        bench.receive(Message::SetOptionReply(Options {
            seq,
            heartbeat: Some(heartbeat),
            ..Options::default()
        }));
    }

    /// The heartbeats announced since the last call.
    fn asked(bench: &mut Bench) -> Vec<(Option<u32>, Millis)> {
        let sent = bench.sent().into_iter();
        sent.filter_map(heartbeat).collect()
    }

    fn heartbeat(message: Message) -> Option<(Option<u32>, Millis)> {
        let Message::SetOption(options) = message else {
            return None;
        };
        Some((options.seq, options.heartbeat?))
    }

    #[test]
    fn with_all_nodes_together_the_heartbeat_is_shortened_once_the_server_answers_quickly() {
        let mut bench = admitted();
        bench.wait(999);
        assert_eq!(asked(&mut bench), []);
        bench.wait_with_server(1);
        assert_eq!(asked(&mut bench), [(Some(7), SHORT)]);
        bench.wait_with_server(10_000);
        assert_eq!(asked(&mut bench), [], "once");
    }

    #[test]
    fn an_isolation_then_costs_the_vote_in_less_than_three_seconds() {
        let mut bench = brisk();
        bench.wait_with_server(5_000);
        bench.done();
        bench.wait(2_749);
        assert!(!bench.cast().contains(&(RING, false)));
        bench.wait(1);
        assert_eq!(bench.cast(), [(RING, false)]);
    }

    #[test]
    fn before_a_membership_with_a_node_missing_the_long_heartbeat_is_announced() {
        let mut bench = brisk();
        bench.done();
        bench.membership(OTHER_RING, &[1]);
        let sent = bench.sent();
        assert_eq!(heartbeat(sent[0].clone()), Some((Some(8), LONG)));
        assert!(matches!(sent[1], Message::NodeList(_)), "{sent:?}");
        confirm(&mut bench, Some(8), LONG);
        bench.receive(vote_info(2, Vote::Ack, OTHER_RING));
        bench.quorum(Quorate::Yes);
        bench.wait_with_server(3_000);
        assert_eq!(asked(&mut bench), []);
        bench.wait(9_000);
        assert_eq!(bench.reason(), None, "the vote is borne on the long one");
    }

    #[test]
    fn the_short_heartbeat_returns_with_the_last_node() {
        let mut bench = brisk();
        bench.membership(OTHER_RING, &[1]);
        bench.quorum(Quorate::Yes);
        confirm(&mut bench, Some(8), LONG);
        bench.wait_with_server(3_000);
        bench.done();
        bench.membership(RING, &[1, 2]);
        bench.wait_with_server(3_000);
        assert_eq!(
            asked(&mut bench),
            [],
            "the membership is still being formed"
        );
        bench.quorum(Quorate::Yes);
        bench.wait_with_server(1_000);
        assert_eq!(asked(&mut bench).len(), 1);
    }

    #[test]
    fn nodes_that_need_the_vote_although_they_are_all_together_keep_the_long_heartbeat() {
        let mut bench = admitted();
        let (votes, facts) = (4, VoteFacts::default());
        bench.client.config.device_votes = Some(2);
        bench.corosync(Corosync::ExpectedVotes { votes, facts });
        bench.wait_with_server(5_000);
        assert_eq!(asked(&mut bench), []);
        let mut bench = admitted();
        bench.quorum(Quorate::No);
        bench.wait_with_server(5_000);
        assert_eq!(asked(&mut bench), []);
    }

    #[test]
    fn a_path_that_is_slow_for_the_short_heartbeat_keeps_the_long_one() {
        let mut bench = admitted();
        for seq in 1..5 {
            bench.wait(1_501);
            bench.echo(seq);
        }
        assert_eq!(asked(&mut bench), []);
    }

    #[test]
    fn a_server_that_refuses_the_short_heartbeat_keeps_its_node_and_is_not_asked_again() {
        let mut bench = admitted();
        bench.wait_with_server(1_000);
        assert_eq!(asked(&mut bench), [(Some(7), SHORT)]);
        bench.receive(Message::ServerError(ServerError {
            seq: Some(7),
            error: Some(ReplyErrorCode::InvalidHeartbeatInterval.number()),
        }));
        assert_eq!(bench.told(), [Notice::HeartbeatRefused]);
        bench.wait_with_server(20_000);
        assert_eq!(asked(&mut bench), []);
        assert!(bench.client.phase.is_running());
    }
}
