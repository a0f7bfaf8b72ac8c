use super::daemon::{Daemon, Program};
use super::link::{Link, Said};
use crate::trace::{Ending, Flavour, Slot, Which};
use std::collections::BTreeMap;
use std::fmt;

/// One server with all connections to it.
#[derive(Debug)]
pub struct Lane {
    /// What the server is called in reports.
    pub name: &'static str,
    daemon: Daemon,
    links: BTreeMap<Slot, Link>,
    /// A connection that never introduces itself: it answers whatever happens to the others.
    probe: Link,
    token: u32,
    tamper: Option<Tamper>,
}

/// What a server said during a step.
pub type Heard = BTreeMap<Slot, Vec<Said>>;

/// A server does not do its duty at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has ended.
    Crashed(String),
    /// It does not answer any more.
    Hung(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed(how) => write!(f, "the server has ended: {how}"),
            Self::Hung(at) => write!(f, "the server does not answer {at}"),
        }
    }
}

/// A fault to be planted between server and tester, to prove that the tester sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// The n-th ACK or NACK of the server is turned into its opposite.
    FlipVote(u32),
    /// The n-th message of the server is lost.
    DropMessage(u32),
}

impl Lane {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// It does not start or does not accept a connection.
    pub fn start(program: &Program, flavour: Flavour) -> anyhow::Result<Self> {
        let daemon = Daemon::start(program, flavour)?;
        let mut lane = Self {
            name: program.name,
            probe: Link::connect(daemon.address())?,
            daemon,
            links: BTreeMap::new(),
            token: TOKENS,
            tamper: None,
        };
        // A connection counts from the moment the server has accepted it.
        lane.check_probe()
            .map_err(|fault| anyhow::anyhow!("{fault}"))?;
        Ok(lane)
    }

    /// Plants a fault from now on.
    pub const fn tamper_with(&mut self, tamper: Option<Tamper>) {
        self.tamper = tamper;
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// The server does not listen any more.
    pub fn connect(&mut self, slot: &Slot) -> Result<(), Fault> {
        match Link::connect(self.daemon.address()) {
            Ok(link) => {
                self.links.insert(slot.clone(), link);
                Ok(())
            }
            Err(error) => Err(self.diagnose(&format!("a connection: {error}"))),
        }
    }

    /// Sends segments, and between two of them waits until the server has had the chance to read.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn send(&mut self, slot: &Slot, segments: &[&[u8]]) -> Result<(), Fault> {
        for (index, segment) in segments.iter().enumerate() {
            if index > 0 {
                self.check_probe()?;
            }
            if let Some(link) = self.links.get_mut(slot) {
                link.write(segment);
            }
        }
        Ok(())
    }

    /// The number of a pushed vote to confirm, which then counts as confirmed.
    pub fn take_unconfirmed(&mut self, slot: &Slot, which: Which) -> Option<u32> {
        let unconfirmed = &mut self.links.get_mut(slot)?.unconfirmed;
        match which {
            Which::Oldest => unconfirmed.pop_front(),
            Which::Newest => {
                let newest = unconfirmed.pop_back();
                unconfirmed.clear();
                newest
            }
        }
    }

    /// Whether a pushed vote is not confirmed yet.
    #[must_use]
    pub fn owes(&self, slot: &Slot) -> bool {
        self.links
            .get(slot)
            .is_some_and(|link| !link.unconfirmed.is_empty())
    }

    /// Ends a connection and waits until the server has ended it too.
    ///
    /// # Errors
    ///
    /// The server is gone or keeps the connection.
    pub fn end(&mut self, slot: &Slot, how: Ending) -> Result<Vec<Said>, Fault> {
        let Some(mut link) = self.links.remove(slot) else {
            return Ok(Vec::new());
        };
        match how {
            Ending::Closed => link.finish(),
            Ending::Cut => {
                link.write(&[0, 8, 0, 0, 0, 8, 0, 0, 0]);
                link.finish();
            }
            Ending::Reset => {
                link.reset();
                drop(link);
                self.wait_for_count()?;
                return Ok(vec![Said::Ended]);
            }
        }
        let Ok(said) = link.read_until(u32::MAX) else {
            return Err(self.diagnose(&format!("the end of {slot}")));
        };
        self.wait_for_count()?;
        Ok(said)
    }

