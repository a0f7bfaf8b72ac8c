//! A walk over all states, breadth first, so that the first way to a bad one is a shortest one.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Something whose every state can be visited.
pub trait System {
    /// All that decides the future.
    type State: Clone + Hash;
    /// What can happen next.
    type Step: Copy + Debug;

    /// Where it begins.
    fn first(&self) -> Self::State;
    /// What can happen in a state.
    fn steps(&self, state: &Self::State) -> Vec<Self::Step>;
    /// Lets something happen; the error says what must not have happened.
    ///
    /// # Errors
    ///
    /// A rule is broken.
    fn take(&self, state: &Self::State, step: Self::Step) -> Result<Self::State, String>;
    /// Looks at a state from which nothing can happen any more.
    ///
    /// # Errors
    ///
    /// A rule is broken.
    fn rest(&self, state: &Self::State) -> Result<(), String>;
}

/// What a walk has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Different states visited.
    pub states: usize,
    /// Steps taken, also those to states that were known.
    pub steps: usize,
    /// States from which nothing could happen any more.
    pub ends: usize,
    /// The length of the longest of the shortest ways to a state.
    pub depth: usize,
    /// Whether all states were visited.
    pub complete: bool,
    /// What was broken, and the steps that lead there.
    pub counterexample: Option<(String, Vec<String>)>,
}

/// Visits every state, or `limit` of them, or as many as there are before a rule is broken.
pub fn walk<S: System>(system: &S, limit: usize) -> Walk {
    let mut walk = Walk {
        states: 1,
        steps: 0,
        ends: 0,
        depth: 0,
        complete: true,
        counterexample: None,
    };
    let first = system.first();
    let mut seen = BTreeSet::from([fingerprint(&first)]);
    // For each state visited: where it was reached from and by what.
    let mut ways: Vec<(usize, Option<S::Step>)> = vec![(0, None)];
    let mut open = VecDeque::from([(first, 0, 0)]);
    while let Some((state, own, depth)) = open.pop_front() {
        walk.depth = walk.depth.max(depth);
        let steps = system.steps(&state);
        if steps.is_empty() {
            walk.ends += 1;
            if let Err(how) = system.rest(&state) {
                walk.counterexample = Some((how, way_to(&ways, own, None)));
                return walk;
            }
        }
        for step in steps {
            walk.steps += 1;
            let next = match system.take(&state, step) {
                Ok(next) => next,
                Err(how) => {
                    walk.counterexample = Some((how, way_to(&ways, own, Some(step))));
                    return walk;
                }
            };
            if !seen.insert(fingerprint(&next)) {
                continue;
            }
            walk.states += 1;
            ways.push((own, Some(step)));
            if walk.states >= limit {
                walk.complete = false;
                return walk;
            }
            open.push_back((next, ways.len() - 1, depth + 1));
        }
    }
    walk
}

/// Two independent hashes: the chance that two of a hundred million states are taken for one is below
/// one in ten to the twenty.
fn fingerprint(state: &impl Hash) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        state.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(1) << 64) | half(2)
}

fn way_to<T: Copy + Debug>(
    ways: &[(usize, Option<T>)],
    end: usize,
    last: Option<T>,
) -> Vec<String> {
    let mut steps: Vec<String> = last.iter().map(|step| format!("{step:?}")).collect();
    let mut at = end;
    while let (before, Some(step)) = ways[at] {
        steps.push(format!("{step:?}"));
        at = before;
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up by one or two, and must not reach seven.
    struct Counter(u32);

    impl System for Counter {
        type State = u32;
        type Step = u32;

        fn first(&self) -> u32 {
            0
        }

        fn steps(&self, state: &u32) -> Vec<u32> {
            [1, 2]
                .into_iter()
                .filter(|step| state + step <= self.0)
                .collect()
        }

        fn take(&self, state: &u32, step: u32) -> Result<u32, String> {
            let next = state + step;
            if next == 7 {
                Err("seven".into())
            } else {
                Ok(next)
            }
        }

        fn rest(&self, _: &u32) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn every_state_is_visited_once() {
        let walk = walk(&Counter(6), usize::MAX);
        assert_eq!((walk.states, walk.ends, walk.complete), (7, 1, true));
        assert_eq!(walk.counterexample, None);
    }

    #[test]
    fn the_shortest_way_to_a_bad_state_is_told() {
        let (how, way) = walk(&Counter(9), usize::MAX).counterexample.unwrap();
        assert_eq!((how.as_str(), way.len()), ("seven", 4));
    }
}
