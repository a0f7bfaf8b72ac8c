use rustix::time::{ClockId, clock_gettime};

/// Microseconds since some moment of the past.
pub(crate) type Micros = u64;

pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const MILLISECOND: Micros = 1000;

/// The present moment.
pub(crate) fn now() -> Micros {
    let time = clock_gettime(ClockId::Monotonic);
    // Neither is ever negative on this clock.
    time.tv_sec.unsigned_abs() * SECOND + time.tv_nsec.unsigned_abs() / 1000
}

/// As a number with a fraction.
pub(crate) fn seconds(micros: Micros) -> f64 {
    number(micros) / 1e6
}

/// Exact for anything that is measured here.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}
