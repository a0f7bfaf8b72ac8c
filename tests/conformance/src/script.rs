//! Steps of a dialogue, and the words to write them with.
//!
//! Here are the plain ones: bytes and messages. `ffsplit.rs` has the words of a cluster's life.

use crate::ffsplit::Sheet;
use libqdevice::base::{ClusterName, NodeId, RingId, TlsSupport};
use libqdevice::wire::{
    Echo, Init, InitReply, Message, MsgType, OptType, PreInit, PreInitReply, ServerError,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Whose answers are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Those of the C program.
    Theirs,
    /// Those of ours.
    Ours,
}

impl Dialect {
    /// What a server is told so that its answers can be compared: ours waits otherwise for the end of
    /// the votes of lost clients.
    pub(crate) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Theirs => &[],
            Self::Ours => &["-S", "vote_handover=c"],
        }
    }
}

/// One connection of a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer(pub char);

/// Longer than any message of these dialogues.
pub(crate) const LIMIT: usize = 70_000;

/// What happens on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Connect,
    Send(Vec<u8>),
    /// Sends bytes that are no sign of life.
    SendUnheard(Vec<u8>),
    Receive(Vec<u8>),
    /// The server ends the connection, this long after the last sign of life at the earliest and at
    /// the latest.
    Ends {
        after: Duration,
        until: Duration,
    },
    /// The server has nothing to say before it has answered this echo, which is number `0`.
    Quiet(u32),
    /// The server says nothing for this long.
    Silence(Duration),
    HalfClose,
    /// Half-closes and waits until the server has noticed.
    Close,
}

/// A step: who does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) peer: Peer,
    pub(crate) act: Act,
}

/// A dialogue under construction.
#[derive(Debug, Clone)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) dialect: Dialect,
    pub(crate) cluster: ClusterName,
    pub(crate) sheets: BTreeMap<Peer, Sheet>,
    differences: Vec<&'static str>,
}

/// How long a server may take for an answer before it counts as missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

impl Script {
    pub(crate) fn new(cluster: &str, dialect: Dialect) -> Self {
        Self {
            steps: Vec::new(),
            dialect,
            cluster: cluster.into(),
            sheets: BTreeMap::new(),
            differences: Vec::new(),
        }
    }

    /// The differences that the dialogue meets.
    #[must_use]
    pub fn differences(&self) -> &[&'static str] {
        &self.differences
    }

