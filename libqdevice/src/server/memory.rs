//! What a server has to know again when it was restarted.

use super::Server;
use super::clusters::{Cluster, Known};
use super::peer::Stage;
use crate::base::{ClusterName, Handover, Millis, NodeId, RingId, Time};
use crate::vote::{Absent, Grant, Past, Until};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Who may be casting votes, and which partitions are active.
///
/// Whoever was connected when it was written may be cut off when it is read, and nobody would tell: so
/// times count from the reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    version: u32,
    clusters: Vec<ClusterMemory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterMemory {
    name: String,
    /// The bytes of a name that is no UTF-8, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name_hex: Option<String>,
    /// The partition that got the vote last.
    active: BTreeSet<NodeId>,
    votes: Vec<VoteMemory>,
}

/// A vote that a node may be casting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoteMemory {
    node: NodeId,
    ring: RingId,
    ring_nodes: BTreeSet<NodeId>,
    /// For how long, as seen by nodes that have left the ring, and by others.
    moved_ms: u32,
    apart_ms: u32,
}

/// Why something is no memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryFault {
    /// It cannot be read.
    #[error("it is damaged ({0})")]
    Damaged(#[from] serde_json::Error),
    /// Another version has written it.
    #[error("it has version {0}, this program reads version {VERSION}")]
    Version(u32),
}

/// Grows with every change that an older program would misunderstand.
const VERSION: u32 = 1;

impl Memory {
    /// As it stands in a file.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Memory takes everything.
        let _ = self.write(&mut text);
        text
    }

    /// Writes the same piece by piece: with many clusters it is long.
    ///
    /// # Errors
    ///
    /// What it is written to takes no more.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// What a file says.
    ///
    /// # Errors
    ///
    /// It says nothing that can be understood.
    pub fn from_text(text: &[u8]) -> Result<Self, MemoryFault> {
        #[derive(Deserialize)]
        struct Header {
            version: u32,
        }
        let Header { version } = serde_json::from_slice(text)?;
        if version != VERSION {
            return Err(MemoryFault::Version(version));
        }
        Ok(serde_json::from_slice(text)?)
    }

    /// How many clusters it knows.
    #[must_use]
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }
}

/// A memory that is put together in pieces, so that votes are looked at between two of them.
#[derive(Debug, Default)]
pub struct Gathering {
    clusters: Vec<ClusterMemory>,
    /// The last cluster that was looked at.
    after: Option<ClusterName>,
}

impl Server {
    /// What has to be known after a restart. With the timing of C that is nothing: there nobody waits.
    #[must_use]
    pub fn memory(&self, now: Time) -> Memory {
        let mut gathering = Gathering::default();
        loop {
            if let Some(memory) = self.gather_memory(now, &mut gathering, usize::MAX) {
                return memory;
            }
        }
    }

    /// Looks at so many clusters more; gives the memory when all have been seen.
    ///
    /// What changes meanwhile is in it or not, but no cluster is missed: they are visited by name, and a
    /// name stays while its cluster comes or goes. Whoever wants to know of changes compares
    /// [`memory_revision`](Self::memory_revision) with what it was at the begin.
    pub fn gather_memory(
        &self,
        now: Time,
        gathering: &mut Gathering,
        most: usize,
    ) -> Option<Memory> {
        if self.config.settings.vote_handover == Handover::Safe {
            let after = gathering.after.take();
            let mut rest = self.clusters.known_after(after.as_ref());
            let mut last = None;
            for (name, known) in rest.by_ref().take(most) {
                let past = match known {
                    Known::Present(own) => Cow::Owned(self.past_without(now, own)),
                    Known::Gone(past) => Cow::Borrowed(past),
                };
                let cluster = ClusterMemory::of(now, name, &past);
                gathering.clusters.extend(cluster);
                last = Some(name);
            }
            let more = rest.next().is_some();
            if more {
                gathering.after = last.cloned();
                return None;
            }
        }
        Some(Memory {
            version: VERSION,
            clusters: std::mem::take(gathering).clusters,
        })
    }

    /// Remembers what was known before a restart.
    pub fn recall(&mut self, now: Time, memory: Memory) {
        if self.config.settings.vote_handover == Handover::AtOnce {
            return;
        }
        let longest = self.longest_tenure();
        for cluster in memory.clusters {
            let name = cluster.cluster_name();
            let past = cluster.past(now, longest);
            self.clusters.recall(now, name, past);
        }
    }

    /// Grows whenever [`memory`](Self::memory) may have changed.
    #[must_use]
    pub fn memory_revision(&self) -> u64 {
        *self.revision
    }

