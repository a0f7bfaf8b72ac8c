use std::time::{Duration, Instant};

/// The only place of the suite that reads a clock: real servers live in real time.
#[expect(
    clippy::disallowed_methods,
    reason = "a real server keeps us waiting in real time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What is left of `patience` that began at `start`; `None` when it is over.
pub(crate) fn left(start: Instant, patience: Duration) -> Option<Duration> {
    patience
        .checked_sub(now().saturating_duration_since(start))
        .filter(|left| !left.is_zero())
}
