use super::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Timers as data: at most one moment per key, the earliest found first.
///
/// Every operation costs O(log n) in the number of armed keys. Equal moments come out in key order,
/// so what happens does not depend on the order of arming. [C: timer-list.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deadlines<K> {
    by_key: BTreeMap<K, Time>,
    by_time: BTreeSet<(Time, K)>,
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Arms `key` for `at`; an earlier arming of the same key is forgotten.
    pub fn set(&mut self, key: K, at: Time) {
        if let Some(old) = self.by_key.insert(key, at) {
            self.by_time.remove(&(old, key));
        }
        self.by_time.insert((at, key));
    }

    /// Disarms `key`; an unarmed key stays as it is.
    pub fn clear(&mut self, key: K) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
    }

    /// When `key` is due, if it is armed.
    #[must_use]
    pub fn get(&self, key: K) -> Option<Time> {
        self.by_key.get(&key).copied()
    }

    /// The earliest moment at which something is due.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|&(at, _)| at)
    }

    /// Disarms and returns the earliest key due at or before `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<K> {
        let &(at, key) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn the_earliest_deadline_is_next_and_equal_ones_come_in_key_order() {
        let mut deadlines = Deadlines::default();
        deadlines.set('b', at(5));
        deadlines.set('c', at(3));
        deadlines.set('a', at(5));
        assert_eq!(deadlines.next(), Some(at(3)));
        let mut order = Vec::new();
        while let Some(key) = deadlines.pop_due(at(5)) {
            order.push(key);
        }
        assert_eq!(order, ['c', 'a', 'b']);
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut deadlines = Deadlines::default();
        deadlines.set(1, at(5));
        assert_eq!(deadlines.pop_due(at(4)), None);
        assert_eq!(deadlines.next(), Some(at(5)));
    }

    #[test]
    fn arming_again_and_disarming_forget_the_old_moment() {
        let mut deadlines = Deadlines::default();
        deadlines.set(1, at(5));
        deadlines.set(1, at(9));
        assert_eq!(deadlines.pop_due(at(8)), None);
        deadlines.clear(1);
        assert_eq!(deadlines.next(), None);
        assert_eq!(deadlines, Deadlines::default());
    }
}
