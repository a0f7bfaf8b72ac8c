use crate::buffers::Buffers;
use crate::connection::{Connection, Order, Report};
use crate::grace::Grace;
use crate::handshakes::Handshake;
use crate::ipc::{self, Answer, Asked};
use crate::keys::{Keys, Tls};
use crate::listener::Listener;
use crate::lobby::{self, Lobby};
use crate::mailbox::{self, Full, mailbox};
use crate::quota::{Account, Purse, Quota};
use crate::state::State;
use crate::telling::Telling;
use libqdevice::base::{Handover, Time};
use libqdevice::events::{Source, server_facts};
use libqdevice::io::clock::{self, Alarm};
use libqdevice::io::ipc_server::{Ipc, IpcEvent, Question};
use libqdevice::io::log::tell_of;
use libqdevice::io::systemd::Pulse;
use libqdevice::outlets::lines;
use libqdevice::server::{Action, Event, PeerId, QnetdSettings, Server};
use libqdevice::wire::{Message, SendFault};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Owns the server: every event comes here, every action starts here.
///
/// It never waits for a client. A client is heard again only when its last message is dealt with, so
/// at most one event per client is under way and all get their turn.
pub(crate) struct Hub {
    server: Server,
    state: Option<State>,
    limits: Limits,
    /// The orders of every connection. What is missing here is closed.
    peers: BTreeMap<PeerId, Client>,
    lobby: Lobby,
    quota: Quota,
    buffers: Buffers,
    next_peer: u64,
    alarm: Alarm,
    grace: Grace,
    /// When it was made.
    started: Time,
    /// What TLS needs; none when there is to be none.
    tls: Option<Tls>,
    telling: Telling,
    sender: mpsc::Sender<Report>,
    inbox: mpsc::Receiver<Report>,
}

/// What the hub has of a client.
struct Client {
    orders: mailbox::Sender,
    address: IpAddr,
    account: Account,
    /// Until it is admitted.
    place: Option<lobby::Place>,
}

/// Bounds per client, from the settings.
#[derive(Debug, Clone, Copy)]
struct Limits {
    receive: usize,
    send: usize,
    queued: usize,
}

impl Hub {
    /// A hub without clients. Needs a runtime.
    ///
    /// Everything it will ever need of the system is taken here: later, clients may have used up the
    /// descriptors.
    ///
    /// # Errors
    ///
    /// When the system has no timer for it.
    pub(crate) fn new(
        mut server: Server,
        settings: &QnetdSettings,
        tls: Option<Tls>,
        telling: Telling,
        descriptors: usize,
    ) -> io::Result<Self> {
        let state_file = match settings.vote_handover {
            Handover::Safe => settings.state_file.as_str(),
            // Nobody waits for anybody.
            Handover::AtOnce => "",
        };
        let state = State::begin(state_file, &mut server, clock::now());
        let (sender, inbox) = mpsc::channel(INBOX);
        let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let limits = Limits {
            receive: size(settings.max_client_receive_size),
            send: size(settings.max_client_send_size),
            queued: size(settings.max_client_send_buffers),
        };
        Ok(Self {
            server,
            state,
            limits,
            peers: BTreeMap::new(),
            lobby: Lobby::new(descriptors),
            quota: Quota::new(settings.max_cluster_requests, settings.max_address_requests),
            buffers: Buffers::new(size(settings.max_buffered_size)),
            next_peer: 0,
            alarm: Alarm::new()?,
            grace: Grace::default(),
            started: clock::now(),
            tls,
            telling,
            sender,
            inbox,
        })
    }

