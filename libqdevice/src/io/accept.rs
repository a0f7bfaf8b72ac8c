use super::log::tell;
use crate::base::Level;
use std::time::Duration;

/// Rest after a connection could not be accepted, for instance because no descriptor is free.
///
/// Without it the listener would stay readable and the daemon would do nothing else. The reason is
/// logged when the trouble begins, not at every attempt.
#[derive(Debug, Default)]
pub struct Pause {
    in_trouble: bool,
}

impl Pause {
    /// Logs the reason if it is news, and rests.
    pub async fn after(&mut self, reason: String) {
        let level = if self.in_trouble {
            Level::Debug
        } else {
            Level::Error
        };
        tell(level, &reason);
        self.in_trouble = true;
        tokio::time::sleep(REST).await;
    }

    /// A connection could be accepted.
    pub const fn over(&mut self) {
        self.in_trouble = false;
    }
}

const REST: Duration = Duration::from_millis(200);
