//! The configured nodes, as corosync.conf lists them. [C: qdevice-cmap.c, `qdevice_cmap_get_nodelist`]

use super::{CmapSnapshot, CmapValue, ConfigFault};
use crate::base::{NodeId, NodeInfo, NodeList};

/// Reads `nodelist.node.*`: the nodes in cmap's order, each id once.
///
/// Every node counts that has any key. C counts only those with `ring0_addr` or `name`, so a node that
/// has just other links was missing, and an arbiter that misses a node counts wrong halves.
pub(super) fn configured_nodes(cmap: &CmapSnapshot) -> Result<NodeList, ConfigFault> {
    let mut nodes = NodeList::default();
    for position in positions(cmap) {
        let id = node_id(cmap, position)?;
        if !nodes.contains(id) {
            let data_center = cmap.u32(&key(position, "datacenterid")).unwrap_or(0);
            nodes.0.push(NodeInfo {
                id,
                data_center,
                state: None,
            });
        }
    }
    if nodes.is_empty() {
        Err(ConfigFault::NoNodes)
    } else {
        Ok(nodes)
    }
}

/// Whether two lists hold the same nodes; order does not matter.
pub(super) fn same_nodes(a: &NodeList, b: &NodeList) -> bool {
    let all_in = |a: &NodeList, b: &NodeList| {
        a.0.iter().all(|n| {
            b.0.iter()
                .any(|m| (m.id, m.data_center) == (n.id, n.data_center))
        })
    };
    all_in(a, b) && all_in(b, a)
}

/// The `ring0_addr` of nodes that have no `nodeid`.
pub(super) fn names_without_id(cmap: &CmapSnapshot) -> impl Iterator<Item = String> + '_ {
    positions(cmap)
        .filter(|position| cmap.get(&key(position, "nodeid")).is_none())
        .filter_map(|position| cmap.text(&key(position, "ring0_addr")))
        .map(std::borrow::Cow::into_owned)
}

/// The `N` of `nodelist.node.N.`, each once: keys of one node follow one another.
fn positions(cmap: &CmapSnapshot) -> impl Iterator<Item = &str> {
    let mut last = None;
    cmap.starting_with(PREFIX)
        .filter_map(|(key, _)| key[PREFIX.len()..].split_once('.'))
        .map(|(position, _)| position)
        .filter(|position| !position.is_empty() && position.bytes().all(|b| b.is_ascii_digit()))
        .filter(move |position| last.replace(*position) != Some(*position))
}

fn node_id(cmap: &CmapSnapshot, position: &str) -> Result<NodeId, ConfigFault> {
    let id_key = key(position, "nodeid");
    match cmap.get(&id_key) {
        Some(CmapValue::U32(id)) if *id != 0 => Ok(NodeId(*id)),
        Some(_) => Err(ConfigFault::BadNodeId { key: id_key }),
        None => {
            let name = cmap
                .text(&key(position, "ring0_addr"))
                .ok_or(ConfigFault::NodeWithoutId)?;
            generated_id(cmap, &name)
        }
    }
}

/// The id corosync gives a node that has none: its IPv4 address.
fn generated_id(cmap: &CmapSnapshot, name: &str) -> Result<NodeId, ConfigFault> {
    let address = cmap.address(name).map_or(0, u32::from);
    let clear_high_bit = cmap
        .text("totem.clear_node_high_bit")
        .is_some_and(|v| v == "yes");
    match if clear_high_bit {
        address & 0x7fff_ffff
    } else {
        address
    } {
        0 => Err(ConfigFault::NoIdForAddress {
            name: name.to_owned(),
        }),
        id => Ok(NodeId(id)),
    }
}

fn key(position: &str, name: &str) -> String {
    format!("{PREFIX}{position}.{name}")
}

