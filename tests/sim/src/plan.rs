//! What a world is like and what goes wrong in it: all of it follows from a seed.

use crate::rng::Rng;
use libqdevice::base::{Algorithm, NodeId, TieBreaker};
use std::fmt;

/// A world before it has begun. The same plan gives the same world.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches of corosync.conf")]
pub struct Plan {
    /// Decides every latency and every jitter.
    pub seed: u64,
    /// The decision algorithm of the cluster.
    pub algorithm: Algorithm,
    /// How many nodes there are, numbered from 1.
    pub nodes: usize,
    /// Who wins between equal halves.
    pub tie_breaker: TieBreaker,
    /// Whether an active half stays active.
    pub keep: bool,
    /// `quorum.wait_for_all`.
    pub wait_for_all: bool,
    /// `-S master_wins=on`.
    pub master_wins: bool,
    /// Whether the nodes run heuristics.
    pub heuristics: bool,
    /// The clock rates of the nodes, then of the server, in ten-thousandths.
    pub rates: Vec<u64>,
    /// The shortest and the longest way of a message, in milliseconds.
    pub latency: (u64, u64),
    /// How late a process may notice a deadline, in milliseconds.
    pub lag: u64,
    /// How long corosync takes to notice that nodes came or went, in milliseconds.
    pub token: u64,
    /// The longest pause between two attempts of TCP to send again, in milliseconds.
    pub backoff: u64,
    /// The moment from which on nothing goes wrong any more.
    pub calm: u64,
    /// What goes wrong, in order.
    pub faults: Vec<Fault>,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, in true milliseconds.
    pub at: u64,
    /// How long it lasts. A partition that would end after the calm has begun stays for ever.
    pub lasts: u64,
    /// What it is.
    pub what: What,
}

/// The ways in which things go wrong. Nodes are counted from 0 here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The network between the nodes falls apart: a part for each node.
    Partition(Vec<u8>),
    /// Nothing passes from a node to the server (`up`), or back (`down`).
    Cut {
        /// Whose path.
        node: usize,
        /// Towards the server.
        up: bool,
        /// From the server.
        down: bool,
    },
    /// Every message of a node takes longer.
    Slow {
        /// Whose path.
        node: usize,
        /// By this much.
        millis: u64,
    },
    /// The connection of a node is reset, and both ends learn it.
    Reset(usize),
    /// The connection of a node is forgotten on its way, and no end learns it.
    Vanish(usize),
    /// A qdevice is stopped and goes on later.
    StopDevice(usize),
    /// A qdevice is killed and started again later.
    KillDevice(usize),
    /// A qdevice is asked to end and started again later.
    EndDevice(usize),
    /// The server is stopped and goes on later.
    StopServer,
    /// The server is killed and started again later.
    KillServer,
    /// The machine of the server loses its power: nobody hears of it.
    CrashServer,
    /// The machine of the server is suspended.
    SuspendServer,
    /// A machine is suspended, with its corosync.
    Suspend(usize),
    /// A machine loses its power.
    Crash(usize),
    /// A corosync is too busy for polls.
    Busy(usize),
    /// The heuristics of a node fail.
    Unwell(usize),
}

