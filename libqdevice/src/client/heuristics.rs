//! When heuristics run and which results count; what they are is the driver's business.
//! [C: qdevice-heuristics.c, qdevice-net-heuristics.c]

use super::phase::Phase;
use super::{Action, Client, HeuristicsMode, HeuristicsPlan, Notice, Reason, Timer, Turn};
use crate::base::{Heuristics, Time};
use std::collections::BTreeSet;

/// Why heuristics run. One run may serve several purposes; they get its result in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Purpose {
    /// A membership is formed.
    Membership,
    /// It is time again.
    Regular,
    /// The server has admitted this node.
    Connect,
}

/// The runs and their results.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Runs {
    plan: HeuristicsPlan,
    /// The number of the last run; results of others are too late.
    run: u32,
    /// What the run under way is for; nothing when none is.
    awaited: BTreeSet<Purpose>,
    pub(super) latest: Heuristics,
    pub(super) regular: Heuristics,
    pub(super) membership: Heuristics,
    pub(super) connect: Heuristics,
}

impl Runs {
    pub(super) const fn new(plan: HeuristicsPlan) -> Self {
        Self {
            plan,
            run: 0,
            awaited: BTreeSet::new(),
            latest: Heuristics::Undefined,
            regular: Heuristics::Undefined,
            membership: Heuristics::Undefined,
            connect: Heuristics::Undefined,
        }
    }

    pub(super) const fn plan(&self) -> &HeuristicsPlan {
        &self.plan
    }

    pub(super) const fn mode(&self) -> HeuristicsMode {
        self.plan.mode
    }

    /// The connection is gone: nobody waits for a result to greet the server with.
    pub(super) fn forget_connect(&mut self) {
        self.awaited.remove(&Purpose::Connect);
    }
}

impl Client {
    /// Starts a run, which ends an older one but serves its purposes too. Switched off, heuristics have
    /// their result at once: undefined.
    pub(super) fn run_heuristics(
        &mut self,
        purpose: Purpose,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        self.heuristics.awaited.insert(purpose);
        self.start_run(turn)
    }

    fn start_run(&mut self, turn: &mut Turn<'_>) -> Result<(), Reason> {
        let heuristics = &mut self.heuristics;
        heuristics.run = heuristics.run.wrapping_add(1);
        let run = heuristics.run;
        if heuristics.mode() == HeuristicsMode::Off {
            return self.on_heuristics(run, Heuristics::Undefined, turn);
        }
        let timeout = heuristics.plan.timeout_of_run(self.membership.forming);
        turn.act(Action::RunHeuristics { run, timeout });
        Ok(())
    }

    pub(super) fn on_heuristics(
        &mut self,
        run: u32,
        result: Heuristics,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        if run != self.heuristics.run {
            return Ok(());
        }
        for purpose in std::mem::take(&mut self.heuristics.awaited) {
            match purpose {
                Purpose::Membership => {
                    self.on_membership_checked(result, turn);
                    self.heuristics.membership = result;
                    self.heuristics.latest = result;
                }
                Purpose::Regular => self.on_regular_result(result, turn)?,
                Purpose::Connect => {
                    if matches!(self.phase, Phase::Greeting(_)) {
                        self.greet(result, turn);
                        self.heuristics.connect = result;
                        self.heuristics.latest = result;
                    }
                }
            }
        }
        Ok(())
    }

    /// A regular result counts when it is another one than the last, whatever that was for.
    fn on_regular_result(&mut self, result: Heuristics, turn: &mut Turn<'_>) -> Result<(), Reason> {
        if result == Heuristics::Undefined {
            // Switched off in the meantime.
            return Ok(());
        }
        let from = self.heuristics.latest;
        if from != result {
            turn.tell(Notice::HeuristicsChanged { from, to: result });
            if let Phase::Running { session, .. } = self.phase {
                if !session.server.heuristics {
                    return Err(Reason::HeuristicsUnknownToServer);
                }
                self.send_heuristics(result, turn);
            }
        }
        self.heuristics.regular = result;
        self.heuristics.latest = result;
        self.schedule_regular_heuristics(turn.now);
        Ok(())
    }

