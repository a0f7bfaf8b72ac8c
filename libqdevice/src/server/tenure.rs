//! How long a client that is gone may still cast its vote.

use super::Server;
use super::peer::{Peer, Seat};
use crate::base::{Algorithm, Handover, Millis, Time};
use crate::settings::Coefficient;
use crate::vote::{Departure, Until};
use crate::wire::{Init, OptType};

/// What a client has made known about the end of its vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tenure {
    /// Whether it has promised that its vote ends with its lease: see
    /// [`LeaseNews`](crate::wire::LeaseNews).
    leased: bool,
    /// The heartbeat it began with, which tells how long its votequorum keeps a vote.
    first_heartbeat: Millis,
    /// Whether it has withdrawn its vote for good.
    pub(super) goodbye: bool,
}

/// What the server has seen of the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The other side has closed it: its process has ended, or knows that it has no server.
    Closed,
    /// The other side may not know.
    Broken,
}

impl Tenure {
    /// As a client says in its INIT.
    pub(super) fn of(asked: &Init) -> Self {
        Self {
            leased: lists_lease(asked),
            first_heartbeat: asked.heartbeat.unwrap_or_default(),
            goodbye: false,
        }
    }

    /// How long the vote of a client can last at most, whatever becomes of it.
    pub(super) fn longest(self, heartbeat: Millis) -> Millis {
        let unheard = if self.leased { LEASE } else { UNAWARE };
        let heartbeat = heartbeat.max(self.first_heartbeat);
        let longest = unheard.times(heartbeat);
        let kept = KEPT_BY_VOTEQUORUM.times(self.first_heartbeat);
        Millis(u32::try_from(longest.max(kept)).unwrap_or(u32::MAX))
    }

    /// When the vote of a client must have ended that was heard last at `heard` and lost at `now`.
    fn until(self, now: Time, ending: Ending, peer: &Peer) -> Until {
        let after = |start: Time, heartbeats: Coefficient, heartbeat| {
            let length = heartbeats.times(heartbeat);
            start.after(Millis(u32::try_from(length).unwrap_or(u32::MAX)))
        };
        match ending {
            Ending::Closed => Until {
                // Most often the node is dead, or a C program was stopped, which says no goodbye.
                moved: now,
                apart: after(now, KEPT_BY_VOTEQUORUM, self.first_heartbeat),
            },
            Ending::Broken => {
                let unheard = if self.leased { LEASE } else { UNAWARE };
                let end = after(peer.heard, unheard, peer.heartbeat);
                Until {
                    moved: end,
                    apart: end,
                }
            }
        }
    }
}

impl Server {
    /// How long any client may be waited for.
    pub(super) fn longest_tenure(&self) -> Millis {
        let longest = UNAWARE.times(self.config.settings.heartbeat_interval_max);
        Millis(u32::try_from(longest).unwrap_or(u32::MAX))
    }

    /// How a member leaves, as far as its vote is concerned.
    pub(super) fn departure(
        &self,
        now: Time,
        ending: Ending,
        peer: &Peer,
        seat: &Seat,
    ) -> Departure {
        let tenure = seat.tenure;
        let algorithm = self.clusters.get(seat.cluster).map(|own| own.algorithm);
        if tenure.goodbye {
            Departure::Withdrawn
        } else if algorithm == Some(Algorithm::TwoNodeLms) && !tenure.leased {
            Departure::Kept
        } else {
            match self.config.settings.vote_handover {
                Handover::Safe => Departure::Until(tenure.until(now, ending, peer)),
                Handover::AtOnce => Departure::Withdrawn,
            }
        }
    }
}

/// Whether a client lists the option of leases among those it knows.
pub(super) fn lists_lease(asked: &Init) -> bool {
    let known = asked.supported_options.as_deref();
    known.is_some_and(|known| known.contains(&OptType::Lease.number()))
}

/// Heartbeats after which a client with a lease has lost its vote, counted from the last message of it:
/// 1.4 from the sending of that at most, and a tenth for clocks that do not run alike.
const LEASE: Coefficient = Coefficient::from_thousandths(1500);

/// The same for a client of the C program. If it was cut off, it gives its vote back when a second echo is
/// due; frozen just before the next echo, it leaves votequorum a vote for another 1.25 heartbeats. With
/// a margin for clocks.
const UNAWARE: Coefficient = Coefficient::from_thousandths(2300);

