//! The end of a connection, or of the daemon. [C: qdevice-model-net.c, `qdevice_model_net_post_poll_loop`]

use super::phase::Phase;
use super::reason::Next;
use super::{Action, Client, Notice, Reason, Timer, Turn};
use crate::base::{Deadlines, Millis, Vote, VoteReason};
use crate::vote::Persistence;
use crate::wire::{LeaseNews, Message, Options};

impl Client {
    /// Withdraws the vote, then drops the connection, then connects again or ends.
    ///
    /// The order matters: corosync has the new vote before the server can see that this node is gone
    /// and give the vote away.
    pub(super) fn disconnect(&mut self, reason: Reason, turn: &mut Turn<'_>) {
        let next = reason.next();
        if let Some(why) = self.vote_reason(&reason) {
            self.chronicle.without_server = why;
        }
        self.tell_of_end(reason, turn);
        self.deadlines.clear(Timer::Connect);
        self.deadlines.clear(Timer::Lease);
        self.deadlines.clear(Timer::Echo);
        self.heuristics.forget_connect();
        self.casting.forget_confirmation();
        let strategy = self.config.strategy;
        let vote = match next {
            Next::Exit { ok: true } => Vote::Nack,
            Next::Retry | Next::GiveUp | Next::Exit { ok: false } => {
                strategy.vote_when_disconnected(self.membership.quorate, self.config.wait_for_all)
            }
        };
        let vote = self.casting.or_without_server(vote);
        self.resume(vote, self.chronicle.without_server, turn);
        self.keep_casting(turn);
        self.say_goodbye(turn);
        let was_connecting = matches!(self.phase, Phase::Connecting(_));
        if was_connecting || self.phase.has_link() {
            turn.act(Action::HangUp);
        }
        match next {
            Next::GiveUp if self.is_survived(next) => self.back_off(turn),
            // The attempt has taken its time already.
            Next::Retry if was_connecting => self.connect(turn),
            Next::Retry => self.back_off(turn),
            Next::GiveUp => self.exit(false, turn),
            Next::Exit { ok } => self.exit(ok, turn),
        }
    }

    /// Why the vote is as it is from this end on; none when that stays as it is, because this node had no
    /// server.
    fn vote_reason(&self, reason: &Reason) -> Option<VoteReason> {
        match (reason.next(), reason) {
            (Next::Exit { ok: true }, _) => Some(VoteReason::Shutdown),
            (next, _) if !self.is_survived(next) => Some(VoteReason::Failure),
            _ if !self.phase.is_running() => None,
            (_, Reason::EchoLate) => Some(VoteReason::ServerSilent),
            (_, Reason::Overslept(_)) => Some(VoteReason::Overslept),
            _ => Some(VoteReason::ServerLost),
        }
    }

    fn tell_of_end(&mut self, reason: Reason, turn: &mut Turn<'_>) {
        let hint = reason.hint();
        if self.is_survived(reason.next()) && !self.losses.is_news(&reason, turn.now) {
            turn.tell(Notice::EndedAgain(reason));
            return;
        }
        turn.tell(Notice::Ended(reason));
        if let Some(hint) = hint {
            turn.tell(Notice::Hint(hint));
        }
    }

    /// Whether the server is tried again. Before the first membership there is none to be tried.
    fn is_survived(&self, next: Next) -> bool {
        match next {
            Next::Retry => true,
            Next::GiveUp => {
                self.config.strategy.persistence() == Persistence::Always
                    && self.phase != Phase::Starting
            }
            Next::Exit { .. } => false,
        }
    }

    /// Tells a server that wants to know it that the vote is withdrawn for good, so that it need not wait
    /// until it must have lapsed.
    fn say_goodbye(&mut self, turn: &mut Turn<'_>) {
        let wanted = self
            .phase
            .session()
            .is_some_and(|session| session.server.lease);
        if wanted && self.casting.is_withdrawn() {
            turn.act(Action::SayGoodbye(Message::SetOption(Options {
                seq: Some(self.next_seq()),
                lease: Some(LeaseNews::Goodbye),
                ..Options::default()
            })));
        }
    }

    fn exit(&mut self, ok: bool, turn: &mut Turn<'_>) {
        self.phase = Phase::Ended;
        self.deadlines = Deadlines::default();
        turn.act(Action::Exit { ok });
    }