    /// What would stay true of a cluster if its connections were gone, and nobody knew how.
    fn past_without(&self, now: Time, own: &Cluster) -> Past {
        let mut past = own.arbiter.past();
        for (node, grant) in own.arbiter.grants() {
            let peer = own.peers.get(&node).and_then(|peer| self.peers.get(peer));
            let Some((peer, Stage::Admitted(seat))) = peer.map(|peer| (peer, &peer.stage)) else {
                continue;
            };
            if !past.absent.contains_key(&node) && !seat.tenure.goodbye {
                let end = now.after(seat.tenure.longest(peer.heartbeat));
                let until = Until {
                    moved: end,
                    apart: end,
                };
                past.absent.insert(node, Absent { grant, until });
            }
        }
        past
    }
}

impl ClusterMemory {
    fn of(now: Time, name: &ClusterName, past: &Past) -> Option<Self> {
        past.ends().filter(|end| *end > now)?;
        let millis = |end: Time| u32::try_from(end.since(now)).unwrap_or(u32::MAX);
        let (name, name_hex) = crate::report::ClusterReport::name_of(name);
        let votes = past.absent.iter().map(|(&node, absent)| VoteMemory {
            node,
            ring: absent.grant.ring,
            ring_nodes: absent.grant.nodes.clone(),
            moved_ms: millis(absent.until.moved),
            apart_ms: millis(absent.until.apart),
        });
        Some(Self {
            name,
            name_hex,
            active: past.active.clone(),
            votes: votes.collect(),
        })
    }

    fn cluster_name(&self) -> ClusterName {
        let bytes = self.name_hex.as_deref().and_then(bytes_of_hex);
        bytes.map_or_else(|| self.name.as_str().into(), ClusterName::new)
    }

    /// No vote lasts for longer than this server would wait for any.
    fn past(self, now: Time, longest: Millis) -> Past {
        let end = |millis: u32| now.after(Millis(millis).min(longest));
        let absent = self.votes.into_iter().map(|vote| {
            let grant = Grant {
                ring: vote.ring,
                nodes: vote.ring_nodes,
            };
            let until = Until {
                moved: end(vote.moved_ms),
                apart: end(vote.apart_ms),
            };
            (vote.node, Absent { grant, until })
        });
        Past {
            active: self.active,
            absent: absent.collect(),
        }
    }
}

fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bench, announced, config, confirmation, init, leased, membership};
    use super::super::{Event, PeerId};
    use super::*;
    use crate::base::{KeepActivePartition, Vote};
    use crate::wire::{Init, Message, Options};

    /// Node 2 of a cluster of two has the vote in a split, and wants to keep it.
    fn split(init_of: fn(u32) -> Init) -> Bench {
        let mut bench = Bench::new();
        for node in [1, 2] {
            come(&mut bench, u64::from(node), init_of(node));
        }
        bench.send(1, membership(RingId::new(1, 12), &[1]));
        bench.send(2, membership(RingId::new(2, 12), &[2]));
        bench.send(2, confirmation(1));
        bench.handle(Event::Gone { peer: PeerId(1) });
        bench.now += 20_000;
        bench.send(2, membership(RingId::new(2, 12), &[2]));
        assert_eq!(bench.granted(), [2]);
        bench
    }

    fn come(bench: &mut Bench, peer: u64, init: Init) {
        bench.admitted_with(peer, "K", init);
        bench.send(peer, config(&[1, 2]));
        let keep_active_partition = Some(KeepActivePartition::Enabled);
        bench.send(
            peer,
            Message::SetOption(Options {
                keep_active_partition,
                ..Options::default()
            }),
        );
    }

    /// Another server that has read what this one has written.
    fn restarted(bench: &Bench) -> Bench {
        let now = Time::from_millis(bench.now);
        let text = bench.server.memory(now).to_text();
        let mut next = Bench::new();
        next.now = 5;
        let memory = Memory::from_text(&text).unwrap();
        assert_eq!(memory.to_text(), text);
        next.server.recall(Time::from_millis(5), memory);
        next
    }

    #[test]
    fn an_active_half_keeps_the_vote_over_a_restart_although_the_other_comes_first() {
        let mut bench = restarted(&split(init));
        come(&mut bench, 1, init(1));
        let out = bench.send(1, membership(RingId::new(1, 12), &[1]));
        assert_eq!(announced(&out), []);
        come(&mut bench, 2, init(2));
        let out = bench.send(2, membership(RingId::new(2, 12), &[2]));
        assert_eq!(announced(&out), [(1, Some(Vote::Nack))]);
        let out = bench.send(1, confirmation(1));
        assert_eq!(announced(&out), [(2, Some(Vote::Ack))]);
    }

    #[test]
    fn a_holder_that_does_not_come_back_is_waited_for_once() {
        for (init_of, millis) in [(init as fn(u32) -> Init, 18_400), (leased, 12_000)] {
            let mut bench = restarted(&restarted(&split(init_of)));
            come(&mut bench, 1, init_of(1));
            bench.send(1, membership(RingId::new(1, 12), &[1]));
            assert_eq!(bench.granted(), [2]);
            bench.now += 8_000;
            bench.send(1, Message::SetOption(Options::default()));
            assert_eq!(announced(&bench.wait(millis - 8_001)), []);
            assert_eq!(announced(&bench.wait(1)), [(1, Some(Vote::Ack))]);
        }
    }

    #[test]
    fn a_cluster_without_votes_is_not_remembered() {
        let mut bench = Bench::new();
        come(&mut bench, 1, init(1));
        assert_eq!(bench.server.memory(Time::default()).clusters(), 0);
    }

    #[test]
    fn a_memory_in_pieces_misses_nobody_who_comes_or_goes_meanwhile() {
        let mut bench = Bench::new();
        for (peer, cluster) in (1..).zip(["a", "b", "c", "d", "e"]) {
            bench.admitted_with(peer, cluster, leased(1));
            bench.send(peer, config(&[1]));
            bench.send(peer, membership(RingId::new(1, 8), &[1]));
        }
        let now = Time::from_millis(bench.now);
        let whole = bench.server.memory(now);
        assert_eq!(whole.clusters(), 5);
        let mut gathering = Gathering::default();
        assert!(bench.server.gather_memory(now, &mut gathering, 2).is_none());
        // One that was seen and one that was not leave without a word, and one comes back.
        for peer in [1, 4, 5] {
            bench.handle(Event::Lost { peer: PeerId(peer) });
        }
        bench.admitted_with(6, "e", leased(1));
        let mut pieces = 1;
        let memory = loop {
            pieces += 1;
            if let Some(memory) = bench.server.gather_memory(now, &mut gathering, 2) {
                break memory;
            }
        };
        let names = |memory: &Memory| {
            let names = memory.clusters.iter().map(|own| own.name.clone());
            names.collect::<Vec<_>>()
        };
        assert_eq!((pieces, names(&memory)), (3, names(&whole)));
    }

    #[test]
    fn with_the_timing_of_c_nothing_is_remembered() {
        let memory = split(init).server.memory(Time::default());
        assert_eq!(memory.clusters(), 1);
        let mut bench = Bench::set("vote_handover=c");
        bench.server.recall(Time::default(), memory);
        assert_eq!(bench.server.memory(Time::default()).clusters(), 0);
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_refused() {
        let text = split(init).server.memory(Time::default()).to_text();
        for end in 0..text.len() - 2 {
            assert!(Memory::from_text(&text[..end]).is_err(), "{end}");
        }
        let newer = br#"{"version": 2, "clusters": {"by": "name"}}"#;
        let fault = Memory::from_text(newer).unwrap_err().to_string();
        assert_eq!(fault, "it has version 2, this program reads version 1");
    }

    #[test]
    fn times_that_no_server_would_wait_for_are_cut() {
        let text = br#"{"version":1,"clusters":[{"name":"K","active":[2],"votes":[{"node":2,
            "ring":{"node":2,"seq":8},"ring_nodes":[2],"moved_ms":4294967295,"apart_ms":4294967295}]}]}"#;
        let mut bench = Bench::new();
        let memory = Memory::from_text(text).unwrap();
        bench.server.recall(Time::default(), memory);
        let again = bench.server.memory(Time::default());
        assert_eq!(again.clusters[0].votes[0].apart_ms, 276_000);
    }

    #[test]
    fn names_that_are_no_text_come_back_as_they_were() {
        let name = ClusterName::new(*b"\xffK");
        let until = Until {
            moved: Time::from_millis(9),
            apart: Time::from_millis(9),
        };
        let grant = Grant {
            ring: RingId::new(1, 8),
            nodes: BTreeSet::new(),
        };
        let past = Past {
            active: BTreeSet::new(),
            absent: [(NodeId(1), Absent { grant, until })].into(),
        };
        let memory = ClusterMemory::of(Time::default(), &name, &past).unwrap();
        assert_eq!(memory.cluster_name(), name);
        assert_eq!(memory.past(Time::default(), Millis(100)), past);
    }
}
