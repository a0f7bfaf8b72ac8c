use super::RequestError;
use crate::base::NodeId;
use std::collections::BTreeSet;

/// Parts of a cluster that do not see each other, and who of them does not reach the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Split {
    /// The parts; every node stands in one of them.
    pub parts: Vec<BTreeSet<NodeId>>,
    /// The nodes without a connection to the server.
    pub unreachable: BTreeSet<NodeId>,
}

impl Split {
    /// Reads `1,2/3` and `2`: two parts, and node 2 does not reach the server.
    ///
    /// # Errors
    ///
    /// There is a part without a node, a node in two parts, or a node that is cut off but in no part.
    pub fn parse(parts: &[u8], unreachable: &[u8]) -> Result<Self, RequestError> {
        let no_split = |text: &[u8]| RequestError::NoSplit(text.to_vec());
        let read: Option<Vec<_>> = parts.split(|&byte| byte == b'/').map(ids).collect();
        let read = read.ok_or_else(|| no_split(parts))?;
        let all: BTreeSet<NodeId> = read.iter().flatten().copied().collect();
        if all.len() != read.iter().map(BTreeSet::len).sum::<usize>() {
            return Err(no_split(parts));
        }
        let cut_off = if unreachable.is_empty() {
            BTreeSet::new()
        } else {
            ids(unreachable).ok_or_else(|| no_split(unreachable))?
        };
        if !cut_off.is_subset(&all) {
            return Err(no_split(unreachable));
        }
        Ok(Self {
            parts: read,
            unreachable: cut_off,
        })
    }

    /// The parts as they are written.
    #[must_use]
    pub fn parts_text(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(text).collect();
        parts.join("/")
    }

    /// The nodes that are cut off as they are written.
    #[must_use]
    pub fn unreachable_text(&self) -> String {
        text(&self.unreachable)
    }
}

/// Node ids between commas; `None` if there is none, or something else, or one twice.
fn ids(text: &[u8]) -> Option<BTreeSet<NodeId>> {
    let mut found = BTreeSet::new();
    for word in std::str::from_utf8(text).ok()?.split(',') {
        let id: u32 = word.trim().parse().ok()?;
        if id == 0 || !found.insert(NodeId(id)) {
            return None;
        }
    }
    Some(found)
}

fn text(ids: &BTreeSet<NodeId>) -> String {
    let ids: Vec<String> = ids.iter().map(NodeId::to_string).collect();
    ids.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_read_and_written_alike() {
        let split = Split::parse(b"3,1/2", b"1,2").unwrap();
        assert_eq!(split.parts_text(), "1,3/2");
        assert_eq!(split.unreachable_text(), "1,2");
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for (parts, cut_off) in [
            ("", ""),
            ("1/", ""),
            ("1,1", ""),
            ("1/1", ""),
            ("0", ""),
            ("1,a", ""),
            ("99999999999", ""),
            ("1/2", "3"),
            ("1/2", ","),
        ] {
            let read = Split::parse(parts.as_bytes(), cut_off.as_bytes());
            assert!(read.is_err(), "{parts} without {cut_off}");
        }
    }
}
