//! Who gets the vote when both halves are equal: by clients, heuristics, and who had it.

use super::ffsplit_words::{
    A, B, C, D, FOUR, LEFT, LOWEST, RIGHT, TWO, WHOLE, confirmed, goes_to, split, split_of_two,
};
use crate::case::Case;
use crate::script::Script;
use libqdevice::base::{Heuristics, KeepActivePartition, Vote};

/// Node 2 alone has the vote when node 1 comes, alone as well.
fn second_comes_first(s: &mut Script, keep_2: KeepActivePartition, keep_1: KeepActivePartition) {
    s.configured((B, 2), &[1, 2], LOWEST);
    s.keeps_active_partition(B, keep_2);
    s.membership(B, RIGHT, &[2]);
    s.pushed(B, Vote::Ack);
    s.answered(B, Vote::NoChange);
    s.confirms(B);
    s.configured((A, 1), &[1, 2], LOWEST);
    s.keeps_active_partition(A, keep_1);
    s.membership(A, LEFT, &[1]);
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "ffsplit-more-clients",
        "F24",
        "of two halves the one that reaches the server",
        |s| {
            for (peer, id) in [(A, 1), (C, 3), (D, 4)] {
                s.configured((peer, id), &[1, 2, 3, 4], LOWEST);
            }
            s.membership(A, LEFT, &[1, 2]);
            s.pushed(C, Vote::Nack);
            s.pushed(D, Vote::Nack);
            s.answered(A, Vote::NoChange);
            confirmed(s, &[A], &[C, D]);
            s.confirms(A);
            s.membership(C, RIGHT, &[3, 4]);
            s.answered(C, Vote::WaitForReply);
            s.membership(D, RIGHT, &[3, 4]);
            goes_to(s, &[C, D], &[A], D);
        },
    ),
    Case::new(
        "ffsplit-kap-off",
        "F20 F23",
        "without KAP the tie-breaker takes the vote away",
        |s| {
            second_comes_first(
                s,
                KeepActivePartition::Disabled,
                KeepActivePartition::Disabled,
            );
            goes_to(s, &[A], &[B], A);
        },
    ),
    Case::new(
        "ffsplit-kap-on",
        "F20 F23",
        "with KAP the active half keeps the vote",
        |s| {
            second_comes_first(
                s,
                KeepActivePartition::Enabled,
                KeepActivePartition::Enabled,
            );
            goes_to(s, &[B], &[A], A);
        },
    ),
    Case::new(
        "ffsplit-kap-one",
        "F20",
        "KAP holds only if all nodes want it",
        |s| {
            second_comes_first(
                s,
                KeepActivePartition::Enabled,
                KeepActivePartition::Disabled,
            );
            goes_to(s, &[A], &[B], A);
        },
    ),
    Case::new(
        "ffsplit-kap-both-active",
        "F23",
        "if both halves were active the tie-breaker",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.keeps_active_partition(A, KeepActivePartition::Enabled);
            s.keeps_active_partition(B, KeepActivePartition::Enabled);
            split(s, &[(B, RIGHT, &[2]), (A, LEFT, &[1])]);
            goes_to(s, &[A], &[B], A);
        },
    ),
    Case::new(
        "ffsplit-heuristics",
        "F24",
        "a half whose heuristics pass wins",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.membership_with(A, LEFT, &[1], Heuristics::Fail);
            s.answered(A, Vote::WaitForReply);
            s.membership_with(B, RIGHT, &[2], Heuristics::Pass);
            goes_to(s, &[B], &[A], B);
        },
    ),
    Case::new(
        "ffsplit-heuristics-undefined",
        "F24",
        "no result is worth less than a pass",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.membership(A, LEFT, &[1]);
            s.answered(A, Vote::WaitForReply);
            s.membership_with(B, RIGHT, &[2], Heuristics::Pass);
            goes_to(s, &[B], &[A], B);
        },
    ),
    Case::new(
        "ffsplit-heuristics-change",
        "3.1",
        "a new result moves the vote",
        |s| {
            split_of_two(s, LOWEST);
            goes_to(s, &[A], &[B], B);
            s.confirms(A);
            s.heuristics(B, Heuristics::Pass);
            goes_to(s, &[B], &[A], B);
            s.confirms(B);
            s.heuristics(A, Heuristics::Pass);
            goes_to(s, &[A], &[B], A);
            s.confirms(A);
            s.heuristics(A, Heuristics::Fail);
            goes_to(s, &[B], &[A], A);
        },
    ),
    Case::new(
        "ffsplit-heuristics-forgotten",
        "S34",
        "a membership without result forgets it",
        |s| {
            s.cluster_up(&TWO, WHOLE, LOWEST);
            s.heuristics(B, Heuristics::Pass);
            s.pushed(A, Vote::Ack);
            s.pushed(B, Vote::Ack);
            s.answered(B, Vote::NoChange);
            split(s, &[(A, LEFT, &[1]), (B, RIGHT, &[2])]);
            goes_to(s, &[A], &[B], B);
        },
    ),
    Case::new(
        "ffsplit-partner-fails",
        "F24",
        "a failure counts for the partition at once",
        |s| {
            s.cluster_up(&FOUR, WHOLE, LOWEST);
            for (peer, ring, ids) in [
                (A, LEFT, [1, 2]),
                (B, LEFT, [1, 2]),
                (C, RIGHT, [3, 4]),
                (D, RIGHT, [3, 4]),
            ] {
                s.membership_with(peer, ring, &ids, Heuristics::Pass);
                if peer != D {
                    s.answered(peer, Vote::WaitForReply);
                }
            }
            goes_to(s, &[A, B], &[C, D], D);
            s.heuristics(B, Heuristics::Fail);
            s.differs(
                "Q17 heuristics of a partner",
                |s| goes_to(s, &[A, B], &[C, D], B),
                |s| goes_to(s, &[C, D], &[A, B], B),
            );
        },
    ),
];
