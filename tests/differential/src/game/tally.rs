use std::collections::BTreeMap;

/// What was played and which expected differences were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps played.
    pub steps: u64,
    /// Steps left out of lockstep.
    pub skipped: u64,
    /// Messages compared.
    pub messages: u64,
    /// Clusters judged at rest.
    pub judged: u64,
    /// How often an expected difference was needed, by name.
    pub named: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.skipped += other.skipped;
        self.messages += other.messages;
        self.judged += other.judged;
        for (name, count) in &other.named {
            *self.named.entry(name).or_default() += count;
        }
    }

    pub(super) fn name(&mut self, name: &'static str) {
        *self.named.entry(name).or_default() += 1;
    }
}
