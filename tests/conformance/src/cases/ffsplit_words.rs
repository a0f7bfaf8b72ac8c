//! What the cases of ffsplit have in common: nodes, rings, splits.

use crate::script::{Peer, Script};
use libqdevice::base::{RingId, TieBreaker, Vote};

pub(super) const A: Peer = Peer('A');
pub(super) const B: Peer = Peer('B');
pub(super) const C: Peer = Peer('C');
pub(super) const D: Peer = Peer('D');

pub(super) const LOWEST: TieBreaker = TieBreaker::Lowest;
pub(super) const HIGHEST: TieBreaker = TieBreaker::Highest;

/// The ring in which all nodes are together.
pub(super) const WHOLE: RingId = RingId::new(1, 8);
/// Rings behind a split.
pub(super) const LEFT: RingId = RingId::new(1, 12);
pub(super) const RIGHT: RingId = RingId::new(3, 12);

pub(super) const TWO: [(Peer, u32); 2] = [(A, 1), (B, 2)];
pub(super) const THREE: [(Peer, u32); 3] = [(A, 1), (B, 2), (C, 3)];
pub(super) const FOUR: [(Peer, u32); 4] = [(A, 1), (B, 2), (C, 3), (D, 4)];

/// Two nodes lose each other; the first reports first.
pub(super) fn split_of_two(s: &mut Script, tie: TieBreaker) {
    s.cluster_up(&TWO, WHOLE, tie);
    s.membership(A, LEFT, &[1]);
    s.answered(A, Vote::WaitForReply);
    s.membership(B, RIGHT, &[2]);
}

/// `reports` come one after the other; only the last one settles the cluster.
pub(super) fn split(s: &mut Script, reports: &[(Peer, RingId, &[u32])]) {
    let Some((&last, others)) = reports.split_last() else {
        return;
    };
    for &(peer, ring, ids) in others {
        s.membership(peer, ring, ids);
        s.answered(peer, Vote::WaitForReply);
    }
    s.membership(last.0, last.1, last.2);
}

/// The sender of the last report is answered; losers are told and confirm; then winners are told.
pub(super) fn goes_to(s: &mut Script, winners: &[Peer], losers: &[Peer], last: Peer) {
    for &loser in losers {
        s.pushed(loser, Vote::Nack);
    }
    s.answered(last, Vote::NoChange);
    confirmed(s, winners, losers);
}

/// The losers, who have been told, confirm one after the other; then the winners are told.
pub(super) fn confirmed(s: &mut Script, winners: &[Peer], losers: &[Peer]) {
    for &loser in losers {
        for &winner in winners {
            s.quiet(winner);
        }
        s.confirms(loser);
    }
    for &winner in winners {
        s.pushed(winner, Vote::Ack);
    }
}
