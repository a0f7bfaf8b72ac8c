use super::packed::{Packer, Unpacker};
use crate::base::{Heuristics, KeepActivePartition, NodeId, Time, Vote};
use crate::report::{Decision, Input, Moment, Told, Trigger};
use crate::vote::{Announcement, Finding, Member, Members, Reason};

/// The last decisions of one cluster, as few bytes as they can be: a server has them of thousands of
/// clusters, and hardly anybody ever asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Scroll {
    /// One decision behind the other, the oldest first, each behind its length.
    packed: Vec<u8>,
    len: usize,
    /// The number of the last one.
    last: u64,
}

/// What is kept of a decision, beside its number and its moment.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// What it followed, and the node that brought it about.
    pub(super) trigger: (Trigger, NodeId),
    /// The connected nodes as they are.
    pub(super) members: &'a Members,
    pub(super) finding: &'a Finding,
    /// What the node was answered.
    pub(super) reply: Option<Vote>,
    /// What was pushed, in this order.
    pub(super) announced: &'a [Announcement],
}

impl Scroll {
    /// Adds a decision; the oldest one gives way when there are `depth` of them.
    pub(super) fn add(&mut self, depth: usize, sequence: u64, at: Time, entry: &Entry<'_>) {
        while self.len >= depth.max(1) {
            self.forget_oldest();
        }
        let mut body = Packer::default();
        body.number(sequence);
        body.number(at.as_millis());
        entry.pack(&mut body);
        let body = body.done();
        let mut head = Packer::default();
        head.count(body.len());
        let head = head.done();
        let len = self.packed.len() + head.len() + body.len();
        // Twice as much whenever it is full would be half of it for nothing.
        self.packed
            .reserve_exact(len.next_multiple_of(STEP) - self.packed.len());
        self.packed.extend_from_slice(&head);
        self.packed.extend_from_slice(&body);
        if self.packed.capacity() > 2 * len.next_multiple_of(STEP) {
            self.packed.shrink_to_fit();
        }
        self.len += 1;
        self.last = sequence;
    }

    /// The number of the last decision; nothing before the first.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// The decisions that are kept, the oldest first.
    pub(super) fn decisions(
        &self,
        wall: &dyn Fn(Time) -> Moment,
    ) -> impl Iterator<Item = Decision> {
        let mut rest = Unpacker::new(&self.packed);
        std::iter::from_fn(move || {
            let len = rest.count()?;
            decision(&mut Unpacker::new(rest.bytes(len)?), wall)
        })
    }

    fn forget_oldest(&mut self) {
        let mut rest = Unpacker::new(&self.packed);
        let oldest = rest.count().and_then(|len| rest.bytes(len));
        let behind = oldest.map_or(0, |_| rest.len());
        self.packed.drain(..self.packed.len() - behind);
        self.len -= 1;
    }
}

impl Entry<'_> {
    fn pack(&self, out: &mut Packer) {
        let (trigger, node) = self.trigger;
        out.byte(trigger as u8);
        out.node(node);
        out.byte(self.reply.map_or(0, |vote| vote as u8 + 1));
        out.count(self.members.len());
        for (&node, member) in self.members {
            pack_member(out, node, member);
        }
        match self.finding {
            Finding::NotJudged => out.byte(NOT_JUDGED),
            Finding::Unsettled => out.byte(UNSETTLED),
            Finding::Nobody => out.byte(NOBODY),
            Finding::Partition { nodes, reason } => {
                out.byte(PARTITION + *reason as u8);
                out.nodes(nodes);
            }
        }
        out.count(self.announced.len());
        for announced in self.announced {
            out.node(announced.to);
            out.byte(announced.vote as u8);
            out.ring(announced.ring);
        }
    }
}

fn pack_member(out: &mut Packer, node: NodeId, member: &Member) {
    out.node(node);
    out.ring(member.ring);
    out.nodes(member.membership.ids());
    out.count(member.config.ids().len());
    out.byte(member.heuristics as u8);
    out.byte(u8::from(
        member.keep_active_partition == KeepActivePartition::Enabled,
    ));
}

fn decision(from: &mut Unpacker<'_>, wall: &dyn Fn(Time) -> Moment) -> Option<Decision> {
    Some(Decision {
        sequence: from.number()?,
        at_ms: wall(Time::from_millis(from.number()?)),
        trigger: one_of(&Trigger::ALL, from.byte()?)?,
        node: Some(from.node()?),
        reply: match from.byte()?.checked_sub(1) {
            Some(vote) => Some(one_of(&Vote::ALL, vote)?),
            None => None,
        },
        inputs: from.list(input)?,
        finding: finding(from)?,
        told: from.list(told)?,
    })
}

fn input(from: &mut Unpacker<'_>) -> Option<Input> {
    Some(Input {
        node: from.node()?,
        ring: from.ring()?,
        membership: from.list(Unpacker::node)?,
        configured: u32::try_from(from.number()?).unwrap_or(u32::MAX),
        heuristics: one_of(&Heuristics::ALL, from.byte()?)?,
        keep_active_partition: from.byte()? != 0,
    })
}

fn finding(from: &mut Unpacker<'_>) -> Option<Finding> {
    Some(match from.byte()? {
        NOT_JUDGED => Finding::NotJudged,
        UNSETTLED => Finding::Unsettled,
        NOBODY => Finding::Nobody,
        partition => Finding::Partition {
            reason: one_of(&Reason::ALL, partition - PARTITION)?,
            nodes: from.list(Unpacker::node)?,
        },
    })
}

