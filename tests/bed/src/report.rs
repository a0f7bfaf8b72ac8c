//! What a run shows: a line per scenario, the logs of those that failed, and a closing line.

use crate::interrupt::Interrupted;
use crate::program::Pairing;
use crate::scenario::Outcome;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many scenarios ended how; `Display` is the closing line of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Those that went as they should.
    pub passed: usize,
    /// Those that did not.
    pub failed: usize,
    /// Those that could not be tried.
    pub skipped: usize,
}

/// Collects results and prints each as it comes.
#[derive(Debug, Default)]
pub struct Report(Mutex<Tally>, Mutex<Measures>);

/// What was measured, by scenario, pairing and what it was.
type Measures = BTreeMap<(String, String, String), Vec<Duration>>;

impl Report {
    /// Prints the end of a scenario and counts it. One that was interrupted has no result.
    pub fn ended(
        &self,
        scenario: &str,
        pairing: Pairing,
        took: Duration,
        result: anyhow::Result<Outcome>,
    ) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let took = took.as_secs_f64();
        match result {
            Ok(outcome) => {
                tally.passed += 1;
                self.note(scenario, pairing, &outcome);
                println!("ok    {scenario:<18} {pairing:<9} {took:>6.1} s  {outcome}");
            }
            Err(error) if error.root_cause().is::<Interrupted>() => {}
            Err(error) => {
                tally.failed += 1;
                println!("FAIL  {scenario:<18} {pairing:<9} {took:>6.1} s");
                for line in error_text(&error).lines() {
                    println!("      {line}");
                }
            }
        }
    }

    /// Says why scenarios are not tried, and counts them.
    pub fn skipped(&self, count: usize, what: &str, why: &[String]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .skipped += count;
        for reason in why {
            println!("skip  {what} ({count} scenarios): {reason}");
        }
    }

    fn note(&self, scenario: &str, pairing: Pairing, outcome: &Outcome) {
        let mut measures = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        for (what, length) in outcome.measures() {
            let key = (scenario.to_owned(), pairing.to_string(), what.clone());
            measures.entry(key).or_default().push(*length);
        }
    }

    /// Medians and maxima of what several runs have measured.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "\n{:<18} {:<9} {:<14} {:>4} {:>8} {:>8}\n",
            "scenario", "pairing", "measured", "runs", "median", "most"
        );
        let mut measures = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        for ((scenario, pairing, what), lengths) in measures.iter_mut() {
            lengths.sort_unstable();
            let seconds = |at: usize| lengths.get(at).map_or(0.0, Duration::as_secs_f64);
            let (median, most) = (seconds(lengths.len() / 2), seconds(lengths.len() - 1));
            let runs = lengths.len();
            let _ = writeln!(
                text,
                "{scenario:<18} {pairing:<9} {what:<14} {runs:>4} {median:>6.1} s {most:>6.1} s"
            );
        }
        text
    }

    /// The numbers so far.
    pub fn tally(&self) -> Tally {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cause first: it is what one looks for. The logs, a context, follow.
fn error_text(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = error.chain().map(ToString::to_string).collect();
    parts.reverse();
    parts.join("\n")
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn ended(report: &Report, result: anyhow::Result<Outcome>) {
        report.ended("boot2", Pairing::CONTROL, Duration::from_secs(1), result);
    }

    #[test]
    fn the_closing_line_counts_what_was_reported() {
        let report = Report::default();
        ended(&report, Ok(Outcome::default()));
        ended(&report, Err(anyhow!("late").context("logs")));
        report.skipped(3, "c-c", &["no corosync-qnetd".into()]);
        assert_eq!(report.tally().to_string(), "1 passed, 1 failed, 3 skipped");
    }

    #[test]
    fn an_interrupted_scenario_is_not_a_failure() {
        let report = Report::default();
        ended(&report, Err(anyhow!(Interrupted).context("logs")));
        assert_eq!(report.tally(), Tally::default());
    }

    #[test]
    fn a_failure_shows_its_cause_before_its_context() {
        assert_eq!(error_text(&anyhow!("late").context("logs")), "late\nlogs");
    }
}
