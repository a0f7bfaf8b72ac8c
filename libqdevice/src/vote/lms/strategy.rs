use crate::base::{Quorate, Vote};
use crate::vote::WaitForAll;

/// What is cast without a server. [C: qdevice-net-algo-lms.c, `..._disconnected`]
///
/// A partition that is quorate under `wait_for_all` goes on: the others cannot become quorate before
/// everybody has been seen again. Every other partition gives the vote back.
pub(in crate::vote) const fn vote_when_disconnected(
    quorate: Quorate,
    wait_for_all: WaitForAll,
) -> Vote {
    match (quorate, wait_for_all) {
        (Quorate::Yes, WaitForAll::Yes) => Vote::NoChange,
        (Quorate::Yes | Quorate::No, WaitForAll::Yes | WaitForAll::No) => Vote::Nack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quorate_partition_under_wait_for_all_keeps_its_vote() {
        let vote = vote_when_disconnected;
        assert_eq!(vote(Quorate::Yes, WaitForAll::Yes), Vote::NoChange);
        assert_eq!(vote(Quorate::No, WaitForAll::Yes), Vote::Nack);
        assert_eq!(vote(Quorate::Yes, WaitForAll::No), Vote::Nack);
    }
}
