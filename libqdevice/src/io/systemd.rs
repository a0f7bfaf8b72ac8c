//! What the service manager is told; without one, nothing happens.

use crate::base::{Level, Millis, Time};
use crate::io::clock;
use crate::io::log::tell;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::future::pending;
use std::time::Duration;
use tokio::time::sleep;

/// The daemon serves.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// The daemon is about to end.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Tells the service manager again and again that the daemon is alive, and how it does.
///
/// It beats in the loop that decides, so a loop that hangs is noticed, whatever its threads do.
#[derive(Debug)]
pub struct Pulse {
    beats: Option<Beats>,
    told: String,
}

#[derive(Debug, Clone, Copy)]
struct Beats {
    period: Millis,
    next: Time,
}

impl Pulse {
    /// A pulse for the manager that has started the daemon; without one it never beats.
    #[must_use]
    pub fn start() -> Self {
        let managed = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self::every(managed.then(|| period(watchdog_enabled())), clock::now())
    }

    fn every(period: Option<Millis>, next: Time) -> Self {
        let beats = period.map(|period| Beats { period, next });
        let told = String::new();
        Self { beats, told }
    }

    /// When the manager should hear something.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.beats.map(|beats| beats.next)
    }

    /// Returns when the manager should hear something. May be dropped and called again at any time. Needs a
    /// runtime.
    pub async fn due(&self) {
        match self.next() {
            Some(next) => sleep(Duration::from_millis(next.since(clock::now()))).await,
            None => pending().await,
        }
    }

    /// Beats if that is due at `now` or would soon be, for whoever is awake anyway: then it need not wake
    /// the machine later.
    pub fn beat_if_near(&mut self, now: Time, status: impl FnOnce() -> String) {
        if self.is_near(now) {
            self.beat(status());
        }
    }

    fn is_near(&self, now: Time) -> bool {
        let soon = |beats: Beats| now.after(Millis(beats.period.0 / 5)) >= beats.next;
        self.beats.is_some_and(soon)
    }

    /// The daemon is alive, and this is what `systemctl status` says about it.
    pub fn beat(&mut self, status: String) {
        if let Some(beats) = &mut self.beats {
            beats.next = clock::now().after(beats.period);
        }
        if status == self.told {
            send(&[NotifyState::Watchdog]);
        } else {
            send(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            self.told = status;
        }
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        tell(
            Level::Warning,
            &format_args!("Can't notify the service manager: {error}"),
        );
    }
}

/// How often the manager hears something: at least twice before its watchdog bites.
fn period(watchdog: Option<Duration>) -> Millis {
    watchdog.map_or(USUAL, |limit| {
        let third = u32::try_from((limit / 3).as_millis()).unwrap_or(u32::MAX);
        Millis(third.clamp(1, USUAL.0))
    })
}

/// Often enough for a status line that people look at.
const USUAL: Millis = Millis(5_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_something_at_least_twice_before_its_watchdog_bites() {
        assert_eq!(period(None), USUAL);
        assert_eq!(period(Some(Duration::from_secs(30))), USUAL);
        let short = Duration::from_millis(900);
        assert_eq!(period(Some(short)), Millis(300));
        assert!(period(Some(Duration::ZERO)) > Millis(0));
    }

    #[tokio::test]
    async fn a_pulse_beats_at_once_and_then_with_its_period() {
        let start = clock::now();
        let mut pulse = Pulse::every(Some(USUAL), start);
        assert_eq!(pulse.next(), Some(start));
        pulse.due().await;
        pulse.beat("well".to_owned());
        let next = pulse.next().unwrap();
        assert!(next.since(start) >= 5_000);
        assert!(!pulse.is_near(Time::from_millis(next.as_millis() - 1_001)));
        assert!(pulse.is_near(Time::from_millis(next.as_millis() - 1_000)));
    }

    #[tokio::test]
    async fn without_a_manager_it_never_beats() {
        let pulse = Pulse::every(None, clock::now());
        assert!(pulse.next().is_none() && !pulse.is_near(clock::now()));
        let asked = tokio::time::timeout(Duration::ZERO, pulse.due()).await;
        assert!(asked.is_err());
    }
}