    /// Sends an echo on these connections.
    pub fn start_barrier<'a>(&mut self, slots: impl IntoIterator<Item = &'a Slot>) {
        self.token = TOKENS | self.token.wrapping_add(1);
        for slot in slots {
            if let Some(link) = self.links.get_mut(slot) {
                link.write_echo(self.token);
            }
        }
    }

    /// Collects what the server says on these connections until each echo is answered.
    ///
    /// # Errors
    ///
    /// The server is gone or silent.
    pub fn finish_barrier<'a>(
        &mut self,
        slots: impl IntoIterator<Item = &'a Slot>,
        heard: &mut Heard,
    ) -> Result<(), Fault> {
        let mut ended = false;
        for slot in slots {
            let Some(link) = self.links.get_mut(slot) else {
                continue;
            };
            let Ok(mut said) = link.read_until(self.token) else {
                return Err(self.diagnose(&format!("at {slot}")));
            };
            if let Some(tamper) = &mut self.tamper {
                tamper.apply(&mut said);
            }
            if link.ended {
                ended = true;
                self.links.remove(slot);
            }
            heard.entry(slot.clone()).or_default().extend(said);
        }
        if ended { self.wait_for_count() } else { Ok(()) }
    }

    /// The places with an open connection.
    #[must_use]
    pub fn open(&self) -> Vec<Slot> {
        self.links.keys().cloned().collect()
    }

    /// Asks the local socket; addresses of connections are replaced by the names of their places.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn ask(&mut self, line: &str) -> Result<String, Fault> {
        let answer = match self.daemon.ask(line) {
            Ok(answer) => answer,
            Err(error) => return Err(self.diagnose(&format!("its local socket: {error}"))),
        };
        let mut text = answer.replace(&self.daemon.address().to_string(), "<server>");
        for (slot, link) in &self.links {
            text = text.replace(
                &format!("127.0.0.1:{}\n", link.port),
                &format!("<{slot}>\n"),
            );
        }
        Ok(text)
    }

    /// Resets all connections and waits until the server has noticed.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub fn clear(&mut self) -> Result<(), Fault> {
        for (_, mut link) in std::mem::take(&mut self.links) {
            link.reset();
        }
        self.wait_for_count()
    }

    /// Waits until the server knows of no more connections than there are.
    fn wait_for_count(&mut self) -> Result<(), Fault> {
        let expected = format!("Connected clients:\t\t{}\n", self.links.len() + 1);
        for _ in 0..10_000 {
            self.check_probe()?;
            if self.ask("status")?.contains(&expected) {
                return Ok(());
            }
        }
        Err(self.diagnose("a reset of a connection"))
    }

    fn check_probe(&mut self) -> Result<(), Fault> {
        self.token = TOKENS | self.token.wrapping_add(1);
        self.probe.write_echo(self.token);
        match self.probe.read_until(self.token) {
            Ok(_) if !self.probe.ended => Ok(()),
            _ => Err(self.diagnose("its first connection")),
        }
    }

    fn diagnose(&mut self, at: &str) -> Fault {
        // A process that is ending has closed its connections before its parent can be told.
        for _ in 0..1000 {
            if let Some(end) = self.daemon.end() {
                return Fault::Crashed(end);
            }
            std::thread::yield_now();
        }
        Fault::Hung(at.to_owned())
    }
}

/// Numbers of the tester's own echoes; no scenario uses numbers from here on.
const TOKENS: u32 = 0xf000_0000;

impl Tamper {
    fn apply(&mut self, said: &mut Vec<Said>) {
        said.retain_mut(|one| {
            let Said::Message { body, .. } = one else {
                return true;
            };
            match self {
                Self::FlipVote(left) => {
                    if let Some(at) = vote_at(body) {
                        *left = left.wrapping_sub(1);
                        if *left == 0 {
                            body[at] = 3 - body[at];
                        }
                    }
                    true
                }
                Self::DropMessage(left) => {
                    *left = left.wrapping_sub(1);
                    *left != 0
                }
            }
        });
    }
}

/// Where in a body a vote stands that is ACK or NACK.
fn vote_at(body: &[u8]) -> Option<usize> {
    let ack_or_nack = |window: &[u8]| matches!(window, [0, 19, 0, 1, 1 | 2]);
    body.windows(5).position(ack_or_nack).map(|at| at + 4)
}
