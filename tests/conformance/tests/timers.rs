//! When the servers act by themselves, measured on both in turns.

use conformance::{Dialect, Subject};
use libqdevice::base::{Algorithm, Millis, NodeId, NodeList, RingId, Vote};
use libqdevice::wire::{Deframer, Init, Message, NodeListReport, Plain, PreInit, algorithm_number};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[path = "../../servers.rs"]
mod servers;

/// How far ours may be from the C server, as the difference of the medians.
const TOLERANCE: Duration = Duration::from_millis(100);
/// Measurements per server.
const ROUNDS: u32 = 3;
const HEARTBEAT: Millis = Millis(1000);

/// A client that reads only what it waits for.
struct Client {
    stream: TcpStream,
    deframer: Deframer,
    pending: Vec<u8>,
}

impl Client {
    /// An admitted client of an lms cluster.
    fn admitted(subject: &Subject, cluster: &str, node: u32) -> Self {
        let stream = TcpStream::connect(subject.address()).expect("the server accepts");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout can be set");
        let mut client = Self {
            stream,
            deframer: Deframer::new(1 << 16),
            pending: Vec::new(),
        };
        client.send(&Message::PreInit(PreInit::new(1, cluster)));
        client.send(&Message::Init(Init {
            algorithm: Some(algorithm_number(Algorithm::Lms)),
            heartbeat: Some(HEARTBEAT),
            ..Init::ffsplit(2, NodeId(node), RingId::new(node, 1))
        }));
        client.until(
            |message| matches!(message, Message::InitReply(reply) if reply.error == Some(0)),
        );
        client
    }

    fn send(&mut self, message: &Message) {
        let bytes = message.encode(1 << 16).expect("a short message");
        self.stream.write_all(&bytes).expect("the server reads");
    }

    fn reports(&mut self, ring: RingId, nodes: &[u32]) {
        let nodes = NodeList::of_ids(nodes.iter().copied());
        self.send(&Message::NodeList(NodeListReport::membership(
            3, ring, nodes,
        )));
    }

    /// Reads up to the message that is wanted, confirming votes on the way; `None` at the end.
    fn until(&mut self, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        loop {
            let mut rest = &self.pending[..];
            let frame = self.deframer.next_frame(&mut rest);
            self.pending = rest.to_vec();
            if let Some(frame) = frame {
                let message = frame.expect("servers send messages");
                if let Message::VoteInfo(vote) = &message {
                    self.send(&Message::VoteInfoReply(Plain { seq: vote.seq }));
                }
                if wanted(&message) {
                    return Some(message);
                }
                continue;
            }
            let mut buffer = [0; 4096];
            let len = self
                .stream
                .read(&mut buffer)
                .expect("the server sends or closes in time");
            if len == 0 {
                return None;
            }
            self.pending.extend_from_slice(&buffer[..len]);
        }
    }

    /// Reads up to a vote, pushed or answered.
    fn until_vote(&mut self, wanted: Vote) {
        let found = self.until(|message| {
            let told = if let Message::VoteInfo(told) = message {
                told.vote
            } else {
                None
            };
            let answered = if let Message::NodeListReply(told) = message {
                told.vote
            } else {
                None
            };
            told.or(answered) == Some(wanted)
        });
        assert!(
            found.is_some(),
            "the server closed before it said {wanted:?}"
        );
    }
}

/// How long a silent client is borne.
fn silence(subject: &Subject, cluster: &str) -> Duration {
    let mut client = Client::admitted(subject, cluster, 1);
    let start = now();
    assert!(client.until(|_| false).is_none());
    start.elapsed()
}

/// How long it takes from the report that settles a split to the vote of the winner.
fn split(subject: &Subject, cluster: &str) -> Duration {
    let (mut one, mut two) = (
        Client::admitted(subject, cluster, 1),
        Client::admitted(subject, cluster, 2),
    );
    one.reports(RingId::new(1, 4), &[1, 2]);
    two.reports(RingId::new(1, 4), &[1, 2]);
    one.until_vote(Vote::Ack);
    two.until_vote(Vote::Ack);
    two.reports(RingId::new(2, 8), &[2]);
    two.until_vote(Vote::WaitForReply);
    let start = now();
    one.reports(RingId::new(1, 8), &[1]);
    std::thread::scope(|scope| {
        scope.spawn(|| two.until_vote(Vote::Nack));
        one.until_vote(Vote::Ack);
    });
    start.elapsed()
}

/// Medians of the C server and ours, measured in turns; `None` without the C server.
fn medians(measure: fn(&Subject, &str) -> Duration) -> Option<(Duration, Duration)> {
    let theirs =
        Subject::start(servers::theirs()?, Dialect::Theirs, &[]).expect("the C server starts");
    let ours = Subject::start(&servers::ours("corosync-qnetd"), Dialect::Ours, &[])
        .expect("our server starts");
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (times, subject) in times.iter_mut().zip([&theirs, &ours]) {
            times.push(measure(subject, &format!("round {round}")));
        }
    }
    let [theirs, ours] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("C {theirs:?}, ours {ours:?}");
    Some((theirs, ours))
}

#[expect(
    clippy::disallowed_methods,
    reason = "real servers are measured in real time"
)]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_silent_client_is_given_up_when_the_c_server_does_it() {
    if let Some((theirs, ours)) = medians(silence) {
        assert!(
            theirs.abs_diff(ours) <= TOLERANCE,
            "C {theirs:?}, ours {ours:?}"
        );
    }
}

/// C waits a quarter of a heartbeat; ours knows that the report settles the membership.
#[test]
fn an_lms_split_is_decided_no_later_than_by_the_c_server() {
    if let Some((theirs, ours)) = medians(split) {
        assert!(ours <= theirs + TOLERANCE, "C {theirs:?}, ours {ours:?}");
    }
}
