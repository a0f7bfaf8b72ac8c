//! Makes scenarios out of seeds.

mod cluster;
mod doings;
mod malform;
mod roll;
mod traffic;
mod world;

use crate::trace::{Flavour, Scenario, Step};
use libqdevice::base::Algorithm;
use roll::Roll;
use world::World;

/// What scenarios are to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The algorithm of most clusters.
    pub algorithm: Algorithm,
    /// Whether clients also say what no client should.
    pub malformed: Malformed,
}

/// Whether clients also say what no client should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// They do not.
    No,
    /// They do.
    Yes,
}

/// The scenario of a seed; the same one every time.
#[must_use]
pub fn scenario(seed: u64, subject: Subject) -> Scenario {
    let mut roll = Roll::new(seed);
    let flavour = match roll.below(10) {
        0 | 1 => Flavour::KeepActive,
        2 => Flavour::Small,
        3 => Flavour::Crowded,
        _ => Flavour::Plain,
    };
    let mut world = World::new(&mut roll, subject);
    let mut steps = world.opening(&mut roll);
    let length = steps.len() + 5 + roll.below(45) as usize;
    // Where votes are compared at rest only, there has to be more rest.
    let rest = match subject.algorithm {
        Algorithm::Test | Algorithm::FfSplit => 5,
        Algorithm::TwoNodeLms | Algorithm::Lms => 20,
    };
    while steps.len() < length {
        if subject.malformed == Malformed::Yes && roll.chance(25) {
            steps.extend(world.mischief(&mut roll, flavour));
        } else {
            steps.extend(world.turn(&mut roll));
        }
        if roll.chance(4) {
            steps.push(question(&mut roll, &world, subject));
        }
        if roll.chance(rest) {
            steps.push(Step::Settle);
        }
    }
    if roll.chance(70) {
        steps.extend(world.closing(&mut roll));
    }
    Scenario {
        seed,
        flavour,
        steps,
    }
}

/// A line for the local socket.
fn question(roll: &mut Roll, world: &World, subject: Subject) -> Step {
    let usual = ["status", "status verbose", "list", "list verbose"];
    let odd = [
        "LIST  Verbose",
        "\t\"sta\"tus verbose again",
        "status x verbose",
        "list cluster",
        "list verbose cluster \"\" verbose",
        "list verbose again cluster \"A\"",
        "list cluster \"A\" cluster \"B\"",
        "lis\\t verbose",
        "list cluster \"A",
        "verbose list",
        "lists",
        "\"\"",
        "un\\known \"wo\\rd\"",
        "status\rlist",
    ];
    let odd_ones = subject.malformed == Malformed::Yes;
    let line = match roll.below(10) {
        0 => format!("list cluster \"{}\"", world.a_name(roll)),
        1..6 if odd_ones => (*roll.pick(&odd)).to_owned(),
        _ => (*roll.pick(&usual)).to_owned(),
    };
    Step::Ask(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_scenario_every_time_and_it_can_be_read_back() {
        for algorithm in Algorithm::ALL {
            for malformed in [Malformed::No, Malformed::Yes] {
                let subject = Subject {
                    algorithm,
                    malformed,
                };
                for seed in 0..20 {
                    let one = scenario(seed, subject);
                    assert_eq!(one, scenario(seed, subject));
                    let mut read: Scenario = one.to_string().parse().unwrap();
                    read.seed = seed;
                    assert_eq!(read.to_string(), one.to_string());
                }
            }
        }
    }
}
