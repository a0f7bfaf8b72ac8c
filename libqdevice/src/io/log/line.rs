use crate::base::Level;
use crate::io::clock;
use chrono::{DateTime, Local};
use std::fmt::Write;

/// One line of the log.
#[derive(Debug, Clone)]
pub(super) struct Line {
    at: DateTime<Local>,
    pub(super) level: Level,
    pub(super) text: String,
}

impl Line {
    /// A line of this moment. Control characters are escaped: one event is one line.
    pub(super) fn new(level: Level, text: &str) -> Self {
        Self {
            at: clock::wall_now(),
            level,
            text: escaped(text),
        }
    }

    /// As on stderr: `Nov 23 14:00:05 warning Text`.
    pub(super) fn for_stderr(&self) -> String {
        format!(
            "{} {:<7} {}\n",
            self.stamp(),
            self.level.as_str(),
            self.text
        )
    }

    /// `Nov 23 14:00:05`, local time.
    pub(super) fn stamp(&self) -> impl std::fmt::Display {
        self.at.format("%b %d %H:%M:%S")
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_line_on_stderr_has_upstreams_columns() {
        let at = Local.with_ymd_and_hms(2026, 11, 3, 4, 5, 6).unwrap();
        let line = |level| {
            Line {
                at,
                level,
                text: "Text".into(),
            }
            .for_stderr()
        };
        assert_eq!(line(Level::Warning), "Nov 03 04:05:06 warning Text\n");
        assert_eq!(line(Level::Crit), "Nov 03 04:05:06 crit    Text\n");
    }

    #[test]
    fn an_event_with_a_line_break_stays_one_line() {
        assert_eq!(Line::new(Level::Info, "a\nb\tc").text, "a\\nb\\tc");
    }
}
