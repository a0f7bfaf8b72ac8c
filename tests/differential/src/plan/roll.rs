use libqdevice::base::Dice;

/// Choices made by a seed.
#[derive(Debug, Clone)]
pub(super) struct Roll(Dice);

impl Roll {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    /// A number below `end`.
    pub(super) const fn below(&mut self, end: u32) -> u32 {
        self.0.below(end)
    }

    /// True in so many cases of a hundred.
    pub(super) const fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let end = u32::try_from(from.len()).unwrap_or(u32::MAX);
        &from[self.below(end) as usize]
    }

    /// An index below a length, or 0.
    pub(super) fn index(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }
}
