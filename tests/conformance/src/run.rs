//! A script held with a server.

use crate::clock;
use crate::connection::{Arrival, Connection};
use crate::script::{Act, PATIENCE, Peer, Script, Step, bytes_of, echo, echo_reply};
use libqdevice::wire::{Deframer, Message, ServerError};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

/// Where and why a dialogue went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step, counted from 1.
    pub step: usize,
    /// What was to happen.
    pub wanted: String,
    /// What happened instead.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}, but {}", self.step, self.wanted, self.found)
    }
}

/// Holds the dialogue with the server at `address`; `trace` gets the frames that go over the wire.
///
/// Behind the last step no connection may have anything more to say. Then all are closed, the last
/// one first, and the server is given the time to notice.
///
/// # Errors
/// The first step that does not go as written.
pub fn run(
    script: &Script,
    address: SocketAddr,
    trace: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let mut talk = Talk {
        address,
        connections: BTreeMap::new(),
        order: Vec::new(),
        trace,
    };
    let held = talk.hold(&script.steps);
    let left = talk.leave();
    held?;
    left.map_err(|found| {
        let wanted = "all connections end".to_owned();
        Failure {
            step: script.steps.len() + 1,
            wanted,
            found,
        }
    })
}

struct Talk<'a> {
    address: SocketAddr,
    connections: BTreeMap<Peer, Connection>,
    /// Open connections in the order in which they were made.
    order: Vec<Peer>,
    trace: &'a mut dyn FnMut(&str),
}

impl Talk<'_> {
    fn hold(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for (index, step) in steps.iter().enumerate() {
            self.perform(step).map_err(|found| Failure {
                step: index + 1,
                wanted: wanted(step),
                found,
            })?;
        }
        for peer in self.order.clone() {
            let step = Step {
                peer,
                act: Act::Quiet(0x00ed_0000),
            };
            self.perform(&step).map_err(|found| Failure {
                step: steps.len() + 1,
                wanted: wanted(&step),
                found,
            })?;
        }
        Ok(())
    }

    fn perform(&mut self, step: &Step) -> Result<(), String> {
        let peer = step.peer;
        match &step.act {
            Act::Connect => self.connect(peer),
            Act::Send(bytes) => self.send(peer, bytes),
            Act::SendUnheard(bytes) => self.send_unheard(peer, bytes),
            Act::Receive(expected) => self.receive(peer, expected),
            Act::Ends { after, until } => self.ends(peer, *after, *until),
            Act::Quiet(number) => self.quiet(peer, *number),
            Act::Silence(time) => {
                let arrival = self.arrival(peer, *time)?;
                demand(arrival == Arrival::Nothing, &arrival)
            }
            Act::HalfClose => text(self.connection(peer)?.half_close()),
            Act::Close => self.close(peer),
        }
    }

    fn connect(&mut self, peer: Peer) -> Result<(), String> {
        let connection = text(Connection::open(self.address, PATIENCE))?;
        self.connections.insert(peer, connection);
        self.order.push(peer);
        Ok(())
    }

    fn connection(&mut self, peer: Peer) -> Result<&mut Connection, String> {
        self.connections
            .get_mut(&peer)
            .ok_or_else(|| format!("{} is not connected", peer.0))
    }

    fn send(&mut self, peer: Peer, bytes: &[u8]) -> Result<(), String> {
        (self.trace)(&format!("# {}\n> {}", peer.0, hex(bytes)));
        text(self.connection(peer)?.send(bytes))
    }

    fn send_unheard(&mut self, peer: Peer, bytes: &[u8]) -> Result<(), String> {
        (self.trace)(&format!("# {}\n> {}", peer.0, hex(bytes)));
        text(self.connection(peer)?.send_unheard(bytes))
    }

    fn arrival(&mut self, peer: Peer, patience: Duration) -> Result<Arrival, String> {
        let arrival = text(self.connection(peer)?.receive(patience))?;
        if let Arrival::Frame(bytes) = &arrival {
            (self.trace)(&format!("# {}\n< {}", peer.0, hex(bytes)));
        }
        Ok(arrival)
    }

    fn receive(&mut self, peer: Peer, expected: &[u8]) -> Result<(), String> {
        let arrival = self.arrival(peer, PATIENCE)?;
        demand(
            matches!(&arrival, Arrival::Frame(bytes) if bytes == expected),
            &arrival,
        )
    }

    fn ends(&mut self, peer: Peer, after: Duration, until: Duration) -> Result<(), String> {
        let start = self.connection(peer)?.last_heard();
        let Some(patience) = clock::left(start, until) else {
            return Err("the time is over before the step begins".to_owned());
        };
        let arrival = self.arrival(peer, patience)?;
        demand(arrival == Arrival::End, &arrival)?;
        let took = clock::now().saturating_duration_since(start);
        self.forget(peer);
        if took < after {
            return Err(format!("it ended after {} ms", took.as_millis()));
        }
        Ok(())
    }

    /// A client that is not admitted yet has its echo refused, which is an answer as well.
    fn quiet(&mut self, peer: Peer, number: u32) -> Result<(), String> {
        self.send(peer, &bytes_of(&echo(number)))?;
        let refusal = ServerError {
            seq: Some(number),
            error: Some(11),
        };
        let answers = [echo_reply(number), Message::ServerError(refusal)].map(|m| bytes_of(&m));
        let arrival = self.arrival(peer, PATIENCE)?;
        demand(
            matches!(&arrival, Arrival::Frame(bytes) if answers.contains(bytes)),
            &arrival,
        )
    }

    /// What still comes is of no interest: the peer has gone.
    fn close(&mut self, peer: Peer) -> Result<(), String> {
        text(self.connection(peer)?.half_close())?;
        let mut arrival = self.arrival(peer, PATIENCE)?;
        while matches!(arrival, Arrival::Frame(_)) {
            arrival = self.arrival(peer, PATIENCE)?;
        }
        self.forget(peer);
        demand(arrival == Arrival::End, &arrival)
    }

    fn forget(&mut self, peer: Peer) {
        self.connections.remove(&peer);
        self.order.retain(|&other| other != peer);
    }

    /// Closes what is open. The last to join leaves first, as if it had never been there.
    fn leave(&mut self) -> Result<(), String> {
        let mut left = Ok(());
        while let Some(&peer) = self.order.last() {
            left = left.and(self.close(peer));
            self.forget(peer);
        }
        left
    }
}

