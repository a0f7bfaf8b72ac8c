use crate::clock::{self, Micros};
use crate::member::{Heard, Member};
use anyhow::{Context as _, Result, bail};
use libqdevice::base::{Dice, Vote};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Clusters of two nodes on one thread. It costs little, so that what is measured is the server.
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    /// Times until heartbeats were answered, since somebody emptied it.
    pub(crate) echoes: Vec<Micros>,
    /// Votes since somebody emptied it.
    pub(crate) votes: Vec<Voted>,
    /// Connections that failed or were ended by the server.
    pub(crate) lost: u64,
    /// Heartbeats that were due while the one before was not answered.
    pub(crate) late: u64,
    address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    heard: Vec<Heard>,
    /// Who connects again, and when.
    retries: BinaryHeap<Reverse<(Micros, usize)>>,
    on_loss: OnLoss,
    dice: Dice,
    served: usize,
    beats: Option<Beats>,
}

/// A vote as a member has heard it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voted {
    pub(crate) member: usize,
    pub(crate) vote: Vote,
    pub(crate) ring: u64,
    pub(crate) at: Micros,
}

/// What becomes of a connection that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLoss {
    /// It tries again after a random time, but waits for a connection as long as the system does: the
    /// server is measured, not how often its clients give up.
    Wait,
    /// As qdevice does: it gives a connection eight seconds, and tries again after a random time.
    Retry,
}

/// Heartbeats: every member in turn.
struct Beats {
    begin: Micros,
    period: Micros,
    sent: u64,
}

