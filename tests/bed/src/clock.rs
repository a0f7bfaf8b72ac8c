//! The one clock of a bed: monotonic, and the same for all processes of the machine, so that what
//! watchers in different namespaces saw can be put in order.

use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::time::Duration;

/// A point on the machine's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The present.
    ///
    /// # Panics
    ///
    /// If the machine's monotonic clock were negative, which it never is.
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Monotonic);
        Self(time.try_into().expect("monotonic time is not negative"))
    }

    /// The moment that is so many milliseconds after the clock's start; what a watcher writes.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// How long it is until this moment; zero if it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.since(Self::now())
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

/// Milliseconds since the clock's start.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_moment_reads_back_to_the_millisecond() {
        let now = Moment::now();
        let again = Moment::from_millis(now.to_string().parse().unwrap());
        assert!(now.since(again) < Duration::from_millis(1));
    }

    #[test]
    fn the_past_is_zero_away() {
        let now = Moment::now();
        assert_eq!(now.since(now + Duration::from_secs(1)), Duration::ZERO);
    }
}
