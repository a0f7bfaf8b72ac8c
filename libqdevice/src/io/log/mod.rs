//! The log of a daemon: syslog's levels, upstream's format, and never in the way of a vote.
//!
//! Lines are queued and written by a thread of their own, because a system logger that waits for a
//! full disk makes its writers wait too, and that happens when the cluster can afford it least. When
//! the queue is full, lines are lost and counted. In the journal a line has fields for what it is about: docs/journal.md.
//! [C: log.c]

mod about;
mod backlog;
mod journal;
mod line;
mod relay;
mod sink;
mod syslog;

use crate::base::{ClusterName, Facts, Level, NodeId};
use about::{Standing, emit};
use backlog::Backlog;
use relay::{CRIT, NOTICE, Relay};
use sink::{Sinks, Stderr};
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use std::{panic, thread};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Where the lines go besides the system's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To stderr: option `-f`.
    Foreground,
    /// Nowhere.
    Background,
}

/// What becomes of debug lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debug {
    /// They are dropped.
    Hidden,
    /// They are shown: option `-d`.
    Shown,
    /// They are shown, and the system's log gets them as info: `-d` twice.
    Raised,
}

impl Debug {
    /// What so many `-d` mean.
    #[must_use]
    pub const fn of_count(count: u8) -> Self {
        match count {
            0 => Self::Hidden,
            1 => Self::Shown,
            _ => Self::Raised,
        }
    }
}

/// The running log; what is queued is written before it is dropped.
#[derive(Debug)]
pub struct Log {
    backlog: Arc<Backlog>,
    debug: Arc<AtomicBool>,
    standing: Arc<OnceLock<Standing>>,
}

impl Log {
    /// Starts the log of the whole process: facility daemon, the given ident, with pid.
    ///
    /// The system's log is journald where it runs, else syslog.
    ///
    /// # Errors
    ///
    /// When the process has a log already, or no thread can be started.
    pub fn start(ident: &'static str, place: Place, debug: Debug) -> io::Result<Self> {
        let stderr = match place {
            Place::Foreground => Stderr::Yes,
            Place::Background => Stderr::No,
        };
        let backlog = Arc::new(Backlog::default());
        let source = Arc::clone(&backlog);
        let (opened, is_heard) = mpsc::channel();
        thread::Builder::new().name("log".into()).spawn(move || {
            let mut sinks = Sinks::open(ident, stderr, debug);
            // Nobody listens any more when it took too long.
            let _ = opened.send(sinks.are_heard());
            source.drain(|lines| sinks.write(lines));
        })?;
        // Even to open a log that does not move takes as long as it does not.
        if is_heard.recv_timeout(PATIENCE) == Ok(false) {
            // Told while there still is a stderr; if that fails, nothing is left to be told on.
            let _ = writeln!(
                io::stderr(),
                "{ident}: neither journald nor syslog is running: the log is lost until one is"
            );
        }

        let shown = Arc::new(AtomicBool::new(debug != Debug::Hidden));
        let standing = Arc::new(OnceLock::new());
        let relay = Relay::new(
            Arc::clone(&backlog),
            Arc::clone(&shown),
            Arc::clone(&standing),
        );
        tracing_subscriber::registry()
            .with(relay)
            .try_init()
            .map_err(io::Error::other)?;
        log_panics(Arc::clone(&backlog));
        Ok(Self {
            backlog,
            debug: shown,
            standing,
        })
    }

    /// Names in every line from now on the node that the daemon serves, and its server (`host:port`).
    pub fn stand_for(&self, cluster: &ClusterName, node: NodeId, server: &str) {
        // Asked for once.
        let _ = self.standing.set(Standing::new(cluster, node, server));
    }

    /// Shows or hides debug lines from now on.
    pub fn show_debug(&self, shown: bool) {
        if self.debug.swap(shown, Ordering::Relaxed) != shown {
            tracing::callsite::rebuild_interest_cache();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.backlog.flush(PATIENCE);
    }
}

/// Writes a line of the given level; for chatter use the macros of `tracing`.
pub fn tell(level: Level, text: &impl Display) {
    tell_of(level, &Facts::default(), text);
}

/// Writes a line of the given level that is about `facts`, or counts it if it repeats itself.
pub fn tell_of(level: Level, facts: &Facts<'_>, text: &impl Display) {
    use tracing::Level as Rough;
    match level {
        Level::Crit => emit!(CRIT, Rough::ERROR, facts, text),
        Level::Error => emit!(PLAIN, Rough::ERROR, facts, text),
        Level::Warning => emit!(PLAIN, Rough::WARN, facts, text),
        Level::Notice => emit!(NOTICE, Rough::INFO, facts, text),
        Level::Info => emit!(PLAIN, Rough::INFO, facts, text),
        Level::Debug => emit!(PLAIN, Rough::DEBUG, facts, text),
    }
}

/// Target of the events whose level `tracing` has.
const PLAIN: &str = "line";

/// How long the start and the end of the daemon wait for a log that does not move.
const PATIENCE: Duration = Duration::from_secs(2);

/// A panic ends the process; its reason must not end with it.
fn log_panics(backlog: Arc<Backlog>) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tell(Level::Crit, panic);
        backlog.flush(PATIENCE);
        default(panic);
    }));
}
