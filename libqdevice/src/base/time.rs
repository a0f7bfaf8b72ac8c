use std::fmt;

/// A moment on a monotonic clock: milliseconds since some fixed start.
///
/// The driver decides what the start is; the core only compares and adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The moment `millis` milliseconds after the start of the clock.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start of the clock.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `delay` later; the end of time is not passed.
    #[must_use]
    pub const fn after(self, delay: Millis) -> Self {
        Self(self.0.saturating_add(delay.0 as u64))
    }

    /// Milliseconds from `earlier` to this moment, 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A length of time in milliseconds, as the protocol and the settings carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u32);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_does_not_pass_the_end_of_time() {
        let end = Time::from_millis(u64::MAX);
        assert_eq!(end.after(Millis(1)), end);
    }

    #[test]
    fn a_later_start_counts_as_no_time() {
        assert_eq!(Time::from_millis(3).since(Time::from_millis(5)), 0);
    }
}