    /// Serves until `stop` or a tool asks to end.
    ///
    /// # Errors
    ///
    /// When the system's timer fails.
    pub(crate) async fn run(
        mut self,
        mut listener: Listener,
        mut ipc: Ipc,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut accepted = Vec::new();
        let mut pulse = Pulse::start();
        if let Some(tls) = &self.tls {
            self.handle(Event::Revoked(tls.keys.revoked.clone()));
        }
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                reached = self.alarm.reached(self.next_alarm()) => {
                    reached?;
                    if self.handle_timeout() {
                        tokio::task::yield_now().await;
                        self.take_waiting();
                    }
                }
                () = pulse.due() => pulse.beat(self.server.summary()),
                event = ipc.next() => match event {
                    IpcEvent::Asked(question) => {
                        self.answer(question);
                        self.take_waiting();
                    }
                    IpcEvent::ShutdownAnswered => break,
                },
                Some(keys) = Tls::renewed(&mut self.tls) => self.renew(keys),
                dismissed = self.telling.next(&self.server) => self.handle(dismissed),
                () = listener.accept(&mut accepted) => {
                    // Those who have gone before make room, should there be a limit.
                    tokio::task::yield_now().await;
                    self.take_waiting();
                    accepted.drain(..).for_each(|(stream, address)| self.accept(stream, address));
                }
                _ = self.inbox.recv_many(&mut batch, BATCH) => {
                    batch.drain(..).for_each(|report| self.take(report));
                }
            }
        }
        drop(ipc);
        // What is true now is what has to be known after the restart: nobody has given back a vote yet.
        if let Some(state) = self.state.take() {
            state.end(&self.server, clock::now());
        }
        self.handle(Event::Shutdown);
        Ok(())
    }

    fn answer(&self, question: Question) {
        let asked = Asked {
            line: question.line(),
            from: question.from(),
            waited: question.waited(),
            started: self.started,
            certificates: self.tls.as_ref().map_or(&[], |tls| &tls.keys.certificates),
        };
        match ipc::answer(&self.server, asked) {
            Answer::Whole(reply, then) => question.answer(reply, then),
            Answer::Piece(piece) => question.answer_piece(piece),
            Answer::Events => {
                let records = self.telling.feed().subscribe();
                question.answer_lines(lines(Source::Qnetd, records));
            }
        }
    }

    /// Connections that stand keep what they began with, unless a certificate was revoked.
    fn renew(&mut self, keys: Keys) {
        let revoked = keys.revoked.clone();
        if let Some(tls) = &mut self.tls {
            tls.keys = keys;
        }
        self.handle(Event::Revoked(revoked));
    }

    /// Serves clients between two questions, two lots of newcomers or two pieces of the state file, so that
    /// none of these can hold them up.
    fn take_waiting(&mut self) {
        for _ in 0..BATCH {
            let Ok(report) = self.inbox.try_recv() else {
                return;
            };
            self.take(report);
        }
    }

    /// Handles what a connection reports.
    fn take(&mut self, Report { event, bytes }: Report) {
        let served = match &event {
            Event::Received { peer, .. } => Some(*peer),
            Event::Accepted { .. }
            | Event::TlsUp { .. }
            | Event::TlsFailed { .. }
            | Event::Revoked(_)
            | Event::SendFailed { .. }
            | Event::Gone { .. }
            | Event::Lost { .. }
            | Event::Dismissed { .. }
            | Event::Shutdown => None,
        };
        if let Event::Gone { peer } | Event::Lost { peer } | Event::TlsFailed { peer, .. } = &event
        {
            self.peers.remove(peer);
        }
        self.handle(event);
        let proceed = |peer| {
            let order = self.next_turn(peer, bytes);
            self.order(peer, order)
        };
        if let Some(fault) = served.and_then(proceed) {
            self.handle(fault);
        }
    }

    /// When a client may send its next message.
    fn next_turn(&mut self, peer: PeerId, bytes: usize) -> Order {
        let Some(client) = self.peers.get_mut(&peer) else {
            return Order::Proceed;
        };
        let cluster = self.server.cluster_number(peer);
        if cluster.is_some() {
            client.place = None;
        }
        let purse = || cluster.map_or(Purse::Address(client.address), Purse::Cluster);
        let wait = (self.quota).charge(clock::now(), &mut client.account, purse, bytes);
        wait.map_or(Order::Proceed, Order::ProceedAfter)
    }

    fn accept(&mut self, stream: TcpStream, from: SocketAddr) {
        let connected = self.peers.len();
        let Some(place) = self.lobby.enter(connected, from.ip()) else {
            return;
        };
        let peer = PeerId(self.next_peer);
        self.next_peer += 1;
        // No brackets around IPv6, as in upstream's status text.
        let address = format!("{}:{}", from.ip(), from.port());
        let (orders, receiver) = mailbox(self.limits.queued.clamp(ORDERS_MIN, ORDERS_MAX));
        let client = Client {
            orders,
            address: from.ip(),
            account: Account::default(),
            place: Some(place),
        };
        self.peers.insert(peer, client);
        self.handle(Event::Accepted {
            peer,
            address: address.clone(),
        });
        if self.peers.contains_key(&peer) {
            let connection = Connection {
                peer,
                address,
                orders: receiver,
                hub: self.sender.clone(),
                max_queued: self.limits.queued,
                buffers: self.buffers.share(),
            };
            tokio::spawn(connection.run(stream, self.limits.receive));
        }
    }

    fn next_alarm(&self) -> Option<Time> {
        let deadline = self.server.next_deadline();
        let deadline = deadline.map(|deadline| self.grace.wake_at(deadline));
        let save = self
            .state
            .as_ref()
            .and_then(|state| state.next(&self.server));
        deadline.into_iter().chain(save).min()
    }

    /// Whether there is more of the same kind, between which clients are to be served.
    fn handle_timeout(&mut self) -> bool {
        let now = clock::now();
        let server = &self.server;
        let goes_on = (self.state.as_mut()).is_some_and(|state| state.keep(server, now));
        let deadline = self.server.next_deadline();
        if deadline.is_some_and(|deadline| !self.grace.is_over(deadline, now)) {
            return goes_on;
        }
        let mut actions = Vec::new();
        self.server.handle_timeout(now, &mut actions);
        self.perform(actions);
        goes_on
    }

    fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.server.handle(clock::now(), event, &mut actions);
        self.perform(actions);
    }

    /// Performs actions in order; those that fail become events, until none fails.
    fn perform(&mut self, mut actions: Vec<Action>) {
        let mut faults = VecDeque::new();
        loop {
            for action in actions.drain(..) {
                faults.extend(self.act(action));
            }
            let Some(fault) = faults.pop_front() else {
                return;
            };
            self.server.handle(clock::now(), fault, &mut actions);
        }
    }

    /// Performs one action; what is returned has become of it.
    fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Send { peer, message } => self.send(peer, &message),
            Action::Close { peer } => {
                self.peers.remove(&peer);
                None
            }
            Action::Tell(notice) => {
                tell_of(notice.level(), &server_facts(&notice), &notice);
                self.telling.note(&notice);
                None
            }
            Action::StartTls { peer } => self.start_tls(peer),
        }
    }

    fn start_tls(&mut self, peer: PeerId) -> Option<Event> {
        let Some(tls) = &self.tls else {
            // Never asked for: the server knows that there is none.
            self.peers.remove(&peer);
            return Some(Event::Gone { peer });
        };
        let handshake = Handshake {
            acceptor: tls.keys.acceptor.clone(),
            handshakes: tls.handshakes.clone(),
        };
        self.order(peer, Order::StartTls(Box::new(handshake)))
    }

    fn send(&mut self, peer: PeerId, message: &Message) -> Option<Event> {
        match message.encode(self.limits.send) {
            Ok(frame) => self.order(peer, Order::Send(frame)),
            Err(error) => Some(Event::SendFailed {
                peer,
                fault: error.into(),
            }),
        }
    }

    /// Gives an order without waiting.
    ///
    /// Whether too much waits for the client is judged by its connection, which knows what the socket
    /// takes; here only a connection that has not run for long is given up.
    fn order(&mut self, peer: PeerId, order: Order) -> Option<Event> {
        let given = self.peers.get(&peer)?.orders.give(order);
        given.err().map(|Full| Event::SendFailed {
            peer,
            fault: SendFault::QueueFull,
        })
    }
}

/// Events that may wait for the hub; connections wait when it is full.
const INBOX: usize = 1024;

/// Events handled before timers and tools are looked at again.
const BATCH: usize = 64;

/// Orders that may wait for a connection to run, at least and at most.
const ORDERS_MIN: usize = 128;
const ORDERS_MAX: usize = 4096;
