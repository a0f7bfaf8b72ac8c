use super::handover::{Absent, Departure, Grant, Heir, Holdup};
use super::{Member, Members, Partition, View};
use crate::base::{NodeId, RingId, Time, Vote};
use std::collections::BTreeMap;

/// A vote to be pushed to one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Announcement {
    /// Who is told.
    pub to: NodeId,
    /// The number its confirmation has to repeat.
    pub seq: u32,
    /// [`Vote::Ack`] or [`Vote::Nack`].
    pub vote: Vote,
    /// The ring the vote is for.
    pub ring: RingId,
}

/// Tells every node of a cluster its vote, losers first.
///
/// ACKs wait until every loser has confirmed its NACK, and until those that are gone must have lost what
/// they were granted: for a moment nobody has the vote, never two partitions. Who wins is not decided
/// here. [C: qnetd-algo-ffsplit.c, states of cluster and client]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Round {
    /// Boxed, because a map of values takes room for eleven at least.
    ballots: BTreeMap<NodeId, Box<Ballot>>,
    /// Grants whose holders have gone since, or came back and have not been told anything yet.
    absent: BTreeMap<NodeId, Absent>,
    /// Who is to have the vote when the running round is over.
    heir: Option<Heir>,
}

/// Where one node stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Ballot {
    /// Number of the last announcement to the node; the first one gets 1.
    seq: u32,
    due: Due,
    grant: Option<Grant>,
}

/// What the running round still owes a node, or the node the round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Due {
    /// It has confirmed, or is no part of the round.
    #[default]
    Nothing,
    /// It is to be told.
    Telling(Ruling),
    /// It has been told in this round and is to confirm.
    Confirming(Ruling),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ruling {
    Wins,
    Loses,
}

impl Round {
    /// A round after which `absent` may still cast the vote.
    #[must_use]
    pub fn with_absent(absent: BTreeMap<NodeId, Absent>) -> Self {
        Self {
            absent,
            ..Self::default()
        }
    }

    /// Starts a round in which the nodes of `winner` get ACK and all others NACK.
    ///
    /// A round that still runs is given up. Every node is told, also one whose vote does not change.
    pub fn open(
        &mut self,
        now: Time,
        view: View<'_>,
        winner: Option<&Partition<'_>>,
    ) -> Vec<Announcement> {
        self.begin(now, view, |_, _| true, winner)
    }

    /// The same among the nodes that have reported a membership or were told something before; the
    /// others are neither told nor waited for.
    ///
    /// A client that has reported nothing yet casts nothing, takes a vote for a breach of the protocol
    /// and hangs up. [C: qdevice-net-msg-received.c]
    pub fn open_among_reported(
        &mut self,
        now: Time,
        view: View<'_>,
        winner: Option<&Partition<'_>>,
    ) -> Vec<Announcement> {
        let told = |round: &Self, id| round.ballots.get(&id).is_some_and(|own| own.seq != 0);
        let reported = |id| {
            view.member(id)
                .is_some_and(|member| !member.membership.is_empty())
        };
        self.begin(
            now,
            view,
            |round, id| reported(id) || told(round, id),
            winner,
        )
    }

    fn begin(
        &mut self,
        now: Time,
        view: View<'_>,
        hears: impl Fn(&Self, NodeId) -> bool,
        winner: Option<&Partition<'_>>,
    ) -> Vec<Announcement> {
        self.give_up();
        self.absent.retain(|_, absent| absent.until.apart > now);
        self.heir = winner.map(|winner| Heir {
            ring: winner.ring,
            nodes: winner.ids.clone(),
        });
        for (id, _) in view.members() {
            if !hears(self, id) {
                continue;
            }
            let wins = winner.is_some_and(|winner| winner.ids.contains(&id));
            let ruling = if wins { Ruling::Wins } else { Ruling::Loses };
            self.ballots.entry(id).or_default().due = Due::Telling(ruling);
        }
        let nacks = self.tell(Ruling::Loses, |id| view.member(id));
        if nacks.is_empty() {
            self.proceed(now, |id| view.member(id))
        } else {
            nacks
        }
    }

