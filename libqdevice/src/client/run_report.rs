use crate::base::{Heuristics, Millis, Time};
use std::fmt;

/// What a run of the heuristics commands has shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunReport {
    /// The number of the run.
    pub run: u32,
    /// When it was over.
    pub at: Time,
    /// Passed when every command has ended with status 0 in time.
    pub result: Heuristics,
    /// The commands, in the order of their names.
    pub commands: Vec<CommandReport>,
}

/// How one command has done in a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommandReport {
    /// The name behind `exec_`.
    pub name: String,
    /// How it ended.
    pub outcome: CommandOutcome,
    /// From its start to its end, or to the end of the run.
    pub took: Millis,
    /// The last lines it wrote to stderr, each cut to a bearable length.
    pub last_lines: Vec<String>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CommandOutcome {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It could not be started; the text says why.
    NotStarted(String),
    /// Not before the run was over: its time was up, or another command had failed.
    Unfinished,
}

impl CommandOutcome {
    /// Whether the command speaks for this node.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        *self == Self::Exited(0)
    }
}

impl fmt::Display for CommandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "finished with status {status}"),
            Self::Killed(signal) => write!(f, "killed by signal {signal}"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
            Self::Unfinished => f.write_str("not finished when the run was over"),
        }
    }
}

impl RunReport {
    /// What `corosync-qdevice-tool --heuristics` shows. `wall` gives a moment as local time.
    #[must_use]
    pub fn text(&self, wall: &dyn Fn(Time) -> String) -> String {
        let mut lines = vec![
            format!("Last run:\t\t{} ({})", self.run, wall(self.at)),
            format!("Result:\t\t\t{}", self.result.as_str()),
        ];
        for command in &self.commands {
            let CommandReport {
                name,
                outcome,
                took,
                last_lines,
            } = command;
            lines.push(format!("Command {name}:\n    {outcome}, {took}"));
            lines.extend(last_lines.iter().map(|line| format!("    stderr: {line}")));
        }
        lines.join("\n") + "\n"
    }
}

/// The last lines of a stream, in bounded memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastLines {
    lines: std::collections::VecDeque<Vec<u8>>,
    unfinished: Vec<u8>,
}

impl LastLines {
    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                Some(_) | None => (piece, false),
            };
            let room = LINE_LENGTH.saturating_sub(self.unfinished.len());
            self.unfinished.extend(text.iter().take(room));
            if ended {
                let line = std::mem::take(&mut self.unfinished);
                self.keep(line);
            }
        }
    }

    /// The lines, one without an end included; what a terminal would act on is masked.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        let line = std::mem::take(&mut self.unfinished);
        self.keep(line);
        self.lines
            .into_iter()
            .map(|line| printable(&line))
            .collect()
    }

    fn keep(&mut self, line: Vec<u8>) {
        if line.is_empty() {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { '?' } else { c })
        .collect()
}

const LINES: usize = 5;
const LINE_LENGTH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn last(pieces: &[&str]) -> Vec<String> {
        let mut lines = LastLines::default();
        for piece in pieces {
            lines.push(piece.as_bytes());
        }
        lines.finish()
    }

    #[test]
    fn only_the_last_lines_stay_however_they_arrive() {
        assert_eq!(
            last(&["1\n2\n3", "\n4\n5\n6\n", "sev", "en"]),
            ["3", "4", "5", "6", "seven"]
        );
        assert_eq!(last(&["\n\n"]), [""; 0]);
    }

    #[test]
    fn an_endless_line_takes_bounded_memory() {
        let mut lines = LastLines::default();
        for _ in 0..1000 {
            lines.push(&[b'x'; 1000]);
        }
        assert_eq!(lines.unfinished.len(), LINE_LENGTH);
        lines.push(b"\nend\n");
        assert_eq!(lines.finish()[1], "end");
    }

    #[test]
    fn nothing_a_command_writes_can_act_on_a_terminal() {
        assert_eq!(last(&["a\x1b[2Jb\rc\td\u{9b}"]), ["a?[2Jb?c\td?"]);
    }

    #[test]
    fn the_text_names_every_command_with_its_end() {
        let command = |name: &str, outcome, lines: &[&str]| CommandReport {
            name: name.into(),
            outcome,
            took: Millis(12),
            last_lines: lines.iter().map(ToString::to_string).collect(),
        };
        let report = RunReport {
            run: 3,
            at: Time::from_millis(0),
            result: Heuristics::Fail,
            commands: vec![
                command("disk", CommandOutcome::Exited(0), &[]),
                command("ping", CommandOutcome::Exited(1), &["no route"]),
            ],
        };
        assert_eq!(
            report.text(&|_| "2026-01-02T03:04:05".into()),
            "Last run:\t\t3 (2026-01-02T03:04:05)\nResult:\t\t\tFail\n\
             Command disk:\n    finished with status 0, 12ms\n\
             Command ping:\n    finished with status 1, 12ms\n    stderr: no route\n"
        );
    }
}
