//! What drives the qdevice of a node.

use crate::flaw::Flaw;
use crate::invariants::{ClientWatch, may_keep, nothing_due};
use crate::link::Item;
use crate::node::Stimulus;
use crate::plan::Plan;
use crate::votequorum::Polled;
use crate::world::{Event, World};
use libqdevice::base::{
    Algorithm, Heuristics, NodeInfo, NodeList, NodeState, Quorate, RingId, TieBreaker,
};
use libqdevice::client::{
    Action, CastFault, Client, ClientConfig, CmapSnapshot, CmapValue, Corosync,
    Event as ClientEvent, HeuristicsMode, Link, QdeviceSettings,
};
use libqdevice::wire::{Echo, Message, NodeListKind};

impl World {
    /// systemd starts the process: it registers, and is told the membership at once.
    pub(crate) fn start_device(&mut self, node: usize) {
        let own = &self.nodes[node];
        if !own.powered || own.device.unwanted > 0 || own.device.client.is_some() {
            return;
        }
        if self.nodes[node].suspended > 0 {
            return self.plan_in(1_000, Event::StartDevice(node));
        }
        self.note(|| format!("node {}: qdevice starts", node + 1));
        let config = client_config(&self.plan, node);
        let facts = self.nodes[node].votequorum.facts();
        let seed = self.rng.below(u64::from(u32::MAX));
        let client = Client::new(config, facts, seed);
        let own = &mut self.nodes[node];
        own.device.client = Some(client.expect("all votes are 1"));
        own.device.incarnation += 1;
        own.device.watch = ClientWatch::new(self.plan.algorithm, self.plan.wait_for_all);
        own.device.wakes = None;
        own.votequorum.register();
        let ring = own.votequorum.ring;
        self.notify_membership(node, ring);
        self.notify_quorum(node);
    }

    /// Whether a qdevice of this world may keep its vote without a server.
    pub(crate) fn keeps_votes(&self) -> bool {
        may_keep(self.plan.algorithm, self.plan.wait_for_all)
    }

    /// The process is gone; its kernel closes the connection.
    pub(crate) fn lose_device(&mut self, node: usize) {
        let device = &mut self.nodes[node].device;
        device.client = None;
        device.incarnation += 1;
        device.inbox.clear();
        device.attempt = 0;
        if let Some(number) = device.link.take() {
            self.client_closes(number);
        }
    }

    /// Something reaches the process, or waits for it.
    pub(crate) fn stimulate(&mut self, node: usize, stimulus: Stimulus) {
        if self.nodes[node].device_runs() {
            self.react(node, stimulus);
        } else if self.nodes[node].device.client.is_some() {
            self.nodes[node].device.inbox.push_back(stimulus);
        }
    }

    /// The process goes on: what is due first, as the daemon does, then what has come meanwhile.
    pub(crate) fn resume_device(&mut self, node: usize) {
        if !self.nodes[node].device_runs() {
            return;
        }
        self.device_due(node);
        while let Some(stimulus) = self.nodes[node].device.inbox.pop_front() {
            self.react(node, stimulus);
        }
    }

    pub(crate) fn device_due(&mut self, node: usize) {
        let moment = self.now;
        let own = &mut self.nodes[node];
        if own.device.wakes.is_some_and(|at| at <= moment) {
            own.device.wakes = None;
        }
        if !own.device_runs() {
            return;
        }
        let now = own.clock.shows(moment);
        let Some(client) = &mut own.device.client else {
            return;
        };
        if client.next_deadline().is_some_and(|due| due <= now) {
            let mut out = Vec::new();
            client.handle_timeout(now, &mut out);
            let checked = nothing_due(now, client.next_deadline());
            self.insist(checked);
            self.obey_device(node, out);
        }
        self.set_device_alarm(node);
    }

    fn react(&mut self, node: usize, stimulus: Stimulus) {
        let attempt = self.nodes[node].device.attempt;
        let mut event = match stimulus {
            // What is left of a connection that was given up is not reported.
            Stimulus::Link(number, _) if number != attempt => return,
            Stimulus::Link(_, link) => ClientEvent::Link(link),
            Stimulus::Corosync(news) => ClientEvent::Corosync(news),
            Stimulus::Heuristics(run) => {
                let result = if self.nodes[node].unwell > 0 {
                    Heuristics::Fail
                } else {
                    Heuristics::Pass
                };
                ClientEvent::Heuristics { run, result }
            }
            Stimulus::Shutdown => ClientEvent::Shutdown,
        };
        let device = &mut self.nodes[node].device;
        device.watch.heard(&event);
        if !spoil(self.flaw, device.reported, &mut event) {
            return;
        }
        if matches!(event, ClientEvent::Link(Link::Down(_))) {
            device.link = None;
        }
        self.handle(node, event);
        self.set_device_alarm(node);
    }

