use crate::insist;
use arbitrary::{Result, Unstructured};
use libqdevice::base::{
    ClusterName, Fingerprint, Heuristics, KeepActivePartition, Millis, NodeId, NodeInfo, NodeList,
    NodeState, Quorate, RingId, TieBreaker, Time, TlsSupport, Verbosity,
};
use libqdevice::server::{Action, Event, Identity, PeerId, Server, ServerConfig};
use libqdevice::wire::{
    Deframer, Echo, HeuristicsReport, Init, LeaseNews, Message, NodeListKind, NodeListReport,
    Options, Plain, PreInit, SendFault,
};
use sim::invariants::{ServerWatch, bounded, nothing_due};

/// A server among clients that say anything, sensible or not, in any order, while time passes.
pub fn server_events(data: &[u8]) {
    let mut input = Unstructured::new(data);
    if let Ok(mut play) = Play::begin(&mut input) {
        while play.step(&mut input).is_ok() {}
        play.look();
    }
}

struct Play {
    server: Server,
    watch: ServerWatch,
    now: u64,
    peers: Vec<Peer>,
    numbered: u64,
}

struct Peer {
    id: PeerId,
    stream: Deframer,
    /// The last number used, and that of the last vote pushed to it.
    seq: u32,
    pushed: Option<u32>,
    /// A TLS handshake is under way.
    shakes: bool,
}

impl Play {
    fn begin(input: &mut Unstructured<'_>) -> Result<Self> {
        let tls = [
            TlsSupport::Unsupported,
            TlsSupport::Supported,
            TlsSupport::Required,
        ];
        let config = ServerConfig {
            tls: *input.choose(&tls)?,
            client_cert_required: input.arbitrary()?,
            max_clients: input.arbitrary::<bool>()?.then_some(3),
            history: 4,
            ..ServerConfig::default()
        };
        Ok(Self {
            server: Server::new(config),
            watch: ServerWatch::default(),
            now: 1_000_000,
            peers: Vec::new(),
            numbered: 0,
        })
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if input.is_empty() {
            return Err(arbitrary::Error::NotEnoughData);
        }
        let what = input.int_in_range(0..=15)?;
        if what == 0 || self.peers.is_empty() {
            return self.accept(input);
        }
        if what == 1 {
            self.now += u64::from(input.arbitrary::<u16>()?);
            self.on_time();
            return Ok(());
        }
        let index = input.choose_index(self.peers.len())?;
        match what {
            2 => self.bytes(index, input),
            3 => self.leave(index, input),
            4 => self.shake(index, input),
            5 => self.outside(index, input),
            _ => {
                let message = self.message(index, input)?;
                let peer = self.peers[index].id;
                let message = Ok(message);
                self.feed(Event::Received { peer, message });
                Ok(())
            }
        }
    }

    fn accept(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.peers.len() >= 6 {
            return Ok(());
        }
        self.numbered += 1;
        let peer = PeerId(self.numbered);
        self.peers.push(Peer {
            id: peer,
            stream: Deframer::new(32_768),
            seq: 0,
            pushed: None,
            shakes: false,
        });
        let address = format!("192.0.2.{}:4000", input.int_in_range(1..=3)?);
        self.feed(Event::Accepted { peer, address });
        Ok(())
    }

    fn bytes(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let count = input.int_in_range(0..=64)?;
        let mut unread = input.bytes(count.min(input.len()))?;
        let peer = self.peers[index].id;
        while let Some(own) = self.peers.iter_mut().find(|own| own.id == peer) {
            let Some(message) = own.stream.next_frame(&mut unread) else {
                break;
            };
            self.feed(Event::Received { peer, message });
        }
        Ok(())
    }

    fn leave(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let peer = self.peers.remove(index).id;
        self.feed(if input.arbitrary()? {
            Event::Gone { peer }
        } else {
            Event::Lost { peer }
        });
        Ok(())
    }

    /// The end of the handshake that was asked for.
    fn shake(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let own = &mut self.peers[index];
        if !std::mem::take(&mut own.shakes) {
            return Ok(());
        }
        let peer = own.id;
        if input.ratio(1, 4)? {
            self.peers.remove(index);
            let reason = "why".to_owned();
            self.feed(Event::TlsFailed { peer, reason });
            return Ok(());
        }
        let identity = Identity {
            names: vec![cluster(input)?.as_bytes().to_vec()],
            certificate: Fingerprint([input.arbitrary::<u8>()? % 3; 32]),
        };
        let identity = input.arbitrary::<bool>()?.then_some(identity);
        self.feed(Event::TlsUp { peer, identity });
        Ok(())
    }

    /// What is no client's doing.
    fn outside(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let peer = self.peers[index].id;
        let event = match input.int_in_range(0..=4)? {
            0 => Event::Revoked([Fingerprint([input.arbitrary::<u8>()? % 3; 32])].into()),
            1 => Event::Dismissed {
                cluster: cluster(input)?,
                node: node(input)?,
            },
            2 => Event::SendFailed {
                peer,
                fault: SendFault::QueueFull,
            },
            3 if input.ratio(1, 8)? => Event::Shutdown,
            _ => {
                self.look();
                return Ok(());
            }
        };
        self.feed(event);
        Ok(())
    }

