use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory in which messages of all clients wait, and how much there may be of it.
#[derive(Debug, Clone)]
pub(crate) struct Buffers {
    held: Arc<AtomicUsize>,
    budget: usize,
}

/// What of it one client has; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    all: Buffers,
    own: usize,
}

impl Buffers {
    /// Memory of `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            held: Arc::default(),
            budget,
        }
    }

    /// The share of a client that has nothing yet.
    pub(crate) fn share(&self) -> Share {
        Share {
            all: self.clone(),
            own: 0,
        }
    }
}

impl Share {
    /// Takes note of what the client has now; whether it may. When the budget is spent, whoever has
    /// more than an honest client ever has is to be disconnected, so that others need not be.
    pub(crate) fn fit(&mut self, now: usize) -> bool {
        let before = self.all.held.fetch_add(now, Ordering::Relaxed);
        self.all.held.fetch_sub(self.own, Ordering::Relaxed);
        let grown = now > self.own;
        let held = (before + now).saturating_sub(self.own);
        self.own = now;
        held <= self.all.budget || now <= HONEST || !grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.held.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// Bytes: some answers, none of which is longer than a few hundred.
const HONEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_budget_is_spent_only_those_with_much_of_it_are_refused_more() {
        let all = Buffers::new(100_000);
        let mut many: Vec<Share> = (0..3).map(|_| all.share()).collect();
        assert!(many[0].fit(60_000));
        assert!(many[1].fit(40_000));
        assert!(many[2].fit(2000));
        assert!(!many[1].fit(41_000));
        assert!(many[1].fit(30_000));
        many.clear();
        assert!(all.share().fit(100_000));
    }
}
