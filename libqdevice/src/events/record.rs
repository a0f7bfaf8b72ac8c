use super::Event;
use serde::Serialize;

/// The number of the description of [`Record`] in JSON. Fields may come without another number.
pub const SCHEMA: u32 = 1;

/// An event with its number and its moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Who tells it.
    pub source: Source,
    /// Grows by one with every event of a daemon, from 1 at its start: whoever misses one can see it.
    pub sequence: u64,
    /// When it was: milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// What has happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `corosync-qnetd`.
    Qnetd,
    /// `corosync-qdevice`.
    Qdevice,
}

impl Record {
    /// An event that has just happened.
    #[must_use]
    pub const fn new(source: Source, sequence: u64, at_ms: u64, event: Event) -> Self {
        Self {
            schema: SCHEMA,
            source,
            sequence,
            at_ms,
            event,
        }
    }

    /// One line of JSON, without its end.
    #[must_use]
    pub fn json(&self) -> String {
        // Numbers, words and lists of them: nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Source {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qnetd => "qnetd",
            Self::Qdevice => "qdevice",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{VoteReason, VoteWord};
    use super::*;
    use crate::base::{NodeId, RingId};

    #[test]
    fn a_record_is_one_line_of_json_with_the_same_names_for_everybody() {
        let event = Event::VoteChanged {
            cluster: "K\n\u{f6}".into(),
            node: NodeId(2),
            old: VoteWord::Ack,
            new: VoteWord::Nack,
            ring: RingId::new(1, 8),
            reason: VoteReason::TieBreaker,
            winners: vec![NodeId(1)],
        };
        assert_eq!(
            Record::new(Source::Qnetd, 7, 1_700_000_000_123, event).json(),
            "{\"schema\":1,\"source\":\"qnetd\",\"sequence\":7,\"at_ms\":1700000000123,\
             \"event\":\"vote-changed\",\"cluster\":\"K\\\\n\u{f6}\",\"node\":2,\"old\":\"ack\",\
             \"new\":\"nack\",\"ring\":{\"node\":1,\"seq\":8},\"reason\":\"tie-breaker\",\
             \"winners\":[1]}"
        );
    }
}
