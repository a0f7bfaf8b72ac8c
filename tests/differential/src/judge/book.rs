use crate::trace::{Frame, Slot};
use std::collections::{BTreeMap, BTreeSet};

/// What the servers must know by now: everything that was said to them and accepted.
#[derive(Debug, Clone, Default)]
pub struct Book {
    seats: BTreeMap<Slot, Seat>,
}

/// One connection.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    /// The cluster it has named.
    pub name: Option<Vec<u8>>,
    /// Whether it has named a cluster again after it was admitted.
    pub renamed: bool,
    /// The ring of the last INIT or membership it has sent, accepted or not.
    pub sent_ring: Option<Vec<u8>>,
    /// What it is in its cluster, once it is admitted.
    pub member: Option<Member>,
}

/// A node that was admitted to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The cluster.
    pub cluster: Vec<u8>,
    /// Its id.
    pub node: u32,
    /// Number of the algorithm.
    pub algorithm: u32,
    /// The tie-breaker.
    pub tie: Tie,
    /// Its heartbeat interval.
    pub heartbeat: u32,
    /// The message that admitted it.
    pub admission: Frame,
    /// Whether it wants an active half to stay active.
    pub kap: bool,
    /// Whether that was never changed since it was admitted.
    pub kap_default: bool,
    /// The configured nodes as they were sent.
    pub config: Vec<u32>,
    /// The ring, eight bytes of number last.
    pub ring: Vec<u8>,
    /// The nodes of the ring as they were sent.
    pub membership: Vec<u32>,
    /// The last result of its heuristics: -1, 0 or 1.
    pub heuristics: i32,
}

/// Who wins between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The lowest id.
    Lowest,
    /// The highest id.
    Highest,
    /// This id.
    Node(u32),
}

/// Something an algorithm may decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A list of configured nodes, the first one or a later one.
    Config {
        /// Whether it said that it is the first one.
        initial: bool,
    },
    /// A list of the nodes of the ring.
    Membership,
    /// A list of votequorum.
    Quorum,
    /// A new result of the heuristics.
    Heuristics,
    /// A question for the vote.
    Question,
    /// The node has left.
    Left,
}

/// What has happened in a cluster.
#[derive(Debug, Clone)]
pub struct Happening {
    /// The cluster.
    pub cluster: Vec<u8>,
    /// The node that did it.
    pub node: u32,
    /// What.
    pub occasion: Occasion,
    /// What was stored of the node before.
    pub before: Box<Member>,
}

impl Book {
    /// A connection was made.
    pub fn connect(&mut self, slot: &Slot) {
        self.seats.insert(slot.clone(), Seat::default());
    }

    /// A connection has ended.
    pub fn end(&mut self, slot: &Slot) -> Option<Happening> {
        let member = self.seats.remove(slot)?.member?;
        Some(Happening {
            cluster: member.cluster.clone(),
            node: member.node,
            occasion: Occasion::Left,
            before: Box::new(member),
        })
    }

    /// The connection at a place.
    #[must_use]
    pub fn seat(&self, slot: &Slot) -> Option<&Seat> {
        self.seats.get(slot)
    }

    /// The node at a place.
    #[must_use]
    pub fn member(&self, slot: &Slot) -> Option<&Member> {
        self.seats.get(slot)?.member.as_ref()
    }

    /// Whether the ring a node has sent last is the one the servers know.
    #[must_use]
    pub fn is_up_to_date(&self, slot: &Slot, member: &Member) -> bool {
        let sent = self.seat(slot).and_then(|seat| seat.sent_ring.as_ref());
        sent.is_none_or(|sent| *sent == member.ring)
    }

    /// The nodes of a cluster with their places, by node id.
    #[must_use]
    pub fn members(&self, cluster: &[u8]) -> Vec<(&Slot, &Member)> {
        let mut members: Vec<_> = self
            .seats
            .iter()
            .filter_map(|(slot, seat)| Some((slot, seat.member.as_ref()?)))
            .filter(|(_, member)| member.cluster == cluster)
            .collect();
        members.sort_by_key(|(_, member)| member.node);
        members
    }

    /// Number of the algorithm of a cluster.
    #[must_use]
    pub fn algorithm(&self, cluster: &[u8]) -> Option<u32> {
        let (_, member) = *self.members(cluster).first()?;
        Some(member.algorithm)
    }