/// For how many heartbeats votequorum keeps a vote without polls: clients take 0.8 of
/// `quorum.device.timeout` for their heartbeat. With a margin for clocks.
const KEPT_BY_VOTEQUORUM: Coefficient = Coefficient::from_thousandths(1300);

#[cfg(test)]
mod tests {
    use super::super::fixture::{
        Bench, announced, config, confirmation, goodbye, init, leased, membership,
    };
    use super::super::{Action, Event, PeerId};
    use crate::base::{RingId, Vote};
    use crate::wire::{Echo, Init, InitReply, Message};

    const TOGETHER: RingId = RingId::new(1, 8);
    const ACK_2: [(u64, Option<Vote>); 1] = [(2, Some(Vote::Ack))];
    const GONE: Event = Event::Gone { peer: PeerId(1) };
    const LOST: Event = Event::Lost { peer: PeerId(1) };

    /// Two nodes in one ring; node 1 is the client that `first` makes of it.
    fn together(settings: &str, first: Init) -> Bench {
        let mut bench = Bench::set(settings);
        for init in [first, init(2)] {
            let peer = u64::from(init.node.unwrap().0);
            bench.admitted_with(peer, "K", init);
            bench.send(peer, config(&[1, 2]));
        }
        for peer in [1, 2] {
            bench.send(peer, membership(TOGETHER, &[1, 2]));
        }
        for peer in [1, 2] {
            bench.send(peer, confirmation(1));
        }
        bench
    }

    /// The same nodes, each alone, node 1 with the vote.
    fn split(settings: &str, first: Init) -> Bench {
        let mut bench = together(settings, first);
        bench.send(1, membership(RingId::new(1, 12), &[1]));
        bench.send(2, membership(RingId::new(2, 12), &[2]));
        bench.send(2, confirmation(2));
        assert_eq!(bench.granted(), [1]);
        bench
    }

    /// Lets time pass in which node 2 is heard and node 1 is not; the votes pushed at the end of it.
    fn pass(bench: &mut Bench, millis: u64) -> Vec<(u64, Option<Vote>)> {
        let mut out = bench.wait(millis);
        bench.send(2, Message::EchoRequest(Echo::new(1)));
        out.retain(|action| !matches!(action, Action::Close { .. }));
        announced(&out)
    }

    #[test]
    fn a_c_client_that_falls_silent_may_have_its_vote_for_two_heartbeats_and_a_third() {
        let mut bench = split("", init(1));
        assert_eq!(pass(&mut bench, 11_999), []);
        assert_eq!(pass(&mut bench, 1), []);
        assert_eq!(pass(&mut bench, 6_399), []);
        assert_eq!(pass(&mut bench, 1), ACK_2);
    }

    #[test]
    fn a_client_with_a_lease_that_falls_silent_has_lost_it_when_it_is_given_up() {
        let mut bench = split("", leased(1));
        assert_eq!(pass(&mut bench, 11_999), []);
        assert_eq!(pass(&mut bench, 1), ACK_2);
    }

    #[test]
    fn a_server_with_less_patience_waits_for_the_end_of_the_lease() {
        let mut bench = split("dpd_interval_coefficient=1", leased(1));
        pass(&mut bench, 7_000);
        assert_eq!(pass(&mut bench, 1_000), []);
        pass(&mut bench, 3_999);
        assert_eq!(pass(&mut bench, 1), ACK_2);
    }

    #[test]
    fn votequorum_may_keep_the_vote_of_a_client_that_hangs_up_without_a_goodbye() {
        for first in [init(1), leased(1)] {
            let mut bench = split("", first);
            assert_eq!(announced(&bench.handle(GONE)), []);
            assert_eq!(pass(&mut bench, 10_399), []);
            assert_eq!(pass(&mut bench, 1), ACK_2);
        }
    }

    #[test]
    fn a_client_whose_connection_breaks_may_not_know_it() {
        let mut bench = split("", init(1));
        assert_eq!(announced(&bench.handle(LOST)), []);
        pass(&mut bench, 10_000);
        assert_eq!(pass(&mut bench, 8_399), []);
        assert_eq!(pass(&mut bench, 1), ACK_2);
    }

    #[test]
    fn after_a_goodbye_nothing_waits() {
        let mut bench = split("", leased(1));
        bench.send(1, goodbye());
        assert_eq!(announced(&bench.handle(GONE)), ACK_2);
    }

