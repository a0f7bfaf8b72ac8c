//! Words for the life of a ffsplit cluster.
//!
//! The script counts sequence numbers and remembers rings, so that a dialogue reads as
//! `membership`, `pushed`, `answered`, `confirms`.

use crate::script::{Peer, Script, init};
use libqdevice::base::{
    Heuristics, KeepActivePartition, NodeList, Quorate, RingId, TieBreaker, Vote,
};
use libqdevice::wire::{
    HeuristicsReply, HeuristicsReport, Init, Message, NodeListKind, NodeListReply, NodeListReport,
    Options, Plain, VoteReply,
};

/// What a script knows about one of its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// Number of the last request.
    seq: u32,
    /// Number of the last vote that was pushed.
    pushes: u32,
    /// The ring that the server has for the client, and the one before.
    ring: RingId,
    ring_before: RingId,
    /// The last request.
    asked: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    List(NodeListKind),
    Heuristics(Heuristics),
}

impl Default for Sheet {
    fn default() -> Self {
        Self {
            // Below it are preinit and init.
            seq: 9,
            pushes: 0,
            ring: RingId::default(),
            ring_before: RingId::default(),
            asked: Asked::List(NodeListKind::InitialConfig),
        }
    }
}

impl Script {
    fn sheet(&mut self, peer: Peer) -> &mut Sheet {
        self.sheets.entry(peer).or_default()
    }

    pub(crate) fn set_ring(&mut self, peer: Peer, ring: RingId) {
        let sheet = self.sheet(peer);
        (sheet.ring_before, sheet.ring) = (sheet.ring, ring);
    }

    fn next_seq(&mut self, peer: Peer) -> u32 {
        let sheet = self.sheet(peer);
        sheet.seq += 1;
        sheet.seq
    }

    /// Connects one member of a cluster whose configured nodes are `ids`.
    pub fn configured(&mut self, (peer, node): (Peer, u32), ids: &[u32], tie: TieBreaker) {
        self.admitted(
            peer,
            Init {
                tie_breaker: Some(tie),
                ..init(node)
            },
        );
        self.config(peer, ids);
        self.answered(peer, Vote::AskLater);
    }

    /// Connects all members of a cluster; they report one membership and get the vote.
    pub fn cluster_up(&mut self, members: &[(Peer, u32)], ring: RingId, tie: TieBreaker) {
        let ids: Vec<u32> = members.iter().map(|&(_, id)| id).collect();
        for &member in members {
            self.configured(member, &ids, tie);
        }
        let ids: Vec<u32> = members.iter().map(|&(_, id)| id).collect();
        let peers: Vec<Peer> = members.iter().map(|&(peer, _)| peer).collect();
        self.merged(&peers, ring, &ids);
    }

    /// All of `peers` report one membership; the last report earns all of them the vote.
    pub fn merged(&mut self, peers: &[Peer], ring: RingId, ids: &[u32]) {
        let Some((&last, others)) = peers.split_last() else {
            return;
        };
        for &peer in others {
            self.membership(peer, ring, ids);
            self.answered(peer, Vote::WaitForReply);
        }
        self.membership(last, ring, ids);
        for &peer in peers {
            self.pushed(peer, Vote::Ack);
        }
        self.answered(last, Vote::NoChange);
        for &peer in peers {
            self.confirms(peer);
        }
    }

    /// Reports the configured nodes for the first time.
    pub fn config(&mut self, peer: Peer, ids: &[u32]) {
        self.list(
            peer,
            NodeListKind::InitialConfig,
            NodeList::of_ids(ids.iter().copied()),
        );
    }

    /// Reports the configured nodes after a change.
    pub fn changed_config(&mut self, peer: Peer, ids: &[u32]) {
        self.list(
            peer,
            NodeListKind::ChangedConfig,
            NodeList::of_ids(ids.iter().copied()),
        );
    }

    /// Reports a list of configured nodes as it is.
    pub fn list(&mut self, peer: Peer, kind: NodeListKind, nodes: NodeList) {
        self.report(
            peer,
            kind,
            NodeListReport {
                nodes,
                ..NodeListReport::default()
            },
        );
    }

