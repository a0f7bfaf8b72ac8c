use libqdevice::report::Moment;
use std::fmt::{self, Display, Write as _};

/// Metrics as they are written; each family once, with all its samples together.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

/// A family whose samples are being written.
#[derive(Debug)]
pub(super) struct Family<'a> {
    page: &'a mut Page,
    sample: String,
}

impl Page {
    /// Something that goes up and down. A name that ends with `_seconds` has that unit.
    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str) -> Family<'_> {
        self.family(name, "gauge", name.to_owned(), help)
    }

    /// Something that only grows; the samples have `_total` behind the name.
    pub(super) fn counter(&mut self, name: &'static str, help: &'static str) -> Family<'_> {
        self.family(name, "counter", format!("{name}_total"), help)
    }

    fn family(
        &mut self,
        name: &'static str,
        kind: &'static str,
        sample: String,
        help: &'static str,
    ) -> Family<'_> {
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        if name.ends_with("_seconds") {
            let _ = writeln!(self.text, "# UNIT {name} seconds");
        }
        let _ = writeln!(self.text, "# HELP {name} {}", Escaped(help));
        Family { page: self, sample }
    }

    /// The text, complete.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub(super) fn add(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        let text = &mut self.page.text;
        text.push_str(&self.sample);
        for (index, (name, value)) in labels.iter().enumerate() {
            let begin = if index == 0 { '{' } else { ',' };
            // Writing to a String does not fail.
            let _ = write!(text, "{begin}{name}=\"{}\"", Escaped(&value.to_string()));
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }
}

/// Text with the escapes of the format.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Milliseconds as seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) u64);

impl Seconds {
    /// From the one moment to the other, or nothing.
    pub(super) const fn between(earlier: Moment, later: Moment) -> Self {
        Self(later.0.saturating_sub(earlier.0))
    }
}

impl From<Moment> for Seconds {
    fn from(moment: Moment) -> Self {
        Self(moment.0)
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// What it is called over HTTP.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_families_of_samples_and_an_end() {
        let mut page = Page::default();
        let mut gauge = page.gauge("corosync_x_seconds", "So \"long\".");
        gauge.add(&[("name", &"a\\b\"c\nd"), ("id", &3)], Seconds(1_020));
        page.counter("corosync_y", "How often.").add(&[], 7);
        assert_eq!(
            page.finish(),
            "# TYPE corosync_x_seconds gauge\n# UNIT corosync_x_seconds seconds\n\
             # HELP corosync_x_seconds So \\\"long\\\".\n\
             corosync_x_seconds{name=\"a\\\\b\\\"c\\nd\",id=\"3\"} 1.020\n\
             # TYPE corosync_y counter\n# HELP corosync_y How often.\ncorosync_y_total 7\n# EOF\n"
        );
    }
}
