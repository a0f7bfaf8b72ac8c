#![expect(
    clippy::disallowed_types,
    reason = "what zbus makes of an interface has a HashMap"
)]

use super::board::Board;
use libqdevice::base::{Algorithm, ClusterName, TieBreaker};
use libqdevice::events::ClusterPicture;
use libqdevice::outlets::bus::{Properties, numbers};
use std::sync::Arc;
use zbus::interface;

pub(super) const INTERFACE: &str = "org.corosync.Qnetd1.Cluster";

/// A cluster with a connected node.
pub(super) struct Cluster {
    board: Arc<Board>,
    name: ClusterName,
}

impl Cluster {
    pub(super) const fn new(board: Arc<Board>, name: ClusterName) -> Self {
        Self { board, name }
    }
}

/// What may change.
pub(super) fn properties(cluster: &ClusterPicture) -> Properties {
    vec![
        ("Chosen", numbers(&cluster.chosen).into()),
        ("Reason", cluster.reason.as_str().into()),
    ]
}

#[interface(name = "org.corosync.Qnetd1.Cluster")]
impl Cluster {
    /// Its name; bytes that are no UTF-8 are replaced, control characters escaped.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.name.to_string()
    }

    /// How it decides: test, ffsplit, 2nodelms or lms.
    #[zbus(property(emits_changed_signal = "const"))]
    fn algorithm(&self) -> String {
        let algorithm = |own: &ClusterPicture| Some(own.algorithm);
        let algorithm = self.board.cluster(&self.name, algorithm);
        algorithm.map_or("", Algorithm::key).to_owned()
    }

    /// Who wins between equals: lowest, highest or the number of a node.
    #[zbus(property(emits_changed_signal = "const"))]
    fn tie_breaker(&self) -> String {
        self.board.cluster(&self.name, |own| match own.tie_breaker {
            TieBreaker::Lowest => "lowest".to_owned(),
            TieBreaker::Highest => "highest".to_owned(),
            TieBreaker::Node(node) => node.to_string(),
        })
    }

    /// The nodes of the partition chosen last, connected or not; none when no partition may have the vote.
    #[zbus(property)]
    fn chosen(&self) -> Vec<u32> {
        self.board.cluster(&self.name, |own| numbers(&own.chosen))
    }

    /// Why that partition was chosen, a word of the set of vote reasons.
    #[zbus(property)]
    fn reason(&self) -> String {
        let reason = |own: &ClusterPicture| own.reason.as_str().to_owned();
        self.board.cluster(&self.name, reason)
    }
}
