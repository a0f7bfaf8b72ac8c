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