    fn message(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<Message> {
        let own = &mut self.peers[index];
        own.seq = own.seq.wrapping_add(1);
        let seq = Some(own.seq);
        Ok(match input.int_in_range(0..=9)? {
            0 => Message::PreInit(PreInit {
                seq,
                cluster: Some(cluster(input)?),
            }),
            1 => Message::StartTls(Plain { seq }),
            2 | 3 => Message::Init(init(seq, input)?),
            4 => Message::SetOption(Options {
                seq,
                heartbeat: input
                    .arbitrary::<Option<u16>>()?
                    .map(|ms| Millis(ms.into())),
                keep_active_partition: input.arbitrary::<bool>()?.then_some(keeps(input)?),
                lease: input.arbitrary::<bool>()?.then_some(LeaseNews::Goodbye),
            }),
            5 => Message::EchoRequest(Echo::new(own.seq)),
            6 => Message::AskForVote(Plain { seq }),
            7 => Message::VoteInfoReply(Plain { seq: own.pushed }),
            8 => Message::HeuristicsChange(HeuristicsReport {
                seq,
                heuristics: heuristics(input)?,
            }),
            _ => Message::NodeList(node_list(seq, input)?),
        })
    }

    fn feed(&mut self, event: Event) {
        self.watch.heard(&event);
        let mut out = Vec::new();
        self.server
            .handle(Time::from_millis(self.now), event, &mut out);
        self.obey(out);
        self.on_time();
    }

    fn on_time(&mut self) {
        let now = Time::from_millis(self.now);
        if self.server.next_deadline().is_some_and(|due| due <= now) {
            let mut out = Vec::new();
            self.server.handle_timeout(now, &mut out);
            insist(nothing_due(now, self.server.next_deadline()));
            self.obey(out);
        }
    }

    fn obey(&mut self, out: Vec<Action>) {
        insist(self.watch.did(&out));
        for action in out {
            match action {
                Action::Send { peer, message } => {
                    assert!(message.encode(1 << 20).is_ok(), "{message:?}");
                    let own = self.peers.iter_mut().find(|own| own.id == peer);
                    let own = own.expect("messages go to those who are there");
                    if let Message::VoteInfo(info) = message {
                        own.pushed = info.seq;
                    }
                }
                Action::StartTls { peer } => {
                    let own = self.peers.iter_mut().find(|own| own.id == peer);
                    own.expect("TLS begins with those who are there").shakes = true;
                }
                Action::Close { peer } => self.peers.retain(|own| own.id != peer),
                Action::Tell(_) => {}
            }
        }
    }

    /// Everything that shows the state, and the bound of its size.
    fn look(&self) {
        let _ = self.server.status(Verbosity::Verbose);
        let _ = self.server.list(Verbosity::Verbose, None);
        let _ = self.server.security();
        for name in CLUSTERS {
            let name = ClusterName::new(name);
            for (_, grant) in self.server.grants(&name) {
                assert!(grant.ring.seq < 16, "a ring that nobody has named");
            }
        }
        insist(bounded(&self.server, self.peers.len()));
    }
}

const CLUSTERS: [&str; 2] = ["a", "b"];

fn cluster(input: &mut Unstructured<'_>) -> Result<ClusterName> {
    Ok(ClusterName::new(*input.choose(&CLUSTERS)?))
}

fn node(input: &mut Unstructured<'_>) -> Result<NodeId> {
    Ok(NodeId(input.int_in_range(0..=4)?))
}

fn ring(input: &mut Unstructured<'_>) -> Result<RingId> {
    Ok(RingId::new(
        input.int_in_range(1..=4)?,
        input.int_in_range(0..=15)?,
    ))
}

fn heuristics(input: &mut Unstructured<'_>) -> Result<Heuristics> {
    let all = [Heuristics::Undefined, Heuristics::Pass, Heuristics::Fail];
    Ok(*input.choose(&all)?)
}

fn keeps(input: &mut Unstructured<'_>) -> Result<KeepActivePartition> {
    let all = [KeepActivePartition::Disabled, KeepActivePartition::Enabled];
    Ok(*input.choose(&all)?)
}

fn init(seq: Option<u32>, input: &mut Unstructured<'_>) -> Result<Init> {
    let tie_breakers = [
        TieBreaker::Lowest,
        TieBreaker::Highest,
        TieBreaker::Node(NodeId(2)),
    ];
    Ok(Init {
        seq,
        supported_messages: None,
        supported_options: input.arbitrary::<bool>()?.then(|| vec![0x8000]),
        node: Some(node(input)?),
        algorithm: Some(input.int_in_range(0..=4)?),
        heartbeat: Some(Millis(*input.choose(&[1_000, 8_000, 0, 500_000])?)),
        tie_breaker: Some(*input.choose(&tie_breakers)?),
        ring: Some(ring(input)?),
    })
}

fn node_list(seq: Option<u32>, input: &mut Unstructured<'_>) -> Result<NodeListReport> {
    let kinds = [
        NodeListKind::InitialConfig,
        NodeListKind::ChangedConfig,
        NodeListKind::Membership,
        NodeListKind::Quorum,
    ];
    let states = [NodeState::Member, NodeState::Dead, NodeState::Leaving];
    let mut nodes = Vec::new();
    let mask: u8 = input.arbitrary()?;
    for id in (0..5).filter(|id| mask & (1 << id) != 0) {
        nodes.push(NodeInfo {
            id: NodeId(id),
            data_center: 0,
            state: Some(*input.choose(&states)?),
        });
    }
    Ok(NodeListReport {
        seq,
        kind: Some(*input.choose(&kinds)?),
        ring: Some(ring(input)?),
        config_version: None,
        quorate: Some(if input.arbitrary()? {
            Quorate::Yes
        } else {
            Quorate::No
        }),
        nodes: NodeList(nodes),
        heuristics: heuristics(input)?,
    })
}
