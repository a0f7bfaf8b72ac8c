//! The node's side: everything `corosync-qdevice` decides.
//!
//! Not here: sockets, name resolution, corosync's libraries and processes. Those are events and
//! actions; the configuration arrives as a [`CmapSnapshot`].

mod casting;
mod chronicle;
mod cmap;
mod command;
mod conf;
mod config;
mod config_fault;
mod disconnect;
mod event;
mod handshake;
#[cfg(test)]
mod harness;
mod heartbeat;
mod heuristics;
mod lease;
mod logging;
mod losses;
mod membership;
mod node_list;
mod notice;
mod phase;
mod plan;
#[cfg(test)]
mod properties;
mod reason;
mod reload;
mod report;
mod run_report;
mod session;
mod settings;
mod status;

pub use crate::vote::{NodeVotes, StrategyFault as StartFault, VoteFacts};
pub use cmap::{CmapSnapshot, CmapValue};
pub use command::split_command;
pub use conf::conf_keys;
pub use config::{AddressFamily, ClientConfig, ClusterConfig};
pub use config_fault::ConfigFault;
pub use event::{Action, CastFault, Corosync, Event, Link, LinkFault};
pub use logging::debug_wanted;
pub use notice::Notice;
pub use plan::{HeuristicsMode, HeuristicsPlan, PollTimeouts};
pub use reason::{Next, Reason};
pub use reload::StartKeys;
pub use report::Wall;
pub use run_report::{CommandOutcome, CommandReport, LastLines, RunReport};
pub use settings::{MasterWins, QdeviceSettings};

use crate::base::{Aside, Deadlines, Dice, Time};
use crate::wire::Message;
use casting::Casting;
use chronicle::Chronicle;
use heuristics::Runs;
use losses::Losses;
use membership::Membership;
use phase::{Attempt, Phase};
use session::Session;

/// One node of a cluster and its connection to the server.
///
/// Feed it with [`handle`](Self::handle) and [`handle_timeout`](Self::handle_timeout), and perform the
/// actions in order. Nothing happens before the first [`Corosync::Membership`]; the first
/// [`Action::Connect`] follows it, after [`Action::Ready`]. After [`Action::Exit`] nothing happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    config: ClientConfig,
    /// The keys of `config.start_keys` as the last reload had them.
    start_keys_seen: StartKeys,
    membership: Membership,
    casting: Casting,
    heuristics: Runs,
    phase: Phase,
    losses: Losses,
    /// The number of the last message; goes on over connections.
    last_seq: u32,
    deadlines: Deadlines<Timer>,
    dice: Dice,
    /// What has become of the vote.
    chronicle: Aside<Chronicle>,
}

/// What votequorum said when the daemon had registered with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StartFacts {
    /// Expected votes.
    pub expected_votes: u32,
    /// The votes of the configured nodes.
    pub facts: VoteFacts,
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// An attempt to connect, until the server has admitted this node.
    Connect,
    /// The end of what the server's last answer guards.
    Lease,
    /// The next echo request.
    Echo,
    /// The next poll of votequorum.
    Cast,
    /// The next regular run of the heuristics.
    Heuristics,
    /// The end of the first run of the heuristics.
    FirstHeuristics,
    /// The next attempt to connect.
    Backoff,
}

/// The moment at which something is handled, and what comes of it.
struct Turn<'a> {
    now: Time,
    out: &'a mut Vec<Action>,
}

impl Turn<'_> {
    fn act(&mut self, action: Action) {
        self.out.push(action);
    }

    fn send(&mut self, message: Message) {
        self.act(Action::Send(message));
    }

    fn tell(&mut self, notice: Notice) {
        self.act(Action::Tell(notice));
    }
}

impl Client {
    /// A client that knows its configuration and has not heard of a membership yet. Everything random
    /// about it follows from `seed`.
    ///
    /// # Errors
    ///
    /// The algorithm cannot work with this cluster; the text is a critical log line, and the daemon
    /// ends.
    pub fn new(config: ClientConfig, start: StartFacts, seed: u64) -> Result<Self, StartFault> {
        config.strategy.check_configuration(config.device_votes)?;
        config.strategy.check_votes(&config.nodes, &start.facts)?;
        let plan = config.heuristics.clone();
        let membership = Membership {
            expected_votes: start.expected_votes,
            ..Membership::default()
        };
        Ok(Self {
            start_keys_seen: config.start_keys.clone(),
            config,
            membership,
            casting: Casting::new(),
            heuristics: Runs::new(plan),
            phase: Phase::Starting,
            losses: Losses::default(),
            last_seq: 1,
            deadlines: Deadlines::default(),
            dice: Dice::new(seed),
            chronicle: Aside::default(),
        })
    }

    /// The configuration in force, the last reload included.
    #[must_use]
    pub const fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// The heuristics in force, the last reload included.
    #[must_use]
    pub const fn heuristics(&self) -> &HeuristicsPlan {
        self.heuristics.plan()
    }

