use super::line::Line;
use crate::base::Level;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines between those who write them and the thread that takes them away.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// Lines thrown away since the queue was last emptied.
    lost: usize,
    /// A line has been taken out and is not written yet.
    writing: bool,
}

impl Backlog {
    /// Queues a line; never waits.
    pub(super) fn push(&self, line: Line) {
        let mut queue = self.lock();
        if queue.lines.len() < CAPACITY {
            queue.lines.push_back(line);
        } else {
            queue.lost += 1;
        }
        drop(queue);
        self.changed.notify_all();
    }

    /// Writes lines for ever.
    pub(super) fn drain(&self, mut write: impl FnMut(&Line)) {
        loop {
            write(&self.take());
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits until all is written, at most as long as `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let unwritten = |queue: &mut Queue| queue.writing || !queue.is_empty();
        // Whether all was written in time makes no difference to the caller.
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), patience, unwritten);
    }

    fn take(&self) -> Line {
        let queue = self.lock();
        let waited = self.changed.wait_while(queue, |queue| queue.is_empty());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        if let Some(line) = queue.lines.pop_front() {
            return line;
        }
        let lost = std::mem::take(&mut queue.lost);
        Line::new(
            Level::Warning,
            &format!("{lost} lines lost: the log could not take them in time"),
        )
    }

    /// The lock; a panic under it cannot leave the queue in a bad state.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

/// As many lines as a burst may have; a few hundred kilobytes at most.
const CAPACITY: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};
    use std::thread;

    #[test]
    fn a_full_queue_loses_lines_and_says_how_many() {
        let backlog = Backlog::default();
        for number in 0..CAPACITY + 3 {
            backlog.push(Line::new(Level::Info, &number.to_string()));
        }
        let taken: Vec<String> = (0..=CAPACITY).map(|_| backlog.take().text).collect();
        assert_eq!(taken[CAPACITY - 1], (CAPACITY - 1).to_string());
        assert_eq!(
            taken[CAPACITY],
            "3 lines lost: the log could not take them in time"
        );
        assert!(backlog.lock().is_empty());
    }

    #[test]
    fn a_flush_returns_when_the_last_line_is_written_and_not_before() {
        let backlog = Arc::new(Backlog::default());
        let (written, lines) = mpsc::channel();
        let source = Arc::clone(&backlog);
        thread::spawn(move || {
            source.drain(|line| {
                thread::yield_now();
                // The receiver outlives the test's last line.
                let _ = written.send(line.text.clone());
            });
        });
        for number in 0..100 {
            backlog.push(Line::new(Level::Info, &number.to_string()));
        }
        backlog.flush(Duration::from_secs(60));
        assert_eq!(lines.try_iter().count(), 100);
    }

    #[test]
    fn a_flush_gives_up_on_a_log_that_does_not_move() {
        let backlog = Backlog::default();
        backlog.push(Line::new(Level::Info, "stuck"));
        backlog.flush(Duration::from_millis(1));
        assert!(!backlog.lock().is_empty());
    }
}
