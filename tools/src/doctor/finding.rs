use libqdevice::report::Heading;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// What was found somewhere; `--check` of the certificate program tells it in the same form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    severity: Severity,
    text: String,
    remedy: Option<String>,
}

/// How bad something is; the number is the exit status, as monitoring systems have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok = 0,
    /// It works, but not always or not as safely as it could.
    Warning = 1,
    /// It does not work.
    Error = 2,
}

impl Finding {
    pub(crate) fn ok(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Ok,
            text: text.into(),
            remedy: None,
        }
    }

    pub(crate) fn warning(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            text: text.into(),
            remedy: Some(remedy.into()),
        }
    }

    pub(crate) fn error(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::warning(text, remedy)
        }
    }
}

/// `--doctor --json`.
#[derive(Debug, Clone, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    heading: Heading,
    /// The worst of the findings.
    result: Severity,
    findings: &'a [Finding],
}

/// The same as one line of JSON.
pub(crate) fn json(findings: &[Finding], heading: Heading) -> String {
    let result = worst(findings);
    let report = Report {
        heading,
        result,
        findings,
    };
    // Words and texts: nothing that JSON could not say.
    serde_json::to_string(&report).unwrap_or_default() + "\n"
}

/// The worst of them.
pub(crate) fn worst(findings: &[Finding]) -> Severity {
    let severities = findings.iter().map(|finding| finding.severity);
    severities.max().unwrap_or(Severity::Ok)
}

/// A line for each, and one with what to do.
pub(crate) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.severity {
            Severity::Ok => "ok",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark:<9}{}", finding.text);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "         Do: {remedy}");
        }
    }
    text
}
