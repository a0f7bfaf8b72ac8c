use libqdevice::base::{Millis, Time};

/// Time for clients to be heard when the daemon itself was away: stopped, or on a host that stood
/// still.
///
/// What they sent meanwhile lies in the sockets, unread. Judged by the clock alone they would all be
/// taken for dead, and every cluster would lose its vote at once. [C: pr-poll-loop.c reads before it
/// looks at timers]
#[derive(Debug, Default)]
pub(crate) struct Grace {
    until: Time,
}

impl Grace {
    /// When to look at a deadline.
    pub(crate) fn wake_at(&self, deadline: Time) -> Time {
        deadline.max(self.until)
    }

    /// Whether a deadline that has come counts. One that is noticed much too late does not yet: from
    /// now on it waits for a while, once.
    pub(crate) fn is_over(&mut self, deadline: Time, now: Time) -> bool {
        let fresh = deadline > self.until;
        if fresh && now.since(deadline) > LATE {
            self.until = now.after(GRACE);
        }
        now >= self.wake_at(deadline)
    }
}

/// Milliseconds; a daemon that runs is never so late.
const LATE: u64 = 100;

/// Long enough to read what has arrived, too short to matter to a cluster.
const GRACE: Millis = Millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn a_deadline_noticed_in_time_counts_at_once() {
        let mut grace = Grace::default();
        assert_eq!(grace.wake_at(at(1000)), at(1000));
        assert!(grace.is_over(at(1000), at(1000)));
        assert!(grace.is_over(at(1000), at(1100)));
    }

    #[test]
    fn a_deadline_noticed_too_late_waits_once() {
        let mut grace = Grace::default();
        assert!(!grace.is_over(at(1000), at(5000)));
        assert_eq!(grace.wake_at(at(1000)), at(5200));
        assert!(!grace.is_over(at(1000), at(5199)));
        assert!(grace.is_over(at(1000), at(9000)));
    }

    #[test]
    fn each_time_the_daemon_was_away_counts_anew() {
        let mut grace = Grace::default();
        assert!(!grace.is_over(at(1000), at(5000)));
        assert!(grace.is_over(at(6000), at(6000)));
        assert!(!grace.is_over(at(7000), at(9000)));
    }
}
