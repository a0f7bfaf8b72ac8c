use super::{PeerId, QnetdSettings};
use crate::base::{Deadlines, Millis, Time};
use crate::settings::Coefficient;

/// Dead peer detection: who has been silent for too long. [C: qnetd-client-dpd-timer.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Silence {
    /// How many heartbeats of silence are too many; none if silence is never too long.
    coefficient: Option<Coefficient>,
    deadlines: Deadlines<PeerId>,
}

/// The longest patience: timers of the C program end at five hours, and clients may be told so.
const LONGEST: Millis = Millis(5 * 60 * 60 * 1000);

impl Silence {
    pub(super) fn new(settings: &QnetdSettings) -> Self {
        let coefficient = settings
            .dpd_enabled
            .then_some(settings.dpd_interval_coefficient);
        Self {
            coefficient,
            deadlines: Deadlines::default(),
        }
    }

    /// How long a peer with this heartbeat may be silent; `None` if that is longer than can be watched.
    pub(super) fn patience(&self, heartbeat: Millis) -> Option<Millis> {
        let Some(coefficient) = self.coefficient else {
            return Some(heartbeat);
        };
        let patience = Millis(u32::try_from(coefficient.times(heartbeat)).ok()?);
        (patience <= LONGEST).then_some(patience)
    }

    /// The same, cut to what can be watched.
    pub(super) fn patience_at_most(&self, heartbeat: Millis) -> Millis {
        self.patience(heartbeat).unwrap_or(LONGEST)
    }

    /// A complete message has come from `peer`, or it has just connected.
    pub(super) fn heard(&mut self, now: Time, peer: PeerId, patience: Millis) {
        if self.coefficient.is_some() {
            self.deadlines.set(peer, now.after(patience));
        }
    }

    /// `peer` is gone.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.deadlines.clear(peer);
    }

    /// When the next peer will have been silent for too long.
    pub(super) fn next(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// A peer that has been silent for too long; it is not watched any more.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<PeerId> {
        self.deadlines.pop_due(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(settings: &str) -> Silence {
        use crate::settings::Settings;
        let mut all = QnetdSettings::default();
        all.apply(settings).unwrap();
        Silence::new(&all)
    }

    #[test]
    fn patience_is_one_and_a_half_heartbeats_without_the_fraction() {
        assert_eq!(silence("").patience(Millis(1001)), Some(Millis(1501)));
    }

    #[test]
    fn patience_beyond_five_hours_is_refused_or_cut() {
        assert_eq!(
            silence("").patience(Millis(12_000_000)),
            Some(Millis(18_000_000))
        );
        assert_eq!(silence("").patience(Millis(12_000_001)), None);
        let extreme = silence("dpd_interval_coefficient=1000");
        assert_eq!(
            extreme.patience_at_most(Millis(120_000)),
            Millis(18_000_000)
        );
    }

    #[test]
    fn switched_off_it_watches_nobody_and_refuses_nothing() {
        let mut off = silence("dpd_enabled=off");
        off.heard(Time::default(), PeerId(1), Millis(1));
        assert_eq!(off.next(), None);
        assert!(off.patience(Millis(u32::MAX)).is_some());
    }
}
