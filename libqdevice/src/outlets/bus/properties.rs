use crate::base::NodeId;
use crate::events::Record;
use std::collections::BTreeMap;
use zbus::Connection;
use zbus::zvariant::Value;

/// The properties of an object that may change.
pub type Properties = Vec<(&'static str, Value<'static>)>;

/// Emits `PropertiesChanged` for what differs, in one signal.
///
/// # Errors
///
/// The bus is lost.
pub async fn tell_changes(
    connection: &Connection,
    path: &str,
    interface: &str,
    before: Properties,
    after: Properties,
) -> zbus::Result<()> {
    let changed: BTreeMap<&str, Value<'static>> = after
        .into_iter()
        .filter(|property| !before.contains(property))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let none_invalidated: [&str; 0] = [];
    let body = (interface, changed, none_invalidated.as_slice());
    let properties = "org.freedesktop.DBus.Properties";
    connection
        .emit_signal(None::<&str>, path, properties, "PropertiesChanged", &body)
        .await
}

/// What every signal tells at least in its dictionary: `time`, microseconds since 1970, UTC, and the
/// `text` of an event that has one.
#[must_use]
pub fn details(record: &Record) -> BTreeMap<&'static str, Value<'static>> {
    let time = Value::from(record.at_ms.saturating_mul(1000));
    let text = record
        .event
        .text()
        .map(|text| ("text", Value::from(text.to_owned())));
    [("time", time)].into_iter().chain(text).collect()
}

/// A moment in seconds since 1970 as D-Bus has it: in microseconds, nothing before 1970.
#[must_use]
pub fn micros(seconds: i64) -> u64 {
    u64::try_from(seconds)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

/// Ids as D-Bus has them.
#[must_use]
pub fn numbers(nodes: &[NodeId]) -> Vec<u32> {
    nodes.iter().map(|node| node.0).collect()
}
