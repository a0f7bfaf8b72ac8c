use crate::insist;
use arbitrary::{Result, Unstructured};
use libqdevice::base::{
    Algorithm, Heuristics, NodeInfo, NodeList, NodeState, Quorate, RingId, Time, TlsSupport,
    Verbosity, Vote,
};
use libqdevice::client::{
    Action, CastFault, Client, ClientConfig, CmapSnapshot, CmapValue, Corosync, Event, Link,
    LinkFault, QdeviceSettings, StartFacts,
};
use libqdevice::wire::{
    Deframer, Echo, HeuristicsReply, InitReply, Message, NodeListReply, Options, PreInitReply,
    SendFault, ServerError, VoteReply,
};
use sim::invariants::{ClientWatch, nothing_due};

/// A node whose server says anything, sensible or not, and whose corosync does what corosync can do.
pub fn client_events(data: &[u8]) {
    let mut input = Unstructured::new(data);
    if let Ok(mut play) = Play::begin(&mut input) {
        while !play.ended && play.step(&mut input).is_ok() {}
        let _ = play.client.status(Verbosity::Verbose, &|_| String::new());
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "what is awaited from outside"
)]
struct Play {
    client: Client,
    watch: ClientWatch,
    now: u64,
    ring: u64,
    stream: Deframer,
    connects: bool,
    linked: bool,
    shakes: bool,
    ended: bool,
    /// The last vote cast may still be refused.
    has_cast: bool,
    /// The last run that was asked for.
    run: Option<u32>,
    /// What was sent last.
    request: Option<Message>,
}

impl Play {
    fn begin(input: &mut Unstructured<'_>) -> Result<Self> {
        let algorithm = *input.choose(&[
            Algorithm::FfSplit,
            Algorithm::Lms,
            Algorithm::TwoNodeLms,
            Algorithm::Test,
        ])?;
        let waits: bool = input.arbitrary()?;
        let tls = *input.choose(&["off", "on", "required"])?;
        let heuristics = *input.choose(&["off", "sync", "on"])?;
        let mut cmap = CmapSnapshot::from_iter([
            ("quorum.device.model", CmapValue::from("net")),
            ("quorum.device.net.host", "192.0.2.100".into()),
            ("quorum.device.net.tls", tls.into()),
            ("quorum.device.net.algorithm", algorithm.key().into()),
            ("quorum.device.heuristics.mode", heuristics.into()),
            ("quorum.device.heuristics.exec_ping", "/bin/true".into()),
            ("quorum.wait_for_all", CmapValue::U8(u8::from(waits))),
            ("runtime.votequorum.this_node_id", CmapValue::U32(1)),
            ("totem.cluster_name", "c".into()),
            ("quorum.device.votes", CmapValue::U32(1)),
        ]);
        for index in 0..2 {
            let address = format!("192.0.2.{}", index + 1);
            cmap.set(
                format!("nodelist.node.{index}.nodeid"),
                CmapValue::U32(index + 1),
            );
            cmap.set(
                format!("nodelist.node.{index}.ring0_addr"),
                address.as_str().into(),
            );
        }
        let settings = QdeviceSettings {
            net_test_algorithm_enabled: true,
            ..QdeviceSettings::default()
        };
        let config = ClientConfig::from_cmap(&cmap, &settings).expect("it is complete");
        let facts = StartFacts {
            expected_votes: 3,
            ..StartFacts::default()
        };
        let client = Client::new(config, facts, 7).expect("the votes are well");
        let mut play = Self {
            client,
            watch: ClientWatch::new(algorithm, waits),
            now: 1_000_000,
            ring: 1,
            stream: Deframer::new(32_768),
            connects: false,
            linked: false,
            shakes: false,
            ended: false,
            has_cast: false,
            run: None,
            request: None,
        };
        play.feed(membership(play.ring, 3));
        Ok(play)
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if input.is_empty() {
            return Err(arbitrary::Error::NotEnoughData);
        }
        let event = match input.int_in_range(0..=15)? {
            0 => {
                self.now += u64::from(input.arbitrary::<u16>()?);
                self.on_time();
                return Ok(());
            }
            1 => {
                let votes = input.int_in_range(0..=6)?;
                Event::Corosync(Corosync::ExpectedVotes {
                    votes,
                    facts: libqdevice::vote::VoteFacts::default(),
                })
            }
            2 => {
                self.ring += 1;
                membership(self.ring, input.int_in_range(0..=3)?)
            }
            3 => quorum(input)?,
            4 if self.has_cast => {
                self.has_cast = false;
                let faults = [
                    CastFault::TryAgain,
                    CastFault::OldRing,
                    CastFault::Refused("CS_ERR_LIBRARY".into()),
                ];
                Event::Corosync(Corosync::CastFailed(input.choose(&faults)?.clone()))
            }
            5 => match self.run.take() {
                Some(run) => Event::Heuristics {
                    run,
                    result: *input.choose(&[Heuristics::Pass, Heuristics::Fail])?,
                },
                None => return Ok(()),
            },
            6 if input.ratio(1, 16)? => Event::Shutdown,
            7 if input.ratio(1, 16)? => Event::Corosync(Corosync::Closed("cmap".into())),
            8 => return self.bytes(input),
            _ => match self.link(input)? {
                Some(link) => Event::Link(link),
                None => return Ok(()),
            },
        };
        self.feed(event);
        Ok(())
    }

