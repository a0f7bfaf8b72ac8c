use super::{heuristics, net};
use libqdevice::events::{DevicePicture, Event};
use libqdevice::outlets::bus::{Properties, instance_id};
use std::sync::{PoisonError, RwLock};

/// What the object shows. Only the thread of the bus reads and changes it.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) facts: Facts,
    /// Of this run of the daemon.
    pub(super) instance: String,
    picture: RwLock<DevicePicture>,
}

/// What does not change while the daemon runs.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The version of the daemon.
    pub(crate) version: &'static str,
    /// The name of the cluster.
    pub(crate) cluster: String,
    /// This node.
    pub(crate) node: u32,
    /// The server as it is configured.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// The algorithm, as it is configured.
    pub(crate) algorithm: &'static str,
}

/// The properties that may change, by interface.
pub(super) struct AllProperties {
    pub(super) net: Properties,
    pub(super) heuristics: Properties,
}

impl Board {
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            instance: instance_id(),
            picture: RwLock::default(),
        }
    }

    pub(super) fn replace(&self, picture: DevicePicture) {
        *self.picture.write().unwrap_or_else(PoisonError::into_inner) = picture;
    }

    pub(super) fn apply(&self, event: &Event) {
        let mut picture = self.picture.write().unwrap_or_else(PoisonError::into_inner);
        picture.apply(event);
    }

    pub(super) fn show<T>(&self, show: impl FnOnce(&DevicePicture) -> T) -> T {
        show(&self.picture.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn properties(&self) -> AllProperties {
        AllProperties {
            net: self.show(net::properties),
            heuristics: self.show(heuristics::properties),
        }
    }
}