const PREFIX: &str = "nodelist.node.";

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn cmap(keys: &[(&str, CmapValue)]) -> CmapSnapshot {
        keys.iter()
            .map(|(key, value)| (*key, value.clone()))
            .collect()
    }

    fn ids(cmap: &CmapSnapshot) -> Vec<u32> {
        configured_nodes(cmap)
            .unwrap()
            .ids()
            .map(|id| id.0)
            .collect()
    }

    #[test]
    fn nodes_come_in_the_order_of_their_keys_each_id_once() {
        let cmap = cmap(&[
            ("nodelist.local_node_pos", CmapValue::U32(0)),
            ("nodelist.node.0.name", "b".into()),
            ("nodelist.node.0.nodeid", CmapValue::U32(7)),
            ("nodelist.node.1.nodeid", CmapValue::U32(3)),
            ("nodelist.node.1.ring0_addr", "a".into()),
            ("nodelist.node.2.name", "again".into()),
            ("nodelist.node.2.nodeid", CmapValue::U32(7)),
        ]);
        assert_eq!(ids(&cmap), [7, 3]);
    }

    #[test]
    fn a_node_with_neither_name_nor_first_link_counts_too() {
        let cmap = cmap(&[
            ("nodelist.node.0.nodeid", CmapValue::U32(1)),
            ("nodelist.node.0.ring1_addr", "192.0.2.1".into()),
        ]);
        assert_eq!(ids(&cmap), [1]);
    }

    #[test]
    fn a_node_without_id_has_its_ipv4_address_as_id() {
        let mut cmap = cmap(&[
            ("nodelist.node.0.ring0_addr", "192.0.2.1".into()),
            ("nodelist.node.1.ring0_addr", "two".into()),
        ]);
        assert_eq!(cmap.unresolved().into_iter().collect::<Vec<_>>(), ["two"]);
        assert_eq!(
            configured_nodes(&cmap),
            Err(ConfigFault::NoIdForAddress { name: "two".into() })
        );
        cmap.resolve("two", Ipv4Addr::new(10, 0, 0, 2));
        assert!(cmap.unresolved().is_empty());
        assert_eq!(ids(&cmap), [0xc000_0201, 0x0a00_0002]);
        cmap.set("totem.clear_node_high_bit", "yes".into());
        assert_eq!(ids(&cmap), [0x4000_0201, 0x0a00_0002]);
    }

    #[test]
    fn a_node_without_id_and_address_is_named_as_in_the_c_program() {
        let fault = configured_nodes(&cmap(&[("nodelist.node.0.name", "a".into())])).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "Cant find nodeid or ring0_addr for a node. One of them needs to be defined for every node."
        );
    }

    #[test]
    fn a_node_id_that_is_no_number_or_zero_is_refused() {
        for bad in [CmapValue::U32(0), "1".into(), CmapValue::U64(1)] {
            let fault = configured_nodes(&cmap(&[("nodelist.node.4.nodeid", bad)])).unwrap_err();
            assert_eq!(
                fault,
                ConfigFault::BadNodeId {
                    key: "nodelist.node.4.nodeid".into()
                }
            );
        }
    }

    #[test]
    fn a_data_center_is_read_only_from_a_number() {
        let cmap = cmap(&[
            ("nodelist.node.0.datacenterid", CmapValue::U32(5)),
            ("nodelist.node.0.nodeid", CmapValue::U32(1)),
            ("nodelist.node.1.datacenterid", "5".into()),
            ("nodelist.node.1.nodeid", CmapValue::U32(2)),
        ]);
        let nodes = configured_nodes(&cmap).unwrap();
        assert_eq!(
            nodes.0.iter().map(|n| n.data_center).collect::<Vec<_>>(),
            [5, 0]
        );
    }

    #[test]
    fn a_list_without_nodes_is_refused() {
        assert_eq!(
            configured_nodes(&CmapSnapshot::default()),
            Err(ConfigFault::NoNodes)
        );
    }

    #[test]
    fn lists_are_the_same_whatever_their_order() {
        let (two, three) = (NodeList::of_ids([1, 2]), NodeList::of_ids([1, 2, 3]));
        assert!(same_nodes(&two, &NodeList::of_ids([2, 1])));
        assert!(!same_nodes(&two, &three));
        assert!(!same_nodes(&three, &two));
    }
}
