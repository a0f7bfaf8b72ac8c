//! Every state that small worlds can reach: the cores are `Clone + Hash`, so each state is kept and visited
//! once. [`small`] drives the real cores, [`c_rules`] the rules of the C programs where they lead astray.
//!
//! Not here: clock rates, slow messages and phases between deadlines; those are the simulator's.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at a few steps of many"
)]

pub mod c_rules;
mod checker;
mod drive;
mod small;
mod under_way;
mod world;

pub use checker::{System, Walk, walk};
pub use world::{Size, State, Step, Troubles};

use libqdevice::base::{Algorithm, Handover};

/// A world that is gone through.
#[derive(Debug, Clone, Copy)]
pub struct Small {
    /// What happens in it, in words.
    pub name: &'static str,
    /// What may happen in it.
    pub size: Size,
    /// Whether it is small enough for every run of the tests.
    pub is_quick: bool,
}

/// The worlds that are gone through with an algorithm.
#[must_use]
pub fn worlds(algorithm: Algorithm) -> Vec<Small> {
    let none = Troubles::default();
    let world = |name, rings, troubles| Small {
        name,
        size: Size {
            algorithm,
            rings,
            wait_for_all: false,
            troubles,
            window: 0,
            patience: 20_000,
            handover: Handover::Safe,
        },
        is_quick: true,
    };
    let phases = |mut small: Small| {
        small.size.window = 1_500;
        small
    };
    let long = |mut small: Small| {
        small.is_quick = false;
        small
    };
    let mut worlds = vec![
        world("2 nodes split", &TWO[..2], none),
        long(world("2 nodes split and merge", TWO, none)),
        long(world(
            "2 nodes split, a connection is reset, the server restarts",
            &TWO[..2],
            Troubles {
                resets: 1,
                restarts: 1,
                ..none
            },
        )),
        long(phases(world(
            "2 nodes split, a path is cut",
            &TWO[..2],
            Troubles { cuts: 1, ..none },
        ))),
        long(phases(killed(algorithm, Handover::Safe))),
        long(phases(world(
            "2 nodes split, a qdevice stops",
            &TWO[..2],
            Troubles { stops: 1, ..none },
        ))),
    ];
    if algorithm != Algorithm::TwoNodeLms {
        worlds.push(long(world("3 nodes split", THREE, none)));
        worlds.push(long(world(
            "3 nodes split, a connection is reset",
            THREE,
            Troubles { resets: 1, ..none },
        )));
    }
    worlds
}

/// Two nodes split, and a qdevice is killed; another one may start.
#[must_use]
pub fn killed(algorithm: Algorithm, handover: Handover) -> Small {
    Small {
        name: "2 nodes split, a qdevice is killed",
        size: Size {
            algorithm,
            rings: &TWO[..2],
            wait_for_all: false,
            troubles: Troubles {
                kills: 1,
                ..Troubles::default()
            },
            window: 0,
            patience: 20_000,
            handover,
        },
        is_quick: true,
    }
}

const TWO: &[&[u8]] = &[&[0, 0], &[0, 1], &[0, 0]];
const THREE: &[&[u8]] = &[&[0, 0, 0], &[0, 1, 1]];
