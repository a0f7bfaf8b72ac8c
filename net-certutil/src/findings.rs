use crate::command_line::Form;
use crate::listing::{SCHEMA, side_name};
use crate::surroundings::Surroundings;
use libqdevice::certs::{CertError, Side};
use serde::Serialize;

/// What `--check` has found, in the order in which it looked.
#[derive(Debug)]
pub(crate) struct Findings {
    side: Side,
    found: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    severity: Severity,
    text: String,
    remedy: Option<String>,
}

/// How bad something is. As monitoring systems have it, the number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok = 0,
    /// It works, but not for long or not as safely as it could.
    Warning = 1,
    /// It does not work.
    Error = 2,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    side: &'static str,
    result: Severity,
    findings: &'a [Finding],
}

impl Findings {
    pub(crate) const fn of(side: Side) -> Self {
        Self {
            side,
            found: Vec::new(),
        }
    }

    pub(crate) fn ok(&mut self, text: impl Into<String>) {
        self.add(Severity::Ok, text, None);
    }

    pub(crate) fn warning(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, text, Some(remedy.into()));
    }

    pub(crate) fn error(&mut self, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, text, Some(remedy.into()));
    }

    /// Something cannot be used; errors without a command say in their text what to do.
    pub(crate) fn refused(&mut self, error: &CertError) {
        let remedy = error.remedy(self.side);
        self.add(Severity::Error, capitalized(&error.to_string()), remedy);
    }

    pub(crate) fn add(
        &mut self,
        severity: Severity,
        text: impl Into<String>,
        remedy: Option<String>,
    ) {
        let text = text.into();
        self.found.push(Finding {
            severity,
            text,
            remedy,
        });
    }

    pub(crate) fn worst(&self) -> Severity {
        let severities = self.found.iter().map(|finding| finding.severity);
        severities.max().unwrap_or(Severity::Ok)
    }

    /// Shows everything; returns the exit status.
    pub(crate) fn show(&self, surroundings: &mut Surroundings<'_>, form: Form) -> u8 {
        match form {
            Form::Json => surroundings.say_json(&Report {
                schema: SCHEMA,
                side: side_name(self.side),
                result: self.worst(),
                findings: &self.found,
            }),
            Form::Text => {
                for finding in &self.found {
                    let mark = match finding.severity {
                        Severity::Ok => "ok",
                        Severity::Warning => "WARNING",
                        Severity::Error => "ERROR",
                    };
                    surroundings.say(format_args!("{mark:<9}{}", finding.text));
                    if let Some(remedy) = &finding.remedy {
                        surroundings.say(format_args!("         Run: {remedy}"));
                    }
                }
            }
        }
        self.worst() as u8
    }
}

/// A text at the beginning of a line.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
