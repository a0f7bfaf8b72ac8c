//! A node on a bench: the client, a clock, and a hand that plays corosync and the server.

use super::{
    Action, AddressFamily, Client, ClientConfig, ClusterConfig, Corosync, Event, HeuristicsMode,
    HeuristicsPlan, Link, LinkFault, Notice, PollTimeouts, Reason, StartFacts, StartKeys,
    VoteFacts,
};
use crate::base::{
    Algorithm, ClusterName, KeepActivePartition, Millis, NodeId, NodeInfo, NodeList, NodeState,
    Quorate, RingId, TieBreaker, Time, TlsSupport, Vote,
};
use crate::vote::{Strategy, WaitForAll};
use crate::wire::{
    Echo, InitReply, Message, NodeListKind, NodeListReply, OptType, PreInitReply, VoteReply,
};
use std::collections::BTreeMap;

pub(super) const RING: RingId = RingId::new(1, 4);
pub(super) const OTHER_RING: RingId = RingId::new(1, 8);

/// Node 1 of the cluster `demo` of nodes 1 and 2, with the default times and plain TCP.
pub(super) fn config() -> ClientConfig {
    ClientConfig {
        node: NodeId(1),
        timeout: Millis(10_000),
        sync_timeout: Millis(30_000),
        device_votes: Some(1),
        tls: TlsSupport::Unsupported,
        host: "qnetd.example".into(),
        port: 5403,
        cluster_name: ClusterName::from("demo"),
        wait_for_all: WaitForAll::No,
        strategy: Strategy::of(Algorithm::FfSplit),
        tie_breaker: TieBreaker::Lowest,
        keep_active_partition: KeepActivePartition::Enabled,
        connect_timeout: Millis(8_000),
        addresses: AddressFamily::Any,
        heartbeat: Millis(8_000),
        short_heartbeat: None,
        cast_interval: Millis(5_000),
        min_request_size: 32_768,
        max_reply_size: 16_777_216,
        nodes: NodeList::of_ids([1, 2]),
        version: Some(2),
        heuristics: HeuristicsPlan {
            mode: HeuristicsMode::Off,
            timeout: Millis(5_000),
            sync_timeout: Millis(15_000),
            interval: Millis(30_000),
            commands: BTreeMap::new(),
        },
        start_keys: StartKeys::default(),
        remarks: Vec::new(),
    }
}

/// What a reload finds when nothing of [`config`] has changed.
pub(super) fn cluster_config() -> ClusterConfig {
    let config = config();
    ClusterConfig {
        nodes: config.nodes,
        version: config.version,
        timeouts: Ok(PollTimeouts {
            normal: config.timeout,
            sync: config.sync_timeout,
        }),
        heuristics: Ok(config.heuristics),
        start_keys: config.start_keys,
        remarks: Vec::new(),
    }
}

pub(super) fn config_with_heuristics(mode: HeuristicsMode) -> ClientConfig {
    let mut config = config();
    config.heuristics.mode = mode;
    config
        .heuristics
        .commands
        .insert("ping".into(), b"/bin/ping".to_vec());
    config
}

pub(super) fn preinit_reply(seq: u32, tls: TlsSupport) -> Message {
    let (tls, client_cert_required) = (Some(tls), Some(0));
    Message::PreInitReply(PreInitReply {
        seq: Some(seq),
        tls,
        client_cert_required,
    })
}

pub(super) fn init_reply(seq: u32) -> InitReply {
    InitReply {
        seq: Some(seq),
        error: Some(0),
        supported_messages: Some((0..=17).collect()),
        supported_options: Some((0..=23).collect()),
        max_request_size: Some(32_768),
        max_reply_size: Some(65_536),
        supported_algorithms: Some(vec![0, 1, 2, 3]),
    }
}

/// The reply of a server that does not know `option`.
pub(super) fn init_reply_without(option: OptType, seq: u32) -> InitReply {
    let known = (0..=23).filter(|known| *known != option.number()).collect();
    InitReply {
        supported_options: Some(known),
        ..init_reply(seq)
    }
}

pub(super) fn vote_info(seq: u32, vote: Vote, ring: RingId) -> Message {
    Message::VoteInfo(VoteReply {
        seq: Some(seq),
        vote: Some(vote),
        ring: Some(ring),
    })
}

pub(super) fn list_reply(kind: NodeListKind, vote: Vote, ring: RingId) -> Message {
    let (kind, ring, vote) = (Some(kind), Some(ring), Some(vote));
    Message::NodeListReply(NodeListReply {
        seq: Some(9),
        kind,
        ring,
        vote,
    })
}

pub(super) fn quorum_nodes() -> NodeList {
    let node = |id, state| NodeInfo {
        id: NodeId(id),
        data_center: 0,
        state,
    };
    NodeList(vec![
        node(1, Some(NodeState::Member)),
        node(2, Some(NodeState::Dead)),
        node(0, None),
    ])
}

/// The client, what it did since it was last asked, and the time.
pub(super) struct Bench {
    pub(super) client: Client,
    pub(super) now: u64,
    out: Vec<Action>,
}

impl Bench {
    pub(super) fn new(config: ClientConfig) -> Self {
        let start = StartFacts {
            expected_votes: 3,
            facts: VoteFacts::default(),
        };
        let client = Client::new(config, start, 7).unwrap();
        Self {
            client,
            now: 1_000,
            out: Vec::new(),
        }
    }

