use libqdevice::io::framed::{Demand, SHORT};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory in which messages of all clients are, from their arrival until their answers are sent, and
/// how much there may be of it.
///
/// It is asked for before it is taken, so there is never more. A client without room waits: it is not read
/// until others have left some, or is given up as one that says nothing. [`SHORT`] bytes everybody has.
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
    /// Takes what the client wants for its next message, if there is room for it.
    ///
    /// Half of all is for those who read what they are sent.
    pub(crate) fn take(&mut self, demand: Demand) -> bool {
        let limit = if demand.queued > SHORT {
            self.all.budget / 2
        } else {
            self.all.budget
        };
        // One thread serves all clients: nobody comes between.
        let others = self.all.held.load(Ordering::Relaxed) - self.own;
        let room = others.saturating_add(demand.total) <= limit;
        if room {
            self.keep(demand.total);
        }
        room
    }

    /// Takes note that the client has so much now.
    pub(crate) fn keep(&mut self, now: usize) {
        if now != self.own {
            self.all.held.fetch_add(now, Ordering::Relaxed);
            self.all.held.fetch_sub(self.own, Ordering::Relaxed);
            self.own = now;
        }
    }

    /// Takes note that the client has so much at least: what a message under way takes is not known.
    pub(crate) fn keep_at_least(&mut self, now: usize) {
        self.keep(now.max(self.own));
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.keep(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(queued: usize, total: usize) -> Demand {
        Demand { queued, total }
    }

    #[test]
    fn no_more_is_taken_than_there_is_and_what_is_given_back_can_be_taken() {
        let all = Buffers::new(100_000);
        let (mut one, mut other) = (all.share(), all.share());
        assert!(one.take(demand(0, 60_000)));
        assert!(!other.take(demand(0, 40_001)));
        assert!(other.take(demand(0, 40_000)));
        one.keep(10_000);
        assert!(other.take(demand(0, 90_000)));
        drop(other);
        assert!(one.take(demand(0, 100_000)));
    }

    #[test]
    fn those_who_do_not_read_leave_half_to_the_others() {
        let all = Buffers::new(100_000);
        let (mut deaf, mut other) = (all.share(), all.share());
        assert!(deaf.take(demand(30_000, 50_000)));
        assert!(!deaf.take(demand(30_000, 50_001)));
        assert!(other.take(demand(SHORT, 50_000)));
    }

    #[test]
    fn a_message_under_way_counts_until_it_is_dealt_with() {
        let all = Buffers::new(100_000);
        let mut one = all.share();
        assert!(one.take(demand(0, 60_000)));
        one.keep_at_least(100);
        assert!(!all.share().take(demand(0, 40_001)));
        one.keep(100);
        assert!(all.share().take(demand(0, 99_900)));
    }
}
