use super::{ROOT, cluster, manager, node};
use libqdevice::base::{ClusterName, NodeId};
use libqdevice::events::{ClusterPicture, Event, NodePicture, ServerPicture};
use libqdevice::outlets::bus::{self, Properties, instance_id, path};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use zbus::Connection;

/// What the objects show. Only the thread of the bus reads and changes it.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) facts: Facts,
    /// Of this run of the daemon.
    pub(super) instance: String,
    picture: RwLock<ServerPicture>,
}

/// What does not change while the daemon runs.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The version of the daemon.
    pub(crate) version: &'static str,
    /// Where it listens: `host:port`, `*` for any host.
    pub(crate) listen: String,
    /// How it stands to TLS: `off`, `on` or `required`.
    pub(crate) tls: &'static str,
    /// Whether clients that use TLS have to show the certificate of their cluster.
    pub(crate) client_certificate_required: bool,
}

/// The properties of the objects an event is about.
pub(super) struct Subjects(Vec<(String, &'static str, Properties)>);

impl Board {
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            instance: instance_id(),
            picture: RwLock::default(),
        }
    }

    pub(super) fn picture(&self) -> ServerPicture {
        self.read().clone()
    }

    pub(super) fn replace(&self, picture: ServerPicture) {
        *self.write() = picture;
    }

    pub(super) fn apply(&self, event: &Event) {
        self.write().apply(event);
    }

    /// Shows something of a cluster; an object that is just being removed shows nothing.
    pub(super) fn cluster<T: Default>(
        &self,
        name: &ClusterName,
        show: impl FnOnce(&ClusterPicture) -> T,
    ) -> T {
        self.read().clusters.get(name).map(show).unwrap_or_default()
    }

    /// Shows something of a node.
    pub(super) fn node<T: Default>(
        &self,
        name: &ClusterName,
        node: NodeId,
        show: impl FnOnce(&NodePicture) -> T,
    ) -> T {
        self.read().node(name, node).map(show).unwrap_or_default()
    }

    /// The cluster that is shown under this name.
    pub(super) fn named(&self, shown: &str) -> Option<ClusterName> {
        let read = self.read();
        let mut names = read.clusters.keys();
        names.find(|name| name.to_string() == shown).cloned()
    }

    pub(super) fn count_clusters(&self) -> u32 {
        count(self.read().clusters.len())
    }

    pub(super) fn count_nodes(&self) -> u32 {
        count(
            self.read()
                .clusters
                .values()
                .map(|own| own.nodes.len())
                .sum(),
        )
    }

    pub(super) fn subjects(&self, event: &Event) -> Subjects {
        let Some(name) = event.cluster() else {
            return Subjects(Vec::new());
        };
        let root = (
            ROOT.to_owned(),
            manager::INTERFACE,
            manager::properties(self),
        );
        let mut all = Vec::new();
        if is_about_numbers(event) {
            all.push(root);
        }
        let read = self.read();
        if let Some(own) = read.clusters.get(name) {
            let path = path::cluster(ROOT, name);
            all.push((path, cluster::INTERFACE, cluster::properties(own)));
        }
        if let Some((id, own)) = event.node().and_then(|id| Some((id, read.node(name, id)?))) {
            let path = path::node(ROOT, name, id);
            all.push((path, node::INTERFACE, node::properties(own)));
        }
        Subjects(all)
    }

    fn read(&self) -> RwLockReadGuard<'_, ServerPicture> {
        self.picture.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, ServerPicture> {
        self.picture.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subjects {
    /// Tells what has changed in objects that were there before.
    pub(super) async fn tell_changes(
        self,
        now: &Self,
        connection: &Connection,
    ) -> zbus::Result<()> {
        for (path, interface, old) in self.0 {
            let same = |other: &&(String, &str, Properties)| other.0 == path;
            if let Some((_, _, new)) = now.0.iter().find(same) {
                bus::tell_changes(connection, &path, interface, old, new.clone()).await?;
            }
        }
        Ok(())
    }
}

const fn is_about_numbers(event: &Event) -> bool {
    matches!(
        event,
        Event::ClusterAppeared { .. }
            | Event::ClusterGone { .. }
            | Event::NodeConnected { .. }
            | Event::NodeDisconnected { .. }
    )
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
