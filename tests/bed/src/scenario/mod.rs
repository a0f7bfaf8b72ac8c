//! What clusters go through, and what has to be true afterwards.

mod doctor;
mod failure;
mod frozen;
mod heuristics;
mod isolation;
mod last_man;
mod lease;
mod no_arbiter;
mod overlapping;
mod qnetd_loss;
mod reload;
mod restart;
mod signals;
mod split;
mod start_stop;
mod texts;
mod tls;

use crate::bed::Bed;
use crate::clock::Moment;
use crate::conf::Conf;
use crate::overlap::overlaps;
use crate::program::{Pairing, Programs};
use crate::reports;
use crate::run_folder::RunFolder;
use anyhow::{Result, ensure};
use std::fmt;
use std::time::Duration;

/// A named course of events.
pub struct Scenario {
    /// What it is called on the command line.
    pub name: String,
    /// What happens in it.
    pub about: &'static str,
    /// Whether it compares with C, so that it needs the C programs whatever the pairing.
    pub against_c: bool,
    /// Whether it is so long that it is played only when it is asked for by name.
    pub by_name_only: bool,
    play: Play,
}

type Play = Box<dyn Fn(&Stage<'_>) -> Result<Outcome> + Send + Sync>;

/// Where and with whom a scenario is played.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The folder for its files.
    pub run: &'a RunFolder,
    /// The programs.
    pub programs: &'a Programs,
    /// Which of them play.
    pub pairing: Pairing,
}

/// What a scenario measured, in the order of events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome(Vec<(String, Duration)>);

/// All scenarios, in the order in which they are listed and started.
#[must_use]
pub fn all() -> Vec<Scenario> {
    // The long ones first: they decide when the last of a parallel run is over.
    let mut all = frozen::scenarios();
    all.extend(lease::scenarios());
    all.extend(split::scenarios());
    all.extend(tls::scenarios());
    all.extend(heuristics::scenarios());
    all.extend(texts::scenarios());
    all.extend(doctor::scenarios());
    all.extend(signals::scenarios());
    all.extend(last_man::scenarios());
    all.extend(isolation::scenarios());
    all.extend(overlapping::scenarios());
    all.extend(no_arbiter::scenarios());
    all.extend(qnetd_loss::scenarios());
    all.extend(failure::scenarios());
    all.extend(reload::scenarios());
    all.extend(start_stop::scenarios());
    all
}

impl Scenario {
    fn new(
        name: impl Into<String>,
        about: &'static str,
        play: impl Fn(&Stage<'_>) -> Result<Outcome> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            about,
            against_c: false,
            by_name_only: false,
            play: Box::new(play),
        }
    }

    fn by_name_only(self) -> Self {
        Self {
            by_name_only: true,
            ..self
        }
    }

    fn against_c(self) -> Self {
        Self {
            against_c: true,
            ..self
        }
    }

    /// Plays it.
    pub fn play(&self, stage: &Stage<'_>) -> Result<Outcome> {
        (self.play)(stage)
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scenario").field(&self.name).finish()
    }
}

impl Stage<'_> {
    /// Makes a bed, lets `act` play on it, and checks what must be true of every course of events:
    /// no daemon ended by itself, no two partitions served at the same time, and what our daemons tell of
    /// themselves in the end is well-formed. A failure carries the logs.
    fn with_bed(
        &self,
        conf: Conf,
        act: impl FnOnce(&mut Bed, &mut Outcome) -> Result<()>,
    ) -> Result<Outcome> {
        self.with_bed_tolerating(TOLERANCE, conf, act)
    }

    /// The same for a course of events in which partitions may serve together for a while.
    fn with_bed_tolerating(
        &self,
        overlap: Duration,
        conf: Conf,
        act: impl FnOnce(&mut Bed, &mut Outcome) -> Result<()>,
    ) -> Result<Outcome> {
        let mut bed = Bed::new(self.run, self.programs, self.pairing, conf)?;
        let mut outcome = Outcome::default();
        let played = act(&mut bed, &mut outcome)
            .and_then(|()| bed.check())
            .and_then(|()| check_overlaps(&bed, overlap))
            .and_then(|()| reports::check(&bed));
        match played {
            Ok(()) => Ok(outcome),
            Err(error) => Err(error.context(Logs(bed.logs()))),
        }
    }
}

/// Fails if two partitions served at the same time for longer than `tolerated`.
pub(crate) fn check_overlaps(bed: &Bed, tolerated: Duration) -> Result<()> {
    let found = overlaps(&bed.votes().entries(), Moment::now());
    let worst = found.iter().max_by_key(|overlap| overlap.length);
    if let Some(overlap) = worst {
        ensure!(overlap.length < tolerated, "{overlap}");
    }
    Ok(())
}

/// Two watchers do not see the same moment at the same time.
pub(crate) const TOLERANCE: Duration = Duration::from_millis(100);

/// The logs of a bed, as the context of an error.
#[derive(Debug)]
pub struct Logs(pub String);

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Outcome {
    /// What was measured, in the order of events.
    pub fn measures(&self) -> impl Iterator<Item = &(String, Duration)> {
        self.0.iter()
    }

    fn add(&mut self, what: impl Into<String>, length: Duration) {
        self.0.push((what.into(), length));
    }
}

/// `node 1 out 8.1 s, node 2 in 6.2 s`
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (what, length)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{what} {:.1} s", length.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let mut names: Vec<String> = all().into_iter().map(|one| one.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_outcome_is_a_list_of_times() {
        let mut outcome = Outcome::default();
        outcome.add("node 1 out", Duration::from_millis(8140));
        outcome.add("healed", Duration::from_secs(2));
        assert_eq!(outcome.to_string(), "node 1 out 8.1 s, healed 2.0 s");
    }
}
