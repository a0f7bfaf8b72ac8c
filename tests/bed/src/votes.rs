//! The votes of all nodes of a bed, as their watchers saw them change, on one clock.

use crate::clock::Moment;
use crate::interrupt;
use crate::standing::Standing;
use anyhow::{Result, bail};
use libqdevice::base::NodeId;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The log of changes.
#[derive(Debug, Default)]
pub struct Votes {
    log: Mutex<Log>,
    news: Condvar,
}

/// One change on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was seen.
    pub at: Moment,
    /// Where.
    pub node: NodeId,
    /// What votequorum says since then; `None` when no corosync answers.
    pub standing: Option<Standing>,
}

/// What every node says at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present(BTreeMap<NodeId, Standing>);

#[derive(Debug, Default)]
struct Log {
    entries: Vec<Entry>,
    present: Present,
}

/// How long something has to stay before it counts as being at rest.
pub const REST: Duration = Duration::from_secs(1);

impl Votes {
    /// Adds a change. Changes come in the order of their times, but for a few milliseconds.
    pub fn record(&self, entry: Entry) {
        let mut log = self.lock();
        log.present.apply(&entry);
        log.entries.push(entry);
        self.news.notify_all();
    }

    /// Waits until something holds and stays so for [`REST`]. Returns the moment it began to hold.
    pub fn settle(
        &self,
        goal: &str,
        patience: Duration,
        holds: impl Fn(&Present) -> bool,
    ) -> Result<Moment> {
        let called = Moment::now();
        let end = called + patience;
        let mut since = None;
        let mut log = self.lock();
        loop {
            let last = log.entries.last().map_or(called, |entry| entry.at);
            since = holds(&log.present).then(|| since.unwrap_or(last));
            let rest = since.map(|began| (began.max(called) + REST).left());
            if let (Some(began), Some(left)) = (since, rest) {
                if left.is_zero() {
                    return Ok(began);
                }
            } else if end.left().is_zero() {
                bail!(
                    "not within {patience:?}: {goal}\nat that moment:\n{}",
                    log.present
                );
            }
            let wait = rest.unwrap_or_else(|| end.left()).min(LOOK);
            let (back, _) = self
                .news
                .wait_timeout(log, wait)
                .unwrap_or_else(PoisonError::into_inner);
            log = back;
            interrupt::check()?;
        }
    }

    /// Waits for a change, at most for `limit`.
    pub fn wait_for_news(&self, limit: Duration) {
        let log = self.lock();
        // Whether there was one shows in what is read next.
        let _ = self.news.wait_timeout(log, limit);
    }

    /// Since when something has held on a node without a break; `None` if it does not hold now.
    #[must_use]
    pub fn since(&self, node: u32, holds: impl Fn(&Standing) -> bool) -> Option<Moment> {
        let mut since = None;
        for entry in self
            .lock()
            .entries
            .iter()
            .filter(|e| e.node == NodeId(node))
        {
            let standing = entry.standing.clone().unwrap_or_default();
            since = holds(&standing).then(|| since.unwrap_or(entry.at));
        }
        since
    }

    /// Everything that was recorded.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    /// What every node says now.
    #[must_use]
    pub fn present(&self) -> Present {
        self.lock().present.clone()
    }

    /// The changes as text, times in milliseconds since `start`.
    #[must_use]
    pub fn describe(&self, start: Moment) -> String {
        let mut text = String::new();
        for entry in &self.lock().entries {
            let millis = entry.at.since(start).as_millis();
            let said = entry.standing.as_ref();
            let said = said.map_or("no corosync".to_owned(), ToString::to_string);
            writeln!(text, "{millis:>7} ms  node {}  {said}", entry.node)
                .expect("a String takes everything");
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a wait looks whether the run was interrupted.
const LOOK: Duration = Duration::from_millis(200);

impl Present {
    /// What a node says; that of a node without corosync has nothing set.
    #[must_use]
    pub fn node(&self, id: u32) -> Standing {
        self.0.get(&NodeId(id)).cloned().unwrap_or_default()
    }

    /// Whether something holds on every one of these nodes.
    #[must_use]
    pub fn all(&self, nodes: &[u32], holds: impl Fn(&Standing) -> bool) -> bool {
        nodes.iter().all(|&id| holds(&self.node(id)))
    }

    /// The nodes that run corosync, and what they say.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Standing)> {
        self.0.iter().map(|(&id, standing)| (id, standing))
    }

    /// Applies a change.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.standing {
            Some(standing) => self.0.insert(entry.node, standing.clone()),
            None => self.0.remove(&entry.node),
        };
    }
}

impl std::fmt::Display for Present {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (id, standing) in &self.0 {
            writeln!(f, "  node {id}: {standing}")?;
        }
        Ok(())
    }
}
