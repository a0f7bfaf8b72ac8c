use libqdevice::base::Dice;

/// Reproducible randomness in the shapes that worlds need.
#[derive(Debug, Clone)]
pub(crate) struct Rng(Dice);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// A number below `end`, which is small; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        u64::from(self.0.below(u32::try_from(end).unwrap_or(u32::MAX)))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An index below `count`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or_default()
    }
}
