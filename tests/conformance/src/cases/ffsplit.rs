//! Who gets the vote: by size and tie-breaker.

use super::ffsplit_words::{
    A, B, C, D, FOUR, HIGHEST, LEFT, LOWEST, RIGHT, THREE, TWO, WHOLE, goes_to, split, split_of_two,
};
use crate::case::Case;
use crate::script::Script;
use libqdevice::base::{NodeId, NodeInfo, NodeList, RingId, TieBreaker, Vote};
use libqdevice::wire::NodeListKind;

/// Four nodes fall into halves; the last to report is node 4.
fn halves(s: &mut Script, tie: TieBreaker) {
    s.cluster_up(&FOUR, WHOLE, tie);
    split(
        s,
        &[
            (A, LEFT, &[1, 2]),
            (B, LEFT, &[1, 2]),
            (C, RIGHT, &[3, 4]),
            (D, RIGHT, &[3, 4]),
        ],
    );
}

pub(super) const CASES: &[Case] = &[
    Case::new(
        "ffsplit-lone-node",
        "F21",
        "one half alone gets the vote",
        |s| {
            s.configured((A, 1), &[1, 2], HIGHEST);
            s.membership(A, LEFT, &[1]);
            s.pushed(A, Vote::Ack);
            s.answered(A, Vote::NoChange);
        },
    ),
    Case::new("ffsplit-2-lowest", "F25", "of two nodes the lowest", |s| {
        split_of_two(s, LOWEST);
        goes_to(s, &[A], &[B], B);
    }),
    Case::new(
        "ffsplit-2-highest",
        "F25",
        "of two nodes the highest",
        |s| {
            split_of_two(s, HIGHEST);
            goes_to(s, &[B], &[A], B);
        },
    ),
    Case::new(
        "ffsplit-2-node",
        "F25",
        "of two nodes the nominated one",
        |s| {
            split_of_two(s, TieBreaker::Node(NodeId(2)));
            goes_to(s, &[B], &[A], B);
        },
    ),
    Case::new(
        "ffsplit-2-foreign",
        "F25",
        "if the nominated one is in neither half the lowest",
        |s| {
            split_of_two(s, TieBreaker::Node(NodeId(7)));
            goes_to(s, &[A], &[B], B);
        },
    ),
    Case::new(
        "ffsplit-4-lowest",
        "F25",
        "of two halves the one with the lowest node",
        |s| {
            halves(s, LOWEST);
            goes_to(s, &[A, B], &[C, D], D);
        },
    ),
    Case::new(
        "ffsplit-4-highest",
        "F25",
        "of two halves the one with the highest node",
        |s| {
            halves(s, HIGHEST);
            goes_to(s, &[C, D], &[A, B], D);
        },
    ),
    Case::new(
        "ffsplit-4-node",
        "F25",
        "of two halves the one with the nominated node",
        |s| {
            halves(s, TieBreaker::Node(NodeId(3)));
            goes_to(s, &[C, D], &[A, B], D);
        },
    ),
    Case::new(
        "ffsplit-3-1",
        "F22",
        "three of four win whatever the tie-breaker",
        |s| {
            s.cluster_up(&FOUR, WHOLE, LOWEST);
            let three: &[u32] = &[2, 3, 4];
            split(
                s,
                &[
                    (A, LEFT, &[1]),
                    (B, RIGHT, three),
                    (C, RIGHT, three),
                    (D, RIGHT, three),
                ],
            );
            goes_to(s, &[B, C, D], &[A], D);
        },
    ),
    Case::new(
        "ffsplit-2-1-1",
        "F22",
        "a half wins against quarters",
        |s| {
            s.cluster_up(&FOUR, WHOLE, LOWEST);
            let other = RingId::new(2, 12);
            split(
                s,
                &[
                    (A, LEFT, &[1]),
                    (B, other, &[2]),
                    (C, RIGHT, &[3, 4]),
                    (D, RIGHT, &[3, 4]),
                ],
            );
            goes_to(s, &[C, D], &[A, B], D);
        },
    ),
    Case::new("ffsplit-odd", "F22", "of three nodes two win", |s| {
        s.cluster_up(&THREE, WHOLE, LOWEST);
        split(
            s,
            &[(A, LEFT, &[1]), (B, RIGHT, &[2, 3]), (C, RIGHT, &[2, 3])],
        );
        goes_to(s, &[B, C], &[A], C);
    }),
    Case::new(
        "ffsplit-nobody",
        "F13",
        "if no partition is large enough nobody wins",
        |s| {
            s.cluster_up(&THREE, WHOLE, LOWEST);
            let other = RingId::new(2, 12);
            split(s, &[(A, LEFT, &[1]), (B, other, &[2]), (C, RIGHT, &[3])]);
            goes_to(s, &[], &[A, B, C], C);
        },
    ),
    Case::new(
        "ffsplit-duplicates",
        "F22",
        "a node counts once however often it is listed",
        |s| {
            s.cluster_up(&TWO, WHOLE, HIGHEST);
            split(s, &[(B, RIGHT, &[2]), (A, LEFT, &[1, 1])]);
            s.differs(
                "Q22 distinct configured nodes count",
                |s| goes_to(s, &[A], &[B], A),
                |s| goes_to(s, &[B], &[A], A),
            );
        },
    ),
    Case::new(
        "ffsplit-foreign-node",
        "F22",
        "a node that is not configured does not count",
        |s| {
            s.cluster_up(&TWO, WHOLE, HIGHEST);
            split(s, &[(B, RIGHT, &[2]), (A, LEFT, &[1, 77])]);
            goes_to(s, &[B], &[A], A);
        },
    ),
    Case::new(
        "ffsplit-data-centres",
        "F11",
        "data centres and order do not matter",
        |s| {
            s.configured((A, 1), &[1, 2], LOWEST);
            s.member(B, 2);
            let node = |(id, data_center)| NodeInfo {
                data_center,
                ..NodeId(id).into()
            };
            let nodes = NodeList([(2, 7), (1, 0), (2, 8)].map(node).to_vec());
            s.list(B, NodeListKind::InitialConfig, nodes);
            s.answered(B, Vote::AskLater);
            s.merged(&[A, B], WHOLE, &[2, 1]);
        },
    ),
];
