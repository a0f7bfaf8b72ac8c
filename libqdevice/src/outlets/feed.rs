use crate::events::{Event, Record, Source};
use crate::io::clock;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// The events of a daemon, numbered and dated, for any number of readers.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    sequence: u64,
    sender: Sender<Arc<Record>>,
}

/// A reader's end. Holds no more than [`Feed::CAPACITY`] records, the youngest.
#[derive(Debug)]
pub struct Records(Receiver<Arc<Record>>);

/// How many records a reader was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed(pub u64);

impl Feed {
    /// How many records wait for the slowest reader, at most.
    pub const CAPACITY: usize = 1024;

    /// A feed without a reader.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            sequence: 0,
            sender: broadcast::channel(Self::CAPACITY).0,
        }
    }

    /// Publishes an event. Waits for nobody and fails for nobody.
    pub fn publish(&mut self, event: Event) {
        self.sequence += 1;
        if self.sender.receiver_count() > 0 {
            let at_ms = clock::wall_now().timestamp_millis().unsigned_abs();
            let record = Record::new(self.source, self.sequence, at_ms, event);
            // Fails when the last reader has just gone.
            let _ = self.sender.send(Arc::new(record));
        }
    }

    /// The number of the last event.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether anybody reads.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// A reader of everything that is published from now on.
    #[must_use]
    pub fn subscribe(&self) -> Records {
        Records(self.sender.subscribe())
    }
}

impl Records {
    /// The next record, or how many were missed before it; `None` when there will be none any more. May
    /// be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Arc<Record>, Missed>> {
        match self.0.recv().await {
            Ok(record) => Some(Ok(record)),
            Err(RecvError::Lagged(count)) => Some(Err(Missed(count))),
            Err(RecvError::Closed) => None,
        }
    }

    /// Forgets what waits; the next record is one that is published from now on.
    pub fn skip(&mut self) {
        self.0 = self.0.resubscribe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reload() -> Event {
        Event::CertificatesReloaded {
            directory: "/d".into(),
        }
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_misses_the_oldest_and_learns_how_many() {
        let mut feed = Feed::new(Source::Qnetd);
        let mut records = feed.subscribe();
        for _ in 0..10_000 {
            feed.publish(reload());
        }
        let missed = 10_000 - Feed::CAPACITY as u64;
        assert_eq!(records.next().await, Some(Err(Missed(missed))));
        let first = records.next().await.unwrap().unwrap();
        assert_eq!(first.sequence, missed + 1);
        records.skip();
        drop(feed);
        assert_eq!(records.next().await, None);
    }

    #[tokio::test]
    async fn events_are_numbered_also_while_nobody_reads() {
        let mut feed = Feed::new(Source::Qdevice);
        feed.publish(reload());
        let mut records = feed.subscribe();
        feed.publish(reload());
        assert_eq!(records.next().await.unwrap().unwrap().sequence, 2);
        assert_eq!(feed.sequence(), 2);
    }
}
