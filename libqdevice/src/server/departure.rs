//! How connections end. [C: qnetd-instance.c, `qnetd_instance_client_disconnect`]

use super::clusters::Clusters;
use super::peer::{Peer, Stage};
use super::silence::Silence;
use super::{Action, Cause, Notice, PeerId, Server};
use crate::vote::View;

impl Server {
    /// The client is to be disconnected before the call returns.
    pub(super) fn doom(&mut self, id: PeerId, cause: Cause, out: &mut Vec<Action>) {
        if let Some(party) = self.party(id) {
            out.push(Action::Tell(Notice::Dropped(party, cause)));
            self.doomed.insert(id);
        }
    }

    /// Disconnects the doomed until none is left.
    pub(super) fn settle(&mut self, out: &mut Vec<Action>) {
        while let Some(id) = self.doomed.pop_first() {
            out.push(Action::Close { peer: id });
            self.part(id, out);
        }
    }

    /// A client is gone: the others of its cluster are judged without it.
    pub(super) fn part(&mut self, id: PeerId, out: &mut Vec<Action>) {
        let Some(party) = self.party(id) else { return };
        out.push(Action::Tell(Notice::Left(party)));
        self.silence.forget(id);
        self.doomed.remove(&id);
        let Some(Peer {
            stage: Stage::Admitted(seat),
            ..
        }) = self.peers.remove(&id)
        else {
            return;
        };
        let Some(cluster) = self.clusters.get_mut(seat.cluster) else {
            return;
        };
        let verdict = cluster
            .arbiter
            .leave(View::without(&cluster.members, seat.node));
        self.clusters.remove(seat.cluster, seat.node);
        self.tell_finding(seat.cluster, verdict.finding, out);
        self.announce(seat.cluster, verdict.announce, out);
    }

    /// Lets all clients go. Nothing is decided and nobody is told anything.
    pub(super) fn shut_down(&mut self, out: &mut Vec<Action>) {
        self.ending = true;
        out.push(Action::Tell(Notice::GoingDown));
        out.extend(self.peers.keys().map(|&peer| Action::Close { peer }));
        self.peers.clear();
        self.clusters = Clusters::default();
        self.silence = Silence::new(&self.config.settings);
    }
}
