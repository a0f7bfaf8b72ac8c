use serde::{Deserialize, Serialize};

/// The number of the description in docs/json-schema.json that an answer follows.
pub const SCHEMA: u32 = 1;

/// What every answer begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// [`SCHEMA`] of whoever wrote it.
    pub schema: u32,
    /// Which answer this is: `qnetd-status`, `qnetd-list` and so on.
    pub report: String,
    /// The version of the daemon.
    pub version: String,
    /// When it was written.
    pub at_ms: Moment,
}

impl Heading {
    /// The heading of the report called `report`, written now.
    #[must_use]
    pub fn of(report: &str, now: Moment) -> Self {
        Self {
            schema: SCHEMA,
            report: report.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at_ms: now,
        }
    }
}

/// A moment on the calendar: milliseconds since 1970, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(pub u64);
