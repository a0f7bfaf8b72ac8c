//! Rules of the C programs as small systems, to see where they lead. Numbers are those of their defaults.

use crate::checker::System;

/// Two nodes in a steady split, with `ffsplit`: the holder of the vote and the other one. The holder
/// loses its server, or its qdevice is killed, at any moment.
#[derive(Debug, Clone, Copy)]
pub struct Split {
    /// How many heartbeats, in tenths, after its last echo was answered the holder gives the vote back.
    pub client_gives_up: u64,
    /// How many heartbeats, in tenths, of silence the server bears.
    pub server_gives_up: u64,
    /// For how many tenths of a second the server keeps the vote from others when a holder has vanished.
    pub server_holds: u64,
}

/// The C programs 3.0: the second unanswered echo, and one and a half heartbeats.
pub const C_PROGRAMS: Split = Split {
    client_gives_up: 20,
    server_gives_up: 15,
    server_holds: 0,
};

/// The heartbeat, the period of polls and votequorum's patience, in tenths of a second.
const HEARTBEAT: u64 = 80;
const POLLS: u64 = 50;
const PATIENCE: u64 = 100;

/// All moments are tenths of a second since the last answered echo was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    now: u64,
    /// How long after the echo the holder polls first.
    phase: u64,
    cut: Option<u64>,
    killed: Option<u64>,
}

/// What happens in a tenth of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The holder polls so many tenths after its echo.
    Phase(u64),
    /// Nothing.
    Nothing,
    /// The holder loses its server.
    Cut,
    /// The holder's qdevice is killed.
    Killed,
}

impl Split {
    fn holder_casts(self, at: Moment) -> bool {
        let ends = at.cut.map(|_| self.client_gives_up * HEARTBEAT / 10);
        let withdrawn = ends.is_some_and(|ends| at.now >= ends);
        let given_up = at.killed.is_some_and(|killed| {
            let polls = killed.saturating_sub(at.phase) / POLLS;
            at.now >= at.phase + polls * POLLS + PATIENCE
        });
        !withdrawn && !given_up
    }

    fn other_has_it(self, at: Moment) -> bool {
        let silent = at.cut.is_some() && at.now >= self.server_gives_up * HEARTBEAT / 10;
        let gone = at
            .killed
            .is_some_and(|killed| at.now > killed + self.server_holds);
        silent || gone
    }
}

impl System for Split {
    type State = Moment;
    type Step = Happening;

    fn first(&self) -> Moment {
        Moment {
            now: 0,
            phase: u64::MAX,
            cut: None,
            killed: None,
        }
    }

    fn steps(&self, at: &Moment) -> Vec<Happening> {
        if at.phase == u64::MAX {
            return (0..POLLS).step_by(5).map(Happening::Phase).collect();
        }
        if at.now >= 300 {
            return Vec::new();
        }
        let mut steps = vec![Happening::Nothing];
        if at.cut.is_none() && at.killed.is_none() && at.now < HEARTBEAT {
            steps.extend([Happening::Cut, Happening::Killed]);
        }
        steps
    }

    fn take(&self, at: &Moment, step: Happening) -> Result<Moment, String> {
        let mut next = *at;
        match step {
            Happening::Phase(phase) => next.phase = phase,
            Happening::Nothing => next.now += 1,
            Happening::Cut => next.cut = Some(at.now),
            Happening::Killed => next.killed = Some(at.now),
        }
        if self.other_has_it(next) && self.holder_casts(next) {
            let mut end = next;
            while self.holder_casts(end) {
                end.now += 1;
            }
            let tenths = end.now - next.now;
            return Err(format!(
                "both have the vote for {}.{} s",
                tenths / 10,
                tenths % 10
            ));
        }
        Ok(next)
    }

    fn rest(&self, _: &Moment) -> Result<(), String> {
        Ok(())
    }
}

/// The C server's `lms` between equal halves, with a tie-breaker that names a node: the asking node is
/// compared with the named one, so its partners get nothing. The first half of `nodes` that is told two
/// things, if there is one.
#[must_use]
pub fn c_lms_tie_breaker(nodes: u32, named: u32) -> Option<Vec<(u32, bool)>> {
    (1_u32..1 << nodes).find_map(|mask| {
        let half: Vec<u32> = (1..=nodes)
            .filter(|id| mask & (1 << (id - 1)) != 0)
            .collect();
        let told: Vec<(u32, bool)> = half.iter().map(|&id| (id, id == named)).collect();
        let differs = told.iter().any(|&(_, ack)| ack) && told.iter().any(|&(_, ack)| !ack);
        (half.len() * 2 == nodes as usize && differs).then_some(told)
    })
}
