//! Neighbours that do not behave, and what the good clients notice of them.

use crate::clock::{self, MILLISECOND, Micros, SECOND, number};
use crate::figures::{Figures, percentile};
use crate::fleet::{Fleet, OnLoss, source};
use crate::member::waits;
use crate::server::{Program, Server};
use anyhow::Result;
use libqdevice::wire::{Echo, Message, PreInit};
use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vice {
    /// They ask for long answers and never read one.
    NeverRead,
    /// They send one byte of a long message a second.
    Drip,
    /// They connect and say nothing.
    HalfOpen,
    /// Members of one cluster send valid requests as fast as they are answered, and faster.
    Flood,
}

/// A kind of neighbours.
struct Kind {
    vice: Vice,
    name: &'static str,
    count: usize,
    /// Settings of our server; the C program is not measured with any.
    settings: Option<&'static str>,
}

const KINDS: [Kind; 5] = [
    Kind::of(Vice::HalfOpen, "half-open", 1000, None),
    Kind::of(Vice::Drip, "drips", 100, None),
    Kind::of(Vice::NeverRead, "never-readers", 100, None),
    // The quota alone keeps them from filling any memory: without it they need more than that.
    Kind::of(
        Vice::NeverRead,
        "never-readers without quota and with 8 MiB for all",
        100,
        Some("max_cluster_requests=0,max_buffered_size=8388608"),
    ),
    Kind::of(Vice::Flood, "flood", 16, None),
];

impl Kind {
    const fn of(
        vice: Vice,
        name: &'static str,
        count: usize,
        settings: Option<&'static str>,
    ) -> Self {
        Self {
            vice,
            name,
            count,
            settings,
        }
    }
}

/// Good clients alone and beside each kind of bad ones whose name begins so.
pub(crate) fn measure(
    clients: usize,
    steady: Micros,
    neighbours: &str,
    program: &Program,
    figures: &mut Figures,
) -> Result<()> {
    for kind in KINDS
        .into_iter()
        .filter(|kind| kind.name.starts_with(neighbours))
    {
        let name = kind.name;
        let settings = match kind.settings {
            Some(_) if program.name != "ours" => continue,
            Some(settings) => format!("{BACKLOG},{settings}"),
            None => BACKLOG.to_owned(),
        };
        let server = Server::plain(program, &settings)?;
        let mut fleet = Fleet::new(server.address, clients / 2, OnLoss::Retry)?;
        fleet.come(1);
        let all = fleet.members.len();
        fleet.until(60 * SECOND, name, |fleet| Ok(fleet.served() == all))?;
        fleet.beat(SECOND);
        fleet.go_on(SECOND)?;
        let mut note = |what: &str, value| {
            let figure = format!("hostile: {name}: {what}");
            figures.add(&figure, clients, program.name, value);
        };
        match beside(&mut fleet, &server, &kind, steady) {
            Ok(mut seen) => {
                for percent in [50, 99] {
                    let before = percentile(&mut seen.alone, percent);
                    let during = percentile(&mut seen.beside, percent);
                    note(&format!("echo p{percent} without (ms)"), before);
                    note(&format!("echo p{percent} (ms)"), during);
                }
                note("memory (MiB)", seen.memory / 1024.0);
                note("bad connections ended", number(seen.ended));
                note("good connections lost", number(fleet.lost));
            }
            Err(error) => {
                eprintln!("{name}, {}: {error}", program.name);
                note("the server died", 1.0);
            }
        }
    }
    Ok(())
}

/// What the good clients saw.
struct Seen {
    alone: Vec<Micros>,
    beside: Vec<Micros>,
    /// Kilobytes more than before, at most.
    memory: f64,
    /// Bad connections that the server has ended.
    ended: u64,
}

/// Compares with the moments before and after, on a machine that is not always as busy.
fn beside(fleet: &mut Fleet, server: &Server, kind: &Kind, steady: Micros) -> Result<Seen> {
    fleet.echoes.clear();
    fleet.go_on(steady / 2)?;
    let mut alone = std::mem::take(&mut fleet.echoes);
    let before = server.memory()?;
    let mut memory = 0f64;
    let neighbours = Neighbours::move_in(kind, server.address);
    fleet.go_on(500 * MILLISECOND)?;
    fleet.echoes.clear();
    for _ in 0..10 {
        fleet.go_on(steady / 10)?;
        memory = memory.max(server.memory()? - before);
    }
    let beside = std::mem::take(&mut fleet.echoes);
    let ended = neighbours.ended.load(Ordering::Relaxed);
    drop(neighbours);
    fleet.go_on(500 * MILLISECOND)?;
    fleet.echoes.clear();
    fleet.go_on(steady / 2)?;
    alone.append(&mut fleet.echoes);
    Ok(Seen {
        alone,
        beside,
        memory,
        ended,
    })
}