    /// Something has happened at `now`; what is to be done about it is appended to `out`.
    pub fn handle(&mut self, now: Time, event: Event, out: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            return;
        }
        if !matches!(event, Event::Corosync(Corosync::CastFailed(_))) {
            self.casting.settle_confirmation();
        }
        let mut turn = Turn { now, out };
        // Before anything else: what happens now may be a reason to cast the vote.
        if let Err(reason) = self.check_lease(now) {
            self.disconnect(reason, &mut turn);
        }
        let result = match event {
            Event::Link(link) => self.on_link(link, &mut turn),
            Event::Corosync(corosync) => self.on_corosync(corosync, &mut turn),
            Event::Heuristics { run, result } => self.on_heuristics(run, result, &mut turn),
            Event::HeuristicsAsked => self.on_heuristics_asked(&mut turn),
            Event::Shutdown => Err(Reason::ShutdownAsked),
        };
        if let Err(reason) = result {
            self.disconnect(reason, &mut turn);
        }
        self.cast_with_echo();
    }

    /// It is `now`: does what is due. Afterwards no deadline lies at or before `now`.
    pub fn handle_timeout(&mut self, now: Time, out: &mut Vec<Action>) {
        self.casting.settle_confirmation();
        let mut turn = Turn { now, out };
        while let Some(timer) = self.pop_due(now) {
            if let Err(reason) = self.on_due(timer, &mut turn) {
                self.disconnect(reason, &mut turn);
            }
        }
        self.cast_with_echo();
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// The next thing that is due. After a pause of the whole process the lease is judged first: a vote
    /// that is about to be withdrawn must not be cast once more.
    fn pop_due(&mut self, now: Time) -> Option<Timer> {
        if self.deadlines.get(Timer::Lease).is_some_and(|at| at <= now) {
            self.deadlines.clear(Timer::Lease);
            return Some(Timer::Lease);
        }
        self.deadlines.pop_due(now)
    }

    fn on_due(&mut self, timer: Timer, turn: &mut Turn<'_>) -> Result<(), Reason> {
        match timer {
            Timer::Connect => Err(Reason::ConnectTimeout),
            Timer::Lease => self.check_lease(turn.now),
            Timer::Echo => {
                self.on_echo_due(turn);
                Ok(())
            }
            Timer::Cast => {
                self.on_cast_due(turn);
                Ok(())
            }
            Timer::Heuristics => self.on_regular_heuristics_due(turn),
            Timer::FirstHeuristics => Err(Reason::FirstHeuristicsLate),
            Timer::Backoff => {
                self.connect(turn);
                Ok(())
            }
        }
    }

    /// Events about a connection that was given up do not arrive here; one that does all the same is
    /// ignored, because the phase has no connection.
    fn on_link(&mut self, link: Link, turn: &mut Turn<'_>) -> Result<(), Reason> {
        match (self.phase, link) {
            (Phase::Connecting(_), Link::Up) => {
                self.on_up(turn);
                Ok(())
            }
            // The connect timer goes on: attempts are its length apart.
            (Phase::Connecting(_), Link::Down(fault)) => {
                self.phase = Phase::Connecting(Attempt::Failed);
                turn.tell(Notice::ConnectFailed(fault));
                Ok(())
            }
            (Phase::StartTls { certificate_asked }, Link::TlsUp { has_certificate }) => {
                self.on_tls_up(certificate_asked, has_certificate, turn);
                Ok(())
            }
            (phase, link) if phase.has_link() => match link {
                Link::Received(Ok(message)) => self.on_message(message, turn),
                Link::Received(Err(malformed)) => Err(Reason::Malformed(malformed)),
                Link::SendFailed(fault) => Err(Reason::CannotSend(fault)),
                Link::Down(fault) => Err(Reason::LinkLost(fault)),
                // No handshake is under way, and the connection stands already.
                Link::Up | Link::TlsUp { .. } => Ok(()),
            },
            (_, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::harness::config;
    use super::*;
    use crate::base::NodeId;

    #[test]
    fn a_cluster_that_does_not_suit_the_algorithm_is_refused_at_the_start() {
        let text = |config, facts| {
            let start = StartFacts {
                expected_votes: 3,
                facts,
            };
            Client::new(config, start, 0).unwrap_err().to_string()
        };
        assert_eq!(
            text(
                ClientConfig {
                    device_votes: None,
                    ..config()
                },
                VoteFacts::default()
            ),
            "50:50 split algorithm works only if quorum.device.votes configuration key is set to 1!"
        );
        let votes = NodeVotes {
            node_votes: 4,
            qdevice_votes: 1,
        };
        assert_eq!(
            text(config(), VoteFacts::from_iter([(NodeId(2), Ok(votes))])),
            "50:50 split algorithm works only if all nodes have exactly 1 vote. Node 2 has 4 votes!"
        );
    }
}