    /// Nodes that lost their server at the same moment come back at different ones.
    fn back_off(&mut self, turn: &mut Turn<'_>) {
        let delay = Millis(self.dice.below(nine_tenths(self.config.cast_interval.0)));
        turn.tell(Notice::Sleeping(delay));
        self.deadlines.set(Timer::Backoff, turn.now.after(delay));
        self.phase = Phase::Backoff;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "nine tenths of a u32 fit into a u32"
)]
const fn nine_tenths(number: u32) -> u32 {
    (number as u64 * 9 / 10) as u32
}

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, RING, config, config_with_heuristics, init_reply, vote_info,
    };
    use super::super::heuristics::Runs;
    use super::super::{
        Client, ClientConfig, ConfigFault, Corosync, Event, HeuristicsMode, Link, LinkFault,
        StartFacts, VoteFacts,
    };
    use super::*;
    use crate::base::{Algorithm, Quorate, Time};
    use crate::vote::{Strategy, WaitForAll};
    use crate::wire::InitReply;

    /// How long the client waits after it has lost its server, with this seed.
    fn delay(seed: u64) -> u64 {
        let mut bench = Bench::voting();
        bench.client.dice = crate::base::Dice::new(seed);
        bench.link(Link::Down(LinkFault::Closed));
        let at = bench.client.deadlines.get(Timer::Backoff).unwrap();
        at.since(bench.time())
    }

    #[test]
    fn on_shutdown_the_vote_is_withdrawn_before_the_server_is_left() {
        let mut bench = Bench::voting();
        bench.handle(Event::Shutdown);
        let cast = Action::Cast {
            ring: RING,
            vote: false,
        };
        assert_eq!(
            bench.done(),
            [cast, Action::HangUp, Action::Exit { ok: true }]
        );
    }

    #[test]
    fn a_vote_that_goes_with_the_server_says_which_way_it_went() {
        let reason = |bench: &mut Bench| {
            let told = bench.told();
            told.iter().find_map(|notice| {
                if let Notice::VoteChanged { reason, .. } = notice {
                    Some(reason.as_str())
                } else {
                    None
                }
            })
        };
        let mut bench = Bench::voting();
        bench.link(Link::Down(LinkFault::Closed));
        assert_eq!(reason(&mut bench), Some("server-lost"));
        let mut bench = Bench::voting();
        bench.wait(11_200);
        assert_eq!(reason(&mut bench), Some("server-silent"));
        let mut bench = Bench::voting();
        bench.sleep(60_000);
        assert_eq!(reason(&mut bench), Some("overslept"));
        let mut bench = Bench::voting();
        bench.corosync(Corosync::Closed("gone".into()));
        assert_eq!(reason(&mut bench), Some("failure"));
    }

    #[test]
    fn without_a_connection_there_is_nothing_to_hang_up() {
        let mut bench = Bench::backing_off();
        bench.handle(Event::Shutdown);
        assert_eq!(
            bench.done(),
            [
                Action::Cast {
                    ring: RING,
                    vote: false
                },
                Action::Exit { ok: true }
            ]
        );
    }

    #[test]
    fn a_lost_server_is_tried_again_after_a_moment() {
        let mut bench = Bench::voting();
        bench.link(Link::Down(LinkFault::Closed));
        assert_eq!(
            bench.done(),
            [
                Action::Cast {
                    ring: RING,
                    vote: false
                },
                Action::HangUp
            ]
        );
        bench.wait(4_499);
        assert!(bench.done().contains(&Action::Connect));
    }

    #[test]
    fn nodes_come_back_at_different_moments_within_nine_tenths_of_the_cast_interval() {
        let delays: std::collections::BTreeSet<u64> = (0..200).map(delay).collect();
        assert!(delays.len() > 150);
        assert!(delays.iter().all(|delay| *delay < 4_500));
        assert!(delays.first() < Some(&300) && delays.last() > Some(&4_200));
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        assert_eq!(delay(3), delay(3));
        let client = |seed| Client::new(config(), StartFacts::default(), seed).unwrap();
        assert_eq!(client(1), client(1));
        assert_ne!(client(1), client(2));
    }

    #[test]
    fn a_refusal_that_may_pass_is_explained() {
        let mut bench = Bench::asking(config());
        bench.receive(Message::InitReply(InitReply {
            error: Some(17),
            ..init_reply(2)
        }));
        let told: Vec<_> = bench.told().iter().map(ToString::to_string).collect();
        assert_eq!(
            told[..2],
            [
                "Received init reply message with error code 17. Disconnecting from server",
                "Duplicate node id may be result of server not yet accepted this node disconnect. \
                 Retry again.",
            ]
        );
        assert_eq!(bench.client.phase, Phase::Backoff);
    }

    /// A node with the vote of a server that lists the option for leases.
    fn leased(config: ClientConfig) -> Bench {
        let mut bench = Bench::asking(config);
        let reply = init_reply(2);
        let options = reply.supported_options.clone().unwrap().into_iter();
        bench.receive(Message::InitReply(InitReply {
            supported_options: Some(options.chain([0x8000]).collect()),
            ..reply
        }));
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.done();
        bench
    }

    fn goodbye(seq: u32) -> Action {
        Action::SayGoodbye(Message::SetOption(Options {
            seq: Some(seq),
            lease: Some(LeaseNews::Goodbye),
            ..Options::default()
        }))
    }

    #[test]
    fn goodbye_is_said_between_the_withdrawal_of_the_vote_and_the_end_of_the_connection() {
        let (ring, vote) = (RING, false);
        let withdrawal = Action::Cast { ring, vote };
        let mut bench = leased(config());
        bench.handle(Event::Shutdown);
        assert_eq!(
            bench.done(),
            [
                withdrawal.clone(),
                goodbye(7),
                Action::HangUp,
                Action::Exit { ok: true }
            ]
        );
        let mut bench = leased(config());
        bench.wait(11_200);
        let done = bench.done();
        let end = &done[done.len() - 3..];
        assert_eq!(
            end,
            [withdrawal, goodbye(7), Action::HangUp],
            "its lease is over"
        );
    }

    #[test]
    fn no_goodbye_is_said_to_a_server_that_does_not_know_it() {
        let mut bench = Bench::voting();
        bench.handle(Event::Shutdown);
        assert!(!bench.done().contains(&goodbye(7)));
    }

    #[test]
    fn whoever_keeps_the_vote_does_not_say_goodbye() {
        let mut bench = leased(ClientConfig {
            strategy: Strategy::of(Algorithm::Lms),
            wait_for_all: WaitForAll::Yes,
            ..config()
        });
        bench.wait(11_200);
        let done = bench.done();
        assert!(done.contains(&Action::HangUp));
        assert!(
            !done
                .iter()
                .any(|done| matches!(done, Action::SayGoodbye(_)))
        );
    }

    #[test]
    fn a_server_that_closes_every_connection_does_not_fill_the_log() {
        let mut bench = Bench::voting();
        for _ in 0..10 {
            bench.wait(5_000);
            bench.link(Link::Up);
            bench.link(Link::Down(LinkFault::Closed));
        }
        let visible: Vec<_> = bench
            .told()
            .into_iter()
            .filter(|notice| notice.level() != crate::base::Level::Debug)
            .map(|notice| notice.to_string())
            .collect();
        assert_eq!(
            visible,
            [
                "Server closed connection",
                "Vote changed from ACK to NACK (ring 1.4)",
            ]
        );
    }

    #[test]
    fn the_end_is_final() {
        let mut bench = Bench::voting();
        bench.handle(Event::Shutdown);
        bench.done();
        bench.handle(Event::Shutdown);
        bench.link(Link::Up);
        bench.wait(100_000);
        assert_eq!(bench.done(), []);
        assert_eq!(bench.client.next_deadline(), None::<Time>);
    }

    /// A node that has the vote and uses `algorithm`.
    fn voting_with(algorithm: Algorithm, wait_for_all: WaitForAll) -> Bench {
        let mut bench = Bench::voting();
        bench.client.config.strategy = Strategy::of(algorithm);
        bench.client.config.wait_for_all = wait_for_all;
        bench
    }

    #[test]
    fn every_algorithm_but_the_one_for_tests_gives_the_vote_back_with_its_server() {
        for (algorithm, cast) in [
            (Algorithm::Test, vec![(RING, true)]),
            (Algorithm::FfSplit, vec![(RING, false)]),
            (Algorithm::TwoNodeLms, vec![(RING, false)]),
            (Algorithm::Lms, vec![(RING, false)]),
        ] {
            let mut bench = voting_with(algorithm, WaitForAll::No);
            bench.link(Link::Down(LinkFault::Closed));
            assert_eq!(bench.cast(), cast, "{algorithm:?}");
        }
    }

    #[test]
    fn under_wait_for_all_a_quorate_lms_node_goes_on_and_still_tries_its_server_again() {
        let mut bench = voting_with(Algorithm::Lms, WaitForAll::Yes);
        bench.quorum(Quorate::Yes);
        bench.done();
        bench.link(Link::Down(LinkFault::Closed));
        let (ring, vote) = (RING, true);
        assert_eq!(
            bench.done(),
            [Action::Cast { ring, vote }, Action::HangUp],
            "no lease guards the vote any more, so it is cast again"
        );
        bench.wait(5_000);
        let done = bench.done();
        assert!(done.contains(&Action::Connect));
        assert!(done.contains(&Action::Cast { ring, vote }));
    }

    #[test]
    fn under_wait_for_all_a_changed_membership_costs_a_node_without_server_the_vote() {
        let mut bench = voting_with(Algorithm::Lms, WaitForAll::Yes);
        bench.quorum(Quorate::Yes);
        bench.link(Link::Down(LinkFault::Closed));
        bench.done();
        let ring = crate::base::RingId::new(1, 99);
        bench.membership(ring, &[1]);
        assert_eq!(bench.cast(), [(ring, false)]);
    }

    #[test]
    fn under_wait_for_all_no_vote_is_kept_in_a_ring_the_server_has_not_voted_for() {
        let ring = crate::base::RingId::new(1, 99);
        for answers in [vec![], vec![Vote::AskLater]] {
            let mut bench = voting_with(Algorithm::Lms, WaitForAll::Yes);
            bench.membership(ring, &[1]);
            for vote in answers {
                bench.receive(vote_info(2, vote, ring));
            }
            bench.done();
            bench.link(Link::Down(LinkFault::Closed));
            assert_eq!(bench.cast(), [(ring, false)]);
        }
        let mut bench = voting_with(Algorithm::Lms, WaitForAll::Yes);
        bench.client.heuristics =
            Runs::new(config_with_heuristics(HeuristicsMode::Sync).heuristics);
        bench.membership(ring, &[1]);
        bench.link(Link::Down(LinkFault::Closed));
        assert_eq!(bench.cast(), [(ring, false)], "an ACK of the old ring");
    }

    #[test]
    fn a_start_that_fails_ends_the_daemon_with_every_algorithm() {
        for algorithm in Algorithm::ALL {
            let mut bench = Bench::new(config());
            bench.client.config.strategy = Strategy::of(algorithm);
            bench.corosync(Corosync::Reloaded {
                config: Err(ConfigFault::NoNodes),
                facts: VoteFacts::default(),
            });
            assert_eq!(bench.done(), [Action::Exit { ok: false }], "{algorithm:?}");
        }
    }

    #[test]
    fn an_end_that_was_asked_for_withdraws_the_vote_with_every_algorithm() {
        for algorithm in Algorithm::ALL {
            let mut bench = voting_with(algorithm, WaitForAll::Yes);
            bench.quorum(Quorate::Yes);
            bench.done();
            bench.handle(Event::Shutdown);
            assert_eq!(bench.cast(), [(RING, false)], "{algorithm:?}");
        }
    }

    #[test]
    fn lms_tries_again_where_the_others_give_up() {
        let refusal = || Reason::InitRefused(12);
        for algorithm in [Algorithm::FfSplit, Algorithm::Lms] {
            let mut bench = voting_with(algorithm, WaitForAll::No);
            let (now, mut out) = (bench.time(), Vec::new());
            bench
                .client
                .disconnect(refusal(), &mut Turn { now, out: &mut out });
            let ends = out.contains(&Action::Exit { ok: false });
            assert_eq!(ends, algorithm == Algorithm::FfSplit);
            assert_eq!(bench.client.deadlines.get(Timer::Backoff).is_some(), !ends);
        }
    }
}