fn demand(good: bool, arrival: &Arrival) -> Result<(), String> {
    if good { Ok(()) } else { Err(shown(arrival)) }
}

fn text<T>(result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn wanted(step: &Step) -> String {
    let peer = step.peer.0;
    match &step.act {
        Act::Connect => format!("{peer} connects"),
        Act::Send(bytes) | Act::SendUnheard(bytes) => format!("{peer} sends {}", described(bytes)),
        Act::Receive(bytes) => format!("{peer} is sent {}", described(bytes)),
        Act::Ends { after, until } => format!(
            "the connection of {peer} ends after {} to {} ms",
            after.as_millis(),
            until.as_millis()
        ),
        Act::Quiet(_) => format!("{peer} is sent nothing before the answer to its echo"),
        Act::Silence(time) => format!("{peer} is sent nothing for {} ms", time.as_millis()),
        Act::HalfClose => format!("{peer} half-closes"),
        Act::Close => format!("{peer} leaves"),
    }
}

fn shown(arrival: &Arrival) -> String {
    match arrival {
        Arrival::Frame(bytes) => format!("{} came", described(bytes)),
        Arrival::End => "the connection ended".to_owned(),
        Arrival::Nothing => "nothing came".to_owned(),
    }
}

/// The message in words if it is one, and its beginning in hexadecimal.
fn described(bytes: &[u8]) -> String {
    let hex = hex(&bytes[..bytes.len().min(60)]);
    match Deframer::new(usize::MAX).next_frame(&mut &bytes[..]) {
        Some(Ok(message)) => format!("{message:?} ({hex})"),
        Some(Err(_)) | None => format!("{hex} ({} bytes)", bytes.len()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Dialect;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    const A: Peer = Peer('A');

    /// A server that says `bytes` to its one client and then hangs up or waits for it to leave.
    fn server(bytes: Vec<u8>, hangs_up: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(&bytes).unwrap();
            if !hangs_up {
                let _ = client.read_to_end(&mut Vec::new());
            }
        });
        address
    }

    fn failure(address: SocketAddr, write: fn(&mut Script)) -> Failure {
        let mut script = Script::new("test", Dialect::Ours);
        write(&mut script);
        run(&script, address, &mut |_| {}).unwrap_err()
    }

    #[test]
    fn another_answer_than_the_expected_one_is_a_failure_of_its_step() {
        let address = server(bytes_of(&echo_reply(2)), false);
        let failure = failure(address, |s| {
            s.connect(A);
            s.receive(A, echo_reply(1));
        });
        assert_eq!(failure.step, 2);
        assert!(
            failure.found.contains("00090000000800000004000000"),
            "{failure}"
        );
    }

    #[test]
    fn what_comes_behind_the_last_step_is_a_failure() {
        let twice = bytes_of(&echo_reply(1)).repeat(2);
        let failure = failure(server(twice, false), |s| {
            s.connect(A);
            s.receive(A, echo_reply(1));
        });
        assert_eq!(failure.step, 3);
    }

    #[test]
    fn an_end_that_comes_too_early_is_a_failure() {
        let failure = failure(server(Vec::new(), true), |s| {
            s.connect(A);
            s.ends_between(A, 60_000, 120_000);
        });
        assert_eq!(
            (failure.step, failure.found.starts_with("it ended after")),
            (2, true)
        );
    }

    #[test]
    fn an_end_is_no_silence() {
        let failure = failure(server(Vec::new(), true), |s| {
            s.connect(A);
            s.silence(A, 60_000);
        });
        assert_eq!(
            (failure.step, failure.found.as_str()),
            (2, "the connection ended")
        );
    }
}