    /// The clusters with a node.
    #[must_use]
    pub fn clusters(&self) -> BTreeSet<Vec<u8>> {
        let members = self.seats.values().filter_map(|seat| seat.member.as_ref());
        members.map(|member| member.cluster.clone()).collect()
    }

    /// A message is about to be sent.
    pub fn send(&mut self, slot: &Slot, frame: &Frame) {
        let Some(seat) = self.seats.get_mut(slot) else {
            return;
        };
        let membership = frame.kind == 10 && frame.value(18) == Some(&[2]);
        match frame.value(13) {
            Some(ring) if frame.kind == 3 || membership => seat.sent_ring = Some(ring.into()),
            _ => {}
        }
    }

    /// A message was answered.
    pub fn answered(
        &mut self,
        slot: &Slot,
        frame: &Frame,
        answer: &Frame,
        kap: bool,
    ) -> Option<Happening> {
        let seat = self.seats.get_mut(slot)?;
        match (frame.kind, answer.kind) {
            (0, 1) => {
                seat.renamed |= seat.member.is_some();
                seat.name = frame.value(1).map(Into::into);
                None
            }
            (3, 4) if answer.number(6) == Some(0) => {
                seat.member = Member::admitted(seat.name.clone()?, frame, kap);
                None
            }
            (6, 7) => {
                seat.member.as_mut()?.change_options(frame);
                None
            }
            (10, 11) | (12, 13) | (16, 17) => seat.member.as_mut()?.report(frame),
            _ => None,
        }
    }
}

impl Member {
    fn admitted(cluster: Vec<u8>, frame: &Frame, kap: bool) -> Option<Self> {
        Some(Self {
            cluster,
            node: frame.number(9)?,
            algorithm: frame.number(11)?,
            tie: Tie::read(frame.value(21)?)?,
            heartbeat: frame.number(12)?,
            admission: frame.clone(),
            kap,
            kap_default: true,
            config: Vec::new(),
            ring: frame.value(13)?.into(),
            membership: Vec::new(),
            heuristics: 0,
        })
    }

    /// Number of its ring, without the node that formed it.
    #[must_use]
    pub fn ring_seq(&self) -> u64 {
        let tail = self.ring.get(4..).unwrap_or_default();
        tail.iter()
            .fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
    }

    fn change_options(&mut self, frame: &Frame) {
        if let Some(heartbeat) = frame.number(12) {
            self.heartbeat = heartbeat;
        }
        if let Some(kap) = frame.number(23) {
            self.kap = kap == 1;
            self.kap_default = false;
        }
    }

    /// Stores what a message with a vote as its answer said.
    fn report(&mut self, frame: &Frame) -> Option<Happening> {
        let before = Box::new(self.clone());
        let ids = || frame.values(17).filter_map(node_id).collect::<Vec<u32>>();
        let occasion = match (frame.kind, frame.number(18)) {
            (10, Some(kind @ (0 | 1))) => {
                self.config = ids();
                Occasion::Config { initial: kind == 0 }
            }
            (10, Some(2)) => {
                self.membership = ids();
                self.ring = frame.value(13)?.into();
                self.heuristics = heuristics(frame);
                Occasion::Membership
            }
            (10, _) => Occasion::Quorum,
            (12, _) => Occasion::Question,
            (16, _) => {
                self.heuristics = heuristics(frame);
                Occasion::Heuristics
            }
            _ => return None,
        };
        Some(Happening {
            cluster: self.cluster.clone(),
            node: self.node,
            occasion,
            before,
        })
    }
}

impl Tie {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (mode, node) = bytes.split_first()?;
        match mode {
            1 => Some(Self::Lowest),
            2 => Some(Self::Highest),
            3 => Some(Self::Node(u32::from_be_bytes(node.try_into().ok()?))),
            _ => None,
        }
    }
}

fn heuristics(frame: &Frame) -> i32 {
    match frame.number(22) {
        Some(1) => 1,
        Some(2) => -1,
        _ => 0,
    }
}

/// The id in an entry of a node list; of several the last one counts.
fn node_id(entry: &[u8]) -> Option<u32> {
    Frame::decode(0, entry).number(9)
}