    /// Ends the round without another word: the cluster has changed and is not settled yet.
    ///
    /// Confirmations that are under way will count for nothing.
    pub fn give_up(&mut self) {
        for ballot in self.ballots.values_mut() {
            ballot.due = Due::Nothing;
        }
        self.heir = None;
    }

    /// A node has confirmed an announcement.
    ///
    /// Only the last announcement made to the node counts, and only in the round that made it. When
    /// no loser is left to confirm, the winners are told, for the rings that are stored now.
    pub fn confirm(
        &mut self,
        now: Time,
        node: NodeId,
        seq: u32,
        stored: &Members,
    ) -> Vec<Announcement> {
        let Some(ballot) = self
            .ballots
            .get_mut(&node)
            .filter(|ballot| ballot.seq == seq)
        else {
            return Vec::new();
        };
        match ballot.due {
            // An old confirmation: the node has not been told anything in this round yet.
            Due::Nothing | Due::Telling(_) => return Vec::new(),
            Due::Confirming(Ruling::Wins) => ballot.due = Due::Nothing,
            Due::Confirming(Ruling::Loses) => {
                ballot.due = Due::Nothing;
                ballot.grant = None;
                // Whatever it was granted in an earlier connection is withdrawn as well.
                self.absent.remove(&node);
            }
        }
        self.proceed(now, |id| stored.get(&id).map(Box::as_ref))
    }

    /// Time has passed: the winners may have waited for that.
    pub fn lapse(&mut self, now: Time, stored: &Members) -> Vec<Announcement> {
        self.absent.retain(|_, absent| absent.until.apart > now);
        self.proceed(now, |id| stored.get(&id).map(Box::as_ref))
    }

    /// A node has left; its numbers start anew if it comes back.
    pub fn forget(&mut self, node: NodeId, departure: Departure) {
        let granted = self.ballots.remove(&node).and_then(|ballot| ballot.grant);
        match (granted, departure) {
            (Some(grant), Departure::Until(until)) => {
                self.absent.insert(node, Absent { grant, until });
            }
            (None, Departure::Until(_)) => {}
            (_, Departure::Withdrawn | Departure::Kept) => {
                self.absent.remove(&node);
            }
        }
    }

    /// Why the winners have to wait although no loser is left to confirm: of those that may still cast
    /// the vote, the one that may do so for longest.
    #[must_use]
    pub fn holdup(&self, now: Time) -> Option<Holdup> {
        let heir = self.heir.as_ref()?;
        let holdups = self.absent.iter().filter_map(|(&holder, absent)| {
            let until = absent.keeps_from(heir, holder)?;
            (until > now).then_some(Holdup { holder, until })
        });
        holdups.max_by_key(|holdup| holdup.until)
    }

    /// What a node is answered after the round has begun: with its old vote it may go on only if it is
    /// not waiting for the end of somebody else's.
    #[must_use]
    pub fn answer(&self, now: Time, node: NodeId) -> Vote {
        let ballot = self.ballots.get(&node);
        let waits = ballot.is_some_and(|ballot| ballot.due == Due::Telling(Ruling::Wins));
        if waits && self.holdup(now).is_some() {
            Vote::WaitForReply
        } else {
            Vote::NoChange
        }
    }

    /// Who is to have the vote when the running round is over.
    #[must_use]
    pub const fn heir(&self) -> Option<&Heir> {
        self.heir.as_ref()
    }

    /// Whether a node that has left may still cast the vote.
    #[must_use]
    pub fn is_absent_holder(&self, now: Time, node: NodeId) -> bool {
        let absent = self.absent.get(&node);
        absent.is_some_and(|absent| absent.until.apart > now)
    }

    /// The grants whose holders have gone since.
    #[must_use]
    pub const fn absent(&self) -> &BTreeMap<NodeId, Absent> {
        &self.absent
    }

    /// What a node has been told in this round, or in an earlier one if this has nothing new for it;
    /// `None` if it is still to be told.
    #[must_use]
    pub fn told(&self, node: NodeId) -> Option<Vote> {
        let ballot = self.ballots.get(&node)?;
        match (ballot.due, &ballot.grant) {
            (Due::Telling(_), _) => None,
            (Due::Confirming(Ruling::Loses), _) => Some(Vote::Nack),
            (Due::Confirming(Ruling::Wins) | Due::Nothing, Some(_)) => Some(Vote::Ack),
            (Due::Confirming(Ruling::Wins) | Due::Nothing, None) => {
                (ballot.seq != 0).then_some(Vote::Nack)
            }
        }
    }

