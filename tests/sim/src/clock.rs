use libqdevice::base::Time;

/// A machine's monotonic clock: it counts suspend, and it runs a little too fast or too slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// What it showed at the true moment 0.
    start: u64,
    /// How far it goes in ten thousand true milliseconds.
    rate: u64,
}

const TRUE: u64 = 10_000;

impl Clock {
    pub(crate) const fn new(start: u64, rate: u64) -> Self {
        Self { start, rate }
    }

    /// What it shows at a true moment.
    pub(crate) const fn shows(self, moment: u64) -> Time {
        Time::from_millis(self.start + moment * self.rate / TRUE)
    }

    /// The first true moment at which it shows `time` or more.
    pub(crate) const fn reaches(self, time: Time) -> u64 {
        let Some(gone) = time.as_millis().checked_sub(self.start) else {
            return 0;
        };
        gone.saturating_mul(TRUE).div_ceil(self.rate)
    }

    /// How long `millis` of it are in truth.
    pub(crate) const fn lasts(self, millis: u64) -> u64 {
        (millis * TRUE).div_ceil(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_at_the_first_moment_at_which_the_clock_shows_it() {
        for rate in [9_900, 10_000, 10_100] {
            let clock = Clock::new(500, rate);
            for millis in [500, 501, 777, 12_345, 99_999] {
                let time = Time::from_millis(millis);
                let moment = clock.reaches(time);
                assert!(clock.shows(moment) >= time);
                assert!(moment == 0 || clock.shows(moment - 1) < time);
            }
        }
    }
}
