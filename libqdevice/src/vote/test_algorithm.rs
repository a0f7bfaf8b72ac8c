use super::{Occasion, Verdict};
use crate::base::Vote;

/// The server half of the algorithm for tests of the protocol: every partition gets the vote.
/// [C: qnetd-algo-test.c]
///
/// It is the one algorithm that gives the vote to two partitions, and meant to.
pub(super) const fn judge(occasion: Occasion) -> Verdict {
    match occasion {
        Occasion::Membership | Occasion::Question => Verdict::only(Vote::Ack),
        Occasion::Config | Occasion::Quorum | Occasion::Heuristics => Verdict::only(Vote::NoChange),
    }
}
