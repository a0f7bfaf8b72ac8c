use super::thread::Connection;
use crate::corosync::ffi::{Cmap, ConnectFault, Track};
use crate::corosync::{CsError, Event, FollowFault, Service};
use libqdevice::client::{CmapSnapshot, CmapValue};
use std::os::fd::BorrowedFd;
use tokio::sync::mpsc::UnboundedSender;

/// What the cmap thread owns.
#[derive(Debug)]
pub(super) struct Config {
    connection: Option<Cmap>,
    events: UnboundedSender<Event>,
}

impl Connection for Config {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.connection.as_ref()?.fd().ok()
    }

    fn dispatch(&mut self) {
        let event = match self.changed() {
            Ok(Some(snapshot)) => Event::Config(snapshot),
            Ok(None) => return,
            Err(_) => {
                self.connection = None;
                Event::Lost(Service::Cmap)
            }
        };
        // Nobody listens any more when the daemon is ending.
        let _ = self.events.send(event);
    }
}

impl Config {
    pub(super) fn new(events: UnboundedSender<Event>) -> Self {
        Self {
            connection: None,
            events,
        }
    }

    /// Connects; done when the connection stands already.
    pub(super) fn connect(&mut self) -> Result<(), ConnectFault> {
        if self.connection.is_none() {
            self.connection = Some(Cmap::connect()?);
        }
        Ok(())
    }

    /// Begins to report changes. [C: qdevice-cmap.c]
    pub(super) fn follow(&mut self) -> Result<(), FollowFault> {
        for (key, track, name) in FOLLOWED {
            self.connected()
                .and_then(|cmap| cmap.track(key, track))
                .map_err(|error| FollowFault { key: name, error })?;
        }
        Ok(())
    }

    /// Reads all that is followed or read at the start.
    pub(super) fn snapshot(&mut self) -> Result<CmapSnapshot, CsError> {
        let mut snapshot = CmapSnapshot::default();
        let cmap = self.connected()?;
        for prefix in CmapSnapshot::PREFIXES {
            for key in cmap.keys(prefix)? {
                // A key that went away since is simply no longer there.
                if let Some(value) = cmap.get(&key)? {
                    snapshot.set(key, value);
                }
            }
        }
        Ok(snapshot)
    }

    /// The configuration, if something that is followed has changed and no reload is under way.
    fn changed(&mut self) -> Result<Option<CmapSnapshot>, CsError> {
        if self.connected()?.dispatch()?.is_empty() {
            return Ok(None);
        }
        for _ in 0..ATTEMPTS {
            if self.reload_is_under_way()? {
                // Its end is a change as well.
                return Ok(None);
            }
            let snapshot = self.snapshot()?;
            // corosync reloads in one go between two requests, so a snapshot that was not disturbed by
            // a change is from one side of it.
            if self.connected()?.dispatch()?.is_empty() {
                return Ok(Some(snapshot));
            }
        }
        // A configuration that never stands still; the next change is reported with all of it.
        self.snapshot().map(Some)
    }

    /// Whether corosync is in the middle of a reload.
    ///
    /// The first flag alone is what the C program reads, but corosync leaves it set when a reload has
    /// failed; the second tells that.
    fn reload_is_under_way(&mut self) -> Result<bool, CsError> {
        let cmap = self.connected()?;
        let parsing = cmap.get(TOTEM_RELOAD)?;
        let reloading = cmap.get(RELOAD)?;
        Ok(is_under_way(parsing.as_ref(), reloading.as_ref()))
    }

    fn connected(&mut self) -> Result<&mut Cmap, CsError> {
        self.connection.as_mut().ok_or(CsError::LIBRARY)
    }
}

fn is_under_way(parsing: Option<&CmapValue>, reloading: Option<&CmapValue>) -> bool {
    parsing == Some(&CmapValue::U8(1)) && reloading != Some(&CmapValue::U8(0))
}

const TOTEM_RELOAD: &str = "config.totemconfig_reload_in_progress";
const RELOAD: &str = "config.reload_in_progress";

/// What is followed, and what the error calls it.
const FOLLOWED: [(&str, Track, &str); 5] = [
    (TOTEM_RELOAD, Track::Key, "totemconfig_reload_in_progress"),
    (RELOAD, Track::Key, "reload_in_progress"),
    ("nodelist.", Track::Prefix, "nodelist"),
    ("logging.", Track::Prefix, "logging"),
    ("quorum.device.", Track::Prefix, "quorum.device"),
];

/// How often a snapshot that was disturbed is taken again.
const ATTEMPTS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_reload_is_over_although_its_first_flag_stays_set() {
        let (set, clear) = (CmapValue::U8(1), CmapValue::U8(0));
        assert!(is_under_way(Some(&set), Some(&set)));
        assert!(
            is_under_way(Some(&set), None),
            "a corosync without the second flag"
        );
        assert!(!is_under_way(Some(&set), Some(&clear)));
        assert!(!is_under_way(Some(&clear), Some(&set)));
        assert!(!is_under_way(None, None));
    }
}
