//! The loop of the thread that runs the commands.

use super::groups::Groups;
use super::process::{Event, execute};
use super::run::Run;
use super::{Order, Terms};
use libqdevice::base::{Facts, Heuristics, Level, Millis, Repeats, Time};
use libqdevice::client::{CommandReport, RunReport};
use libqdevice::io::clock::{self, Alarm};
use libqdevice::io::log::tell_of;
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::Pid;
use std::fmt;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The run under way and all processes, also those of older runs.
#[derive(Debug)]
pub(super) struct Worker {
    terms: Terms,
    run: Option<Run>,
    groups: Groups,
    /// Commands that were ordered and have not told yet that they run.
    starting: usize,
    events: UnboundedReceiver<Event>,
    tell: UnboundedSender<Event>,
    reports: UnboundedSender<RunReport>,
    ends: Signal,
    alarm: Alarm,
}

enum Happening {
    Ordered(Order),
    Told(Event),
    SomeProcessEnded,
    Due,
    NobodyAsksAnyMore,
}

impl Worker {
    pub(super) fn new(terms: Terms, reports: UnboundedSender<RunReport>) -> io::Result<Self> {
        // What a command leaves behind becomes our child when the command ends, so it can be waited for.
        set_child_subreaper(true)?;
        let (tell, events) = unbounded_channel();
        Ok(Self {
            terms,
            run: None,
            groups: Groups::new(terms.grace),
            starting: 0,
            events,
            tell,
            reports,
            ends: signal(SignalKind::child())?,
            alarm: Alarm::new()?,
        })
    }

    /// Serves until nobody orders any more; then ends all processes.
    pub(super) async fn serve(mut self, mut orders: UnboundedReceiver<Order>) {
        loop {
            match self.next(&mut orders).await {
                Happening::Ordered(order) => self.begin(order),
                Happening::Told(event) => self.on_event(event),
                Happening::SomeProcessEnded => {}
                Happening::Due => self.handle_timeout(clock::now()),
                Happening::NobodyAsksAnyMore => break,
            }
            self.tidy();
        }
        self.run = None;
        self.groups.terminate_all(clock::now());
        self.until_empty().await;
        self.groups.kill_all();
        self.until_empty().await;
    }

    async fn next(&mut self, orders: &mut UnboundedReceiver<Order>) -> Happening {
        let deadline = self.next_deadline();
        tokio::select! {
            biased;
            order = orders.recv() => order.map_or(Happening::NobodyAsksAnyMore, Happening::Ordered),
            event = self.events.recv() => event.map_or(Happening::SomeProcessEnded, Happening::Told),
            _ = self.ends.recv() => Happening::SomeProcessEnded,
            _ = self.alarm.reached(deadline) => Happening::Due,
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let run = self.run.as_ref().map(|run| run.deadline);
        run.into_iter().chain(self.groups.next_deadline()).min()
    }

    /// Starts a run; the processes of an older one are ended.
    fn begin(&mut self, order: Order) {
        let now = clock::now();
        self.run = None;
        self.groups.terminate_all(now);
        let Order {
            run,
            timeout,
            commands,
        } = order;
        self.run = Some(Run::new(
            run,
            now,
            now.after(timeout),
            commands.keys().cloned(),
        ));
        let others = self.groups.len() + self.starting;
        if others + commands.len() > self.terms.most {
            let most = self.terms.most;
            complain(&format_args!(
                "Can't start {} heuristics processes: {others} exist, {most} are allowed \
                 (heuristics_max_processes)",
                commands.len()
            ));
            return self.decide(Heuristics::Fail);
        }
        for (name, command) in commands {
            self.starting += 1;
            let (search, tell) = (self.terms.search, self.tell.clone());
            tokio::spawn(execute(run, name, command, search, tell));
        }
    }

    fn on_event(&mut self, event: Event) {
        let now = clock::now();
        match event {
            Event::Started { run, leader } => {
                self.starting -= 1;
                tracing::debug!("worker: process {leader} executed");
                self.groups.add(leader);
                if !self.is_under_way(run) {
                    self.groups.terminate(leader, now);
                }
            }
            Event::Ended {
                run,
                leader,
                report,
            } => {
                match leader {
                    Some(leader) => self.groups.leader_ended(leader, now),
                    None => self.starting -= 1,
                }
                if self.is_under_way(run) {
                    log(leader, &report);
                    if let Some(result) = self.run.as_mut().and_then(|run| run.ended(report)) {
                        self.decide(result);
                    }
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Time) {
        self.groups.handle_timeout(now);
        if self.run.as_ref().is_some_and(|run| run.deadline <= now) {
            tell_of(
                Level::Warning,
                &failure("late", None),
                &"worker: Not all heuristics execs finished on time",
            );
            self.decide(Heuristics::Fail);
        }
    }

    /// The run is over; what is left of it is ended.
    fn decide(&mut self, result: Heuristics) {
        let now = clock::now();
        self.groups.terminate_all(now);
        if let Some(run) = self.run.take() {
            // Nobody listens any more when the daemon is ending.
            let _ = self.reports.send(run.over(now, result));
        }
    }

    fn is_under_way(&self, run: u32) -> bool {
        self.run.as_ref().is_some_and(|one| one.number == run)
    }

    fn tidy(&mut self) {
        self.groups.sweep();
        if self.starting == 0 {
            self.groups.reap_strangers();
        }
    }

    /// Waits, for a bounded time, until no process is left.
    async fn until_empty(&mut self) {
        let end = clock::now().after(END_PATIENCE);
        while !(self.groups.is_empty() && self.starting == 0) {
            tokio::select! {
                event = self.events.recv() => event.into_iter().for_each(|event| self.on_event(event)),
                _ = self.ends.recv() => {}
                _ = self.alarm.reached(Some(end)) => return,
            }
            self.tidy();
        }
    }
}

fn log(leader: Option<Pid>, report: &CommandReport) {
    let (name, outcome) = (&report.name, &report.outcome);
    let process = leader.map_or_else(String::new, |leader| format!(" {leader}"));
    if outcome.is_pass() {
        tracing::debug!("worker: process{process} successfully finished (exec_{name})");
        return;
    }
    let said = report.last_lines.last();
    let said = said.map_or_else(String::new, |line| format!(": {line}"));
    tell_of(
        Level::Warning,
        &failure("failed", Some(name)),
        &format_args!("worker: process{process} {outcome} (exec_{name}){said}"),
    );
}

fn complain(text: &dyn fmt::Display) {
    let facts = failure("not-started", None);
    tell_of(Level::Error, &facts, &format_args!("worker: {text}"));
}

/// What every run may bring again.
fn failure<'a>(reason: &'static str, command: Option<&'a str>) -> Facts<'a> {
    Facts {
        heuristics: Some("fail"),
        reason: Some(reason),
        program: command,
        repeats: Repeats::Counted,
        ..Facts::default()
    }
}

/// How long the end of the daemon may wait for processes that were asked to end, and again for those that were
/// made to.
const END_PATIENCE: Millis = Millis(1000);