impl Plan {
    /// The world of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let algorithm = match seed % 8 {
            0 | 1 => Algorithm::Lms,
            2 => Algorithm::TwoNodeLms,
            _ => Algorithm::FfSplit,
        };
        Self::of(seed, algorithm)
    }

    /// The world of a seed with a given algorithm.
    #[must_use]
    pub fn of(seed: u64, algorithm: Algorithm) -> Self {
        let mut rng = Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5151);
        let nodes = match algorithm {
            Algorithm::TwoNodeLms => 2,
            Algorithm::Test | Algorithm::FfSplit | Algorithm::Lms if rng.chance(50) => 2,
            Algorithm::Test | Algorithm::FfSplit | Algorithm::Lms => 3 + rng.index(3),
        };
        let mut plan = Self::quiet(seed, algorithm, nodes);
        plan.tie_breaker = match rng.below(4) {
            0 => TieBreaker::Highest,
            1 => TieBreaker::Node(NodeId(
                1 + u32::try_from(rng.index(nodes)).unwrap_or_default(),
            )),
            _ => TieBreaker::Lowest,
        };
        plan.keep = rng.chance(60);
        plan.wait_for_all = rng.chance(25);
        plan.master_wins = rng.chance(10);
        plan.heuristics = rng.chance(20);
        let drift = if rng.chance(50) { 100 } else { 0 };
        for rate in &mut plan.rates {
            *rate = rng.between(10_000 - drift, 10_000 + drift);
        }
        plan.latency = match rng.below(4) {
            0 => (0, 0),
            1 => (1, 5),
            2 => (1, 60),
            _ => (20, 250),
        };
        plan.lag = if rng.chance(50) { 20 } else { 0 };
        plan.token = rng.between(500, 3_000);
        plan.backoff = if rng.chance(50) { 120_000 } else { 500 };
        plan.calm = rng.between(30_000, 160_000);
        plan.faults = plan.troubles(&mut rng);
        plan
    }

    /// A world of the default settings in which nothing goes wrong.
    #[must_use]
    pub fn quiet(seed: u64, algorithm: Algorithm, nodes: usize) -> Self {
        Self {
            seed,
            algorithm,
            nodes,
            tie_breaker: TieBreaker::Lowest,
            keep: true,
            wait_for_all: false,
            master_wins: false,
            heuristics: false,
            rates: vec![10_000; nodes + 1],
            latency: (1, 5),
            lag: 0,
            token: 1_000,
            backoff: 500,
            calm: 10_000,
            faults: Vec::new(),
        }
    }

    /// Most worlds split early; in all of them other things go wrong then.
    fn troubles(&self, rng: &mut Rng) -> Vec<Fault> {
        let mut faults = Vec::new();
        if rng.chance(70) {
            let at = rng.between(5_000, 20_000);
            let lasts = if rng.chance(60) {
                self.calm * 2
            } else {
                rng.between(2_000, 60_000)
            };
            let what = self.partition(rng);
            faults.push(Fault { at, lasts, what });
        }
        for _ in 0..=rng.below(7) {
            let at = rng.between(4_000, self.calm - 1);
            let lasts = match rng.below(3) {
                0 => rng.between(1, 3_000),
                1 => rng.between(3_000, 20_000),
                _ => rng.between(10_000, 60_000),
            };
            let what = self.trouble(rng);
            faults.push(Fault { at, lasts, what });
        }
        faults.sort_by_key(|fault| fault.at);
        faults
    }

    fn partition(&self, rng: &mut Rng) -> What {
        let parts = rng.between(2, 3);
        let part = |_| u8::try_from(rng.below(parts)).unwrap_or_default();
        What::Partition((0..self.nodes).map(part).collect())
    }

    fn trouble(&self, rng: &mut Rng) -> What {
        let node = rng.index(self.nodes);
        match rng.below(30) {
            0..=3 => self.partition(rng),
            4..=8 => What::Cut {
                node,
                up: true,
                down: true,
            },
            9 => What::Cut {
                node,
                up: true,
                down: false,
            },
            10 => What::Cut {
                node,
                up: false,
                down: true,
            },
            11..=12 => What::Slow {
                node,
                millis: rng.between(50, 4_000),
            },
            13 => What::Reset(node),
            14 => What::Vanish(node),
            15..=16 => What::StopDevice(node),
            17..=18 => What::KillDevice(node),
            19 => What::EndDevice(node),
            20 => What::StopServer,
            21..=22 => What::KillServer,
            23 => What::CrashServer,
            24 => What::SuspendServer,
            25 => What::Suspend(node),
            26 => What::Crash(node),
            27 => What::Busy(node),
            _ if self.heuristics => What::Unwell(node),
            _ => What::Cut {
                node,
                up: true,
                down: true,
            },
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            nodes,
            tie_breaker,
            keep,
            wait_for_all,
            ..
        } = self;
        let algorithm = self.algorithm.title();
        writeln!(
            f,
            "seed {seed}: {nodes} nodes, {algorithm}, tie-breaker {tie_breaker:?}, keep {keep}, \
             wait_for_all {wait_for_all}, master_wins {}, heuristics {}",
            self.master_wins, self.heuristics
        )?;
        writeln!(
            f,
            "  clock rates {:?}, latency {:?}, lag {}, token {}, backoff {}, calm from {}",
            self.rates, self.latency, self.lag, self.token, self.backoff, self.calm
        )?;
        for (number, Fault { at, lasts, what }) in self.faults.iter().enumerate() {
            writeln!(f, "  fault {number}: {at:>7} for {lasts:>6} {what:?}")?;
        }
        Ok(())
    }
}
