use super::Time;
use std::collections::BTreeMap;

/// Lets the first of many like things through and counts the others for a minute.
///
/// Who causes them may have any number of names: only so many are told apart, and all others share one
/// entry for their kind. The kinds must be few.
#[derive(Debug)]
pub struct Brake<T> {
    rests: BTreeMap<Key, Rest<T>>,
    /// No rest ends before this.
    next: Option<Time>,
}

/// What is alike: its kind, and who it is about, none for all that cannot be told apart.
type Key = (String, Option<String>);

#[derive(Debug)]
struct Rest<T> {
    end: Time,
    last: Option<T>,
    count: u64,
}

impl<T> Default for Brake<T> {
    fn default() -> Self {
        Self {
            rests: BTreeMap::new(),
            next: None,
        }
    }
}

impl<T> Brake<T> {
    /// Hands `one` back if it is the first of its like for a while; else it is kept and counted.
    pub fn pass(&mut self, now: Time, kind: &str, whom: &str, one: T) -> Option<T> {
        let mut key = (kind.to_owned(), Some(whom.to_owned()));
        if self.rests.len() >= TOLD_APART && !self.rests.contains_key(&key) {
            key.1 = None;
        }
        if let Some(rest) = self.rests.get_mut(&key) {
            rest.count += 1;
            rest.last = Some(one);
            return None;
        }
        self.rest(now, key);
        Some(one)
    }

    /// When to call [`due`](Self::due) next.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Time> {
        self.next
    }

    /// What was kept for a minute: of each kind the last one, and how many there were.
    pub fn due(&mut self, now: Time) -> Vec<(T, u64)> {
        if self.next.is_none_or(|next| next > now) {
            return Vec::new();
        }
        let mut kept = Vec::new();
        let mut again = Vec::new();
        self.rests.retain(|key, rest| {
            if rest.end > now {
                return true;
            }
            if let Some(last) = rest.last.take() {
                kept.push((last, rest.count));
                again.push(key.clone());
            }
            false
        });
        self.next = self.rests.values().map(|rest| rest.end).min();
        for key in again {
            self.rest(now, key);
        }
        kept
    }

    /// All that is kept, at the end.
    pub fn release(&mut self) -> Vec<(T, u64)> {
        self.next = None;
        let rests = std::mem::take(&mut self.rests).into_values();
        rests
            .filter_map(|rest| Some((rest.last?, rest.count)))
            .collect()
    }

    fn rest(&mut self, now: Time, key: Key) {
        let end = now.after(MINUTE);
        self.next = Some(self.next.map_or(end, |next| next.min(end)));
        let rest = Rest {
            end,
            last: None,
            count: 0,
        };
        self.rests.insert(key, rest);
    }
}

/// How long the like of something that was let through are counted.
const MINUTE: super::Millis = super::Millis(60_000);

/// How many are told apart.
const TOLD_APART: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    #[test]
    fn the_first_passes_and_the_others_are_counted_until_the_minute_is_over() {
        let mut brake = Brake::default();
        assert_eq!(brake.pass(at(0), "refused", "A", 1), Some(1));
        assert_eq!(brake.pass(at(1), "refused", "A", 2), None);
        assert_eq!(brake.pass(at(59), "refused", "A", 3), None);
        assert_eq!(brake.due(at(59)), []);
        assert_eq!(brake.next_deadline(), Some(at(60)));
        assert_eq!(brake.due(at(60)), [(3, 2)]);
    }

    #[test]
    fn what_goes_on_costs_a_line_a_minute() {
        let mut brake = Brake::default();
        let mut lines = 0;
        for second in 0..600 {
            lines += brake.due(at(second)).len();
            lines += usize::from(brake.pass(at(second), "refused", "A", second).is_some());
        }
        assert_eq!(lines, 10);
    }

    #[test]
    fn what_has_been_quiet_for_a_minute_passes_again() {
        let mut brake = Brake::default();
        assert_eq!(brake.pass(at(0), "refused", "A", 1), Some(1));
        assert_eq!(brake.due(at(60)), []);
        assert_eq!(brake.next_deadline(), None);
        assert_eq!(brake.pass(at(61), "refused", "A", 2), Some(2));
    }

    #[test]
    fn another_kind_and_another_one_are_not_held_back() {
        let mut brake = Brake::default();
        assert_eq!(brake.pass(at(0), "refused", "A", 1), Some(1));
        assert_eq!(brake.pass(at(0), "refused", "B", 2), Some(2));
        assert_eq!(brake.pass(at(0), "silent", "A", 3), Some(3));
    }

    #[test]
    fn any_number_of_names_takes_bounded_memory_and_is_counted_together() {
        let mut brake = Brake::default();
        let passed = (0..100_000)
            .filter(|n| brake.pass(at(0), "refused", &n.to_string(), *n).is_some())
            .count();
        assert_eq!(passed, TOLD_APART + 1);
        assert_eq!(brake.rests.len(), TOLD_APART + 1);
        assert_eq!(brake.due(at(60)), [(99_999, 99_999 - 256)]);
        assert_eq!(brake.rests.len(), 1);
    }

    #[test]
    fn the_end_hands_out_what_is_kept() {
        let mut brake = Brake::default();
        for n in 0..3 {
            brake.pass(at(0), "refused", "A", n);
        }
        assert_eq!(brake.release(), [(2, 2)]);
        assert_eq!(brake.release(), []);
    }
}