/// Bad clients on a thread of their own; gone when dropped.
struct Neighbours {
    end: Arc<AtomicBool>,
    ended: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbours {
    fn move_in(kind: &Kind, address: SocketAddr) -> Self {
        let (end, ended) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (seen, counted) = (Arc::clone(&end), Arc::clone(&ended));
        let (vice, count) = (kind.vice, kind.count);
        let thread = std::thread::spawn(move || {
            let mut all: Vec<_> = (0..count)
                .map(|index| Bad::new(vice, index, address))
                .collect();
            while !seen.load(Ordering::Relaxed) {
                let mut idle = true;
                for bad in &mut all {
                    let connected = bad.stream.is_some();
                    idle &= !bad.misbehave(clock::now());
                    if connected && bad.stream.is_none() {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                }
                if idle {
                    std::thread::park_timeout(Duration::from_micros(PAUSE));
                }
            }
        });
        Self {
            end,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Bad {
    vice: Vice,
    index: usize,
    address: SocketAddr,
    stream: Option<TcpStream>,
    next: Micros,
    /// What it is sending, and how much of it is sent.
    bytes: Vec<u8>,
    sent: usize,
}

impl Bad {
    fn new(vice: Vice, index: usize, address: SocketAddr) -> Self {
        let mut bad = Self {
            vice,
            index,
            address,
            stream: None,
            next: 0,
            bytes: Vec::new(),
            sent: 0,
        };
        bad.connect();
        bad
    }

    /// Connects again, too, when the server has ended the connection.
    fn connect(&mut self) {
        self.stream = connect(self.index, self.address);
        (self.sent, self.next) = (0, clock::now() + 10 * MILLISECOND);
        self.bytes = match self.vice {
            Vice::HalfOpen => Vec::new(),
            Vice::Drip => [&[0, 0, 0, 0, 0x7f, 0xfa][..], &vec![0; 32_000]].concat(),
            Vice::NeverRead => admitted(self.index, &long_echo().repeat(4)),
            Vice::Flood => admitted(self.index, &echo().repeat(100)),
        };
    }

    /// Does what it does next; whether it did anything.
    fn misbehave(&mut self, now: Micros) -> bool {
        if now < self.next || self.vice == Vice::HalfOpen {
            return false;
        }
        let Some(stream) = &mut self.stream else {
            self.connect();
            return true;
        };
        let end = match self.vice {
            Vice::Drip => {
                self.next = now + SECOND;
                (self.sent + 1).min(self.bytes.len())
            }
            Vice::HalfOpen | Vice::NeverRead | Vice::Flood => self.bytes.len(),
        };
        let mut did = false;
        match stream.write(&self.bytes[self.sent..end]) {
            Ok(len) => {
                did = len > 0 && self.vice != Vice::Drip;
                self.sent += len;
                if self.sent == self.bytes.len() {
                    self.sent = 0;
                    self.bytes = match self.vice {
                        Vice::NeverRead => long_echo().repeat(4),
                        Vice::HalfOpen | Vice::Drip | Vice::Flood => echo().repeat(100),
                    };
                }
            }
            Err(error) if waits(&error) => {}
            Err(_) => self.stream = None,
        }
        if self.vice == Vice::Flood {
            let mut buffer = [0; 16_384];
            while let Some(stream) = &mut self.stream {
                match stream.read(&mut buffer) {
                    Ok(0) => self.stream = None,
                    Ok(_) => did = true,
                    Err(error) if waits(&error) => break,
                    Err(_) => self.stream = None,
                }
            }
        }
        if !did && self.vice != Vice::Drip {
            self.next = now + PAUSE;
        }
        did
    }
}

/// PREINIT and INIT of a member of the one bad cluster, and what follows.
fn admitted(index: usize, follows: &[u8]) -> Vec<u8> {
    let preinit = Message::PreInit(PreInit {
        seq: Some(1),
        cluster: Some("hostile".into()),
    });
    let node = u32::try_from(index + 1).unwrap_or(u32::MAX);
    let init = crate::member::init(2, node);
    let head = [preinit, init].map(|message| message.encode(LIMIT).unwrap_or_default());
    [&head.concat(), follows].concat()
}

fn echo() -> Vec<u8> {
    let echo = Message::EchoRequest(Echo::new(3));
    echo.encode(LIMIT).unwrap_or_default()
}

/// An echo request of thirty kilobytes: an unknown option may stand in it.
fn long_echo() -> Vec<u8> {
    let option = [&[0x7f, 0xff, 0x75, 0x30][..], &vec![0; 30_000]].concat();
    let echo = Message::EchoRequest(Echo::received(None, option));
    echo.encode(LIMIT).unwrap_or_default()
}

fn connect(index: usize, address: SocketAddr) -> Option<TcpStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
    let socket = socket.ok()?;
    // Behind the addresses of the good ones.
    rustix::net::bind(&socket, &source(50_000 + index)).ok()?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Some(TcpStream::from_std(socket.into())),
        Err(_) => None,
    }
}

const BACKLOG: &str = "listen_backlog=4096";

/// How long they rest when nothing can be done.
const PAUSE: Micros = MILLISECOND;

const LIMIT: usize = 32_768;
