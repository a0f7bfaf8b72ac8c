//! The server of a world and what drives it.

use crate::clock::Clock;
use crate::flaw::Flaw;
use crate::invariants::{ServerWatch, nothing_due};
use crate::link::Item;
use crate::world::{Event, World};
use libqdevice::base::Vote;
use libqdevice::server::{Action, Event as ServerEvent, Memory, PeerId, Server, ServerConfig};
use libqdevice::wire::{Message, Plain};
use std::collections::VecDeque;

/// The machine of the server, and the server if it runs.
#[derive(Debug)]
pub(crate) struct Arbiter {
    pub(crate) clock: Clock,
    pub(crate) server: Option<Server>,
    /// The state file, which is taken to be as new as the server was.
    memory: Option<Memory>,
    /// How many faults have stopped the process, or the machine with it.
    pub(crate) stopped: u32,
    pub(crate) suspended: u32,
    /// How many faults have taken its power.
    pub(crate) dark: u32,
    inbox: VecDeque<ServerEvent>,
    wakes: Option<u64>,
    watch: ServerWatch,
}

impl Arbiter {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            server: None,
            memory: None,
            stopped: 0,
            suspended: 0,
            dark: 0,
            inbox: VecDeque::new(),
            wakes: None,
            watch: ServerWatch::default(),
        }
    }

    /// Whether its machine takes packets.
    pub(crate) const fn is_reachable(&self) -> bool {
        self.suspended == 0 && self.dark == 0
    }

    const fn runs(&self) -> bool {
        self.stopped == 0 && self.is_reachable() && self.server.is_some()
    }
}

impl World {
    pub(crate) fn start_server(&mut self) {
        if self.arbiter.server.is_none() && self.arbiter.dark == 0 {
            self.note(|| "qnetd starts".into());
            let mut server = Server::new(ServerConfig::default());
            if let Some(memory) = self.arbiter.memory.take() {
                server.recall(self.arbiter.clock.shows(self.now), memory);
            }
            self.arbiter.server = Some(server);
            self.arbiter.watch = ServerWatch::default();
            self.arbiter.inbox.clear();
            self.arbiter.wakes = None;
        }
    }

    /// The process is gone. Its kernel closes the connections, if it has the power to.
    pub(crate) fn lose_server(&mut self, kernel_closes: bool) {
        if let Some(server) = self.arbiter.server.take() {
            let now = self.arbiter.clock.shows(self.now);
            self.arbiter.memory = Some(server.memory(now));
        }
        self.arbiter.inbox.clear();
        let open: Vec<u64> = self
            .links
            .iter()
            .filter(|(_, link)| link.server_open)
            .map(|(number, _)| *number)
            .collect();
        for number in open {
            if kernel_closes {
                self.server_closes(number);
            } else if let Some(link) = self.links.get_mut(&number) {
                link.server_open = false;
                link.down.queue.clear();
            }
        }
    }

    /// Something reaches the machine of the server.
    pub(crate) fn tell_server(&mut self, event: ServerEvent) {
        if self.arbiter.runs() {
            self.serve(event);
        } else if self.arbiter.server.is_some() {
            self.arbiter.inbox.push_back(event);
        }
    }

    /// The process goes on: what is due first, as the daemon does, then what has come meanwhile.
    pub(crate) fn resume_server(&mut self) {
        if !self.arbiter.runs() {
            return;
        }
        self.server_due();
        while let Some(event) = self.arbiter.inbox.pop_front() {
            self.serve(event);
        }
    }

    pub(crate) fn server_due(&mut self) {
        if self.arbiter.wakes.is_some_and(|at| at <= self.now) {
            self.arbiter.wakes = None;
        }
        if !self.arbiter.runs() {
            return;
        }
        let now = self.arbiter.clock.shows(self.now);
        let Some(server) = &mut self.arbiter.server else {
            return;
        };
        if server.next_deadline().is_some_and(|due| due <= now) {
            let mut out = Vec::new();
            server.handle_timeout(now, &mut out);
            let checked = nothing_due(now, server.next_deadline());
            self.insist(checked);
            self.obey_server(out);
        }
        self.set_server_alarm();
    }

    fn serve(&mut self, event: ServerEvent) {
        let now = self.arbiter.clock.shows(self.now);
        self.arbiter.watch.heard(&event);
        let Some(server) = &mut self.arbiter.server else {
            return;
        };
        let mut out = Vec::new();
        server.handle(now, event, &mut out);
        self.obey_server(out);
        self.set_server_alarm();
    }

    fn set_server_alarm(&mut self) {
        let due = self.arbiter.server.as_ref().and_then(Server::next_deadline);
        let Some(due) = due else { return };
        let at = self.arbiter.clock.reaches(due).max(self.now) + self.lag();
        if self.arbiter.wakes.is_none_or(|wakes| at < wakes) {
            self.arbiter.wakes = Some(at);
            self.plan_at(at, Event::ServerDue);
        }
    }

    fn obey_server(&mut self, actions: Vec<Action>) {
        let checked = self.arbiter.watch.did(&actions);
        self.insist(checked);
        let mut forged = Vec::new();
        for action in actions {
            match action {
                Action::Send { peer, message } => {
                    if let Some(confirmation) = self.forged_confirmation(peer, &message) {
                        forged.push(confirmation);
                    }
                    self.send_down(peer, message);
                }
                Action::Close { peer } => {
                    self.note(|| format!("qnetd closes connection {}", peer.0));
                    self.server_closes(peer.0);
                }
                Action::Tell(notice) => self.note(|| format!("qnetd: {notice}")),
                Action::StartTls { .. } => unreachable!("TLS is off"),
            }
        }
        for event in forged {
            let now = self.arbiter.clock.shows(self.now);
            let mut out = Vec::new();
            if let Some(server) = &mut self.arbiter.server {
                server.handle(now, event, &mut out);
            }
            self.obey_server(out);
        }
    }

    fn forged_confirmation(&self, peer: PeerId, message: &Message) -> Option<ServerEvent> {
        match message {
            Message::VoteInfo(info)
                if self.flaw == Flaw::SkippedRound && info.vote == Some(Vote::Nack) =>
            {
                let message = Ok(Message::VoteInfoReply(Plain { seq: info.seq }));
                Some(ServerEvent::Received { peer, message })
            }
            _ => None,
        }
    }

    fn send_down(&mut self, peer: PeerId, message: Message) {
        if let Message::VoteInfo(info) = &message {
            self.note(|| {
                format!(
                    "qnetd tells connection {}: {:?} for {:?}",
                    peer.0, info.vote, info.ring
                )
            });
            if self.flaw == Flaw::LostVote && info.vote == Some(Vote::Ack) && self.rng.chance(40) {
                return;
            }
        }
        self.push_down(peer.0, Item::Message(message));
    }
}
