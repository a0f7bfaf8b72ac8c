use crate::events::{Event, Record, Source};
use crate::io::clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::{Instant, sleep_until};

/// The events of a daemon, numbered and dated, for any number of readers.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    sequence: u64,
    sender: Sender<Arc<Record>>,
}

/// A reader's end. Holds no more than [`Feed::CAPACITY`] records, the youngest.
///
/// The first record after a silence comes at once. Others come together after a short rest: when thousands
/// of nodes come back, waking readers for each record would cost as much as the votes.
#[derive(Debug)]
pub struct Records {
    receiver: Receiver<Arc<Record>>,
    /// Before this moment it does not wait for a record.
    rests_until: Instant,
}

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
        Records {
            receiver: self.sender.subscribe(),
            rests_until: Instant::now(),
        }
    }
}

impl Records {
    /// The next record, or how many were missed before it; `None` when there will be none any more. May
    /// be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Arc<Record>, Missed>> {
        let mut received = self.receiver.try_recv();
        if received == Err(TryRecvError::Empty) && Instant::now() < self.rests_until {
            sleep_until(self.rests_until).await;
            received = self.receiver.try_recv();
        }
        match received {
            Ok(record) => Some(Ok(record)),
            Err(TryRecvError::Lagged(count)) => Some(Err(Missed(count))),
            Err(TryRecvError::Closed) => None,
            Err(TryRecvError::Empty) => self.wait().await,
        }
    }

    async fn wait(&mut self) -> Option<Result<Arc<Record>, Missed>> {
        let received = self.receiver.recv().await;
        self.rests_until = Instant::now() + REST;
        match received {
            Ok(record) => Some(Ok(record)),
            Err(RecvError::Lagged(count)) => Some(Err(Missed(count))),
            Err(RecvError::Closed) => None,
        }
    }

    /// Forgets what waits; the next record is one that is published from now on.
    pub fn skip(&mut self) {
        self.receiver = self.receiver.resubscribe();
    }
}

/// How long a reader rests after it had to wait: much less than a signal or a hook takes to have any effect.
const REST: Duration = Duration::from_millis(10);

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

    #[tokio::test(start_paused = true)]
    async fn the_first_event_comes_at_once_and_a_burst_behind_it_together() {
        let mut feed = Feed::new(Source::Qnetd);
        let mut records = feed.subscribe();
        let reader = tokio::spawn(async move {
            let mut woken = vec![];
            while let Some(Ok(record)) = records.next().await {
                woken.push((record.sequence, Instant::now()));
            }
            woken
        });
        let begin = Instant::now();
        for _ in 0..3 {
            tokio::task::yield_now().await;
            feed.publish(reload());
        }
        tokio::time::sleep(REST * 2).await;
        feed.publish(reload());
        tokio::task::yield_now().await;
        drop(feed);
        let late = begin + REST;
        let later = begin + REST * 2;
        assert_eq!(
            reader.await.unwrap(),
            [(1, begin), (2, late), (3, late), (4, later)]
        );
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
