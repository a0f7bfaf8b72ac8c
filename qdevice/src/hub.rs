//! The loop that owns the client: something happens, the client decides, the hub acts.
//!
//! Not here: any decision, and no waiting for anything that could delay a vote.

use crate::corosync::{Corosync, CsError, Event as News, Poll, Service};
use crate::debug::DebugSwitch;
use crate::heuristics::{Heuristics, Order};
use crate::ipc::{self, Answer, State};
use crate::keys::Keys;
use crate::link::Link;
use crate::polls::Polls;
use crate::resolve::complete;
use crate::signals::Signals;
use crate::telling::Telling;
use libqdevice::base::{self, Level, Millis, NodeId};
use libqdevice::client::{
    Action, CastFault, Client, ClusterConfig, CmapSnapshot, Corosync as FromCorosync, Event,
    HeuristicsMode, Link as FromLink, QdeviceSettings, RunReport,
};
use libqdevice::events::{Source, device_facts};
use libqdevice::io::clock::{self, Alarm};
use libqdevice::io::detach::Readiness;
use libqdevice::io::ipc_server::{Ipc, IpcEvent, Question};
use libqdevice::io::log::{tell, tell_of};
use libqdevice::io::os_error::Numbered;
use libqdevice::io::systemd::{self, Pulse};
use libqdevice::outlets::lines;
use libqdevice::tls::Connector;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use tokio::sync::oneshot;

/// The client and everything it is told about and acts on.
pub(crate) struct Hub<'a, C> {
    pub(crate) corosync: &'a mut C,
    pub(crate) client: Client,
    pub(crate) polls: Polls,
    pub(crate) link: Link,
    pub(crate) heuristics: Heuristics,
    pub(crate) keys: Keys,
    pub(crate) telling: Telling,
    pub(crate) ipc: Ipc,
    pub(crate) signals: Signals,
    pub(crate) alarm: Alarm,
    pub(crate) pulse: Pulse,
    pub(crate) debug: DebugSwitch<'a>,
    pub(crate) settings: &'a QdeviceSettings,
    /// Whoever waits for the daemon to serve, until it does.
    pub(crate) readiness: &'a mut Option<Readiness>,
    /// A configuration whose host names are being looked up; a newer one takes its place.
    pub(crate) resolving: Option<Pin<Box<dyn Future<Output = CmapSnapshot>>>>,
}

/// How the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As it was asked to.
    Asked,
    /// It cannot go on; the log says why.
    Failed,
}

/// What can wake the hub.
enum Happening {
    Signal,
    Due(io::Result<()>),
    Corosync(News),
    Resolved(CmapSnapshot),
    Ipc(IpcEvent),
    Link(FromLink),
    Keys(Connector),
    /// Somebody wants the heuristics to run.
    Asked(oneshot::Sender<bool>),
    /// A run of the heuristics is over; `None` if nobody can run them any more.
    Checked(Option<RunReport>),
}