    #[test]
    fn with_the_timing_of_c_nothing_waits_for_a_client_that_is_lost() {
        let mut bench = split("vote_handover=c", init(1));
        assert_eq!(announced(&bench.handle(GONE)), ACK_2);
        let mut bench = split("vote_handover=c", init(1));
        pass(&mut bench, 6_000);
        assert_eq!(pass(&mut bench, 6_000), ACK_2);
    }

    #[test]
    fn what_is_left_of_the_same_ring_waits_for_nothing() {
        let mut bench = together("", init(1));
        assert_eq!(announced(&bench.handle(GONE)), ACK_2);
    }

    #[test]
    fn what_survives_of_the_ring_of_a_dead_node_does_not_wait_for_it() {
        for first in [init(1), leased(1)] {
            let mut bench = together("", first);
            bench.handle(GONE);
            let out = bench.send(2, membership(RingId::new(2, 12), &[2]));
            assert_eq!(announced(&out), ACK_2);
        }
    }

    #[test]
    fn what_survives_of_the_ring_of_a_node_that_is_silent_waits_for_it() {
        let mut bench = together("", init(1));
        bench.send(2, membership(RingId::new(2, 12), &[2]));
        assert_eq!(pass(&mut bench, 11_999), []);
        assert_eq!(pass(&mut bench, 1), []);
        assert_eq!(pass(&mut bench, 6_400), ACK_2);
    }

    #[test]
    fn a_client_that_comes_back_and_confirms_is_waited_for_no_longer() {
        let mut bench = split("", init(1));
        bench.handle(GONE);
        bench.admitted(3, "K", 1);
        bench.send(3, config(&[1, 2]));
        // Node 2 has the tie-breaker on its side only if node 1 is not connected.
        let out = bench.send(3, membership(RingId::new(1, 12), &[1]));
        assert_eq!(announced(&out), [(2, Some(Vote::Nack))]);
        let out = bench.send(2, confirmation(3));
        assert_eq!(announced(&out), [(3, Some(Vote::Ack))]);
        assert_eq!(bench.granted(), [1]);
    }

    #[test]
    fn a_vote_is_remembered_when_its_cluster_has_no_connection_any_more() {
        let mut bench = split("", init(1));
        bench.handle(GONE);
        bench.handle(Event::Gone { peer: PeerId(2) });
        bench.now += 1_000;
        bench.admitted(3, "K", 2);
        bench.send(3, config(&[1, 2]));
        let out = bench.send(3, membership(RingId::new(2, 12), &[2]));
        assert_eq!(announced(&out), []);
        assert_eq!(bench.granted(), [1]);
        assert_eq!(announced(&bench.wait(9_400)), [(3, Some(Vote::Ack))]);
    }

    #[test]
    fn a_client_of_2nodelms_with_a_lease_does_not_keep_its_vote_for_ever() {
        let algorithm = Some(2);
        let split = |first: Init| {
            let mut bench = Bench::new();
            for init in [first, init(2)] {
                let peer = u64::from(init.node.unwrap().0);
                bench.admitted_with(peer, "K", Init { algorithm, ..init });
                bench.send(peer, config(&[1, 2]));
            }
            bench.send(1, membership(RingId::new(1, 12), &[1]));
            bench.send(2, membership(RingId::new(2, 12), &[2]));
            bench.send(2, confirmation(1));
            assert_eq!(bench.granted(), [1]);
            bench.handle(GONE);
            bench
        };
        assert_eq!(pass(&mut split(leased(1)), 10_400), ACK_2);
        assert_eq!(pass(&mut split(init(1)), 11_000), []);
    }

    #[test]
    fn leases_are_offered_to_those_who_know_of_them() {
        let offered = |init: Init| {
            let mut bench = Bench::new();
            bench.named(1, "K");
            let reply = bench.send(1, Message::Init(init));
            let [
                Action::Send {
                    message:
                        Message::InitReply(InitReply {
                            supported_options, ..
                        }),
                    ..
                },
            ] = &reply[..]
            else {
                panic!("{reply:?}");
            };
            supported_options.as_ref().map(|all| all.contains(&0x8000))
        };
        assert_eq!(offered(leased(1)), Some(true));
        let upstream = Init {
            supported_options: Some((0..=23).collect()),
            ..init(1)
        };
        assert_eq!(offered(upstream), Some(false));
        assert_eq!(offered(init(1)), None);
    }
}
