//! When it is said who gets the vote: everybody agrees, losers first, confirmations count.

use super::ffsplit_words::{A, B, C, D, FOUR, LEFT, LOWEST, RIGHT, TWO, WHOLE};
use crate::case::Case;
use crate::script::{Peer, Script};
use libqdevice::base::{RingId, Vote};

/// Two nodes lose each other; node 2 has been told that it loses and has not confirmed it.
fn node_2_is_to_confirm(s: &mut Script) {
    s.cluster_up(&TWO, WHOLE, LOWEST);
    s.membership(B, RIGHT, &[2]);
    s.answered(B, Vote::WaitForReply);
    s.membership(A, LEFT, &[1]);
    s.pushed(B, Vote::Nack);
    s.answered(A, Vote::NoChange);
}

/// Four nodes fall into halves; nodes 1 and 2 have the vote.
fn halves(s: &mut Script) {
    s.cluster_up(&FOUR, WHOLE, LOWEST);
    for (peer, ring, ids) in [(A, LEFT, [1, 2]), (B, LEFT, [1, 2]), (C, RIGHT, [3, 4])] {
        s.membership(peer, ring, &ids);
        s.answered(peer, Vote::WaitForReply);
    }
    s.membership(D, RIGHT, &[3, 4]);
    s.pushed(C, Vote::Nack);
    s.pushed(D, Vote::Nack);
    s.answered(D, Vote::NoChange);
    s.confirms(C);
    s.confirms(D);
    for winner in [A, B] {
        s.pushed(winner, Vote::Ack);
        s.confirms(winner);
    }
}

