//! What the service manager is told; without one, nothing happens.

use crate::base::Level;
use crate::io::log::tell;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

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
    beats: Option<Interval>,
    told: String,
}

impl Pulse {
    /// A pulse for the manager that has started the daemon; without one it never beats. Needs a runtime.
    #[must_use]
    pub fn start() -> Self {
        let managed = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self::every(managed.then(|| period(watchdog_enabled())))
    }

    fn every(period: Option<Duration>) -> Self {
        let beats = period.map(|period| {
            let mut beats = interval(period);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beats
        });
        let told = String::new();
        Self { beats, told }
    }

    /// Returns when the manager should hear something. May be dropped and called again at any time.
    pub async fn due(&mut self) {
        match &mut self.beats {
            Some(beats) => _ = beats.tick().await,
            None => pending().await,
        }
    }

    /// The daemon is alive, and this is what `systemctl status` says about it.
    pub fn beat(&mut self, status: String) {
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
fn period(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(USUAL, |limit| {
        (limit / 3).clamp(Duration::from_millis(1), USUAL)
    })
}

/// Often enough for a status line that people look at.
const USUAL: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_something_at_least_twice_before_its_watchdog_bites() {
        assert_eq!(period(None), USUAL);
        assert_eq!(period(Some(Duration::from_secs(30))), USUAL);
        let short = Duration::from_millis(900);
        assert_eq!(period(Some(short)), Duration::from_millis(300));
        assert!(period(Some(Duration::ZERO)) > Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pulse_beats_at_once_and_then_with_its_period() {
        let mut pulse = Pulse::every(Some(USUAL));
        let start = tokio::time::Instant::now();
        pulse.due().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pulse.due().await;
        assert_eq!(start.elapsed(), USUAL);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_manager_it_never_beats() {
        let mut pulse = Pulse::every(None);
        let far = Duration::from_secs(3600);
        assert!(tokio::time::timeout(far, pulse.due()).await.is_err());
    }
}