impl<C: Corosync> Hub<'_, C> {
    /// Hears nobody but corosync, and who wants it to end, until a membership is reported.
    pub(crate) async fn until_first_membership(&mut self) -> Option<Ended> {
        loop {
            let news = tokio::select! {
                biased;
                () = self.signals.asked() => return self.turn(Event::Shutdown).await,
                news = self.corosync.next_event() => news,
            };
            let is_membership = matches!(news, News::Membership { .. });
            let ended = self.on_corosync(news).await;
            if ended.is_some() || is_membership {
                return ended;
            }
        }
    }

    /// Serves until the end.
    pub(crate) async fn run(&mut self) -> Ended {
        loop {
            let ended = match self.next().await {
                Happening::Signal | Happening::Ipc(IpcEvent::ShutdownAnswered) => {
                    self.turn(Event::Shutdown).await
                }
                Happening::Due(Ok(())) => self.on_due().await,
                Happening::Due(Err(error)) => {
                    tell(
                        Level::Crit,
                        &format_args!("Can't wait for timers {}", Numbered(&error)),
                    );
                    Some(Ended::Failed)
                }
                Happening::Corosync(news) => self.on_corosync(news).await,
                Happening::Resolved(snapshot) => self.on_config(&snapshot).await,
                Happening::Ipc(IpcEvent::Asked(question)) => {
                    self.answer(question);
                    None
                }
                Happening::Checked(Some(report)) => {
                    let RunReport { run, result, .. } = report;
                    self.telling.heuristics(result);
                    self.turn(Event::Heuristics { run, result }).await
                }
                Happening::Checked(None) => {
                    tell(Level::Crit, &"Lost connection with heuristics worker");
                    // Withdraws the vote; the exit status is that of a failure all the same.
                    self.turn(Event::Shutdown).await.map(|_| Ended::Failed)
                }
                Happening::Link(event) => self.turn(Event::Link(event)).await,
                Happening::Asked(answer) => {
                    let is_on = self.client.heuristics().mode != HeuristicsMode::Off;
                    // Whoever has asked may have gone.
                    let _ = answer.send(is_on);
                    self.turn(Event::HeuristicsAsked).await
                }
                // From the next connection on.
                Happening::Keys(connector) => {
                    self.link.renew(connector);
                    None
                }
            };
            if let Some(ended) = ended {
                return ended;
            }
            (self.pulse).beat_if_near(clock::now(), || self.client.summary());
        }
    }

    /// The server comes last: nothing it sends keeps the hub from anything else.
    async fn next(&mut self) -> Happening {
        let resolved = async {
            match &mut self.resolving {
                Some(resolving) => resolving.await,
                None => std::future::pending().await,
            }
        };
        // A timer of the runtime would wake the process more often than it is due.
        let deadlines = [self.client.next_deadline(), self.pulse.next()];
        let deadline = deadlines.into_iter().flatten().min();
        tokio::select! {
            biased;
            () = self.signals.asked() => Happening::Signal,
            due = self.alarm.reached(deadline) => Happening::Due(due),
            news = self.corosync.next_event() => Happening::Corosync(news),
            snapshot = resolved => Happening::Resolved(snapshot),
            report = self.heuristics.next() => Happening::Checked(report),
            event = self.ipc.next() => Happening::Ipc(event),
            connector = self.keys.renewed() => Happening::Keys(connector),
            answer = self.telling.next() => Happening::Asked(answer),
            event = self.link.next() => Happening::Link(event),
        }
    }

    async fn on_due(&mut self) -> Option<Ended> {
        let mut actions = self.settle().await;
        self.client.handle_timeout(clock::now(), &mut actions);
        self.act(actions).await
    }

    async fn turn(&mut self, event: Event) -> Option<Ended> {
        let mut actions = self.settle().await;
        self.client.handle(clock::now(), event, &mut actions);
        self.act(actions).await
    }

    /// What follows from the vote that was cast once more in the last turn: nothing if it was taken.
    async fn settle(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        let settled = patiently(&mut self.signals, self.corosync.settle()).await;
        if let Some(failure) = self.polls.settle(settled) {
            self.client.handle(clock::now(), failure, &mut actions);
        }
        actions
    }

    /// Performs the actions, and those that their failures lead to.
    ///
    /// Messages only leave when the hub waits again. So a server never gets the answer to a vote that
    /// corosync has refused: the refusal is told to the client before that, and it hangs up.
    async fn act(&mut self, actions: Vec<Action>) -> Option<Ended> {
        let mut failures = VecDeque::new();
        let mut actions = actions;
        if let Some(poll) = self.polls.take_repeated(&mut actions) {
            self.corosync.cast_again(poll);
        }
        loop {
            for action in actions.drain(..) {
                if let Some(ended) = self.perform(action, &mut failures).await {
                    return Some(ended);
                }
            }
            let failure = failures.pop_front()?;
            self.client.handle(clock::now(), failure, &mut actions);
        }
    }

    async fn perform(&mut self, action: Action, failures: &mut VecDeque<Event>) -> Option<Ended> {
        match action {
            Action::Connect => {
                failures.retain(|event| !matches!(event, Event::Link(_)));
                self.link.connect();
            }
            Action::StartTls => self.link.start_tls(),
            Action::Send(message) => {
                if let Err(fault) = self.link.send(&message) {
                    failures.push_back(Event::Link(FromLink::SendFailed(fault)));
                }
            }
            Action::Confirm(message) => {
                if failures.iter().all(is_no_failed_cast)
                    && let Err(fault) = self.link.send(&message)
                {
                    failures.push_back(Event::Link(FromLink::SendFailed(fault)));
                }
            }
            Action::SayGoodbye(message) => {
                if failures.iter().all(is_no_failed_cast) {
                    self.link.say_goodbye(&message).await;
                }
            }
            Action::Limit { receive, send } => self.link.limit(receive, send),
            Action::HangUp => {
                failures.retain(|event| !matches!(event, Event::Link(_)));
                self.link.hang_up();
            }
            Action::Cast { ring, vote } => {
                let poll = Poll { ring, vote };
                let result = patiently(&mut self.signals, self.corosync.cast(poll)).await;
                failures.extend(self.polls.note(poll, result));
            }
            Action::RunHeuristics { run, timeout } => self.check(run, timeout, failures),
            Action::Ready => self.ready(),
            Action::Tell(notice) => {
                tell_of(notice.level(), &device_facts(&notice), &notice);
                self.telling.note(&notice);
            }
            Action::Exit { ok: true } if failures.iter().all(is_no_refusal) => {
                return Some(Ended::Asked);
            }
            Action::Exit { .. } => return Some(Ended::Failed),
        }
        None
    }

    /// Heuristics that cannot run have failed.
    fn check(&mut self, run: u32, timeout: Millis, failures: &mut VecDeque<Event>) {
        let order = Order {
            run,
            timeout,
            commands: self.client.heuristics().commands.clone(),
        };
        if let Err(error) = self.heuristics.run(order) {
            tell(
                Level::Error,
                &format_args!("Can't run heuristics {}", Numbered(&error)),
            );
            let result = base::Heuristics::Fail;
            failures.push_back(Event::Heuristics { run, result });
        }
    }

    fn ready(&mut self) {
        systemd::ready();
        if let Some(Err(error)) = self.readiness.take().map(Readiness::ready) {
            tell(
                Level::Warning,
                &format_args!("Can't leave stderr {}", Numbered(&error)),
            );
        }
    }

    async fn on_corosync(&mut self, news: News) -> Option<Ended> {
        let event = match news {
            News::Membership { ring, nodes } => {
                self.telling.membership(ring, &nodes);
                FromCorosync::Membership { ring, nodes }
            }
            News::Quorum { quorate, nodes } => {
                self.telling.quorum(quorate);
                FromCorosync::Quorum { quorate, nodes }
            }
            News::ExpectedVotes(votes) => {
                let nodes = self.client.config().nodes.ids().collect();
                let facts = self.vote_facts(nodes).await;
                FromCorosync::ExpectedVotes { votes, facts }
            }
            News::Config(snapshot) if snapshot.unresolved().is_empty() => {
                return self.on_config(&snapshot).await;
            }
            News::Config(snapshot) => {
                self.resolving = Some(Box::pin(complete(snapshot)));
                return None;
            }
            News::Lost(service) => FromCorosync::Closed(lost(service).to_owned()),
        };
        self.turn(Event::Corosync(event)).await
    }

    async fn on_config(&mut self, snapshot: &CmapSnapshot) -> Option<Ended> {
        self.resolving = None;
        self.debug.follow(snapshot);
        tracing::debug!("Configuration possibly changed");
        let config = ClusterConfig::from_cmap(snapshot, self.settings);
        let nodes = config
            .as_ref()
            .map_or(&self.client.config().nodes, |config| &config.nodes);
        let nodes = nodes.ids().collect();
        let facts = self.vote_facts(nodes).await;
        self.turn(Event::Corosync(FromCorosync::Reloaded { config, facts }))
            .await
    }

    async fn vote_facts(&mut self, nodes: Vec<NodeId>) -> libqdevice::client::VoteFacts {
        tokio::select! {
            biased;
            facts = self.corosync.vote_facts(nodes.clone()) => facts,
            () = self.signals.patience_over() => {
                let failed = |node| (node, Err(CsError::TIMEOUT.to_string()));
                nodes.into_iter().map(failed).collect()
            }
        }
    }

    fn answer(&self, question: Question) {
        let state = State {
            client: &self.client,
            last_run: self.heuristics.last(),
            certificates: &self.keys.certificates,
        };
        match ipc::answer(state, question.line()) {
            Answer::Whole(reply, then) => question.answer(reply, then),
            Answer::Events => {
                let records = self.telling.feed().subscribe();
                question.answer_lines(lines(Source::Qdevice, records));
            }
        }
    }
}

/// Whether this is anything but a vote that corosync did not take, whatever the reason.
const fn is_no_failed_cast(failure: &Event) -> bool {
    !matches!(failure, Event::Corosync(FromCorosync::CastFailed(_)))
}

/// Whether this is anything but a vote that corosync did not take: at the end that cannot be handled
/// any more, only told by the exit status.
const fn is_no_refusal(failure: &Event) -> bool {
    !matches!(
        failure,
        Event::Corosync(FromCorosync::CastFailed(CastFault::Refused(_)))
    )
}

/// A corosync that does not answer holds up everything, the end excepted.
async fn patiently<T>(
    signals: &mut Signals,
    answer: impl Future<Output = Result<T, CsError>>,
) -> Result<T, CsError> {
    tokio::select! {
        biased;
        result = answer => result,
        () = signals.patience_over() => Err(CsError::TIMEOUT),
    }
}

const fn lost(service: Service) -> &'static str {
    match service {
        Service::Votequorum => "Can't dispatch votequorum messages",
        Service::Cmap => "Can't dispatch cmap messages",
    }
}