/// `losers` are told and confirm, then `winners` are told.
fn round(s: &mut Script, winners: &[Peer], losers: &[Peer]) {
    for &loser in losers {
        s.pushed(loser, Vote::Nack);
    }
    for &loser in losers {
        s.confirms(loser);
    }
    for &winner in winners {
        s.pushed(winner, Vote::Ack);
    }
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "round-join",
        "F12 F15",
        "the last report of a ring brings the vote to all",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
        },
    ),
    Case::new("round-join-4", "F12 F15", "so it is with four nodes", |s| {
        s.cluster_up(&FOUR, WHOLE, LOWEST);
    }),
    Case::new(
        "round-heal",
        "F12 F15",
        "after a split the vote returns to all",
        |s| {
            node_2_is_to_confirm(s);
            s.confirms(B);
            s.pushed(A, Vote::Ack);
            s.confirms(A);
            s.merged(&[B, A], RingId::new(1, 16), &[1, 2]);
        },
    ),
    Case::new(
        "round-again",
        "F15",
        "a repeated report has all votes said again",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            for _ in 0..3 {
                s.membership(B, WHOLE, &[1, 2]);
                s.pushed(A, Vote::Ack);
                s.pushed(B, Vote::Ack);
                s.answered(B, Vote::NoChange);
                s.confirms(A);
            }
        },
    ),
    Case::new(
        "round-nack-first",
        "F15",
        "nobody wins before every loser has confirmed",
        |s| {
            node_2_is_to_confirm(s);
            s.quiet(A);
            s.silence(A, 100);
            s.confirms(B);
            s.pushed(A, Vote::Ack);
        },
    ),
    Case::new(
        "round-wrong-number",
        "3.3.4",
        "only the number of the last vote confirms it",
        |s| {
            node_2_is_to_confirm(s);
            for wrong in [0, 1, 3, u32::MAX] {
                s.confirms_number(B, wrong);
                s.quiet(A);
            }
            s.confirms(B);
            s.pushed(A, Vote::Ack);
        },
    ),
    Case::new(
        "round-twice-confirmed",
        "3.3.4",
        "a second confirmation changes nothing",
        |s| {
            node_2_is_to_confirm(s);
            s.confirms(B);
            s.pushed(A, Vote::Ack);
            s.confirms(A);
            s.confirms(A);
            s.confirms(B);
            s.quiet(A);
        },
    ),
    Case::new(
        "round-old-number",
        "3.3.4",
        "an answer to an older vote is none to this one",
        |s| {
            for (peer, id) in TWO {
                s.configured((peer, id), &[1, 2], LOWEST);
            }
            s.membership(A, WHOLE, &[1, 2]);
            s.answered(A, Vote::WaitForReply);
            s.membership(B, WHOLE, &[1, 2]);
            s.pushed(A, Vote::Ack);
            s.pushed(B, Vote::Ack);
            s.answered(B, Vote::NoChange);
            s.membership(B, RIGHT, &[2]);
            s.answered(B, Vote::WaitForReply);
            s.membership(A, LEFT, &[1]);
            s.pushed(B, Vote::Nack);
            s.answered(A, Vote::NoChange);
            // This one is about the vote that both had.
            s.confirms(A);
            s.confirms(B);
            s.differs(
                "Q19 answer to an older vote",
                |s| s.quiet(A),
                |s| s.pushed(A, Vote::Ack),
            );
        },
    ),
    Case::new(
        "round-overtaken",
        "F15",
        "a new round does not wait for the old one",
        |s| {
            node_2_is_to_confirm(s);
            s.membership(B, RingId::new(1, 16), &[1, 2]);
            s.answered(B, Vote::WaitForReply);
            s.membership(A, RingId::new(1, 16), &[1, 2]);
            s.pushed(A, Vote::Ack);
            s.pushed(B, Vote::Ack);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new(
        "round-loser-leaves",
        "FI3",
        "a loser that leaves need not confirm",
        |s| {
            node_2_is_to_confirm(s);
            s.close(B);
            s.pushed(A, Vote::Ack);
        },
    ),
    Case::new(
        "round-member-leaves",
        "3.1",
        "when a member leaves the others hear their vote",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.close(B);
            s.pushed(A, Vote::Ack);
            s.confirms(A);
        },
    ),
    Case::new(
        "round-winner-leaves",
        "3.1",
        "when the winner leaves the other half gets the vote",
        |s| {
            node_2_is_to_confirm(s);
            s.confirms(B);
            s.pushed(A, Vote::Ack);
            s.confirms(A);
            s.close(A);
            s.pushed(B, Vote::Ack);
        },
    ),
    Case::new(
        "round-half-leaves",
        "F20 F24",
        "who is leaving does not count for its half",
        |s| {
            halves(s);
            s.close(A);
            s.differs(
                "Q18 the leaving client counts",
                |s| round(s, &[B], &[C, D]),
                |s| round(s, &[C, D], &[B]),
            );
        },
    ),
    Case::new(
        "round-returns",
        "S71",
        "who comes back reports anew, its numbers begin at 1",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.close(B);
            s.pushed(A, Vote::Ack);
            s.confirms(A);
            s.configured((B, 2), &[1, 2], LOWEST);
            s.membership(B, WHOLE, &[1, 2]);
            s.pushed(A, Vote::Ack);
            s.pushed(B, Vote::Ack);
            s.answered(B, Vote::NoChange);
        },
    ),
    Case::new(
        "round-other-rings",
        "F12",
        "who is in one list is in one ring",
        |s| {
            for (peer, id) in TWO {
                s.configured((peer, id), &[1, 2], LOWEST);
            }
            s.membership(A, LEFT, &[1, 2]);
            s.answered(A, Vote::WaitForReply);
            s.membership(B, RIGHT, &[1, 2]);
            s.answered(B, Vote::WaitForReply);
            s.quiet(A);
        },
    ),
    Case::new(
        "round-other-lists",
        "F12",
        "who is in one list has the same list",
        |s| {
            for (peer, id) in TWO {
                s.configured((peer, id), &[1, 2], LOWEST);
            }
            s.membership(A, WHOLE, &[1, 2]);
            s.answered(A, Vote::WaitForReply);
            s.membership(B, WHOLE, &[2]);
            s.answered(B, Vote::WaitForReply);
            s.quiet(A);
        },
    ),
    Case::new(
        "round-other-configs",
        "F11",
        "all have to be configured alike",
        |s| {
            s.configured((A, 1), &[1, 2], LOWEST);
            s.configured((B, 2), &[1, 2, 3], LOWEST);
            s.membership(A, WHOLE, &[1, 2]);
            s.answered(A, Vote::WaitForReply);
            s.membership(B, WHOLE, &[1, 2]);
            s.answered(B, Vote::WaitForReply);
            s.changed_config(A, &[3, 2, 1]);
            s.pushed(A, Vote::Ack);
            s.pushed(B, Vote::Ack);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new(
        "round-newcomer",
        "F11",
        "who has sent no configuration keeps all waiting",
        |s| {
            s.configured((A, 1), &[1, 2], LOWEST);
            s.membership(A, LEFT, &[1]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
            s.confirms(A);
            s.member(B, 2);
            s.membership(A, LEFT, &[1]);
            s.answered(A, Vote::WaitForReply);
            s.config(B, &[1, 2]);
            s.answered(B, Vote::AskLater);
            s.membership(A, LEFT, &[1]);
            // Node 2 has the ring of its init.
            s.pushed(B, Vote::Nack);
            s.answered(A, Vote::NoChange);
            s.confirms(B);
            s.pushed(A, Vote::Ack);
        },
    ),
    Case::new(
        "round-changed-config",
        "3.1",
        "a changed configuration is judged",
        |s| {
            s.configured((A, 1), &[1, 2], LOWEST);
            s.changed_config(A, &[1, 2, 3]);
            s.answered(A, Vote::AskLater);
            s.membership(A, LEFT, &[1]);
            s.pushed(A, Vote::Nack);
            s.answered(A, Vote::NoChange);
            s.confirms(A);
            s.changed_config(A, &[1]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new(
        "round-membership-first",
        "3.1",
        "the membership may come before the configuration",
        |s| {
            s.member(A, 1);
            s.membership(A, LEFT, &[1]);
            s.answered(A, Vote::AskLater);
            s.config(A, &[1, 2]);
            s.differs(
                "Q21 membership before initial configuration",
                |s| s.answered(A, Vote::AskLater),
                |s| {
                    s.pushed(A, Vote::Ack);
                    s.answered(A, Vote::NoChange);
                },
            );
        },
    ),
    Case::new(
        "round-no-config",
        "F11",
        "who has sent no configuration gets no vote",
        |s| {
            s.configured((A, 1), &[1, 2], LOWEST);
            s.membership(A, LEFT, &[1]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
            s.confirms(A);
            s.member(B, 2);
            s.membership(B, RIGHT, &[2]);
            s.answered(B, Vote::AskLater);
            s.close(A);
            s.differs(
                "Q60 a client without configuration",
                |s| s.pushed(B, Vote::Ack),
                |s| s.pushed(B, Vote::Nack),
            );
        },
    ),
    Case::new(
        "round-two-clusters",
        "2.10",
        "clusters do not hear of each other",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.connect(C);
            s.preinit(C, 1, "another cluster of round-two-clusters".into());
            s.receive(C, crate::script::preinit_reply(1));
            s.send(C, libqdevice::wire::Message::Init(crate::script::init(1)));
            s.init_reply(C, Some(2), 0);
            s.set_ring(C, RingId::new(1, 4));
            s.config(C, &[1, 2]);
            s.answered(C, Vote::AskLater);
            s.membership(C, LEFT, &[1]);
            s.pushed(C, Vote::Ack);
            s.answered(C, Vote::NoChange);
            s.quiet(A);
            s.quiet(B);
        },
    ),
];
