use crate::base::{ClusterName, Facts, NodeId};
use std::fmt;

/// What a line is about, one text for each field of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) cluster: Option<String>,
    pub(super) node: Option<String>,
    pub(super) ring: Option<String>,
    pub(super) vote: Option<String>,
    pub(super) heuristics: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) peer: Option<String>,
    pub(super) program: Option<String>,
    pub(super) detail: Option<String>,
    /// How many lines this one stands for.
    pub(super) repeated: Option<String>,
    /// Whether more of its like are only counted.
    pub(super) is_counted: bool,
}

impl About {
    /// Takes a field of an event, if it is one of these.
    pub(super) fn take(&mut self, name: &str, value: &dyn fmt::Debug) -> bool {
        let field = match name {
            "cluster" => &mut self.cluster,
            "node_id" => &mut self.node,
            "ring_id" => &mut self.ring,
            "vote" => &mut self.vote,
            "heuristics" => &mut self.heuristics,
            "reason" => &mut self.reason,
            "peer" => &mut self.peer,
            "program" => &mut self.program,
            "detail" => &mut self.detail,
            "counted" => {
                self.is_counted = true;
                return true;
            }
            _ => return false,
        };
        *field = Some(format!("{value:?}"));
        true
    }

    /// What kind of line it is, when lines of its kind are counted.
    pub(super) fn kind(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// Who a line is about, when lines are counted: two connections from one address are the same.
    pub(super) fn whom(&self) -> String {
        let host = self.peer.as_deref().map(host);
        let all =
            [&self.cluster, &self.node, &self.program, &self.detail].map(|field| field.as_deref());
        let all = all.into_iter().chain([host]);
        let all: Vec<&str> = all
            .map(|field| prefix(field.unwrap_or_default(), WHOM_MAX))
            .collect();
        all.join("\n")
    }

    /// What is kept while others are counted must not take much memory.
    pub(super) fn shorten(&mut self) {
        let fields = [
            &mut self.cluster,
            &mut self.peer,
            &mut self.program,
            &mut self.detail,
        ];
        for field in fields.into_iter().flatten() {
            shorten(field, WHOM_MAX);
        }
    }
}

/// What all lines of a daemon are about that serves one node.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    cluster: String,
    node: String,
    peer: String,
}

impl Standing {
    pub(super) fn new(cluster: &ClusterName, node: NodeId, peer: &str) -> Self {
        Self {
            cluster: cluster.to_string(),
            node: node.to_string(),
            peer: peer.to_owned(),
        }
    }

    /// Names what a line does not say itself.
    pub(super) fn complete(&self, about: &mut About) {
        let complete = |field: &mut Option<String>, value: &String| {
            field.get_or_insert_with(|| value.clone());
        };
        complete(&mut about.cluster, &self.cluster);
        complete(&mut about.node, &self.node);
        complete(&mut about.peer, &self.peer);
    }
}

impl fmt::Display for Standing {
    /// Behind a line: ` (cluster K, node_id 1, server 192.0.2.1:5403)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cluster,
            node,
            peer,
        } = self;
        write!(f, " (cluster {cluster}, node_id {node}, server {peer})")
    }
}

/// Emits an event with these facts in the fields that [`About::take`] knows.
macro_rules! emit {
    ($target:expr, $level:expr, $facts:expr, $text:expr) => {{
        let facts: &crate::base::Facts<'_> = $facts;
        tracing::event!(
            target: $target,
            $level,
            cluster = facts.cluster.map(tracing::field::display),
            node_id = facts.node.map(|node| node.0),
            ring_id = facts.ring.map(tracing::field::display),
            vote = facts.vote.map(tracing::field::display),
            heuristics = facts.heuristics.map(tracing::field::display),
            reason = facts.reason.map(tracing::field::display),
            peer = facts.peer.map(tracing::field::display),
            program = facts.program.map(tracing::field::display),
            detail = facts.detail.map(tracing::field::display),
            counted = crate::io::log::about::counted(facts),
            "{}",
            $text
        )
    }};
}
pub(super) use emit;

/// The field that says so, where it is so.
pub(super) fn counted(facts: &Facts<'_>) -> Option<bool> {
    use crate::base::Repeats;
    match facts.repeats {
        Repeats::Written => None,
        Repeats::Counted => Some(true),
    }
}

/// Cuts a text that is too long, between two characters.
pub(super) fn shorten(text: &mut String, max: usize) {
    text.truncate(prefix(text, max).len());
}

fn prefix(text: &str, max: usize) -> &str {
    let cut = (0..=max.min(text.len())).rev();
    let cut = cut.into_iter().find(|at| text.is_char_boundary(*at));
    &text[..cut.unwrap_or_default()]
}

/// An address without its port.
fn host(peer: &str) -> &str {
    peer.rsplit_once(':').map_or(peer, |(host, _)| host)
}

/// Bytes of a name that are enough to tell it from others.
const WHOM_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn about(cluster: &str, peer: &str) -> About {
        About {
            cluster: Some(cluster.to_owned()),
            peer: Some(peer.to_owned()),
            ..About::default()
        }
    }

    #[test]
    fn two_connections_from_an_address_are_one_and_two_clusters_behind_it_are_not() {
        let first = about("K", "2001:db8::1:40000").whom();
        assert_eq!(first, about("K", "2001:db8::1:40001").whom());
        assert_ne!(first, about("L", "2001:db8::1:40000").whom());
        assert_ne!(first, about("K", "2001:db8::2:40000").whom());
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let mut long = about(&"ä".repeat(10_000), "192.0.2.1:1");
        assert!(long.whom().len() < 300);
        long.shorten();
        assert_eq!(long.cluster.unwrap(), "ä".repeat(WHOM_MAX / 2));
        assert_eq!(prefix("aä", 2), "a");
        assert_eq!(prefix("", 2), "");
    }

    #[test]
    fn what_a_line_says_itself_stands() {
        let mut own = about("K", "192.0.2.7:5403");
        Standing::new(&"L".into(), NodeId(3), "arbiter:5403").complete(&mut own);
        assert_eq!(own.cluster.unwrap(), "K");
        assert_eq!(own.node.unwrap(), "3");
        assert_eq!(own.peer.unwrap(), "192.0.2.7:5403");
    }
}