    /// What can become of the connection as it stands now.
    fn link(&mut self, input: &mut Unstructured<'_>) -> Result<Option<Link>> {
        if self.connects {
            self.connects = false;
            self.linked = input.ratio(7, 8)?;
            return Ok(Some(if self.linked {
                self.stream = Deframer::new(32_768);
                Link::Up
            } else {
                Link::Down(LinkFault::ConnectFailed("no route".into()))
            }));
        }
        if !self.linked {
            return Ok(None);
        }
        if self.shakes {
            self.shakes = false;
            let has_certificate = input.arbitrary()?;
            return Ok(Some(Link::TlsUp { has_certificate }));
        }
        Ok(Some(match input.int_in_range(0..=15)? {
            0 => {
                self.linked = false;
                Link::Down(LinkFault::Closed)
            }
            1 => Link::SendFailed(SendFault::QueueFull),
            2 => Link::Received(Ok(Message::ServerError(ServerError {
                seq: None,
                error: Some(input.int_in_range(0..=20)?),
            }))),
            3..=6 => Link::Received(Ok(Message::VoteInfo(self.vote(Some(1), input)?))),
            _ => match self.answer(input)? {
                Some(message) => Link::Received(Ok(message)),
                None => return Ok(None),
            },
        }))
    }

    /// The answer to what was sent last, as a server gives it.
    fn answer(&mut self, input: &mut Unstructured<'_>) -> Result<Option<Message>> {
        let Some(request) = self.request.take() else {
            return Ok(None);
        };
        let tls = [
            TlsSupport::Unsupported,
            TlsSupport::Supported,
            TlsSupport::Required,
        ];
        Ok(Some(match request {
            Message::PreInit(asked) => Message::PreInitReply(PreInitReply {
                seq: asked.seq,
                tls: Some(*input.choose(&tls)?),
                client_cert_required: Some(input.int_in_range(0..=1)?),
            }),
            Message::Init(asked) => Message::InitReply(InitReply {
                seq: asked.seq,
                error: Some(if input.ratio(1, 8)? { 17 } else { 0 }),
                supported_messages: Some((0..=17).collect()),
                supported_options: Some((0..=22).chain([0x8000]).collect()),
                max_request_size: Some(32_768),
                max_reply_size: Some(32_768),
                supported_algorithms: Some(vec![0, 1, 2, 3]),
            }),
            Message::EchoRequest(asked) => {
                Message::EchoReply(Echo::new(asked.seq().unwrap_or_default()))
            }
            Message::SetOption(asked) => Message::SetOptionReply(Options {
                seq: asked.seq,
                ..asked
            }),
            Message::NodeList(asked) => {
                let vote = self.vote(asked.seq, input)?;
                Message::NodeListReply(NodeListReply {
                    seq: vote.seq,
                    kind: asked.kind,
                    ring: vote.ring,
                    vote: vote.vote,
                })
            }
            Message::AskForVote(asked) => Message::AskForVoteReply(self.vote(asked.seq, input)?),
            Message::HeuristicsChange(asked) => {
                let vote = self.vote(asked.seq, input)?;
                Message::HeuristicsChangeReply(HeuristicsReply {
                    seq: vote.seq,
                    vote: vote.vote,
                    ring: vote.ring,
                    heuristics: asked.heuristics,
                })
            }
            _ => return Ok(None),
        }))
    }

