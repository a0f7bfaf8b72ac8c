use crate::base::{Heuristics, KeepActivePartition, NodeId, NodeList, RingId};
use std::collections::{BTreeMap, BTreeSet};

/// A node list as it was sent, together with the set of its ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Roster {
    list: NodeList,
    ids: BTreeSet<NodeId>,
}

impl Roster {
    /// The list with order, duplicates and data centres.
    #[must_use]
    pub const fn list(&self) -> &NodeList {
        &self.list
    }

    /// The ids, each once.
    #[must_use]
    pub const fn ids(&self) -> &BTreeSet<NodeId> {
        &self.ids
    }

    /// Whether `id` is in it.
    #[must_use]
    pub fn contains(&self, id: NodeId) -> bool {
        self.ids.contains(&id)
    }

    /// Whether the list was not sent yet, or was sent without an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl From<NodeList> for Roster {
    fn from(list: NodeList) -> Self {
        let ids = list.ids().collect();
        Self { list, ids }
    }
}

/// What one connected node has reported, as far as an algorithm looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Member {
    /// Whether it wants an active half to stay active.
    pub keep_active_partition: KeepActivePartition,
    /// The configured nodes; empty until it has sent them.
    pub config: Roster,
    /// The ring of its membership; before the first membership, that of its admission.
    pub ring: RingId,
    /// The nodes of its ring; empty until it has sent them.
    pub membership: Roster,
    /// The latest result of its heuristics.
    pub heuristics: Heuristics,
}

/// The connected nodes of a cluster. Boxed, because a map of values takes room for eleven at least.
pub type Members = BTreeMap<NodeId, Box<Member>>;

/// A cluster as it is once a change is accepted: what is stored, overlaid with the change.
///
/// An algorithm judges a report before it is stored, because it may object to it. [C: every loop over
/// clients in qnetd-algo-*.c makes the difference between the reporting client and the others]
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    stored: &'a Members,
    subject: NodeId,
    reported: Option<&'a Member>,
}

impl<'a> View<'a> {
    /// The cluster in which `subject` stands as it is `reported`.
    #[must_use]
    pub const fn with(stored: &'a Members, subject: NodeId, reported: &'a Member) -> Self {
        Self {
            stored,
            subject,
            reported: Some(reported),
        }
    }

    /// The cluster that `subject` has left.
    #[must_use]
    pub const fn without(stored: &'a Members, subject: NodeId) -> Self {
        Self {
            stored,
            subject,
            reported: None,
        }
    }

    /// The node that reports or leaves.
    #[must_use]
    pub const fn subject(self) -> NodeId {
        self.subject
    }

    /// What the subject had reported, if it has left.
    #[must_use]
    pub fn departed(self) -> Option<&'a Member> {
        if self.reported.is_some() {
            return None;
        }
        self.stored.get(&self.subject).map(Box::as_ref)
    }

    /// The connected nodes by id.
    pub fn members(self) -> impl Iterator<Item = (NodeId, &'a Member)> {
        self.stored.iter().filter_map(move |(&id, stored)| {
            let member = if id == self.subject {
                self.reported?
            } else {
                stored
            };
            Some((id, member))
        })
    }

    /// The node with this id, if it is connected.
    #[must_use]
    pub fn member(self, id: NodeId) -> Option<&'a Member> {
        if id == self.subject {
            self.reported
        } else {
            self.stored.get(&id).map(Box::as_ref)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Members {
        [1, 2, 3]
            .into_iter()
            .map(|id| (NodeId(id), Box::default()))
            .collect()
    }

    #[test]
    fn the_report_hides_what_is_stored_of_its_sender_and_of_nobody_else() {
        let (stored, mut reported) = (three(), Member::default());
        reported.heuristics = Heuristics::Pass;
        let view = View::with(&stored, NodeId(2), &reported);
        let seen: Vec<_> = view
            .members()
            .map(|(id, member)| (id.0, member.heuristics))
            .collect();
        let undefined = Heuristics::Undefined;
        assert_eq!(
            seen,
            [(1, undefined), (2, Heuristics::Pass), (3, undefined)]
        );
        assert_eq!(view.member(NodeId(2)), Some(&reported));
    }

    #[test]
    fn a_leaving_node_is_not_seen() {
        let stored = three();
        let view = View::without(&stored, NodeId(2));
        assert_eq!(
            view.members().map(|(id, _)| id.0).collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(view.member(NodeId(2)), None);
    }

    #[test]
    fn a_roster_keeps_the_list_and_counts_every_id_once() {
        let roster = Roster::from(NodeList::of_ids([3, 1, 3]));
        assert_eq!(roster.list().len(), 3);
        assert_eq!(roster.ids().len(), 2);
    }
}
