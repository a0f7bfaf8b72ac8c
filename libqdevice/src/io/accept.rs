use super::clock;
use super::log::tell;
use crate::base::{Level, Time};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Rest after a connection could not be accepted, for instance because no descriptor is free.
///
/// Without it the listener would stay readable and the daemon would do nothing else. The reason is
/// logged once a minute, not at every attempt.
#[derive(Debug, Default)]
pub struct Pause {
    told: Option<Time>,
    end: Option<Instant>,
}

impl Pause {
    /// Begins a rest, and logs the reason if it was not logged lately.
    pub fn begin(&mut self, reason: String) {
        let now = clock::now();
        if self.told.is_none_or(|told| now.since(told) >= SILENCE) {
            self.told = Some(now);
            tell(Level::Error, &reason);
        }
        self.end = Some(Instant::now() + REST);
    }

    /// Waits for the end of the rest, if there is one. May be dropped and called again at any time.
    pub async fn over(&mut self) {
        if let Some(end) = self.end {
            sleep_until(end).await;
            self.end = None;
        }
    }
}

const REST: Duration = Duration::from_millis(200);

/// Milliseconds between two lines.
const SILENCE: u64 = 60_000;
