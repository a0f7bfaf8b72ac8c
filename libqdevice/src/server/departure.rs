//! How connections end. [C: qnetd-instance.c, `qnetd_instance_client_disconnect`]

use super::clusters::{ClusterId, Clusters};
use super::peer::Stage;
use super::silence::Silence;
use super::tenure::Ending;
use super::{Action, Cause, Notice, PeerId, Server};
use crate::base::{ClusterName, Deadlines, NodeId, Time};
use crate::report::Trigger;
use crate::vote::{Departure, View};
use std::collections::BTreeMap;

impl Server {
    /// The client is to be disconnected before the call returns.
    pub(super) fn doom(&mut self, id: PeerId, cause: Cause, out: &mut Vec<Action>) {
        if let Some(party) = self.party(id) {
            self.keep_end(&party, cause.key());
            if cause.is_of_trust() {
                self.chronicle.refused(cause.key());
            }
            out.push(Action::Tell(Notice::Dropped(party, cause)));
            self.doomed.insert(id);
        }
    }

    /// Disconnects a node as an administrator wants it; it may come back.
    pub(super) fn dismiss(&mut self, cluster: &ClusterName, node: NodeId, out: &mut Vec<Action>) {
        let own = self.clusters.named(cluster);
        if let Some(&peer) = own.and_then(|own| own.peers.get(&node)) {
            self.doom(peer, Cause::Asked, out);
        }
    }

    /// The connection of a client has ended by itself.
    pub(super) fn on_gone(&mut self, now: Time, id: PeerId, ending: Ending, out: &mut Vec<Action>) {
        if let Some(party) = self.party(id) {
            self.keep_end(&party, "closed");
        }
        self.part(now, [id], ending, out);
    }

    /// Disconnects the doomed.
    pub(super) fn settle(&mut self, now: Time, out: &mut Vec<Action>) {
        let doomed = std::mem::take(&mut self.doomed);
        out.extend(doomed.iter().map(|&peer| Action::Close { peer }));
        self.part(now, doomed, Ending::Broken, out);
    }

    /// Clients are gone: the others of their clusters are judged without them.
    ///
    /// Clients that go together are judged together. One by one, a part of the cluster could lose the
    /// vote with its first node and get it back when the other part has lost one too; and votes would
    /// be pushed to nodes that are gone themselves.
    pub(super) fn part(
        &mut self,
        now: Time,
        gone: impl IntoIterator<Item = PeerId>,
        ending: Ending,
        out: &mut Vec<Action>,
    ) {
        let mut last_of = BTreeMap::new();
        for id in gone {
            let Some((cluster, node, departure)) = self.take_out(now, id, ending, out) else {
                continue;
            };
            if let Some((earlier, departure)) = last_of.insert(cluster, (node, departure)) {
                if let Some(own) = self.clusters.get_mut(cluster) {
                    let view = View::without(&own.members, earlier);
                    own.arbiter.forget(view, departure);
                }
                self.clusters.remove(now, cluster, earlier);
            }
        }
        for (cluster, (node, departure)) in last_of {
            self.leave(now, cluster, node, departure, out);
        }
    }

    /// Forgets a connection; if it was a member's, gives its place and what becomes of its vote.
    fn take_out(
        &mut self,
        now: Time,
        id: PeerId,
        ending: Ending,
        out: &mut Vec<Action>,
    ) -> Option<(ClusterId, NodeId, Departure)> {
        out.push(Action::Tell(Notice::Left(self.party(id)?)));
        self.silence.forget(id);
        self.doomed.remove(&id);
        let peer = self.peers.remove(&id)?;
        match &peer.stage {
            Stage::Admitted(seat) => {
                let departure = self.departure(now, ending, &peer, seat);
                Some((seat.cluster, seat.node, departure))
            }
            Stage::Fresh | Stage::Named(_) => None,
        }
    }

    /// A node has left its cluster, and no other one is about to.
    fn leave(
        &mut self,
        now: Time,
        cluster: ClusterId,
        node: NodeId,
        departure: Departure,
        out: &mut Vec<Action>,
    ) {
        let Some(own) = self.clusters.get_mut(cluster) else {
            return;
        };
        let view = View::without(&own.members, node);
        let verdict = own.arbiter.leave(now, view, departure);
        let name = own.name.clone();
        self.clusters.remove(now, cluster, node);
        if self.clusters.get(cluster).is_none() {
            self.chronicle.left(&name);
        }
        let trigger = (Trigger::Left, node);
        self.keep_decision(cluster, trigger, &verdict.finding, None, &verdict.announce);
        self.tell_finding(cluster, verdict.finding, out);
        self.announce(cluster, verdict.announce, out);
        self.watch_holdup(now, cluster, out);
    }

    /// Lets all clients go. Nothing is decided and nobody is told anything.
    pub(super) fn shut_down(&mut self, out: &mut Vec<Action>) {
        self.ending = true;
        out.push(Action::Tell(Notice::GoingDown));
        out.extend(self.peers.keys().map(|&peer| Action::Close { peer }));
        self.peers.clear();
        self.clusters = Clusters::default();
        self.holdups = Deadlines::default();
        self.silence = Silence::new(&self.config.settings);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::super::fixture::Bench;
    use super::*;

    #[test]
    fn a_node_that_an_administrator_dismisses_is_disconnected_and_nobody_else() {
        let mut bench = Bench::new();
        bench.admitted(1, "K", 1);
        bench.admitted(2, "K", 2);
        let mut closed = |cluster: &str, node| {
            let done = bench.handle(Event::Dismissed {
                cluster: cluster.into(),
                node: NodeId(node),
            });
            let close = Action::Close { peer: PeerId(1) };
            done.into_iter().filter(|action| *action == close).count()
        };
        assert_eq!(closed("L", 1) + closed("K", 3), 0);
        assert_eq!(closed("K", 1), 1);
        assert_eq!(closed("K", 1), 0);
    }
}