    fn vote(&self, seq: Option<u32>, input: &mut Unstructured<'_>) -> Result<VoteReply> {
        let votes = [
            Vote::Ack,
            Vote::Nack,
            Vote::AskLater,
            Vote::WaitForReply,
            Vote::NoChange,
        ];
        let age = input.int_in_range(0..=1)?;
        Ok(VoteReply {
            seq,
            vote: Some(*input.choose(&votes)?),
            ring: Some(RingId::new(1, self.ring.saturating_sub(age))),
        })
    }

    fn bytes(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let count = input.int_in_range(0..=64)?;
        let mut unread = input.bytes(count.min(input.len()))?;
        while self.linked && !self.shakes && !self.ended {
            let Some(frame) = self.stream.next_frame(&mut unread) else {
                break;
            };
            self.feed(Event::Link(Link::Received(frame)));
        }
        Ok(())
    }

    fn feed(&mut self, event: Event) {
        let before = self.watch.clone();
        self.watch.heard(&event);
        let mut out = Vec::new();
        let now = Time::from_millis(self.now);
        self.client.handle(now, event, &mut out);
        // Whoever is hung up on for what it said is not obeyed: a vote that outlives its server stays.
        if out.contains(&Action::HangUp) {
            self.watch = before;
        }
        self.obey(out);
        self.on_time();
    }

    fn on_time(&mut self) {
        let now = Time::from_millis(self.now);
        let is_due = self.client.next_deadline().is_some_and(|due| due <= now);
        if is_due && !self.ended {
            let mut out = Vec::new();
            self.client.handle_timeout(now, &mut out);
            insist(nothing_due(now, self.client.next_deadline()));
            self.obey(out);
        }
    }

    fn obey(&mut self, out: Vec<Action>) {
        insist(self.watch.did(&out));
        for action in out {
            assert!(!self.ended, "an action behind the end: {action:?}");
            match action {
                Action::Connect => {
                    assert!(!self.linked, "a second connection");
                    self.connects = true;
                }
                Action::StartTls => self.shakes = true,
                Action::Send(message) | Action::Confirm(message) => {
                    assert!(self.linked, "said to nobody: {message:?}");
                    self.request = Some(message);
                }
                // The server may be gone, and then it is lost.
                Action::SayGoodbye(_) | Action::Ready | Action::Tell(_) => {}
                Action::Limit { receive, .. } => {
                    self.stream
                        .set_limit(usize::try_from(receive).expect("32 bits"));
                }
                Action::HangUp => {
                    (self.connects, self.linked, self.shakes) = (false, false, false);
                    self.request = None;
                }
                Action::Cast { .. } => self.has_cast = true,
                Action::RunHeuristics { run, .. } => self.run = Some(run),
                Action::Exit { .. } => self.ended = true,
            }
        }
    }
}

/// A membership of some of three nodes; node 1 is always in it.
fn membership(seq: u64, mask: u32) -> Event {
    Event::Corosync(Corosync::Membership {
        ring: RingId::new(1, seq),
        nodes: NodeList::of_ids((1..=3).filter(|id| *id == 1 || mask & (1 << (id - 2)) != 0)),
    })
}

fn quorum(input: &mut Unstructured<'_>) -> Result<Event> {
    let states = [NodeState::Member, NodeState::Dead, NodeState::Leaving];
    let mut nodes = Vec::new();
    for id in 0..=3 {
        nodes.push(NodeInfo {
            state: Some(*input.choose(&states)?),
            ..NodeInfo::from(libqdevice::base::NodeId(id))
        });
    }
    Ok(Event::Corosync(Corosync::Quorum {
        quorate: if input.arbitrary()? {
            Quorate::Yes
        } else {
            Quorate::No
        },
        nodes: NodeList(nodes),
    }))
}
