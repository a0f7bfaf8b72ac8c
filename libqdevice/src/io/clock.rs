//! The only reader of clocks.
//!
//! Deadlines live on a clock that goes on while the machine sleeps: a node that wakes up after a long
//! suspend must notice at once that everybody has long given it up.

use crate::base::Time;
use crate::report::{Heading, Moment};
use chrono::{DateTime, Local, TimeDelta};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::future;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// The present moment: milliseconds since boot, suspend included.
#[must_use]
pub fn now() -> Time {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
    // Both are never negative on this clock.
    Time::from_millis(tv_sec.unsigned_abs() * 1000 + tv_nsec.unsigned_abs() / 1_000_000)
}

/// The present moment on the calendar.
#[must_use]
pub fn wall_now() -> DateTime<Local> {
    Local::now()
}

/// What a moment of the past was on the calendar, in the form of the status texts:
/// `2026-11-23T14:00:05`, local time.
#[must_use]
pub fn wall_text(at: Time) -> String {
    let elapsed = i64::try_from(now().since(at)).unwrap_or(i64::MAX);
    let wall = TimeDelta::try_milliseconds(elapsed)
        .and_then(|elapsed| wall_now().checked_sub_signed(elapsed))
        .unwrap_or_default();
    wall.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// What a moment of [`now`]'s clock was on the calendar.
#[must_use]
pub fn wall_moment(at: Time) -> Moment {
    let now_millis = u64::try_from(wall_now().timestamp_millis()).unwrap_or_default();
    let now = now();
    // One of the two is nothing.
    Moment((now_millis + at.since(now)).saturating_sub(now.since(at)))
}

/// What stands above a report that is made now.
#[must_use]
pub fn heading(report: &str) -> Heading {
    Heading::of(report, wall_moment(now()))
}

/// Wakes a task at a moment of [`now`]'s clock, right after a suspend too.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    armed: Option<Time>,
}

impl Alarm {
    /// An alarm that is not set. Needs a runtime.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types that may close their descriptor; OwnedFd keeps it"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self { timer, armed: None })
    }

    /// Returns when `deadline` has come; without one, never.
    ///
    /// May be dropped and called again with the same or another deadline at any time.
    ///
    /// # Errors
    ///
    /// When the system refuses the timer.
    pub async fn reached(&mut self, deadline: Option<Time>) -> io::Result<()> {
        let Some(deadline) = deadline else {
            return future::pending().await;
        };
        while now() < deadline {
            // One that rings earlier is left alone: deadlines are put off at every message, and the
            // timer then costs nothing until it rings once in vain.
            if self.armed.is_none_or(|armed| armed > deadline) {
                self.arm(deadline)?;
            }
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            match rustix::io::read(self.timer.get_ref(), &mut expirations) {
                Ok(_) => self.armed = None,
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn arm(&mut self, deadline: Time) -> io::Result<()> {
        let millis = deadline.as_millis();
        // A value of zero would disarm the timer.
        let value = Timespec {
            tv_sec: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(millis % 1000 * 1_000_000)
                .unwrap_or_default()
                .max(1),
        };
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: value,
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
        self.armed = Some(deadline);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Millis;

    #[tokio::test]
    async fn an_alarm_wakes_at_its_deadline_and_not_before() {
        let mut alarm = Alarm::new().unwrap();
        let deadline = now().after(Millis(30));
        alarm.reached(Some(deadline)).await.unwrap();
        assert!(now() >= deadline);
    }

    #[tokio::test]
    async fn a_deadline_of_the_past_has_come() {
        let mut alarm = Alarm::new().unwrap();
        alarm.reached(Some(Time::from_millis(0))).await.unwrap();
    }

    #[tokio::test]
    async fn an_alarm_can_be_moved_forward_and_rings_again() {
        let mut alarm = Alarm::new().unwrap();
        let far = now().after(Millis(60_000));
        tokio::select! {
            biased;
            _ = alarm.reached(Some(far)) => panic!("a minute has not passed"),
            () = tokio::task::yield_now() => {}
        }
        for _ in 0..2 {
            alarm.reached(Some(now().after(Millis(5)))).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_alarm_that_was_put_off_rings_at_the_later_moment() {
        let mut alarm = Alarm::new().unwrap();
        let (early, late) = (now().after(Millis(5)), now().after(Millis(30)));
        tokio::select! {
            biased;
            _ = alarm.reached(Some(early)) => panic!("it is not that late"),
            () = tokio::task::yield_now() => {}
        }
        alarm.reached(Some(late)).await.unwrap();
        assert!(now() >= late);
    }

    #[test]
    fn a_moment_of_the_past_has_a_calendar_text() {
        let text = wall_text(now());
        assert_eq!(text.len(), "2026-11-23T14:00:05".len());
        assert!(text <= wall_text(now()));
    }
}