    /// The name of the case, which is that of its cluster.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    pub(crate) fn step(&mut self, peer: Peer, act: Act) {
        self.steps.push(Step { peer, act });
    }

    /// Servers differ here on purpose, and this is the difference.
    pub fn differs(
        &mut self,
        difference: &'static str,
        theirs: fn(&mut Self),
        ours: fn(&mut Self),
    ) {
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
        match self.dialect {
            Dialect::Theirs => theirs(self),
            Dialect::Ours => ours(self),
        }
    }

    /// Opens a connection.
    pub fn connect(&mut self, peer: Peer) {
        self.sheets.insert(peer, Sheet::default());
        self.step(peer, Act::Connect);
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, peer: Peer, bytes: impl Into<Vec<u8>>) {
        self.step(peer, Act::Send(bytes.into()));
    }

    /// Sends bytes that are no sign of life.
    pub fn send_unheard(&mut self, peer: Peer, bytes: impl Into<Vec<u8>>) {
        self.step(peer, Act::SendUnheard(bytes.into()));
    }

    /// Sends a message.
    pub fn send(&mut self, peer: Peer, message: Message) {
        self.send_bytes(peer, bytes_of(&message));
    }

    /// Expects exactly these bytes, one message, next.
    pub fn receive_bytes(&mut self, peer: Peer, bytes: impl Into<Vec<u8>>) {
        self.step(peer, Act::Receive(bytes.into()));
    }

    /// Expects this message, and no other, next.
    pub fn receive(&mut self, peer: Peer, message: Message) {
        self.receive_bytes(peer, bytes_of(&message));
    }

    /// Expects a server error with this sequence number, or none, and this code.
    pub fn error(&mut self, peer: Peer, seq: impl Into<Option<u32>>, code: u16) {
        let error = ServerError {
            seq: seq.into(),
            error: Some(code),
        };
        self.receive(peer, Message::ServerError(error));
    }

    /// Expects the server to end the connection at once.
    pub fn ends(&mut self, peer: Peer) {
        self.step(
            peer,
            Act::Ends {
                after: Duration::ZERO,
                until: PATIENCE,
            },
        );
    }

    /// Expects the server to end the connection between so and so many milliseconds after the client
    /// sent something that counts as a sign of life.
    pub fn ends_between(&mut self, peer: Peer, after: u64, until: u64) {
        let (after, until) = (Duration::from_millis(after), Duration::from_millis(until));
        self.step(peer, Act::Ends { after, until });
    }

    /// Expects that the server has nothing to say, by an echo and its answer.
    pub fn quiet(&mut self, peer: Peer) {
        let number = 0x0051_0000 + u32::try_from(self.steps.len()).unwrap_or_default();
        self.step(peer, Act::Quiet(number));
    }

    /// Expects that the server says nothing for so many milliseconds.
    pub fn silence(&mut self, peer: Peer, millis: u64) {
        self.step(peer, Act::Silence(Duration::from_millis(millis)));
    }

    /// Ends the sending half of a connection.
    pub fn half_close(&mut self, peer: Peer) {
        self.step(peer, Act::HalfClose);
    }

    /// Leaves; the next step is done when the server knows.
    pub fn close(&mut self, peer: Peer) {
        self.step(peer, Act::Close);
    }

    /// Connects and names the cluster.
    pub fn named(&mut self, peer: Peer) {
        self.connect(peer);
        self.preinit(peer, 1, self.cluster.clone());
        self.receive(peer, preinit_reply(1));
    }

    /// Names a cluster.
    pub fn preinit(&mut self, peer: Peer, seq: u32, cluster: ClusterName) {
        let preinit = PreInit {
            seq: Some(seq),
            cluster: Some(cluster),
        };
        self.send(peer, Message::PreInit(preinit));
    }

    /// Connects, names the cluster and asks to be admitted, which succeeds.
    pub fn admitted(&mut self, peer: Peer, init: Init) {
        self.named(peer);
        let seq = init.seq;
        self.set_ring(peer, init.ring.unwrap_or_default());
        self.send(peer, Message::Init(init));
        self.init_reply(peer, seq, 0);
    }

    /// Connects as the member `node` of a ffsplit cluster, tie-breaker lowest.
    pub fn member(&mut self, peer: Peer, node: u32) {
        self.admitted(peer, init(node));
    }

    /// Expects the answer to an INIT that asked for no lists.
    pub fn init_reply(&mut self, peer: Peer, seq: Option<u32>, code: u16) {
        let reply = self.init_reply_message(seq, code);
        self.receive(peer, Message::InitReply(reply));
    }

    /// The answer to an INIT that asked for no lists.
    #[must_use]
    pub fn init_reply_message(&self, seq: Option<u32>, code: u16) -> InitReply {
        InitReply {
            seq,
            error: Some(code),
            max_request_size: Some(32768),
            max_reply_size: Some(32768),
            supported_algorithms: Some(vec![0, 1, 2, 3]),
            ..InitReply::default()
        }
    }
}

/// Number of the algorithm test on the wire.
pub(crate) const TEST: u16 = 0;
/// Number of the algorithm ffsplit on the wire.
pub(crate) const FFSPLIT: u16 = 1;

/// A complete INIT of a ffsplit node, sequence number 2, tie-breaker lowest, no lists asked for.
pub(crate) fn init(node: u32) -> Init {
    Init::ffsplit(2, NodeId(node), RingId::new(node, 4))
}

/// The answer of a server without TLS.
pub(crate) fn preinit_reply(seq: impl Into<Option<u32>>) -> Message {
    Message::PreInitReply(PreInitReply {
        seq: seq.into(),
        tls: Some(TlsSupport::Unsupported),
        client_cert_required: Some(1),
    })
}

/// A message that is a header and these options.
pub(crate) fn frame(msg_type: MsgType, options: &[Vec<u8>]) -> Vec<u8> {
    raw_frame(msg_type.number(), &options.concat())
}

/// A message of any type, its body as it is.
pub(crate) fn raw_frame(number: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("bodies are short");
    [&number.to_be_bytes()[..], &length.to_be_bytes(), body].concat()
}

/// An option with any value.
pub(crate) fn option(opt: OptType, value: &[u8]) -> Vec<u8> {
    raw_option(opt.number(), value)
}

/// An option of any number.
pub(crate) fn raw_option(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("values are short");
    [&number.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

/// The option that nearly all messages have.
pub(crate) fn seq(number: u32) -> Vec<u8> {
    option(OptType::MsgSeqNumber, &number.to_be_bytes())
}

/// A heartbeat.
pub(crate) fn echo(number: u32) -> Message {
    Message::EchoRequest(Echo::new(number))
}

/// The answer to [`echo`].
pub(crate) fn echo_reply(number: u32) -> Message {
    Message::EchoReply(Echo::new(number))
}

/// The message as bytes.
pub(crate) fn bytes_of(message: &Message) -> Vec<u8> {
    message
        .encode(LIMIT)
        .expect("messages of the table are short")
}