fn told(from: &mut Unpacker<'_>) -> Option<Told> {
    Some(Told {
        node: from.node()?,
        vote: one_of(&Vote::ALL, from.byte()?)?,
        ring: from.ring()?,
    })
}

/// The word with this place in its enum.
fn one_of<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place)).copied()
}

/// Bytes by which the memory of a scroll grows.
const STEP: usize = 64;

const NOT_JUDGED: u8 = 0;
const UNSETTLED: u8 = 1;
const NOBODY: u8 = 2;
/// And the place of its reason.
const PARTITION: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{NodeList, RingId};
    use proptest::prelude::*;

    fn ring() -> impl Strategy<Value = RingId> {
        (any::<u32>(), any::<u64>()).prop_map(|(node, seq)| RingId::new(node, seq))
    }

    fn ids() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(any::<u32>(), 0..5)
    }

    fn member() -> impl Strategy<Value = Member> {
        let words = (prop::sample::select(&Heuristics::ALL), prop::bool::ANY);
        (ring(), ids(), ids(), words).prop_map(|(ring, config, membership, words)| Member {
            keep_active_partition: if words.1 {
                KeepActivePartition::Enabled
            } else {
                KeepActivePartition::Disabled
            },
            config: NodeList::of_ids(config).into(),
            ring,
            membership: NodeList::of_ids(membership).into(),
            heuristics: words.0,
        })
    }

    fn members() -> impl Strategy<Value = Members> {
        let member = (any::<u32>().prop_map(NodeId), member().prop_map(Box::new));
        prop::collection::btree_map(member.0, member.1, 0..4)
    }

    fn finding() -> impl Strategy<Value = Finding> {
        prop_oneof![
            Just(Finding::NotJudged),
            Just(Finding::Unsettled),
            Just(Finding::Nobody),
            (ids(), prop::sample::select(&Reason::ALL)).prop_map(|(nodes, reason)| {
                let nodes = nodes.into_iter().map(NodeId).collect();
                Finding::Partition { nodes, reason }
            }),
        ]
    }

    fn announcement() -> impl Strategy<Value = Announcement> {
        (any::<u32>(), prop::sample::select(&Vote::ALL), ring()).prop_map(|(to, vote, ring)| {
            let (to, seq) = (NodeId(to), 0);
            Announcement {
                to,
                seq,
                vote,
                ring,
            }
        })
    }

    /// The decision as it is to be told, made without packing anything.
    fn expected(sequence: u64, at: u64, entry: &Entry<'_>) -> Decision {
        let input = |node: NodeId, member: &Member| Input {
            node,
            ring: member.ring,
            membership: member.membership.ids().iter().copied().collect(),
            configured: u32::try_from(member.config.ids().len()).unwrap(),
            heuristics: member.heuristics,
            keep_active_partition: member.keep_active_partition == KeepActivePartition::Enabled,
        };
        let told = |announced: &Announcement| Told {
            node: announced.to,
            vote: announced.vote,
            ring: announced.ring,
        };
        let members = entry.members.iter();
        Decision {
            sequence,
            at_ms: Moment(at),
            trigger: entry.trigger.0,
            node: Some(entry.trigger.1),
            inputs: members.map(|(&node, member)| input(node, member)).collect(),
            finding: entry.finding.clone(),
            reply: entry.reply,
            told: entry.announced.iter().map(told).collect(),
        }
    }

    fn wall(at: Time) -> Moment {
        Moment(at.as_millis())
    }

    proptest! {
        #[test]
        fn a_decision_is_told_as_it_was_made(
            (sequence, at) in any::<(u64, u64)>(),
            trigger in (prop::sample::select(&Trigger::ALL), any::<u32>().prop_map(NodeId)),
            members in members(),
            finding in finding(),
            reply in prop::option::of(prop::sample::select(&Vote::ALL)),
            announced in prop::collection::vec(announcement(), 0..4),
        ) {
            let entry = Entry {
                trigger,
                members: &members,
                finding: &finding,
                reply,
                announced: &announced,
            };
            let mut scroll = Scroll::default();
            scroll.add(2, sequence, Time::from_millis(at), &entry);
            scroll.add(2, 7, Time::from_millis(8), &entry);
            let told: Vec<Decision> = scroll.decisions(&wall).collect();
            prop_assert_eq!(
                told,
                [expected(sequence, at, &entry), expected(7, 8, &entry)]
            );
            prop_assert_eq!(scroll.last(), 7);
        }
    }

    #[test]
    fn every_word_stands_in_its_place() {
        assert!(Trigger::ALL.iter().map(|word| *word as u8).eq(0..8));
        assert!(Vote::ALL.iter().map(|word| *word as u8).eq(0..5));
        assert!(Heuristics::ALL.iter().map(|word| *word as u8).eq(0..3));
        assert!(Reason::ALL.iter().map(|word| *word as u8).eq(0..7));
    }

    #[test]
    fn a_large_decision_that_has_given_way_leaves_no_memory_behind() {
        let nodes = (0..2000).map(NodeId).collect();
        let (reason, members) = (Reason::Alone, Members::new());
        let entry = |finding| Entry {
            trigger: (Trigger::Time, NodeId(1)),
            members: &members,
            finding,
            reply: None,
            announced: &[],
        };
        let mut scroll = Scroll::default();
        let large = Finding::Partition { nodes, reason };
        scroll.add(3, 1, Time::default(), &entry(&large));
        assert!(scroll.packed.capacity() > 2000);
        (2..5).for_each(|sequence| {
            scroll.add(3, sequence, Time::default(), &entry(&Finding::Nobody));
        });
        assert!(scroll.packed.capacity() <= 128);
        assert_eq!(scroll.decisions(&wall).count(), 3);
    }
}
