use serde::{Deserialize, Serialize};
use std::fmt;

/// The number corosync gives a node: `nodelist.node.N.nodeid`, or derived from its address.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What votequorum says of a node in a quorum notification. [C: msg.h, enum `tlv_node_state`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// In the membership.
    Member,
    /// Known, but not in the membership.
    Dead,
    /// Shutting down in an orderly way.
    Leaving,
}

/// One entry of a node list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeInfo {
    /// The node's number, never 0 on the wire.
    pub id: NodeId,
    /// The data centre it stands in; 0 means not set.
    pub data_center: u32,
    /// Its state; carried by quorum lists only.
    pub state: Option<NodeState>,
}

impl From<NodeId> for NodeInfo {
    fn from(id: NodeId) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }
}

/// A list of nodes as a node sent it: order and duplicates are kept. [C: node-list.c]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeList(pub Vec<NodeInfo>);

impl NodeList {
    /// A list of plain ids without data centre or state.
    pub fn of_ids(ids: impl IntoIterator<Item = u32>) -> Self {
        ids.into_iter().map(NodeId).collect()
    }

    /// The ids in list order, duplicates included.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.iter().map(|node| node.id)
    }

    /// Whether `id` stands in the list.
    #[must_use]
    pub fn contains(&self, id: NodeId) -> bool {
        self.ids().any(|other| other == id)
    }

    /// How many entries the list has, duplicates counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the list has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<NodeId> for NodeList {
    fn from_iter<I: IntoIterator<Item = NodeId>>(ids: I) -> Self {
        Self(ids.into_iter().map(NodeInfo::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_order_and_duplicates() {
        let list = NodeList::of_ids([3, 1, 3]);
        assert_eq!(list.len(), 3);
        assert_eq!(
            list.ids().collect::<Vec<_>>(),
            [NodeId(3), NodeId(1), NodeId(3)]
        );
        assert!(list.contains(NodeId(1)) && !list.contains(NodeId(2)));
    }
}
