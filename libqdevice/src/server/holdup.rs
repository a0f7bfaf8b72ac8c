//! Votes that wait for the end of a vote of somebody who is gone.

use super::clusters::ClusterId;
use super::{Action, Notice, Server};
use crate::base::Time;
use crate::report::Trigger;

impl Server {
    /// After anything that may have changed who waits for whom in a cluster.
    pub(super) fn watch_holdup(&mut self, now: Time, id: ClusterId, out: &mut Vec<Action>) {
        *self.revision += 1;
        let Some(cluster) = self.clusters.get_mut(id) else {
            self.holdups.clear(id);
            return;
        };
        let holdup = cluster.arbiter.holdup(now);
        match holdup {
            Some(holdup) => self.holdups.set(id, holdup.until),
            None => self.holdups.clear(id),
        }
        if cluster.holdup == holdup {
            return;
        }
        cluster.holdup = holdup;
        if let Some(holdup) = holdup {
            out.push(Action::Tell(Notice::HeldUp {
                cluster: cluster.name.clone(),
                holder: holdup.holder,
                millis: holdup.until.since(now),
            }));
        }
    }

    /// The end of a vote that others have waited for.
    pub(super) fn lapse(&mut self, now: Time, id: ClusterId, out: &mut Vec<Action>) {
        if let Some(cluster) = self.clusters.get_mut(id) {
            let announce = cluster.arbiter.lapse(now, &cluster.members);
            if let (Some(holdup), false) = (cluster.holdup, announce.is_empty()) {
                let finding = cluster.finding.clone();
                let trigger = (Trigger::Time, holdup.holder);
                self.keep_decision(id, trigger, &finding, None, &announce);
            }
            self.announce(id, announce, out);
        }
        self.watch_holdup(now, id, out);
    }
}