    fn handle(&mut self, node: usize, event: ClientEvent) {
        let own = &mut self.nodes[node];
        let now = own.clock.shows(self.now);
        let Some(client) = &mut own.device.client else {
            return;
        };
        let mut out = Vec::new();
        client.handle(now, event, &mut out);
        self.obey_device(node, out);
    }

    fn set_device_alarm(&mut self, node: usize) {
        let lag = self.lag();
        let own = &mut self.nodes[node];
        let due = own.device.client.as_ref().and_then(Client::next_deadline);
        let Some(due) = due else { return };
        let at = own.clock.reaches(due).max(self.now) + lag;
        if own.device.wakes.is_none_or(|wakes| at < wakes) {
            own.device.wakes = Some(at);
            self.plan_at(at, Event::DeviceDue(node));
        }
    }

    fn obey_device(&mut self, node: usize, actions: Vec<Action>) {
        let checked = self.nodes[node].device.watch.did(&actions);
        self.insist(checked);
        let mut refused = false;
        for action in actions {
            match action {
                Action::Connect => self.connect(node),
                Action::Confirm(_) if refused => {}
                Action::Send(message) | Action::Confirm(message) => self.send_up(node, message),
                Action::SayGoodbye(message) => {
                    if !refused {
                        self.send_up(node, message);
                    }
                }
                Action::HangUp => {
                    let device = &mut self.nodes[node].device;
                    device.attempt = 0;
                    if let Some(number) = device.link.take() {
                        self.note(|| format!("node {} hangs up", node + 1));
                        self.client_closes(number);
                    }
                }
                Action::Cast { ring, vote } => {
                    if let Some(fault) = self.cast(node, ring, vote) {
                        refused = true;
                        self.handle(node, ClientEvent::Corosync(Corosync::CastFailed(fault)));
                    }
                }
                Action::RunHeuristics { run, .. } => {
                    let incarnation = self.nodes[node].device.incarnation;
                    let delay = self.rng.between(1, 800);
                    self.plan_in(delay, Event::HeuristicsDone(node, incarnation, run));
                }
                Action::Exit { ok } => self.exited(node, ok),
                Action::Tell(notice) => {
                    self.note(|| format!("node {}: {notice}", node + 1));
                }
                Action::Limit { .. } | Action::Ready => {}
                Action::StartTls => unreachable!("TLS is off"),
            }
        }
    }

    /// The process ends in order: it unregisters. Unless a fault wants it down, it is started again.
    fn exited(&mut self, node: usize, ok: bool) {
        self.note(|| format!("node {}: qdevice ends, {ok}", node + 1));
        self.lose_device(node);
        self.nodes[node].votequorum.unregister();
        self.released(node);
        self.judge(node);
        self.plan_in(1_100, Event::StartDevice(node));
    }

    fn cast(&mut self, node: usize, ring: RingId, vote: bool) -> Option<CastFault> {
        let own = &mut self.nodes[node];
        if own.busy > 0 {
            return Some(CastFault::TryAgain);
        }
        let kept =
            self.flaw == Flaw::KeptVote && own.votequorum.cast && own.votequorum.ring == ring;
        let patience = self.now + own.clock.lasts(TIMEOUT);
        let before = (own.votequorum.cast, own.votequorum.awaits_poll);
        match own.votequorum.poll(ring, vote || kept, patience) {
            Polled::OldRing => return Some(CastFault::OldRing),
            Polled::NotRegistered => {
                return Some(CastFault::Refused("CS_ERR_NOT_EXIST".into()));
            }
            Polled::Taken => {}
        }
        if !self.keeps_votes() || !vote {
            self.nodes[node].overslept = None;
        }
        self.plan_at(patience, Event::DeviceGivenUp(node));
        if before != (vote, false) {
            self.note(|| format!("node {} casts {vote} in {ring}", node + 1));
        }
        self.released(node);
        self.judge(node);
        None
    }

    fn send_up(&mut self, node: usize, message: Message) {
        let device = &mut self.nodes[node].device;
        let Some(number) = device.link else { return };
        match &message {
            Message::Init(init) => device.reported = init.ring.unwrap_or_default(),
            Message::NodeList(list) if list.kind == Some(NodeListKind::Membership) => {
                device.reported = list.ring.unwrap_or_default();
            }
            Message::EchoRequest(echo) if self.flaw == Flaw::LongLease => {
                let seq = echo.seq().unwrap_or_default();
                self.plan_in(300, Event::ForgedEcho(node, number, seq));
            }
            _ => {}
        }
        if !matches!(message, Message::EchoRequest(_)) {
            self.note(|| format!("node {} sends {}", node + 1, short(&message)));
        }
        self.push_up(number, Item::Message(message));
    }

    pub(crate) fn forge_echo(&mut self, node: usize, attempt: u64, seq: u32) {
        if self.nodes[node].device.attempt == attempt && self.nodes[node].device_runs() {
            let reply = Message::EchoReply(Echo::new(seq));
            self.handle(node, ClientEvent::Link(Link::Received(Ok(reply))));
        }
    }

