use super::clock;
use super::log::tell;
use crate::base::{Level, Time};
use std::time::Duration;

/// Rest after a connection could not be accepted, for instance because no descriptor is free.
///
/// Without it the listener would stay readable and the daemon would do nothing else. The reason is
/// logged once a minute, not at every attempt.
#[derive(Debug, Default)]
pub struct Pause {
    told: Option<Time>,
}

impl Pause {
    /// Logs the reason if it was not logged lately, and rests.
    pub async fn after(&mut self, reason: String) {
        let now = clock::now();
        if self.told.is_none_or(|told| now.since(told) >= SILENCE) {
            self.told = Some(now);
            tell(Level::Error, &reason);
        }
        tokio::time::sleep(REST).await;
    }
}

const REST: Duration = Duration::from_millis(200);

/// Milliseconds between two lines.
const SILENCE: u64 = 60_000;
