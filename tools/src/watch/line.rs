use crate::words;
use libqdevice::base::RingId;
use libqdevice::report::Moment;
use serde_json::Value;
use std::io::{self, Write};

/// Cuts what is written into lines.
pub(super) struct Lines<'a> {
    rest: Vec<u8>,
    pass: &'a mut dyn FnMut(&str) -> io::Result<()>,
}

impl<'a> Lines<'a> {
    /// Each line goes to `pass`, without its end.
    pub(super) fn to(pass: &'a mut dyn FnMut(&str) -> io::Result<()>) -> Self {
        Self {
            rest: Vec::new(),
            pass,
        }
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend(bytes);
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            (self.pass)(String::from_utf8_lossy(&line[..end]).as_ref())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event in JSON as a line for people; `None` if it is none.
///
/// `2026-11-25 12:03:04.125 vote-changed cluster=K node=2 old=ack new=nack reason=tie-breaker`
pub(super) fn event(text: &str) -> Option<String> {
    let Value::Object(mut event) = serde_json::from_str(text).ok()? else {
        return None;
    };
    let at = Moment(event.remove("at_ms")?.as_u64()?);
    let name = shown(&event.remove("event")?);
    let mut line = format!("{} {name}", words::local(at));
    for own in ["schema", "source", "sequence"] {
        event.remove(own);
    }
    let first = FIRST.iter();
    let first: Vec<(String, Value)> = first.filter_map(|key| event.remove_entry(*key)).collect();
    for (key, value) in first.into_iter().chain(event) {
        if !value.is_null() {
            line.extend([" ", &key, "=", &shown(&value)]);
        }
    }
    Some(line)
}

/// What an event is about comes before everything else.
const FIRST: [&str; 6] = ["cluster", "node", "address", "old", "new", "reason"];

fn shown(value: &Value) -> String {
    if value.is_object() {
        let ring = serde_json::from_value::<RingId>(value.clone());
        return ring.map_or_else(|_| value.to_string(), |ring| ring.to_string());
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    let is_plain = |letter: char| !letter.is_control() && !letter.is_whitespace() && letter != '"';
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        Value::String(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_with_what_it_is_about_in_front() {
        let text = "{\"schema\":1,\"source\":\"qnetd\",\"sequence\":7,\"at_ms\":1700000000123,\
             \"event\":\"vote-changed\",\"cluster\":\"K \\u001b\",\"node\":2,\"old\":\"ack\",\
             \"new\":\"nack\",\"ring\":{\"node\":1,\"seq\":28},\"reason\":\"tie-breaker\",\
             \"winners\":[1,3]}";
        let line = event(text).unwrap();
        let behind = line.get("2023-11-14 22:13:20.123".len()..).unwrap();
        assert_eq!(
            behind,
            " vote-changed cluster=\"K \\u001b\" node=2 old=ack new=nack reason=tie-breaker \
             ring=1.1c winners=1,3"
        );
    }

    #[test]
    fn what_is_no_event_is_none() {
        assert_eq!(event("x"), None);
        assert_eq!(event("{}"), None);
        assert_eq!(event("[1]"), None);
    }

    #[test]
    fn lines_come_whole_however_they_are_written() {
        let mut seen = Vec::new();
        let mut pass = |line: &str| {
            seen.push(line.to_owned());
            Ok(())
        };
        let mut lines = Lines::to(&mut pass);
        for part in ["a", "b\nc\n", "d"] {
            lines.write_all(part.as_bytes()).unwrap();
        }
        assert_eq!(seen, ["ab", "c"]);
    }
}
