//! One server, its nodes and all that lies between them, moment after moment.

use crate::arbiter::Arbiter;
use crate::clock::Clock;
use crate::flaw::Flaw;
use crate::invariants::{Checked, Violation};
use crate::link::{Link, Way};
use crate::node::{Device, Node, Stimulus};
use crate::plan::Plan;
use crate::rng::Rng;
use crate::votequorum::Votequorum;
use libqdevice::base::RingId;
use libqdevice::client::Corosync;
use std::collections::BTreeMap;

/// A world as a plan has it, with a flaw or without.
#[derive(Debug)]
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) flaw: Flaw,
    pub(crate) now: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    entries: u64,
    pub(crate) rng: Rng,
    pub(crate) nodes: Vec<Node>,
    pub(crate) arbiter: Arbiter,
    pub(crate) links: BTreeMap<u64, Link>,
    pub(crate) attempts: u64,
    /// The number of the last ring.
    pub(crate) rings: u64,
    /// Counts the changes of who can talk to whom.
    pub(crate) topology: u64,
    violation: Option<Violation>,
    trace: Option<Vec<String>>,
    /// How many things have happened.
    pub(crate) steps: u64,
}

/// What happens.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    FaultBegins(usize),
    FaultEnds(usize),
    /// Nodes come together or apart, if nothing has changed since.
    Regroup(u64),
    /// A node enters a membership.
    Sync(usize, RingId, Vec<usize>),
    /// The membership of a node is in force.
    Activate(usize, RingId),
    DeviceGivenUp(usize),
    /// corosync tells a process of qdevice something.
    Notify(usize, u64, Corosync),
    StartDevice(usize),
    DeviceDue(usize),
    HeuristicsDone(usize, u64, u32),
    /// An attempt to connect reaches the server, the first or a later time.
    Knock(usize, u64, u32),
    /// An attempt is answered: with a connection or not.
    Answered(usize, u64, Option<u64>),
    Arrive(u64, Way),
    ForgedEcho(usize, u64, u32),
    StartServer,
    ServerDue,
    Rest,
}

/// What a finished world tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was broken, and at which true moment.
    pub violation: Option<(u64, Violation)>,
    /// How many things happened.
    pub steps: u64,
    /// What happened, if it was asked for.
    pub trace: Vec<String>,
}

/// How long after the last fault everything must be in order: a dead connection has to be missed
/// (12 s), what it may leave behind to expire, and a new one to be made, with every timeout once.
pub const BOUND: u64 = 60_000;
/// How long it must stay so.
pub const STAYS: u64 = 25_000;

impl World {
    /// A world that has not begun.
    #[must_use]
    pub fn new(plan: &Plan, flaw: Flaw) -> Self {
        let mut rng = Rng::new(plan.seed);
        let nodes = (0..plan.nodes)
            .zip(1..)
            .map(|(index, id)| Node {
                id,
                clock: Clock::new(rng.between(1_000, 1_000_000), plan.rates[index]),
                powered: true,
                suspended: 0,
                overslept: None,
                part: 0,
                votequorum: Votequorum::booted(
                    plan.algorithm,
                    plan.nodes,
                    plan.wait_for_all,
                    index,
                    RingId::new(id, 1),
                ),
                busy: 0,
                unwell: 0,
                cuts: (0, 0),
                slow: 0,
                device: Device::new(),
            })
            .collect();
        let mut rate = plan.rates[plan.nodes];
        if flaw == Flaw::Impatience {
            rate = rate * 5 / 2;
        }
        let clock = Clock::new(rng.between(1_000, 1_000_000), rate);
        let mut world = Self {
            plan: plan.clone(),
            flaw,
            now: 0,
            agenda: BTreeMap::new(),
            entries: 0,
            nodes,
            arbiter: Arbiter::new(clock),
            links: BTreeMap::new(),
            attempts: 0,
            rings: 1,
            topology: 0,
            violation: None,
            trace: None,
            steps: 0,
            rng,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.plan_at(0, Event::StartServer);
        for node in 0..self.nodes.len() {
            let at = self.rng.between(0, 3_000);
            self.plan_at(at, Event::StartDevice(node));
        }
        self.topology_changed();
        for (number, fault) in self.plan.faults.clone().iter().enumerate() {
            self.plan_at(fault.at, Event::FaultBegins(number));
        }
        self.plan_at(self.plan.calm + BOUND, Event::Rest);
        self.plan_at(self.plan.calm + BOUND + STAYS, Event::Rest);
    }

    /// Writes down what happens.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Lets the world go on until its end, or until something is broken.
    #[must_use]
    pub fn run(mut self) -> Outcome {
        let end = self.plan.calm + BOUND + STAYS;
        while let Some(entry) = self.agenda.first_entry() {
            let (at, _) = *entry.key();
            if at > self.now {
                let checked = self.check_moment();
                self.insist(checked);
                if at > end || self.violation.is_some() {
                    break;
                }
                self.now = at;
                continue;
            }
            let event = entry.remove();
            self.steps += 1;
            self.happen(event);
            if self.violation.is_some() {
                break;
            }
        }
        let checked = self.check_memory();
        self.insist(checked);
        Outcome {
            violation: self.violation.map(|violation| (self.now, violation)),
            steps: self.steps,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::FaultBegins(number) => self.begin_fault(number),
            Event::FaultEnds(number) => self.end_fault(number),
            Event::Regroup(topology) => self.regroup(topology),
            Event::Sync(node, ring, members) => self.sync(node, ring, members),
            Event::Activate(node, ring) => self.activate(node, ring),
            Event::DeviceGivenUp(node) => self.device_given_up(node),
            Event::Notify(node, incarnation, news) => {
                if self.nodes[node].device.incarnation == incarnation {
                    self.stimulate(node, Stimulus::Corosync(news));
                }
            }
            Event::StartDevice(node) => self.start_device(node),
            Event::DeviceDue(node) => self.device_due(node),
            Event::HeuristicsDone(node, incarnation, run) => {
                if self.nodes[node].device.incarnation == incarnation {
                    self.stimulate(node, Stimulus::Heuristics(run));
                }
            }
            Event::Knock(node, attempt, tries) => self.knock(node, attempt, tries),
            Event::Answered(node, attempt, link) => self.answered(node, attempt, link),
            Event::Arrive(link, way) => self.arrive(link, way),
            Event::ForgedEcho(node, attempt, seq) => self.forge_echo(node, attempt, seq),
            Event::StartServer => self.start_server(),
            Event::ServerDue => self.server_due(),
            Event::Rest => {
                let checked = self.check_rest();
                self.insist(checked);
            }
        }
    }

    pub(crate) fn plan_at(&mut self, at: u64, event: Event) {
        self.entries += 1;
        self.agenda.insert((at.max(self.now), self.entries), event);
    }

    pub(crate) fn plan_in(&mut self, delay: u64, event: Event) {
        self.plan_at(self.now + delay, event);
    }

    /// Keeps the first violation.
    pub(crate) fn insist(&mut self, checked: Checked) {
        if let Err(violation) = checked {
            let _: &mut Violation = self.violation.get_or_insert(violation);
        }
    }

    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>7}  {}", self.now, text()));
        }
    }
}
