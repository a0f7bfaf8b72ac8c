use super::log::tell_of;
use super::os_error::Numbered;
use crate::base::{Facts, Level, Repeats};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Rest after a connection could not be accepted, for instance because no descriptor is free.
///
/// Without it the listener would stay readable and the daemon would do nothing else.
#[derive(Debug, Default)]
pub struct Pause {
    end: Option<Instant>,
}

impl Pause {
    /// Begins a rest, and logs why; `kind` says what kind of connection it is.
    pub fn begin(&mut self, kind: &str, error: &io::Error) {
        let facts = Facts {
            reason: Some("not-accepted"),
            detail: Some(kind),
            repeats: Repeats::Counted,
            ..Facts::default()
        };
        let text = format_args!("Can't accept {kind} {}", Numbered(error));
        tell_of(Level::Error, &facts, &text);
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
