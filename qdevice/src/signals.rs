//! SIGINT and SIGTERM ask the daemon to end.

use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the daemon in an orderly way.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    asked: bool,
}

impl Signals {
    /// From now on the signals do not kill the process. Needs a runtime.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            asked: false,
        })
    }

    /// Waits until a signal has asked for the end. May be dropped and called again at any time.
    pub(crate) async fn asked(&mut self) {
        if !self.asked {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            self.asked = true;
        }
    }

    /// Waits until the end was asked for and whoever is asked has had the time for it.
    ///
    /// corosync can be frozen; the daemon must still end.
    pub(crate) async fn patience_over(&mut self) {
        self.asked().await;
        tokio::time::sleep(PATIENCE).await;
    }
}

/// How long one call of corosync may hold up the end of the daemon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