    /// It is time for a regular run, unless another one is under way: then an interval later.
    pub(super) fn on_regular_heuristics_due(&mut self, turn: &mut Turn<'_>) -> Result<(), Reason> {
        if self.heuristics.awaited.is_empty() {
            self.run_heuristics(Purpose::Regular, turn)
        } else {
            self.schedule_regular_heuristics(turn.now);
            Ok(())
        }
    }

    /// A run between memberships, as if it were time for one. One that is under way will do.
    pub(super) fn on_heuristics_asked(&mut self, turn: &mut Turn<'_>) -> Result<(), Reason> {
        let is_off = self.heuristics.mode() == HeuristicsMode::Off;
        if is_off || self.phase == Phase::Starting || !self.heuristics.awaited.is_empty() {
            return Ok(());
        }
        self.run_heuristics(Purpose::Regular, turn)
    }

    /// The next regular run, if heuristics run regularly; one that is scheduled stays so.
    pub(super) fn schedule_regular_heuristics(&mut self, now: Time) {
        match self.heuristics.mode() {
            HeuristicsMode::Off | HeuristicsMode::Sync => self.stop_regular_heuristics(),
            HeuristicsMode::On => {
                if self.deadlines.get(Timer::Heuristics).is_none() {
                    let at = now.after(self.heuristics.plan.interval);
                    self.deadlines.set(Timer::Heuristics, at);
                }
            }
        }
    }

    pub(super) fn stop_regular_heuristics(&mut self) {
        self.deadlines.clear(Timer::Heuristics);
    }

    /// The configuration has changed. A run under way is started again with other commands.
    pub(super) fn change_heuristics(
        &mut self,
        plan: HeuristicsPlan,
        turn: &mut Turn<'_>,
    ) -> Result<(), Reason> {
        let old = std::mem::replace(&mut self.heuristics.plan, plan);
        let is_on = self.heuristics.mode() != HeuristicsMode::Off;
        if let Phase::Running { session, .. } = self.phase {
            if is_on && !session.server.heuristics {
                return Err(Reason::HeuristicsUnknownToServer);
            }
        }
        if old.commands != self.heuristics.plan.commands && !self.heuristics.awaited.is_empty() {
            self.start_run(turn)?;
        }
        self.schedule_regular_heuristics(turn.now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{
        Bench, OTHER_RING, RING, cluster_config, config, config_with_heuristics, init_reply,
        init_reply_without, preinit_reply,
    };
    use super::super::{ClusterConfig, Corosync, Event, Link, LinkFault, VoteFacts};
    use super::*;
    use crate::base::{Millis, Quorate, TlsSupport, Vote};
    use crate::wire::{HeuristicsReport, Message, NodeListKind, OptType};

    /// The run started since the last look, and how long it may take.
    fn started(bench: &mut Bench) -> Option<(u32, Millis)> {
        bench.done().into_iter().find_map(|action| {
            if let Action::RunHeuristics { run, timeout } = action {
                Some((run, timeout))
            } else {
                None
            }
        })
    }

    fn pass(bench: &mut Bench, run: u32) {
        bench.handle(Event::Heuristics {
            run,
            result: Heuristics::Pass,
        });
    }

    fn fail(bench: &mut Bench, run: u32) {
        bench.handle(Event::Heuristics {
            run,
            result: Heuristics::Fail,
        });
    }

    /// A node with everything reported after the runs 1 (membership) and 2 (connect).
    fn running(mode: HeuristicsMode) -> Bench {
        let mut bench = asking(mode);
        bench.receive(Message::InitReply(init_reply(2)));
        pass(&mut bench, 2);
        bench.done();
        bench
    }

    fn asking(mode: HeuristicsMode) -> Bench {
        let mut bench = Bench::new(config_with_heuristics(mode));
        bench.membership(RING, &[1, 2]);
        pass(&mut bench, 1);
        bench.quorum(Quorate::Yes);
        bench.link(Link::Up);
        bench.receive(preinit_reply(1, TlsSupport::Unsupported));
        bench.done();
        bench
    }

    /// The result in the membership sent since the last look.
    fn reported(bench: &mut Bench) -> Option<Heuristics> {
        bench.sent().into_iter().find_map(|message| {
            let Message::NodeList(list) = message else {
                return None;
            };
            (list.kind == Some(NodeListKind::Membership)).then_some(list.heuristics)
        })
    }

    #[test]
    fn heuristics_that_are_asked_for_run_at_once_unless_a_run_is_under_way_or_they_are_off() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.handle(Event::HeuristicsAsked);
        let (run, _) = started(&mut bench).unwrap();
        bench.handle(Event::HeuristicsAsked);
        assert_eq!(started(&mut bench), None);
        fail(&mut bench, run);
        assert_eq!(bench.client.heuristics.latest, Heuristics::Fail);

        let mut bench = running(HeuristicsMode::Off);
        bench.handle(Event::HeuristicsAsked);
        assert_eq!(started(&mut bench), None);
    }

    #[test]
    fn the_service_is_ready_after_the_first_run() {
        let mut bench = Bench::new(config_with_heuristics(HeuristicsMode::Sync));
        bench.membership(RING, &[1, 2]);
        let run = Action::RunHeuristics {
            run: 1,
            timeout: Millis(15_000),
        };
        assert_eq!(
            bench.done(),
            [
                Action::Cast {
                    ring: RING,
                    vote: false
                },
                run
            ]
        );
        pass(&mut bench, 1);
        assert_eq!(bench.done(), [Action::Ready, Action::Connect]);
    }

    #[test]
    fn a_first_run_that_never_ends_ends_the_daemon() {
        let mut bench = Bench::new(config_with_heuristics(HeuristicsMode::Sync));
        bench.membership(RING, &[1, 2]);
        bench.wait(29_999);
        assert_ne!(bench.client.phase, Phase::Ended);
        bench.wait(1);
        assert_eq!(bench.reason(), Some(Reason::FirstHeuristicsLate));
    }

    #[test]
    fn a_connection_reports_nothing_before_its_run_has_ended() {
        let mut bench = asking(HeuristicsMode::Sync);
        bench.receive(Message::InitReply(init_reply(2)));
        assert_eq!(started(&mut bench), Some((2, Millis(5_000))));
        fail(&mut bench, 2);
        assert_eq!(reported(&mut bench), Some(Heuristics::Fail));
    }

    #[test]
    fn a_new_membership_is_reported_with_the_result_of_its_run() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.membership(OTHER_RING, &[1]);
        assert_eq!(started(&mut bench), Some((3, Millis(15_000))));
        fail(&mut bench, 3);
        assert_eq!(reported(&mut bench), Some(Heuristics::Fail));
    }

