use super::line::Line;
use crate::base::{Brake, Level, Time};
use crate::io::clock;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines between those who write them and the thread that takes them away.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: Mutex<Queue>,
    /// There is something to write, or it is urgent.
    asked: Condvar,
    /// What was taken out is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// Lines that repeat themselves.
    brake: Brake<Line>,
    /// Lines thrown away since the queue was last emptied.
    lost: usize,
    writer: Writer,
    /// Somebody waits until all is written.
    is_urgent: bool,
}

/// What the thread does that writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// It waits for a line.
    Waiting,
    /// Lines have been taken out and are not written yet.
    Writing,
    /// It will look by itself.
    #[default]
    Resting,
}

impl Backlog {
    /// Queues a line, or counts it where lines of its kind are counted; never waits.
    pub(super) fn push(&self, line: Line) {
        let mut queue = self.lock();
        let deadline = queue.brake.next_deadline();
        if line.about.is_counted {
            queue.count(clock::now(), line);
        } else {
            queue.append(line);
        }
        let has_work = !queue.is_empty() || queue.brake.next_deadline() != deadline;
        // A call of the system, which is spared when the thread will look by itself.
        if has_work && queue.writer == Writer::Waiting {
            queue.writer = Writer::Resting;
            self.asked.notify_one();
        }
    }

    /// Writes lines for ever, as many at once as there are.
    ///
    /// The first line after a silence is written at once, those behind it after a short rest: when thousands
    /// of nodes come back, waking up for each line would cost more than writing it.
    pub(super) fn drain(&self, mut write: impl FnMut(&[Line])) {
        loop {
            write(&self.take());
            let mut queue = self.lock();
            queue.writer = Writer::Resting;
            self.written.notify_all();
            let waits = |queue: &mut Queue| !queue.is_urgent;
            drop(self.asked.wait_timeout_while(queue, REST, waits));
        }
    }

    /// Waits until all is written, at most as long as `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let mut queue = self.lock();
        for (last, count) in queue.brake.release() {
            queue.append(last.repeated(count));
        }
        queue.is_urgent = true;
        self.asked.notify_one();
        let unwritten = |queue: &mut Queue| queue.writer == Writer::Writing || !queue.is_empty();
        let waited = self.written.wait_timeout_while(queue, patience, unwritten);
        // Whether all was written in time makes no difference to the caller.
        waited.unwrap_or_else(PoisonError::into_inner).0.is_urgent = false;
    }

    /// All lines there are; waits for one.
    fn take(&self) -> Vec<Line> {
        let mut queue = self.lock();
        while queue.is_empty() {
            let now = clock::now();
            let next = queue.brake.next_deadline();
            if next.is_some_and(|next| next <= now) {
                queue.tell_counts(now);
                continue;
            }
            queue.writer = Writer::Waiting;
            let wait = next.map_or(LONGEST_WAIT, |next| Duration::from_millis(next.since(now)));
            let waited = self.asked.wait_timeout(queue, wait);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.writer = Writer::Writing;
        let mut lines = Vec::from(std::mem::take(&mut queue.lines));
        match std::mem::take(&mut queue.lost) {
            0 => {}
            lost => lines.push(Line::new(
                Level::Warning,
                &format!("{lost} lines lost: the log could not take them in time"),
            )),
        }
        lines
    }

    /// The lock; a panic under it cannot leave the queue in a bad state.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn append(&mut self, line: Line) {
        if self.lines.len() < CAPACITY {
            self.lines.push_back(line);
        } else {
            self.lost += 1;
        }
    }

    fn count(&mut self, now: Time, mut line: Line) {
        self.tell_counts(now);
        line.shorten();
        let (kind, whom) = (line.about.kind().to_owned(), line.about.whom());
        if let Some(first) = self.brake.pass(now, &kind, &whom, line) {
            self.append(first);
        }
    }

    fn tell_counts(&mut self, now: Time) {
        for (last, count) in self.brake.due(now) {
            self.append(last.repeated(count));
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

/// Wakes the thread for nothing, when there is nothing to wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the thread rests after it has written.
const REST: Duration = Duration::from_millis(5);

/// As many lines as a burst may have; a few hundred kilobytes at most.
const CAPACITY: usize = 2048;

#[cfg(test)]
mod tests {
    use super::super::about::About;
    use super::*;
    use std::sync::{Arc, mpsc};
    use std::thread;

    #[test]
    fn a_full_queue_loses_lines_and_says_how_many() {
        let backlog = Backlog::default();
        for number in 0..CAPACITY + 3 {
            backlog.push(Line::new(Level::Info, &number.to_string()));
        }
        let taken: Vec<String> = texts(&backlog.take());
        assert_eq!(taken[CAPACITY - 1], (CAPACITY - 1).to_string());
        assert_eq!(
            taken[CAPACITY],
            "3 lines lost: the log could not take them in time"
        );
        assert!(backlog.lock().is_empty());
    }

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.text.clone()).collect()
    }

    fn failure(text: &str) -> Line {
        Line::new(Level::Error, text).about(About {
            reason: Some("refused".to_owned()),
            peer: Some("192.0.2.1:5403".to_owned()),
            is_counted: true,
            ..About::default()
        })
    }

    #[test]
    fn repeated_failures_are_counted_and_nothing_else_is() {
        let mut queue = Queue::default();
        let minute = |minute: u64| Time::from_millis(minute * 60_000);
        for number in 0..5 {
            queue.count(minute(0), failure(&number.to_string()));
        }
        queue.tell_counts(minute(1));
        let told: Vec<(String, Option<String>)> = queue
            .lines
            .into_iter()
            .map(|line| (line.text, line.about.repeated))
            .collect();
        let expected = [
            ("0".to_owned(), None),
            ("4 (the last of 4 like it)".to_owned(), Some("4".to_owned())),
        ];
        assert_eq!(told, expected);

        let backlog = Backlog::default();
        for number in 0..5 {
            backlog.push(Line::new(Level::Info, &number.to_string()));
        }
        assert_eq!(backlog.lock().lines.len(), 5);
    }

    #[test]
    fn the_end_tells_what_was_only_counted() {
        let backlog = Backlog::default();
        for number in 0..3 {
            backlog.push(failure(&number.to_string()));
        }
        backlog.flush(Duration::ZERO);
        assert_eq!(texts(&backlog.take()), ["0", "2 (the last of 2 like it)"]);
    }

    #[test]
    fn a_flush_returns_when_the_last_line_is_written_and_not_before() {
        let backlog = Arc::new(Backlog::default());
        let (written, lines) = mpsc::channel();
        let source = Arc::clone(&backlog);
        thread::spawn(move || {
            source.drain(|lines| {
                thread::yield_now();
                for text in texts(lines) {
                    // The receiver outlives the test's last line.
                    let _ = written.send(text);
                }
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