impl Fleet {
    /// Clusters that have not connected yet.
    pub(crate) fn new(address: SocketAddr, clusters: usize, on_loss: OnLoss) -> Result<Self> {
        let member = |index: usize| {
            let node = if index % 2 == 0 { 1 } else { 2 };
            Member::new(index / 2, node, source(index))
        };
        Ok(Self {
            members: (0..clusters * 2).map(member).collect(),
            echoes: Vec::new(),
            votes: Vec::new(),
            lost: 0,
            late: 0,
            address,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 65_536],
            heard: Vec::new(),
            retries: BinaryHeap::new(),
            on_loss,
            dice: Dice::new(clock::now()),
            served: 0,
            beats: None,
        })
    }

    /// All members connect within the next moments.
    pub(crate) fn come(&mut self, spread: Micros) {
        let now = clock::now();
        let spread = u32::try_from(spread).unwrap_or(u32::MAX);
        for index in 0..self.members.len() {
            let at = now + Micros::from(self.dice.below(spread));
            self.retries.push(Reverse((at, index)));
        }
    }

    /// How many have been told at least once that they have the vote.
    pub(crate) const fn served(&self) -> usize {
        self.served
    }

    /// From now on everybody sends a heartbeat once per period.
    pub(crate) fn beat(&mut self, period: Micros) {
        let begin = clock::now();
        self.beats = Some(Beats {
            begin,
            period,
            sent: 0,
        });
    }

    /// Goes on until `done` says so.
    ///
    /// # Errors
    ///
    /// It takes longer than `patience`, or a connection is lost that must not be.
    pub(crate) fn until(
        &mut self,
        patience: Micros,
        what: &str,
        mut done: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let end = clock::now() + patience;
        while !done(self)? {
            if clock::now() > end {
                bail!(
                    "{what}: not within {} s, {} of {} are served",
                    clock::seconds(patience),
                    self.served,
                    self.members.len()
                );
            }
            self.turn(end)?;
        }
        Ok(())
    }

    /// Goes on for a while.
    pub(crate) fn go_on(&mut self, duration: Micros) -> Result<()> {
        let end = clock::now() + duration;
        while clock::now() < end {
            self.turn(end)?;
        }
        Ok(())
    }

    /// Does what is due, waits for something to happen at most until `end`, and deals with it.
    fn turn(&mut self, end: Micros) -> Result<()> {
        let next = [self.connect_due()?, self.beat_due()?, Some(end)];
        let next = next.into_iter().flatten().min().unwrap_or(end);
        let wait = next.saturating_sub(clock::now());
        // The system rounds up to milliseconds.
        let polled = self
            .poll
            .poll(&mut self.events, Some(Duration::from_micros(wait)));
        if let Err(error) = polled {
            if error.kind() == std::io::ErrorKind::Interrupted {
                return Ok(());
            }
            return Err(error.into());
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let Token(index) = event.token();
            if self.serve(index, event.is_writable()).is_err() {
                self.lose(index);
            }
        }
        self.events = events;
        Ok(())
    }

    fn serve(&mut self, index: usize, writable: bool) -> Result<()> {
        let member = &mut self.members[index];
        if writable {
            member.flush()?;
        }
        let was_served = member.served;
        let outcome = member.receive(&mut self.buffer, &mut self.heard);
        self.served += usize::from(member.served && !was_served);
        let at = clock::now();
        for heard in self.heard.drain(..) {
            match heard {
                Heard::Echo(asked) => self.echoes.push(at - asked),
                Heard::Vote(vote, ring) => self.votes.push(Voted {
                    member: index,
                    vote,
                    ring,
                    at,
                }),
            }
        }
        outcome
    }

    fn lose(&mut self, index: usize) {
        self.lost += 1;
        let member = &mut self.members[index];
        self.served -= usize::from(member.served);
        member.served = false;
        member.stream = None;
        let rest = Micros::from(self.dice.below(LONGEST_REST));
        self.retries.push(Reverse((clock::now() + rest, index)));
    }

    /// Connects those whose time has come; gives the time of the next.
    fn connect_due(&mut self) -> Result<Option<Micros>> {
        for _ in 0..AT_ONCE {
            let Some(&Reverse((at, index))) = self.retries.peek() else {
                return Ok(None);
            };
            if at > clock::now() {
                return Ok(Some(at));
            }
            self.retries.pop();
            if self.members[index].stream.is_none() {
                self.connect(index).context("connect")?;
            } else if !self.members[index].connected {
                // Its time to connect is over.
                self.lose(index);
            }
        }
        // The others when those have been heard.
        Ok(Some(0))
    }

    fn connect(&mut self, index: usize) -> Result<()> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&socket, &self.members[index].from)?;
        rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
        match rustix::net::connect(&socket, &self.address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(_) => {
                self.lose(index);
                return Ok(());
            }
        }
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(index), interest)?;
        let now = clock::now();
        self.members[index].begin(stream)?;
        if self.on_loss == OnLoss::Retry {
            self.retries.push(Reverse((now + CONNECT_PATIENCE, index)));
        }
        Ok(())
    }

    /// Sends the heartbeats whose time has come; gives the time of the next.
    fn beat_due(&mut self) -> Result<Option<Micros>> {
        let count = self.members.len() as u64;
        loop {
            let Some(beats) = &mut self.beats else {
                return Ok(None);
            };
            let due = beats.begin + beats.sent * beats.period / count;
            let now = clock::now();
            if due > now {
                return Ok(Some(due));
            }
            let index = usize::try_from(beats.sent % count)?;
            beats.sent += 1;
            let member = &mut self.members[index];
            if member.asked.is_some() {
                self.late += 1;
            } else if member.served && member.beat(now).is_err() {
                self.lose(index);
            }
        }
    }
}

/// Two hundred members share an address, so that ports do not run out.
pub(crate) fn source(index: usize) -> SocketAddr {
    let host = u16::try_from(index / 200 + 1).unwrap_or(u16::MAX);
    let [high, low] = host.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, 1, high, low), 0))
}

/// Connections begun before answers are looked at.
const AT_ONCE: usize = 64;

/// qdevice's patience with a connection. [qdevice's default heartbeat]
const CONNECT_PATIENCE: Micros = 8 * clock::SECOND;

/// qdevice rests for less than this before it connects again.
const LONGEST_REST: u32 = 4_500_000;
