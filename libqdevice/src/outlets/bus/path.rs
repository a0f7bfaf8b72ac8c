//! Paths of objects.

use crate::base::{ClusterName, NodeId};
use std::fmt::Write as _;

/// The path of a cluster below `root`. Its name is escaped as sd-bus does it: letters and digits stay, but
/// no digit in front; every other byte is `_` and two hexadecimal digits; no byte at all is `_`.
#[must_use]
pub fn cluster(root: &str, name: &ClusterName) -> String {
    format!("{root}/cluster/{}", escaped(name.as_bytes()))
}

/// The path of a node of a cluster below `root`.
#[must_use]
pub fn node(root: &str, name: &ClusterName, node: NodeId) -> String {
    format!("{}/node/{node}", cluster(root, name))
}

fn escaped(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "_".to_owned();
    }
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let stays = byte.is_ascii_alphabetic() || (index > 0 && byte.is_ascii_digit());
        if stays {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "_{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_becomes_a_path_as_sd_bus_makes_it() {
        for (name, path) in [
            ("prod", "/r/cluster/prod"),
            ("7nodes-2", "/r/cluster/_37nodes_2d2"),
            ("a_b", "/r/cluster/a_5fb"),
            ("", "/r/cluster/_"),
            ("\u{f6}", "/r/cluster/_c3_b6"),
        ] {
            assert_eq!(cluster("/r", &name.into()), path);
        }
        assert_eq!(node("/r", &"a".into(), NodeId(7)), "/r/cluster/a/node/7");
    }

    #[test]
    fn no_two_names_have_the_same_path() {
        let names: Vec<Vec<u8>> = (0..=255)
            .flat_map(|byte| [vec![byte], vec![b'a', byte], vec![b'_', byte]])
            .collect();
        let paths: BTreeSet<_> = names.iter().map(|name| escaped(name)).collect();
        assert_eq!(paths.len(), names.len());
    }
}
