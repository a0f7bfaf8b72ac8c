//! How the steps change a small world.

use crate::world::{Item, Node, START, Size, State, Step};
use libqdevice::base::{NodeId, NodeInfo, NodeList, NodeState, Quorate, Time};
use libqdevice::client::{Action, CastFault, Client, Corosync, Event as ClientEvent};
use libqdevice::wire::Message;
use sim::invariants::{ClientWatch, ServerWatch, Violation, nothing_due};
use sim::{Polled, SYNC_TIMEOUT, TIMEOUT, Votequorum, client_config};
use std::collections::VecDeque;

pub(crate) type Done = Result<(), Violation>;

impl State {
    /// The server runs, every node has entered the first membership, nothing else has happened.
    pub(crate) fn before_the_start(size: &Size) -> Self {
        let nodes = (0..size.count())
            .map(|node| {
                let (ring, members) = size.ring(0, node);
                let (algorithm, count) = (size.algorithm, size.count());
                let mut votequorum =
                    Votequorum::booted(algorithm, count, size.wait_for_all, node, ring);
                votequorum.form(ring, members, 0);
                votequorum.syncing = false;
                Node {
                    client: None,
                    watch: ClientWatch::default(),
                    votequorum,
                    at: 0,
                    is_cut: false,
                    is_stopped: false,
                    link: None,
                    orphans: VecDeque::new(),
                }
            })
            .collect();
        Self {
            now: START,
            server: size.server(),
            watch: ServerWatch::default(),
            nodes,
            left: size.troubles,
            peers: 0,
        }
    }

    pub(crate) fn apply(&mut self, size: &Size, step: Step) -> Done {
        match step {
            Step::Enter(node) => self.enter(size, node),
            Step::Up(node) => self.up(node),
            Step::Down(node) => self.down(node),
            Step::Wait => self.wait(),
            Step::Reset(node) => self.reset(node),
            Step::Cut(node) => {
                self.left.cuts -= 1;
                self.nodes[node].is_cut = true;
                Ok(())
            }
            Step::Kill(node) => {
                self.left.kills -= 1;
                self.nodes[node].client = None;
                self.hang_up(node);
                Ok(())
            }
            Step::Start(node) => self.start(size, node),
            Step::Stop(node) => {
                self.left.stops -= 1;
                self.nodes[node].is_stopped = true;
                Ok(())
            }
            Step::Restart => {
                self.restart(size);
                Ok(())
            }
        }
    }

    pub(crate) fn start(&mut self, size: &Size, node: usize) -> Done {
        let config = client_config(&size.plan(), node);
        let own = &mut self.nodes[node];
        let client = Client::new(config, own.votequorum.facts(), 7).map_err(|_| Violation {
            rule: sim::invariants::Rule::NoPanic,
            how: "the client does not start".into(),
        })?;
        own.client = Some(client);
        own.watch = ClientWatch::new(size.algorithm, size.wait_for_all);
        own.votequorum.register();
        self.tell_membership(node)?;
        self.tell_quorum(node)
    }

    fn enter(&mut self, size: &Size, node: usize) -> Done {
        self.nodes[node].at += 1;
        let (ring, members) = size.ring(self.nodes[node].at, node);
        let patience = self.now + SYNC_TIMEOUT;
        self.nodes[node].votequorum.form(ring, members, patience);
        self.tell_membership(node)?;
        self.released(node)
    }

    fn tell_membership(&mut self, node: usize) -> Done {
        let votequorum = &self.nodes[node].votequorum;
        let ids = votequorum
            .members
            .iter()
            .zip(1..)
            .map(|(index, _)| id(*index));
        let event = Corosync::Membership {
            ring: votequorum.ring,
            nodes: ids.collect(),
        };
        self.tell(node, ClientEvent::Corosync(event))
    }

    fn tell_quorum(&mut self, node: usize) -> Done {
        let votequorum = &self.nodes[node].votequorum;
        let quorate = if votequorum.quorate {
            Quorate::Yes
        } else {
            Quorate::No
        };
        let info = |index| NodeInfo {
            state: Some(if votequorum.members.contains(&index) {
                NodeState::Member
            } else {
                NodeState::Dead
            }),
            ..id(index).into()
        };
        let nodes = NodeList((0..self.nodes.len()).map(info).collect());
        self.tell(
            node,
            ClientEvent::Corosync(Corosync::Quorum { quorate, nodes }),
        )
    }

