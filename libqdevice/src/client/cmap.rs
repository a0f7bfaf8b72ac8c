use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The value of a cmap key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the types of libcmap")]
pub enum CmapValue {
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    /// A string without its NUL; cmap promises no encoding.
    Str(Vec<u8>),
    /// A float or a binary value; nothing here reads those.
    Other,
}

impl From<&str> for CmapValue {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

/// What cmap, corosync's configuration in memory, said at one moment.
///
/// The keys that matter are those under [`CmapSnapshot::PREFIXES`]; others do no harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CmapSnapshot {
    keys: BTreeMap<String, CmapValue>,
    addresses: BTreeMap<String, Ipv4Addr>,
}

impl CmapSnapshot {
    /// Where all keys that are read here begin.
    pub const PREFIXES: [&str; 6] = [
        "logging.",
        "nodelist.",
        "quorum.device.",
        "quorum.wait_for_all",
        "runtime.votequorum.",
        "totem.",
    ];

    /// Adds a key, or replaces its value.
    pub fn set(&mut self, key: impl Into<String>, value: CmapValue) {
        self.keys.insert(key.into(), value);
    }

    /// Host names that stand in for a missing node id: whoever took the snapshot looks up the first
    /// IPv4 address of each and hands it to [`resolve`](Self::resolve).
    #[must_use]
    pub fn unresolved(&self) -> BTreeSet<String> {
        super::node_list::names_without_id(self)
            .filter(|name| name.parse::<Ipv4Addr>().is_err() && !self.addresses.contains_key(name))
            .collect()
    }

    /// Adds what a resolver said about a host name.
    pub fn resolve(&mut self, name: impl Into<String>, address: Ipv4Addr) {
        self.addresses.insert(name.into(), address);
    }

    pub(super) fn address(&self, name: &str) -> Option<Ipv4Addr> {
        name.parse()
            .ok()
            .or_else(|| self.addresses.get(name).copied())
    }

    /// The value of a key, whatever its type.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&CmapValue> {
        self.keys.get(key)
    }

    /// Keys that begin with `prefix`, in the order of libcmap's iterator, which is that of their bytes.
    pub fn starting_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a CmapValue)> {
        self.keys
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.as_str(), value))
    }

    /// A string; a key of another type counts as absent, as for all readers below.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        if let CmapValue::Str(bytes) = self.get(key)? {
            Some(bytes)
        } else {
            None
        }
    }

    /// A string as text. What is not UTF-8 shows as the replacement character, which no check accepts.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.bytes(key).map(String::from_utf8_lossy)
    }

    /// A number of 8 bits.
    #[must_use]
    pub fn u8(&self, key: &str) -> Option<u8> {
        if let CmapValue::U8(number) = self.get(key)? {
            Some(*number)
        } else {
            None
        }
    }

    /// A number of 32 bits.
    #[must_use]
    pub fn u32(&self, key: &str) -> Option<u32> {
        if let CmapValue::U32(number) = self.get(key)? {
            Some(*number)
        } else {
            None
        }
    }

    /// A number of 64 bits.
    #[must_use]
    pub fn u64(&self, key: &str) -> Option<u64> {
        if let CmapValue::U64(number) = self.get(key)? {
            Some(*number)
        } else {
            None
        }
    }
}

impl<K: Into<String>, V: Into<CmapValue>> FromIterator<(K, V)> for CmapSnapshot {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(keys: I) -> Self {
        let keys = keys
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Self {
            keys,
            addresses: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_type_counts_as_absent() {
        let cmap = CmapSnapshot::from_iter([("a", CmapValue::U32(7)), ("b", "7".into())]);
        assert_eq!((cmap.u32("a"), cmap.u32("b")), (Some(7), None));
        assert_eq!((cmap.text("a"), cmap.text("b")), (None, Some("7".into())));
        assert_eq!(cmap.u64("a"), None);
    }

    #[test]
    fn keys_of_a_prefix_come_in_byte_order() {
        let cmap = CmapSnapshot::from_iter([
            ("nodelist.node.10.name", ""),
            ("nodelist.node.2.name", ""),
            ("nodelist.node.1.name", ""),
            ("nodelist.nodf", ""),
        ]);
        let keys: Vec<_> = cmap
            .starting_with("nodelist.node.")
            .map(|(key, _)| key)
            .collect();
        assert_eq!(
            keys,
            [
                "nodelist.node.1.name",
                "nodelist.node.10.name",
                "nodelist.node.2.name"
            ]
        );
    }
}