    /// Which of the nodes that are connected may be casting the vote.
    pub fn grants(&self) -> impl Iterator<Item = (NodeId, &Grant)> {
        self.ballots
            .iter()
            .filter_map(|(&id, ballot)| Some((id, ballot.grant.as_ref()?)))
    }

    /// Tells the winners if nobody else can have the vote any more.
    fn proceed<'v>(
        &mut self,
        now: Time,
        member: impl Fn(NodeId) -> Option<&'v Member>,
    ) -> Vec<Announcement> {
        let mut ballots = self.ballots.values();
        let loser_owes = ballots.any(|ballot| ballot.due == Due::Confirming(Ruling::Loses));
        if loser_owes || self.holdup(now).is_some() {
            return Vec::new();
        }
        self.tell(Ruling::Wins, member)
    }

    /// Tells the winners or the losers that have not been told yet, in the order of node ids.
    fn tell<'v>(
        &mut self,
        ruling: Ruling,
        member: impl Fn(NodeId) -> Option<&'v Member>,
    ) -> Vec<Announcement> {
        let mut told = Vec::new();
        for (&to, ballot) in &mut self.ballots {
            if ballot.due != Due::Telling(ruling) {
                continue;
            }
            let Some(member) = member(to) else { continue };
            let ring = member.ring;
            ballot.seq = ballot.seq.wrapping_add(1);
            ballot.due = Due::Confirming(ruling);
            let vote = match ruling {
                Ruling::Wins => {
                    let nodes = member.membership.ids().clone();
                    ballot.grant = Some(Grant { ring, nodes });
                    self.absent.remove(&to);
                    Vote::Ack
                }
                Ruling::Loses => Vote::Nack,
            };
            told.push(Announcement {
                to,
                seq: ballot.seq,
                vote,
                ring,
            });
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeList;
    use crate::vote::{Member, Until};
    use std::collections::BTreeSet;

    const NOW: Time = Time::from_millis(0);

    /// A cluster of nodes 1 to `last`, in ring 1.`ring`.
    fn cluster(last: u32, ring: u64) -> Members {
        let member = Member {
            ring: RingId::new(1, ring),
            membership: NodeList::of_ids(1..=last).into(),
            ..Member::default()
        };
        (1..=last)
            .map(|id| (NodeId(id), member.clone().into()))
            .collect()
    }

    fn all(members: &Members) -> View<'_> {
        View::without(members, NodeId(0))
    }

    fn open(round: &mut Round, members: &Members, winners: &[u32]) -> Vec<(u32, u32, Vote)> {
        short(&round.open(NOW, all(members), Some(&part(&ids(winners)))))
    }

    fn ids(of: &[u32]) -> BTreeSet<NodeId> {
        of.iter().copied().map(NodeId).collect()
    }

    /// The winners as a partition.
    fn part(ids: &BTreeSet<NodeId>) -> Partition<'_> {
        Partition {
            ring: RingId::new(1, 1),
            ids,
            connected: ids.iter().copied().collect(),
        }
    }

    fn short(told: &[Announcement]) -> Vec<(u32, u32, Vote)> {
        told.iter()
            .map(|told| (told.to.0, told.seq, told.vote))
            .collect()
    }

    fn granted(round: &Round) -> Vec<u32> {
        round.grants().map(|(id, _)| id.0).collect()
    }

    #[test]
    fn winners_hear_when_the_last_loser_has_confirmed() {
        let (mut round, members) = (Round::default(), cluster(4, 1));
        let told = open(&mut round, &members, &[1, 2]);
        assert_eq!(told, [(3, 1, Vote::Nack), (4, 1, Vote::Nack)]);
        assert_eq!(round.confirm(NOW, NodeId(4), 1, &members), []);
        let told = round.confirm(NOW, NodeId(3), 1, &members);
        assert_eq!(short(&told), [(1, 1, Vote::Ack), (2, 1, Vote::Ack)]);
    }

    #[test]
    fn who_has_not_reported_is_neither_told_nor_waited_for_if_that_is_asked_for() {
        let (mut round, mut members) = (Round::default(), cluster(3, 1));
        members.insert(NodeId(3), Box::default());
        let winner = ids(&[1]);
        let told = round.open_among_reported(NOW, all(&members), Some(&part(&winner)));
        assert_eq!(short(&told), [(2, 1, Vote::Nack)]);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members).len(), 1);
    }

    #[test]
    fn without_losers_the_winners_hear_at_once_and_are_told_again_every_round() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        assert_eq!(
            open(&mut round, &members, &[1, 2]),
            [(1, 1, Vote::Ack), (2, 1, Vote::Ack)]
        );
        assert_eq!(
            open(&mut round, &members, &[1, 2]),
            [(1, 2, Vote::Ack), (2, 2, Vote::Ack)]
        );
    }

    #[test]
    fn a_round_without_winners_ends_with_its_last_confirmation() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        assert_eq!(open(&mut round, &members, &[]).len(), 2);
        assert_eq!(round.confirm(NOW, NodeId(1), 1, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members), []);
        assert_eq!(granted(&round), [0; 0]);
    }

    #[test]
    fn a_confirmation_counts_once() {
        let (mut round, members) = (Round::default(), cluster(3, 1));
        open(&mut round, &members, &[1]);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(3), 1, &members).len(), 1);
        assert_eq!(round.confirm(NOW, NodeId(3), 1, &members), []);
    }

    #[test]
    fn a_confirmation_with_another_number_counts_for_nothing() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1]);
        assert_eq!(round.confirm(NOW, NodeId(2), 0, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(2), 2, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(9), 1, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members).len(), 1);
    }

    #[test]
    fn an_old_confirmation_does_not_cost_a_winner_its_ack() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1, 2]);
        open(&mut round, &members, &[1]);
        // Node 1 now confirms the first round; in the second it has not been told anything yet.
        assert_eq!(round.confirm(NOW, NodeId(1), 1, &members), []);
        let told = round.confirm(NOW, NodeId(2), 2, &members);
        assert_eq!(short(&told), [(1, 2, Vote::Ack)]);
    }

    #[test]
    fn an_old_confirmation_does_not_stand_in_for_that_of_the_new_round() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1]);
        open(&mut round, &members, &[1]);
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members), []);
        assert_eq!(round.confirm(NOW, NodeId(2), 2, &members).len(), 1);
    }

    #[test]
    fn nothing_is_sent_in_a_round_that_was_given_up() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1]);
        round.give_up();
        assert_eq!(round.confirm(NOW, NodeId(2), 1, &members), []);
    }

    #[test]
    fn a_grant_lasts_until_the_nack_is_confirmed() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1, 2]);
        assert_eq!(granted(&round), [1, 2]);
        open(&mut round, &members, &[1]);
        assert_eq!(granted(&round), [1, 2]);
        round.confirm(NOW, NodeId(2), 2, &members);
        assert_eq!(granted(&round), [1]);
    }

    #[test]
    fn an_unconfirmed_nack_of_a_round_that_was_given_up_leaves_the_grant() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1, 2]);
        open(&mut round, &members, &[1]);
        round.give_up();
        round.confirm(NOW, NodeId(2), 2, &members);
        assert_eq!(granted(&round), [1, 2]);
    }

    #[test]
    fn what_a_node_was_told_is_known_until_the_next_round_has_news_for_it() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        assert_eq!(round.told(NodeId(1)), None);
        open(&mut round, &members, &[1]);
        assert_eq!(round.told(NodeId(1)), None);
        assert_eq!(round.told(NodeId(2)), Some(Vote::Nack));
        round.confirm(NOW, NodeId(2), 1, &members);
        assert_eq!(round.told(NodeId(1)), Some(Vote::Ack));
        round.confirm(NOW, NodeId(1), 1, &members);
        assert_eq!(round.told(NodeId(1)), Some(Vote::Ack));
        assert_eq!(round.told(NodeId(2)), Some(Vote::Nack));
    }

    #[test]
    fn a_node_that_left_is_not_waited_for_and_starts_anew() {
        let (mut round, mut members) = (Round::default(), cluster(2, 1));
        open(&mut round, &members, &[1]);
        round.forget(NodeId(2), Departure::Withdrawn);
        members.remove(&NodeId(2));
        assert_eq!(open(&mut round, &members, &[1]), [(1, 1, Vote::Ack)]);
        let members = cluster(2, 2);
        assert_eq!(open(&mut round, &members, &[1]), [(2, 1, Vote::Nack)]);
    }

    #[test]
    fn a_node_that_is_not_in_the_new_round_is_not_waited_for() {
        let (mut round, members) = (Round::default(), cluster(3, 1));
        open(&mut round, &members, &[1]);
        let winner = ids(&[1]);
        let view = View::without(&members, NodeId(3));
        round.open(NOW, view, Some(&part(&winner)));
        assert_eq!(
            short(&round.confirm(NOW, NodeId(2), 2, &members)),
            [(1, 1, Vote::Ack)]
        );
    }

    #[test]
    fn a_vote_names_the_ring_of_its_receiver_and_a_late_ack_the_ring_stored_then() {
        let (mut round, members) = (Round::default(), cluster(2, 1));
        let winner = ids(&[1]);
        let nacks = round.open(NOW, all(&members), Some(&part(&winner)));
        assert_eq!(nacks[0].ring, RingId::new(1, 1));
        let acks = round.confirm(NOW, NodeId(2), 1, &cluster(2, 7));
        assert_eq!(acks[0].ring, RingId::new(1, 7));
    }

    /// A cluster of two nodes, each alone in a ring of its own; node 1 had the vote and is gone until 10.
    fn apart() -> (Round, Members) {
        let (mut round, mut members) = (Round::default(), Members::new());
        for id in [1, 2] {
            let member = Member {
                ring: RingId::new(id, 1),
                membership: NodeList::of_ids([id]).into(),
                ..Member::default()
            };
            members.insert(NodeId(id), member.into());
        }
        open(&mut round, &members, &[1]);
        round.confirm(NOW, NodeId(2), 1, &members);
        let end = Time::from_millis(10);
        let until = Until {
            moved: end,
            apart: end,
        };
        round.forget(NodeId(1), Departure::Until(until));
        members.remove(&NodeId(1));
        (round, members)
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn an_heir_waits_until_the_holder_that_is_gone_must_have_lost_the_vote() {
        let (mut round, members) = apart();
        assert_eq!(open(&mut round, &members, &[2]), []);
        assert_eq!(round.answer(NOW, NodeId(2)), Vote::WaitForReply);
        let holdup = Holdup {
            holder: NodeId(1),
            until: at(10),
        };
        assert_eq!(round.holdup(NOW), Some(holdup));
        assert_eq!(round.lapse(at(9), &members), []);
        assert_eq!(short(&round.lapse(at(10), &members)), [(2, 2, Vote::Ack)]);
        assert_eq!(round.holdup(at(10)), None);
    }

    #[test]
    fn a_holder_that_comes_back_and_confirms_keeps_nobody_waiting() {
        let (mut round, mut members) = apart();
        members.insert(NodeId(1), cluster(1, 1)[&NodeId(1)].clone());
        let told = open(&mut round, &members, &[2]);
        assert_eq!(told, [(1, 1, Vote::Nack)]);
        let told = round.confirm(NOW, NodeId(1), 1, &members);
        assert_eq!(short(&told), [(2, 2, Vote::Ack)]);
    }

    #[test]
    fn a_holder_that_comes_back_and_leaves_untold_still_holds_its_old_vote() {
        let (mut round, members) = apart();
        let until = Until {
            moved: NOW,
            apart: NOW,
        };
        round.forget(NodeId(1), Departure::Until(until));
        assert_eq!(open(&mut round, &members, &[2]), []);
        round.forget(NodeId(1), Departure::Withdrawn);
        assert_eq!(open(&mut round, &members, &[2]), [(2, 2, Vote::Ack)]);
    }

    #[test]
    fn a_holder_that_comes_back_and_gets_the_vote_is_gone_no_more() {
        let (mut round, mut members) = apart();
        members.insert(NodeId(1), cluster(1, 1)[&NodeId(1)].clone());
        open(&mut round, &members, &[1]);
        let told = round.confirm(NOW, NodeId(2), 2, &members);
        assert_eq!(short(&told), [(1, 1, Vote::Ack)]);
        assert!(!round.is_absent_holder(NOW, NodeId(1)));
    }
}