    /// Reports a membership.
    pub fn membership(&mut self, peer: Peer, ring: RingId, ids: &[u32]) {
        self.membership_with(peer, ring, ids, Heuristics::Undefined);
    }

    /// Reports a membership with a result of the heuristics.
    pub fn membership_with(&mut self, peer: Peer, ring: RingId, ids: &[u32], result: Heuristics) {
        self.set_ring(peer, ring);
        let report = NodeListReport {
            ring: Some(ring),
            nodes: NodeList::of_ids(ids.iter().copied()),
            heuristics: result,
            ..NodeListReport::default()
        };
        self.report(peer, NodeListKind::Membership, report);
    }

    /// Reports what votequorum says.
    pub fn quorum(&mut self, peer: Peer, quorate: Quorate, ids: &[u32]) {
        let nodes = NodeList::of_ids(ids.iter().copied());
        let report = NodeListReport {
            quorate: Some(quorate),
            nodes,
            ..NodeListReport::default()
        };
        self.report(peer, NodeListKind::Quorum, report);
    }

    fn report(&mut self, peer: Peer, kind: NodeListKind, report: NodeListReport) {
        let seq = Some(self.next_seq(peer));
        self.sheet(peer).asked = Asked::List(kind);
        self.send(
            peer,
            Message::NodeList(NodeListReport {
                seq,
                kind: Some(kind),
                ..report
            }),
        );
    }

    /// Reports that the heuristics have a new result.
    pub fn heuristics(&mut self, peer: Peer, result: Heuristics) {
        let seq = Some(self.next_seq(peer));
        self.sheet(peer).asked = Asked::Heuristics(result);
        self.send(
            peer,
            Message::HeuristicsChange(HeuristicsReport {
                seq,
                heuristics: result,
            }),
        );
    }

    /// Switches keep-active-partition, which the server confirms.
    pub fn keeps_active_partition(&mut self, peer: Peer, keep: KeepActivePartition) {
        let seq = Some(self.next_seq(peer));
        let options = Options {
            seq,
            keep_active_partition: Some(keep),
            ..Options::default()
        };
        self.send(peer, Message::SetOption(options));
        self.receive(peer, Message::SetOptionReply(options));
    }

    /// Expects the answer to the last report, with this vote.
    pub fn answered(&mut self, peer: Peer, vote: Vote) {
        let sheet = self.sheet(peer);
        let (seq, ring, vote) = (Some(sheet.seq), Some(sheet.ring), Some(vote));
        let reply = match sheet.asked {
            Asked::List(kind) => Message::NodeListReply(NodeListReply {
                seq,
                kind: Some(kind),
                ring,
                vote,
            }),
            Asked::Heuristics(heuristics) => Message::HeuristicsChangeReply(HeuristicsReply {
                seq,
                vote,
                ring,
                heuristics,
            }),
        };
        self.receive(peer, reply);
    }

    /// Expects that the last report is refused and a ring that came with it forgotten.
    pub fn refused(&mut self, peer: Peer, code: u16) {
        let sheet = self.sheet(peer);
        if sheet.asked == Asked::List(NodeListKind::Membership) {
            sheet.ring = sheet.ring_before;
        }
        let seq = sheet.seq;
        self.error(peer, seq, code);
    }

    /// Expects that the server pushes a vote for the client's ring.
    pub fn pushed(&mut self, peer: Peer, vote: Vote) {
        let sheet = self.sheet(peer);
        sheet.pushes += 1;
        let (seq, ring) = (Some(sheet.pushes), Some(sheet.ring));
        self.receive(
            peer,
            Message::VoteInfo(VoteReply {
                seq,
                vote: Some(vote),
                ring,
            }),
        );
    }

    /// Confirms the last vote that was pushed; the server does not answer.
    pub fn confirms(&mut self, peer: Peer) {
        let seq = self.sheet(peer).pushes;
        self.confirms_number(peer, seq);
    }

    /// Confirms a vote by a number that the server may not have used last.
    pub fn confirms_number(&mut self, peer: Peer, seq: u32) {
        self.send(peer, Message::VoteInfoReply(Plain { seq: Some(seq) }));
        // No answer: only behind the next echo the server is known to have read it.
        self.quiet(peer);
    }
}