    /// A node that knows its ring and connects.
    pub(super) fn connecting() -> Self {
        let mut bench = Self::new(config());
        bench.membership(RING, &[1, 2]);
        bench.quorum(Quorate::Yes);
        bench.forget()
    }

    /// A node that has sent INIT with number 2.
    pub(super) fn asking(config: ClientConfig) -> Self {
        let mut bench = Self::new(config);
        bench.membership(RING, &[1, 2]);
        bench.quorum(Quorate::Yes);
        bench.link(Link::Up);
        bench.receive(preinit_reply(1, TlsSupport::Unsupported));
        bench.forget()
    }

    /// A node that has reported everything and waits for its vote.
    pub(super) fn running() -> Self {
        let mut bench = Self::asking(config());
        bench.receive(Message::InitReply(init_reply(2)));
        bench.forget()
    }

    /// A node that casts its vote.
    pub(super) fn voting() -> Self {
        let mut bench = Self::running();
        bench.receive(vote_info(1, Vote::Ack, RING));
        bench.forget()
    }

    /// A node whose server is gone and that waits for its next attempt.
    pub(super) fn backing_off() -> Self {
        let mut bench = Self::voting();
        bench.link(Link::Down(LinkFault::Closed));
        bench.forget()
    }

    fn forget(mut self) -> Self {
        self.out.clear();
        self
    }

    pub(super) fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    pub(super) fn handle(&mut self, event: Event) {
        self.client.handle(self.time(), event, &mut self.out);
    }

    pub(super) fn link(&mut self, link: Link) {
        self.handle(Event::Link(link));
    }

    pub(super) fn receive(&mut self, message: Message) {
        self.link(Link::Received(Ok(message)));
    }

    pub(super) fn corosync(&mut self, event: Corosync) {
        self.handle(Event::Corosync(event));
    }

    pub(super) fn membership(&mut self, ring: RingId, nodes: &[u32]) {
        let nodes = NodeList::of_ids(nodes.iter().copied());
        self.corosync(Corosync::Membership { ring, nodes });
    }

    pub(super) fn quorum(&mut self, quorate: Quorate) {
        self.corosync(Corosync::Quorum {
            quorate,
            nodes: quorum_nodes(),
        });
    }

    /// Answers an echo request.
    pub(super) fn echo(&mut self, seq: u32) {
        self.receive(Message::EchoReply(Echo::new(seq)));
    }

    /// Lets `millis` pass, with everything that is due in them and a server that is silent.
    pub(super) fn wait(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.next_turn(end) {}
        self.now = end;
    }

    /// Lets `millis` pass with a server that answers echoes.
    pub(super) fn wait_with_server(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let seen = self.out.len();
            if !self.next_turn(end) {
                break;
            }
            let new = self.out[seen..].to_vec();
            for action in new {
                if let Action::Send(Message::EchoRequest(echo)) = action {
                    self.receive(Message::EchoReply(echo));
                }
            }
        }
        self.now = end;
    }

    /// Lets `millis` pass in which the process does not run; then everything is due at once.
    pub(super) fn sleep(&mut self, millis: u64) {
        self.now += millis;
        self.client.handle_timeout(self.time(), &mut self.out);
    }

    /// Does what is due next, if that is not after `end`.
    fn next_turn(&mut self, end: u64) -> bool {
        let Some(due) = self
            .client
            .next_deadline()
            .map(Time::as_millis)
            .filter(|due| *due <= end)
        else {
            return false;
        };
        self.now = due.max(self.now);
        self.client.handle_timeout(self.time(), &mut self.out);
        assert!(
            self.client
                .next_deadline()
                .is_none_or(|next| next > self.time())
        );
        true
    }

    /// What was done since the last call, notices left out.
    pub(super) fn done(&mut self) -> Vec<Action> {
        let (told, done) = self
            .out
            .drain(..)
            .partition(|action| matches!(action, Action::Tell(_)));
        let _: Vec<Action> = told;
        done
    }

    /// What was told since the last call, everything else left out.
    pub(super) fn told(&mut self) -> Vec<Notice> {
        let told = |action| {
            if let Action::Tell(notice) = action {
                Some(notice)
            } else {
                None
            }
        };
        self.out.drain(..).filter_map(told).collect()
    }

    /// What was sent since the last call, everything else left out.
    pub(super) fn sent(&mut self) -> Vec<Message> {
        let sent = |action| {
            if let Action::Send(message) = action {
                Some(message)
            } else {
                None
            }
        };
        self.out.drain(..).filter_map(sent).collect()
    }

    /// What was cast since the last call, everything else left out.
    pub(super) fn cast(&mut self) -> Vec<(RingId, bool)> {
        let cast = |action| {
            if let Action::Cast { ring, vote } = action {
                Some((ring, vote))
            } else {
                None
            }
        };
        self.out.drain(..).filter_map(cast).collect()
    }

    /// Why the connection or the daemon ended since the last call.
    pub(super) fn reason(&mut self) -> Option<Reason> {
        self.told().into_iter().find_map(|notice| {
            if let Notice::Ended(reason) = notice {
                Some(reason)
            } else {
                None
            }
        })
    }
}
