use crate::report::What;
use corosync_qdevice::corosync::{CsError, Event, Poll};
use libqdevice::base::{NodeId, NodeInfo, NodeList, NodeState, Quorate, RingId};

/// As much of corosync's votequorum as a node with a device can see.
///
/// Every node and the device have one vote. A membership is formed only after a poll with its ring,
/// unless the device was never polled.
#[derive(Debug, Default)]
pub(super) struct Votequorum {
    pub(super) nodes: Vec<u32>,
    members: Vec<u32>,
    ring: Option<RingId>,
    /// Whether the device was polled since it was registered.
    alive: bool,
    /// Whether the present membership waits for a poll.
    forming: bool,
    vote: bool,
    quorate: Option<Quorate>,
}

/// What comes of something: events for the daemon, and reports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) events: Vec<Event>,
    pub(super) reports: Vec<What>,
}

impl Votequorum {
    pub(super) fn of(nodes: Vec<u32>) -> Self {
        Self {
            nodes,
            ..Self::default()
        }
    }

    /// Votes that all nodes and the device have together.
    pub(super) fn expected_votes(&self) -> u32 {
        u32::try_from(self.nodes.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    pub(super) fn form(&mut self, ring: RingId, members: Vec<u32>) -> Outcome {
        let nodes = NodeList::of_ids(members.iter().copied());
        (self.ring, self.members, self.forming) = (Some(ring), members, true);
        let mut outcome = Outcome {
            events: vec![Event::Membership { ring, nodes }],
            reports: vec![What::Forming(ring)],
        };
        if !self.alive {
            self.settle(ring, &mut outcome);
        }
        outcome
    }

    pub(super) fn poll(&mut self, poll: Poll) -> (Result<(), CsError>, Outcome) {
        let mut outcome = Outcome::default();
        if self.ring != Some(poll.ring) {
            outcome.reports.push(What::Refused(poll.ring));
            return (Err(CsError::MESSAGE_ERROR), outcome);
        }
        (self.alive, self.vote) = (true, poll.vote);
        outcome.reports.push(if poll.vote {
            What::CastFor(poll.ring)
        } else {
            What::CastAgainst(poll.ring)
        });
        if self.forming || self.quorate != Some(self.is_quorate()) {
            self.settle(poll.ring, &mut outcome);
        }
        (Ok(()), outcome)
    }

    /// Says what the order says.
    pub(super) fn declare(&mut self, quorate: Quorate, members: &[u32]) -> Outcome {
        let mut outcome = Outcome::default();
        self.forming = false;
        self.say(
            quorate,
            members,
            self.ring.unwrap_or_default(),
            &mut outcome,
        );
        outcome
    }

    fn settle(&mut self, ring: RingId, outcome: &mut Outcome) {
        self.forming = false;
        let members = self.members.clone();
        self.say(self.is_quorate(), &members, ring, outcome);
    }

    fn say(&mut self, quorate: Quorate, members: &[u32], ring: RingId, outcome: &mut Outcome) {
        self.quorate = Some(quorate);
        outcome.reports.push(match quorate {
            Quorate::Yes => What::Quorate(ring),
            Quorate::No => What::Blocked(ring),
        });
        let state_of = |id| {
            if members.contains(&id) {
                NodeState::Member
            } else {
                NodeState::Dead
            }
        };
        let known = self.nodes.iter().copied();
        let node = |id| NodeInfo {
            state: Some(state_of(id)),
            ..NodeId(id).into()
        };
        // The device has an entry of its own, without a state.
        let nodes = NodeList(known.map(node).chain([NodeId(0).into()]).collect());
        outcome.events.push(Event::Quorum { quorate, nodes });
    }

    fn is_quorate(&self) -> Quorate {
        let total = self.members.len() + usize::from(self.vote);
        let expected = self.nodes.len() + 1;
        if total * 2 > expected {
            Quorate::Yes
        } else {
            Quorate::No
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: RingId = RingId::new(1, 4);
    const HALF: RingId = RingId::new(1, 8);

    fn reports(outcome: Outcome) -> Vec<What> {
        outcome.reports
    }

    #[test]
    fn half_of_the_nodes_go_on_with_the_vote_of_the_device_only() {
        let mut votequorum = Votequorum::of(vec![1, 2]);
        assert_eq!(
            reports(votequorum.form(HALF, vec![1])),
            [What::Forming(HALF), What::Blocked(HALF)]
        );
        let mut poll = |vote| reports(votequorum.poll(Poll { ring: HALF, vote }).1);
        assert_eq!(poll(true), [What::CastFor(HALF), What::Quorate(HALF)]);
        assert_eq!(poll(true), [What::CastFor(HALF)]);
        assert_eq!(poll(false), [What::CastAgainst(HALF), What::Blocked(HALF)]);
    }

    #[test]
    fn a_membership_waits_for_a_poll_with_its_ring() {
        let mut votequorum = Votequorum::of(vec![1, 2]);
        assert_eq!(votequorum.form(WHOLE, vec![1, 2]).events.len(), 2);
        assert_eq!(
            votequorum
                .poll(Poll {
                    ring: WHOLE,
                    vote: true
                })
                .0,
            Ok(())
        );
        assert_eq!(
            reports(votequorum.form(HALF, vec![1])),
            [What::Forming(HALF)]
        );
        let (result, outcome) = votequorum.poll(Poll {
            ring: WHOLE,
            vote: true,
        });
        assert_eq!(
            (result, reports(outcome)),
            (Err(CsError::MESSAGE_ERROR), vec![What::Refused(WHOLE)])
        );
        let outcome = votequorum
            .poll(Poll {
                ring: HALF,
                vote: false,
            })
            .1;
        assert_eq!(
            reports(outcome),
            [What::CastAgainst(HALF), What::Blocked(HALF)]
        );
    }
}
