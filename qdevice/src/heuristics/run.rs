//! What is known of one run.

use super::process::since;
use libqdevice::base::{Heuristics, Time};
use libqdevice::client::{CommandOutcome, CommandReport, RunReport};
use std::collections::BTreeMap;

/// A run that is not over.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) number: u32,
    pub(super) deadline: Time,
    began: Time,
    /// By name; `None` while a command has not ended.
    commands: BTreeMap<String, Option<CommandReport>>,
}

impl Run {
    pub(super) fn new(
        number: u32,
        began: Time,
        deadline: Time,
        names: impl Iterator<Item = String>,
    ) -> Self {
        Self {
            number,
            deadline,
            began,
            commands: names.map(|name| (name, None)).collect(),
        }
    }

    /// A command has ended; the result if that decides the run: one that fails is enough, all must pass.
    pub(super) fn ended(&mut self, report: CommandReport) -> Option<Heuristics> {
        let passed = report.outcome.is_pass();
        self.commands.insert(report.name.clone(), Some(report));
        if !passed {
            return Some(Heuristics::Fail);
        }
        let all = self.commands.values().all(Option::is_some);
        all.then_some(Heuristics::Pass)
    }

    pub(super) fn over(self, at: Time, result: Heuristics) -> RunReport {
        let took = since(self.began);
        let unfinished = |name| CommandReport {
            name,
            outcome: CommandOutcome::Unfinished,
            took,
            last_lines: Vec::new(),
        };
        let commands = self.commands.into_iter();
        RunReport {
            run: self.number,
            at,
            result,
            commands: commands
                .map(|(name, report)| report.unwrap_or_else(|| unfinished(name)))
                .collect(),
        }
    }
}
