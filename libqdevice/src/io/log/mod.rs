//! The log of a daemon: syslog's levels, upstream's format, and never in the way of a vote.
//!
//! Lines are queued and written by a thread of their own, because a system logger that waits for a
//! full disk makes its writers wait too, and that happens when the cluster can afford it least. When
//! the queue is full, lines are lost and counted. [C: log.c]

mod backlog;
mod journal;
mod line;
mod relay;
mod sink;
mod syslog;

use crate::base::Level;
use backlog::Backlog;
use relay::{CRIT, NOTICE, Relay};
use sink::{Sinks, Stderr};
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
        let mut sinks = Sinks::open(ident, stderr, debug);
        if !sinks.are_heard() {
            // Told while there still is a stderr; if that fails, nothing is left to be told on.
            let _ = writeln!(
                io::stderr(),
                "{ident}: neither journald nor syslog is running: the log is lost until one is"
            );
        }
        let source = Arc::clone(&backlog);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || source.drain(|line| sinks.write(line)))?;

        let shown = Arc::new(AtomicBool::new(debug != Debug::Hidden));
        let relay = Relay::new(Arc::clone(&backlog), Arc::clone(&shown));
        tracing_subscriber::registry()
            .with(relay)
            .try_init()
            .map_err(io::Error::other)?;
        log_panics(Arc::clone(&backlog));
        Ok(Self {
            backlog,
            debug: shown,
        })
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
    match level {
        Level::Crit => tracing::error!(target: CRIT, "{text}"),
        Level::Error => tracing::error!("{text}"),
        Level::Warning => tracing::warn!("{text}"),
        Level::Notice => tracing::info!(target: NOTICE, "{text}"),
        Level::Info => tracing::info!("{text}"),
        Level::Debug => tracing::debug!("{text}"),
    }
}

/// How long the end of the daemon waits for a log that does not move.
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
