use super::about::{About, shorten};
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
    pub(super) about: About,
}

impl Line {
    /// A line of this moment. Control characters are escaped: one event is one line.
    pub(super) fn new(level: Level, text: &str) -> Self {
        Self {
            at: clock::wall_now(),
            level,
            text: escaped(text),
            about: About::default(),
        }
    }

    /// The same line with what it is about.
    pub(super) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// For lines that are kept, so that they take little memory.
    pub(super) fn shorten(&mut self) {
        shorten(&mut self.text, TEXT_KEPT);
        self.about.shorten();
    }

    /// Stands for so many lines like it, at this moment.
    pub(super) fn repeated(mut self, count: u64) -> Self {
        self.at = clock::wall_now();
        if count > 1 {
            // Writing to a string cannot fail.
            let _ = write!(self.text, " (the last of {count} like it)");
        }
        self.about.repeated = Some(count.to_string());
        self
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

/// Bytes of a text that is kept.
const TEXT_KEPT: usize = 1024;

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
                about: About::default(),
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