    /// When nobody of a ring waits for a poll any more, the ring is in force.
    pub(crate) fn released(&mut self, node: usize) -> Done {
        let (ring, members) = {
            let own = &self.nodes[node].votequorum;
            (own.ring, own.members.clone())
        };
        let ready = members.iter().all(|&index| {
            let other = &self.nodes[index].votequorum;
            other.ring == ring && !other.awaits_poll
        });
        if !ready {
            return Ok(());
        }
        for index in members {
            let votequorum = &mut self.nodes[index].votequorum;
            if std::mem::take(&mut votequorum.syncing) {
                votequorum.judge(false);
                self.tell_quorum(index)?;
            }
        }
        Ok(())
    }

    pub(crate) fn judge(&mut self, node: usize) -> Done {
        if self.nodes[node].votequorum.judge(false) {
            self.tell_quorum(node)?;
        }
        Ok(())
    }

    pub(crate) fn tell(&mut self, node: usize, event: ClientEvent) -> Done {
        let now = self.time();
        let own = &mut self.nodes[node];
        if own.is_stopped {
            return Ok(());
        }
        let Some(client) = &mut own.client else {
            return Ok(());
        };
        own.watch.heard(&event);
        let mut out = Vec::new();
        client.handle(now, event, &mut out);
        self.obey_client(node, out)
    }

    pub(crate) fn obey_client(&mut self, node: usize, actions: Vec<Action>) -> Done {
        self.nodes[node].watch.did(&actions)?;
        let mut refused = false;
        for action in actions {
            match action {
                Action::Connect => self.connect(node)?,
                Action::Confirm(_) if refused => {}
                Action::Send(message) | Action::Confirm(message) => {
                    if let Some(link) = &mut self.nodes[node].link {
                        link.up.push_back(Item::Message(message));
                    }
                }
                Action::SayGoodbye(message) => {
                    if let (Some(link), false) = (&mut self.nodes[node].link, refused) {
                        link.up.push_back(Item::Message(message));
                    }
                }
                Action::HangUp => self.hang_up(node),
                Action::Cast { ring, vote } => {
                    let patience = self.now + TIMEOUT;
                    match self.nodes[node].votequorum.poll(ring, vote, patience) {
                        Polled::Taken => {
                            self.released(node)?;
                            self.judge(node)?;
                        }
                        Polled::OldRing | Polled::NotRegistered => {
                            refused = true;
                            let fault = Corosync::CastFailed(CastFault::OldRing);
                            self.tell(node, ClientEvent::Corosync(fault))?;
                        }
                    }
                }
                Action::Exit { .. } => {
                    self.nodes[node].client = None;
                    self.nodes[node].votequorum.unregister();
                }
                Action::StartTls
                | Action::Limit { .. }
                | Action::RunHeuristics { .. }
                | Action::Ready
                | Action::Tell(_) => {}
            }
        }
        Ok(())
    }

    /// The earliest deadline of all.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let awake = self.nodes.iter().filter(|own| !own.is_stopped);
        let clients = awake.filter_map(|own| own.client.as_ref()?.next_deadline());
        let cores = clients.chain(self.server.next_deadline());
        let votequorums = self.nodes.iter().filter_map(|own| own.votequorum.timer);
        cores.map(Time::as_millis).chain(votequorums).min()
    }

    fn wait(&mut self) -> Done {
        let Some(due) = self.next_deadline() else {
            return Ok(());
        };
        self.now = self.now.max(due);
        let now = self.time();
        // At equal moments the worst comes first: the server gives up before a vote is withdrawn.
        let mut out = Vec::new();
        self.server.handle_timeout(now, &mut out);
        nothing_due(now, self.server.next_deadline())?;
        self.obey_server(out)?;
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            if let Some(client) = own.client.as_mut().filter(|_| !own.is_stopped) {
                let mut out = Vec::new();
                client.handle_timeout(now, &mut out);
                nothing_due(now, client.next_deadline())?;
                self.obey_client(node, out)?;
            }
            let votequorum = &mut self.nodes[node].votequorum;
            if votequorum.timer.is_some_and(|at| at <= self.now) {
                votequorum.give_device_up();
                self.released(node)?;
                self.judge(node)?;
            }
        }
        self.echo()
    }

    /// Delivers the echoes of connections in which nothing else is under way. An echo changes what is
    /// known of its own connection and nothing else: in which order they arrive makes no difference.
    fn echo(&mut self) -> Done {
        for node in 0..self.nodes.len() {
            let own = &self.nodes[node];
            if own.is_cut || own.is_stopped || !own.orphans.is_empty() {
                continue;
            }
            let alone = own.link.as_ref().is_some_and(|link| {
                let echo = |item: &Item| matches!(item, Item::Message(Message::EchoRequest(_)));
                link.down.is_empty() && link.up.len() == 1 && link.up.iter().all(echo)
            });
            if alone {
                self.up(node)?;
                self.down(node)?;
            }
        }
        Ok(())
    }
}

fn id(index: usize) -> NodeId {
    NodeId(u32::try_from(index + 1).unwrap_or_default())
}