    pub(crate) fn notify(&mut self, node: usize, news: Corosync) {
        let incarnation = self.nodes[node].device.incarnation;
        if self.nodes[node].votequorum.registered {
            self.plan_in(1, Event::Notify(node, incarnation, news));
        }
    }

    pub(crate) fn notify_membership(&mut self, node: usize, ring: RingId) {
        let members = self.nodes[node].votequorum.members.clone();
        let nodes = NodeList::of_ids(members.iter().map(|&index| self.nodes[index].id));
        self.notify(node, Corosync::Membership { ring, nodes });
    }

    pub(crate) fn notify_quorum(&mut self, node: usize) {
        let votequorum = &self.nodes[node].votequorum;
        let quorate = if votequorum.quorate {
            Quorate::Yes
        } else {
            Quorate::No
        };
        let state = |index: usize| {
            if votequorum.members.contains(&index) {
                NodeState::Member
            } else {
                NodeState::Dead
            }
        };
        let nodes = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, other)| NodeInfo {
                state: Some(state(index)),
                ..libqdevice::base::NodeId(other.id).into()
            });
        let nodes = NodeList(nodes.collect());
        self.notify(node, Corosync::Quorum { quorate, nodes });
    }
}

/// `quorum.device.timeout`.
pub const TIMEOUT: u64 = 10_000;
/// `quorum.device.sync_timeout`.
pub const SYNC_TIMEOUT: u64 = 30_000;

/// Changes what a client hears as the flaw has it; false when it hears nothing of it.
fn spoil(flaw: Flaw, reported: RingId, event: &mut ClientEvent) -> bool {
    let ClientEvent::Link(Link::Received(Ok(message))) = event else {
        return true;
    };
    match message {
        Message::VoteInfo(info) if flaw == Flaw::IgnoredRing => info.ring = Some(reported),
        Message::EchoReply(_) if flaw == Flaw::LongLease => return false,
        _ => {}
    }
    true
}

fn short(message: &Message) -> String {
    match message {
        Message::NodeList(list) => {
            let ids: Vec<u32> = list.nodes.ids().map(|id| id.0).collect();
            format!("{:?} {:?} {ids:?}", list.kind, list.ring)
        }
        Message::Init(_) => "INIT".into(),
        other => format!("{other:?}"),
    }
}

/// The configuration of a node, counted from 0.
///
/// # Panics
///
/// Never: the keys are complete.
#[must_use]
pub fn client_config(plan: &Plan, node: usize) -> ClientConfig {
    let settings = QdeviceSettings {
        net_test_algorithm_enabled: true,
        ..QdeviceSettings::default()
    };
    let config = ClientConfig::from_cmap(&cmap(plan, node), &settings);
    let mut config = config.expect("the configuration is complete");
    if plan.heuristics {
        config.heuristics.mode = HeuristicsMode::On;
        let commands = &mut config.heuristics.commands;
        commands.insert("ping".into(), b"/bin/ping".to_vec());
    }
    config
}

/// What corosync.conf of a node says.
fn cmap(plan: &Plan, node: usize) -> CmapSnapshot {
    let own = u32::try_from(node + 1).expect("few nodes");
    let tie_breaker = match plan.tie_breaker {
        TieBreaker::Lowest => "lowest".to_owned(),
        TieBreaker::Highest => "highest".to_owned(),
        TieBreaker::Node(id) => id.to_string(),
    };
    let switch = |on: bool| if on { "on" } else { "off" };
    let mut cmap = CmapSnapshot::from_iter([
        ("quorum.device.model", CmapValue::from("net")),
        ("quorum.device.net.host", "192.0.2.100".into()),
        ("quorum.device.net.tls", "off".into()),
        ("quorum.device.net.algorithm", plan.algorithm.key().into()),
        ("quorum.device.net.tie_breaker", tie_breaker.as_str().into()),
        (
            "quorum.device.net.keep_active_partition_tie_breaker",
            switch(plan.keep).into(),
        ),
        (
            "quorum.wait_for_all",
            CmapValue::U8(u8::from(plan.wait_for_all)),
        ),
        ("runtime.votequorum.this_node_id", CmapValue::U32(own)),
        ("totem.cluster_name", "sim".into()),
    ]);
    if plan.algorithm == Algorithm::FfSplit {
        cmap.set("quorum.device.votes", CmapValue::U32(1));
    }
    for index in 0..plan.nodes {
        let id = u32::try_from(index + 1).expect("few nodes");
        cmap.set(format!("nodelist.node.{index}.nodeid"), CmapValue::U32(id));
        let address = format!("192.0.2.{id}");
        cmap.set(
            format!("nodelist.node.{index}.ring0_addr"),
            address.as_str().into(),
        );
    }
    cmap
}
