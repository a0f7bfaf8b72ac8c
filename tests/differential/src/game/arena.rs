use super::failure::{Failure, Fault};
use super::play::Game;
use super::tally::Tally;
use crate::bench::{Lane, Program, Tamper};
use crate::trace::{Flavour, Scenario};
use std::collections::BTreeMap;

/// Which servers meet.
#[derive(Debug, Clone)]
pub struct Matching {
    /// The C server, or whatever stands in for it.
    pub theirs: Program,
    /// The server under test.
    pub ours: Program,
    /// Whether the two are the same program, so that no difference at all is expected.
    pub twins: bool,
}

/// Two running servers per flavour, started when they are needed first.
#[derive(Debug)]
pub struct Arena {
    matching: Matching,
    pairs: BTreeMap<Flavour, [Lane; 2]>,
    tamper: Option<Tamper>,
    played: u32,
}

impl Arena {
    /// An arena in which nothing runs yet.
    #[must_use]
    pub const fn new(matching: Matching) -> Self {
        Self {
            matching,
            pairs: BTreeMap::new(),
            tamper: None,
            played: 0,
        }
    }

    /// Plants a fault into the second server of every scenario from now on.
    pub const fn tamper_with(&mut self, tamper: Option<Tamper>) {
        self.tamper = tamper;
    }

    /// Plays a scenario; after a failure both servers are started anew.
    ///
    /// # Errors
    ///
    /// A server cannot be started.
    pub fn play(
        &mut self,
        scenario: &Scenario,
        tally: &mut Tally,
    ) -> anyhow::Result<Result<(), Box<Failure>>> {
        let mut pair = match self.pairs.remove(&scenario.flavour) {
            Some(pair) => pair,
            None => [
                Lane::start(&self.matching.theirs, scenario.flavour)?,
                Lane::start(&self.matching.ours, scenario.flavour)?,
            ],
        };
        pair[1].tamper_with(self.tamper);
        self.played = self.played.wrapping_add(1);
        let mut game = Game::new(
            &mut pair,
            scenario.flavour,
            self.matching.twins,
            self.played,
        );
        let outcome = game.play(&scenario.steps).and_then(|()| {
            game.clear().map_err(|fault| {
                Box::new(Failure {
                    at: scenario.steps.len(),
                    step: None,
                    fault,
                })
            })
        });
        tally.add(game.tally());
        if outcome.is_ok() {
            self.pairs.insert(scenario.flavour, pair);
        }
        Ok(outcome)
    }
}

impl From<(&'static str, crate::bench::Fault)> for Fault {
    fn from((name, fault): (&'static str, crate::bench::Fault)) -> Self {
        Self::Server(name, fault)
    }
}
