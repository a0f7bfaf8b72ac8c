//! Two partitions in service at the same time: what must not be.

use crate::clock::Moment;
use crate::votes::{Entry, Present};
use libqdevice::base::NodeId;
use std::fmt;
use std::time::Duration;

/// A time during which two nodes without a common member both served applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The two nodes.
    pub nodes: (NodeId, NodeId),
    /// When it began.
    pub from: Moment,
    /// How long it was.
    pub length: Duration,
}

/// Finds every overlap in a log that ends at `end`.
#[must_use]
pub fn overlaps(entries: &[Entry], end: Moment) -> Vec<Overlap> {
    let mut found = Vec::new();
    let mut present = Present::default();
    let mut open: Option<((NodeId, NodeId), Moment)> = None;
    for entry in entries {
        present.apply(entry);
        let now = conflict(&present);
        if open.map(|(nodes, _)| nodes) != now {
            found.extend(open.map(|open| close(open, entry.at)));
            open = now.map(|nodes| (nodes, entry.at));
        }
    }
    found.extend(open.map(|open| close(open, end)));
    found
}

fn close((nodes, from): ((NodeId, NodeId), Moment), until: Moment) -> Overlap {
    Overlap {
        nodes,
        from,
        length: until.since(from),
    }
}

/// Two nodes in service whose memberships have nobody in common. Memberships that share a member are
/// one partition on its way from one ring to the next.
fn conflict(present: &Present) -> Option<(NodeId, NodeId)> {
    let serving: Vec<_> = present.iter().filter(|(_, s)| s.in_service()).collect();
    serving.iter().enumerate().find_map(|(at, (one, ours))| {
        let (other, _) = serving[at + 1..]
            .iter()
            .find(|(_, theirs)| !ours.members.iter().any(|id| theirs.members.contains(id)))?;
        Some((*one, *other))
    })
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = self.nodes;
        let length = self.length.as_millis();
        write!(
            f,
            "nodes {one} and {other} both served for {length} ms, apart from each other"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::{Flag, Standing};

    fn entry(at: u64, node: u32, members: &[u32], flags: u32) -> Entry {
        Entry {
            at: Moment::from_millis(at),
            node: NodeId(node),
            standing: Some(Standing {
                members: members.iter().copied().map(NodeId).collect(),
                flags,
                ..Standing::default()
            }),
        }
    }

    const QUORATE: u32 = Flag::Quorate as u32;

    #[test]
    fn two_nodes_that_serve_apart_are_an_overlap_until_one_stops() {
        let log = [
            entry(0, 1, &[1], QUORATE),
            entry(10, 2, &[2], QUORATE),
            entry(40, 1, &[1], 0),
        ];
        let expected = Overlap {
            nodes: (NodeId(1), NodeId(2)),
            from: Moment::from_millis(10),
            length: Duration::from_millis(30),
        };
        assert_eq!(overlaps(&log, Moment::from_millis(99)), [expected]);
    }

    #[test]
    fn an_overlap_that_has_not_ended_lasts_until_the_end_of_the_log() {
        let log = [entry(0, 1, &[1], QUORATE), entry(10, 2, &[2], QUORATE)];
        let found = overlaps(&log, Moment::from_millis(25));
        assert_eq!(found[0].length, Duration::from_millis(15));
    }

    #[test]
    fn nodes_that_see_each_other_are_one_partition() {
        let log = [entry(0, 1, &[1, 2], QUORATE), entry(10, 2, &[2], QUORATE)];
        assert_eq!(overlaps(&log, Moment::from_millis(25)), []);
    }

    #[test]
    fn a_node_whose_corosync_went_serves_nobody() {
        let mut log = vec![entry(0, 1, &[1], QUORATE)];
        log.push(Entry {
            standing: None,
            ..log[0].clone()
        });
        log.push(entry(10, 2, &[2], QUORATE));
        assert_eq!(overlaps(&log, Moment::from_millis(25)), []);
    }
}
