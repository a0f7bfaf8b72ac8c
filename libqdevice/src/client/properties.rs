//! What holds whatever happens to the client.

use super::harness::{OTHER_RING, RING, config, config_with_heuristics, init_reply, quorum_nodes};
use super::*;
use crate::base::{Heuristics, NodeList, Quorate, RingId, TlsSupport, Vote};
use crate::wire::{
    Echo, InitReply, Malformed, NodeListKind, NodeListReply, PreInitReply, SendFault, ServerError,
    VoteReply,
};
use proptest::prelude::*;

/// What a test does to the client.
#[derive(Debug, Clone)]
enum Step {
    Handle(Event),
    Wait(u64),
    /// The reply that the client waits for, as a good server would send it.
    Admit,
    AnswerEcho,
}

fn ring() -> impl Strategy<Value = RingId> {
    prop_oneof![Just(RING), Just(OTHER_RING)]
}

fn vote() -> impl Strategy<Value = Vote> {
    prop_oneof![
        Just(Vote::Ack),
        Just(Vote::Nack),
        Just(Vote::AskLater),
        Just(Vote::WaitForReply),
        Just(Vote::NoChange)
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let seq = Some(1);
    prop_oneof![
        8 => (vote(), ring()).prop_map(move |(vote, ring)| {
            Message::VoteInfo(VoteReply { seq, vote: Some(vote), ring: Some(ring) })
        }),
        4 => (vote(), ring()).prop_map(move |(vote, ring)| {
            let kind = Some(NodeListKind::Membership);
            let (vote, ring) = (Some(vote), Some(ring));
            Message::NodeListReply(NodeListReply { seq, kind, ring, vote })
        }),
        1 => (0_u32..5).prop_map(|seq| Message::EchoReply(Echo::new(seq))),
        1 => Just(Message::ServerError(ServerError { seq, error: Some(10) })),
        1 => Just(Message::PreInit(crate::wire::PreInit::default())),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let nodes = || NodeList::of_ids([1, 2]);
    let link = prop_oneof![
        4 => Just(Link::Up),
        20 => message().prop_map(|message| Link::Received(Ok(message))),
        1 => Just(Link::Received(Err(Malformed::UnknownType(99)))),
        1 => Just(Link::SendFailed(SendFault::QueueFull)),
        1 => Just(Link::Down(LinkFault::Closed)),
    ];
    let corosync = prop_oneof![
        8 => ring()
            .prop_map(move |ring| Corosync::Membership { ring, nodes: nodes() }),
        4 => Just(Corosync::Quorum { quorate: Quorate::Yes, nodes: quorum_nodes() }),
        2 => Just(Corosync::CastFailed(CastFault::TryAgain)),
        1 => Just(Corosync::CastFailed(CastFault::OldRing)),
    ];
    let result = prop_oneof![Just(Heuristics::Pass), Just(Heuristics::Fail)];
    prop_oneof![
        link.prop_map(Event::Link),
        corosync.prop_map(Event::Corosync),
        (0_u32..9, result).prop_map(|(run, result)| Event::Heuristics { run, result }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => event().prop_map(Step::Handle),
        3 => (0_u64..9_000).prop_map(Step::Wait),
        6 => Just(Step::Admit),
        2 => Just(Step::AnswerEcho),
    ]
}

/// The client in a world that keeps the rules of the border and otherwise does what it likes.
struct World {
    client: Client,
    now: u64,
    sent: Vec<Message>,
    has_link: bool,
    is_trying: bool,
    has_ended: bool,
}

impl World {
    fn take(&mut self, step: Step) {
        let mut out = Vec::new();
        match step {
            Step::Handle(Event::Link(Link::Up)) if !self.is_trying => {}
            Step::Handle(Event::Link(link)) if link != Link::Up && !self.has_link => {}
            Step::Handle(event) => {
                if event == Event::Link(Link::Up) {
                    (self.is_trying, self.has_link) = (false, true);
                }
                self.client.handle(self.time(), event, &mut out);
            }
            Step::Wait(millis) => {
                self.now += millis;
                self.client.handle_timeout(self.time(), &mut out);
                let next = self.client.next_deadline();
                assert!(
                    next.is_none_or(|next| next > self.time()),
                    "still due: {next:?}"
                );
            }
            Step::Admit => self.reply(&mut out, admission),
            Step::AnswerEcho => self.reply(&mut out, echo_reply),
        }
        self.check(out);
    }

    fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    fn reply(&mut self, out: &mut Vec<Action>, of: impl Fn(&Message) -> Option<Message>) {
        if let Some(reply) = self.sent.pop().as_ref().and_then(of) {
            let event = Event::Link(Link::Received(Ok(reply)));
            self.client.handle(self.time(), event, out);
        }
    }

    fn check(&mut self, out: Vec<Action>) {
        for action in out {
            assert!(!self.has_ended, "after the end: {action:?}");
            match action {
                Action::Connect => {
                    assert!(!self.has_link, "connects over a connection");
                    self.is_trying = true;
                }
                Action::Send(message) | Action::Confirm(message) => {
                    assert!(self.has_link, "sends without a connection: {message:?}");
                    self.sent.push(message);
                }
                Action::SayGoodbye(_) => {
                    assert!(self.has_link, "says goodbye to nobody");
                    let last = self.client.casting.last();
                    assert!(last.is_some_and(|(_, vote)| !vote), "keeps its vote");
                }
                Action::HangUp => {
                    (self.is_trying, self.has_link) = (false, false);
                    self.sent.clear();
                }
                Action::Cast { ring, vote } => {
                    assert_eq!(
                        Some(ring),
                        self.client.membership.ring,
                        "an old ring is cast"
                    );
                    let may = self.client.phase.is_running();
                    assert!(may || !vote, "casts without a server that guards the vote");
                    let last = self.client.last_poll().filter(|_| vote);
                    assert!(
                        last.is_none_or(|last| last >= self.time()),
                        "the vote would outlast its lease"
                    );
                }
                Action::Exit { .. } => self.has_ended = true,
                Action::StartTls => panic!("no TLS in this version"),
                Action::Limit { .. }
                | Action::RunHeuristics { .. }
                | Action::Ready
                | Action::Tell(_) => {}
            }
        }
    }
}

fn admission(message: &Message) -> Option<Message> {
    if let Message::PreInit(asked) = message {
        let (tls, client_cert_required) = (Some(TlsSupport::Unsupported), Some(0));
        return Some(Message::PreInitReply(PreInitReply {
            seq: asked.seq,
            tls,
            client_cert_required,
        }));
    }
    let Message::Init(asked) = message else {
        return None;
    };
    Some(Message::InitReply(InitReply {
        seq: asked.seq,
        ..init_reply(0)
    }))
}

fn echo_reply(message: &Message) -> Option<Message> {
    let Message::EchoRequest(echo) = message else {
        return None;
    };
    Some(Message::EchoReply(echo.clone()))
}

proptest! {
    #[test]
    fn whatever_happens_the_vote_is_cast_only_with_a_server_and_in_the_present_ring(
        steps in prop::collection::vec(step(), 1..120),
        with_heuristics: bool,
    ) {
        let config = if with_heuristics {
            config_with_heuristics(HeuristicsMode::On)
        } else {
            config()
        };
        let client = Client::new(config, StartFacts::default(), 1).unwrap();
        let mut world = World {
            client,
            now: 0,
            sent: Vec::new(),
            has_link: false,
            is_trying: false,
            has_ended: false,
        };
        let (ring, nodes) = (RING, NodeList::of_ids([1, 2]));
        world.take(Step::Handle(Event::Corosync(Corosync::Membership { ring, nodes })));
        world.take(Step::Handle(Event::Link(Link::Up)));
        for step in steps {
            world.take(step);
        }
        world.take(Step::Handle(Event::Shutdown));
        assert!(world.has_ended);
    }
}
