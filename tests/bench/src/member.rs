use crate::clock::Micros;
use anyhow::{Context as _, Result, bail};
use libqdevice::base::{Millis, NodeId, NodeList, Quorate, RingId, Vote};
use libqdevice::wire::{
    Deframer, Echo, Init, Message, MsgType, NodeListKind, NodeListReport, OptType, Options, Plain,
    PreInit,
};
use mio::net::TcpStream;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

/// One node of a cluster of two, as the C program would speak for it.
pub(crate) struct Member {
    /// Its cluster.
    pub(crate) cluster: usize,
    /// 1 or 2.
    pub(crate) node: u32,
    /// Where it connects from.
    pub(crate) from: SocketAddr,
    pub(crate) stream: Option<TcpStream>,
    /// Whether the connection stands.
    pub(crate) connected: bool,
    /// When its latest heartbeat went out, until it is answered.
    pub(crate) asked: Option<Micros>,
    /// Whether it was ever told that it has the vote.
    pub(crate) served: bool,
    deframer: Deframer,
    unsent: Vec<u8>,
    seq: u32,
}

/// What a member has heard that somebody measures.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard {
    /// The answer to its heartbeat of this moment.
    Echo(Micros),
    /// It has the vote, or has not, in the ring with this number.
    Vote(Vote, u64),
}

impl Member {
    pub(crate) fn new(cluster: usize, node: u32, from: SocketAddr) -> Self {
        Self {
            cluster,
            node,
            from,
            stream: None,
            connected: false,
            asked: None,
            served: false,
            deframer: Deframer::new(LIMIT),
            unsent: Vec::new(),
            seq: 0,
        }
    }

    /// A new connection is under way; what it sends first waits until it stands.
    pub(crate) fn begin(&mut self, stream: TcpStream) -> Result<()> {
        (self.stream, self.connected) = (Some(stream), false);
        (self.asked, self.served) = (None, false);
        self.deframer = Deframer::new(LIMIT);
        let seq = self.next_seq();
        let preinit = PreInit::new(seq, name(self.cluster).as_str());
        self.unsent = Message::PreInit(preinit).encode(LIMIT)?;
        Ok(())
    }

    pub(crate) fn beat(&mut self, now: Micros) -> Result<()> {
        self.asked = Some(now);
        let seq = self.next_seq();
        self.send(&[Message::EchoRequest(Echo::new(seq))])
    }

    /// Reports a ring of these nodes.
    pub(crate) fn report(&mut self, ring: RingId, nodes: &[u32]) -> Result<()> {
        let seq = self.next_seq();
        self.send(&[membership(seq, ring, nodes)])
    }

    /// Sends what could not be sent yet.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.send(&[])
    }

    fn send(&mut self, messages: &[Message]) -> Result<()> {
        for message in messages {
            self.unsent.extend(message.encode(LIMIT)?);
        }
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while !self.unsent.is_empty() {
            match stream.write(&self.unsent) {
                Ok(len) => {
                    self.connected = true;
                    self.unsent.drain(..len);
                }
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(error).context("send"),
            }
        }
        Ok(())
    }

    /// Reads what is there. Fails when the connection is over.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], heard: &mut Vec<Heard>) -> Result<()> {
        loop {
            let Some(stream) = &mut self.stream else {
                return Ok(());
            };
            let len = match stream.read(buffer) {
                Ok(0) => bail!("closed by the server"),
                Ok(len) => len,
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(error).context("receive"),
            };
            let mut unread = &buffer[..len];
            while let Some(frame) = self.deframer.next_frame(&mut unread) {
                let message = frame.map_err(|what| anyhow::anyhow!("no message: {what:?}"))?;
                self.take(message, heard)?;
            }
            if len < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, message: Message, heard: &mut Vec<Heard>) -> Result<()> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "what the server does not send is an error here"
        )]
        match message {
            Message::PreInitReply(_) => {
                let seq = self.next_seq();
                self.send(&[init(seq, self.node)])
            }
            Message::InitReply(reply) => {
                if reply.error != Some(0) {
                    bail!("not admitted: {:?}", reply.error);
                }
                let ring = RingId::new(1, FIRST_RING);
                let seq = self.next_seq();
                let options = Message::SetOption(Options {
                    seq: Some(seq),
                    heartbeat: Some(HEARTBEAT),
                    ..Options::default()
                });
                let lists = [
                    options,
                    config(self.next_seq()),
                    membership(self.next_seq(), ring, &[1, 2]),
                    quorum(self.next_seq()),
                ];
                self.send(&lists)
            }
            Message::VoteInfo(info) => {
                self.note(info.vote, info.ring, heard);
                self.send(&[Message::VoteInfoReply(Plain { seq: info.seq })])
            }
            Message::NodeListReply(reply) => {
                self.note(reply.vote, reply.ring, heard);
                Ok(())
            }
            Message::EchoReply(_) => {
                heard.extend(self.asked.take().map(Heard::Echo));
                Ok(())
            }
            Message::SetOptionReply(_) => Ok(()),
            other => bail!("unexpected: {other:?}"),
        }
    }

    fn note(&mut self, vote: Option<Vote>, ring: Option<RingId>, heard: &mut Vec<Heard>) {
        if let (Some(vote @ (Vote::Ack | Vote::Nack)), Some(ring)) = (vote, ring) {
            self.served |= vote == Vote::Ack;
            heard.push(Heard::Vote(vote, ring.seq));
        }
    }

    const fn next_seq(&mut self) -> u32 {
        self.seq += 1;
        self.seq
    }
}

/// The name of a cluster.
pub(crate) fn name(cluster: usize) -> String {
    format!("cluster-{cluster:05}")
}

/// Whether a call is to be made again later.
pub(crate) fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
    )
}

pub(crate) fn init(seq: u32, node: u32) -> Message {
    Message::Init(Init {
        supported_messages: Some(MsgType::ALL.iter().map(|kind| kind.number()).collect()),
        supported_options: Some(OptType::upstream().map(OptType::number).collect()),
        heartbeat: Some(HEARTBEAT),
        ..Init::ffsplit(seq, NodeId(node), RingId::new(1, FIRST_RING))
    })
}

fn config(seq: u32) -> Message {
    Message::NodeList(NodeListReport {
        config_version: Some(1),
        ..NodeListReport::new(seq, NodeListKind::InitialConfig, NodeList::of_ids([1, 2]))
    })
}

fn membership(seq: u32, ring: RingId, nodes: &[u32]) -> Message {
    let nodes = NodeList::of_ids(nodes.iter().copied());
    Message::NodeList(NodeListReport::membership(seq, ring, nodes))
}

fn quorum(seq: u32) -> Message {
    Message::NodeList(NodeListReport {
        quorate: Some(Quorate::Yes),
        ..NodeListReport::new(seq, NodeListKind::Quorum, NodeList::of_ids([1, 2]))
    })
}

/// What a member promises. The C program's default.
const HEARTBEAT: Millis = Millis(8000);

/// The ring in which both nodes begin.
pub(crate) const FIRST_RING: u64 = 4;

const LIMIT: usize = 32_768;
