use crate::clock::Clock;
use crate::invariants::ClientWatch;
use crate::votequorum::Votequorum;
use libqdevice::base::RingId;
use libqdevice::client::{Client, Corosync, Link};
use std::collections::VecDeque;

/// A machine with its corosync and its qdevice.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: u32,
    pub(crate) clock: Clock,
    pub(crate) powered: bool,
    /// How many faults have suspended it.
    pub(crate) suspended: u32,
    /// The ring in which it woke up with a vote that nobody on it could withdraw. See [`Self::is_beyond_rule`].
    pub(crate) overslept: Option<RingId>,
    /// The part of the network it is in.
    pub(crate) part: u8,
    pub(crate) votequorum: Votequorum,
    /// How many faults keep its corosync from taking polls.
    pub(crate) busy: u32,
    /// How many faults make its heuristics fail.
    pub(crate) unwell: u32,
    /// How many faults cut the path to the server, and the one from it.
    pub(crate) cuts: (u32, u32),
    /// By how much its messages are late.
    pub(crate) slow: u64,
    pub(crate) device: Device,
}

/// The qdevice of a node, running or not.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) client: Option<Client>,
    /// Counts the processes: what is meant for a dead one does not reach the next.
    pub(crate) incarnation: u64,
    /// How many faults have stopped it.
    pub(crate) stopped: u32,
    /// How many faults want it to be down: systemd starts one that ends of itself.
    pub(crate) unwanted: u32,
    /// What waits for it while it is stopped.
    pub(crate) inbox: VecDeque<Stimulus>,
    /// When it will be woken for its deadline.
    pub(crate) wakes: Option<u64>,
    /// The present attempt to connect or connection.
    pub(crate) attempt: u64,
    /// The connection that came of it.
    pub(crate) link: Option<u64>,
    pub(crate) watch: ClientWatch,
    /// For the flaws: the ring it has reported last.
    pub(crate) reported: RingId,
}

/// What reaches a qdevice.
#[derive(Debug, Clone)]
pub(crate) enum Stimulus {
    Corosync(Corosync),
    /// Something about an attempt and the connection that came of it.
    Link(u64, Link),
    Heuristics(u32),
    Shutdown,
}

impl Node {
    /// Whether its corosync runs.
    pub(crate) const fn runs(&self) -> bool {
        self.powered && self.suspended == 0
    }

    /// Whether it acts on a vote of which the rules promise nothing, which `docs/timing.md` tells of: its
    /// machine was suspended, and its qdevice was dead, frozen or bound to keep the vote.
    pub(crate) fn is_beyond_rule(&self) -> bool {
        self.overslept == Some(self.votequorum.ring)
    }

    /// Whether its qdevice runs.
    pub(crate) const fn device_runs(&self) -> bool {
        self.runs() && self.device.stopped == 0 && self.device.client.is_some()
    }
}

impl Device {
    pub(crate) fn new() -> Self {
        Self {
            client: None,
            incarnation: 0,
            stopped: 0,
            unwanted: 0,
            inbox: VecDeque::new(),
            wakes: None,
            attempt: 0,
            link: None,
            watch: ClientWatch::default(),
            reported: RingId::new(0, 0),
        }
    }
}