    #[test]
    fn nothing_is_cast_while_the_run_of_a_membership_is_awaited() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.receive(super::super::harness::vote_info(1, Vote::Ack, RING));
        bench.done();
        bench.membership(OTHER_RING, &[1]);
        bench.wait(6_000);
        assert_eq!(bench.cast(), []);
    }

    #[test]
    fn a_lost_server_ends_the_pause_with_a_withdrawn_vote() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.membership(OTHER_RING, &[1]);
        bench.link(Link::Down(LinkFault::Closed));
        assert_eq!(bench.cast(), [(OTHER_RING, false)]);
    }

    #[test]
    fn without_a_server_the_new_ring_is_answered_before_the_run_ends() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.link(Link::Down(LinkFault::Closed));
        bench.done();
        bench.membership(OTHER_RING, &[1]);
        assert_eq!(bench.cast(), [(OTHER_RING, false)]);
        bench.wait(5_000);
        assert_eq!(bench.cast(), [(OTHER_RING, false)], "votequorum is told on");
        pass(&mut bench, 3);
        assert_eq!(bench.cast(), []);
    }

    #[test]
    fn a_result_that_comes_too_late_is_ignored() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.membership(OTHER_RING, &[1]);
        bench.membership(RING, &[1, 2]);
        bench.done();
        fail(&mut bench, 3);
        assert_eq!(bench.done(), []);
        pass(&mut bench, 4);
        assert_eq!(reported(&mut bench), Some(Heuristics::Pass));
    }

    #[test]
    fn a_run_for_a_membership_also_serves_the_connection_it_interrupts() {
        let mut bench = asking(HeuristicsMode::Sync);
        bench.receive(Message::InitReply(init_reply(2)));
        bench.membership(OTHER_RING, &[1]);
        bench.done();
        fail(&mut bench, 3);
        let Message::NodeList(list) = bench.sent()[2].clone() else {
            panic!("no list")
        };
        assert_eq!(
            (list.ring, list.heuristics),
            (Some(OTHER_RING), Heuristics::Fail)
        );
        assert!(bench.client.phase.is_running());
    }

    #[test]
    fn a_result_for_a_connection_that_is_gone_greets_nobody() {
        let mut bench = asking(HeuristicsMode::Sync);
        bench.receive(Message::InitReply(init_reply(2)));
        bench.link(Link::Down(LinkFault::Closed));
        bench.wait(4_500);
        bench.link(Link::Up);
        bench.receive(preinit_reply(2, TlsSupport::Unsupported));
        bench.done();
        pass(&mut bench, 2);
        assert_eq!(bench.done(), []);
    }

    #[test]
    fn regular_runs_report_a_changed_result_and_nothing_else() {
        let mut bench = running(HeuristicsMode::On);
        bench.wait_with_server(30_000);
        assert_eq!(started(&mut bench), Some((3, Millis(5_000))));
        pass(&mut bench, 3);
        assert_eq!(bench.done(), []);
        bench.wait_with_server(30_000);
        assert_eq!(started(&mut bench), Some((4, Millis(5_000))));
        fail(&mut bench, 4);
        let report = HeuristicsReport {
            seq: Some(7),
            heuristics: Heuristics::Fail,
        };
        assert_eq!(bench.sent(), [Message::HeuristicsChange(report)]);
    }

    #[test]
    fn with_heuristics_on_sync_only_there_are_no_regular_runs() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.wait_with_server(100_000);
        assert_eq!(started(&mut bench), None);
    }

    #[test]
    fn a_regular_run_waits_an_interval_more_when_another_run_is_under_way() {
        let mut bench = asking(HeuristicsMode::On);
        bench.wait(7_000);
        bench.receive(Message::InitReply(init_reply(2)));
        assert_eq!(started(&mut bench).map(|(run, _)| run), Some(2));
        bench.wait_with_server(23_000);
        assert_eq!(started(&mut bench), None);
        pass(&mut bench, 2);
        bench.wait_with_server(30_000);
        assert_eq!(started(&mut bench).map(|(run, _)| run), Some(3));
    }

    #[test]
    fn a_changed_result_for_a_server_without_heuristics_ends_the_connection() {
        let mut bench = Bench::asking(config());
        bench.receive(Message::InitReply(init_reply_without(
            OptType::Heuristics,
            2,
        )));
        bench.corosync(switched_to(HeuristicsMode::On));
        assert_eq!(bench.reason(), Some(Reason::HeuristicsUnknownToServer));
    }

    fn switched_to(mode: HeuristicsMode) -> Corosync {
        let plan = match mode {
            HeuristicsMode::Off => config().heuristics,
            HeuristicsMode::Sync | HeuristicsMode::On => config_with_heuristics(mode).heuristics,
        };
        let config = ClusterConfig {
            heuristics: Ok(plan),
            ..cluster_config()
        };
        Corosync::Reloaded {
            config: Ok(config),
            facts: VoteFacts::default(),
        }
    }

    #[test]
    fn switched_on_at_run_time_heuristics_run_regularly() {
        let mut bench = Bench::running();
        bench.corosync(switched_to(HeuristicsMode::On));
        bench.wait_with_server(30_000);
        assert_eq!(
            started(&mut bench).map(|(_, timeout)| timeout),
            Some(Millis(5_000))
        );
    }

    #[test]
    fn switched_off_at_run_time_the_run_under_way_has_its_result_at_once() {
        let mut bench = running(HeuristicsMode::Sync);
        bench.membership(OTHER_RING, &[1]);
        bench.done();
        bench.corosync(switched_to(HeuristicsMode::Off));
        assert_eq!(reported(&mut bench), Some(Heuristics::Undefined));
    }
}
