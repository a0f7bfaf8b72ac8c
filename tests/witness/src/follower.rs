//! A program that goes on, and what it says, line by line.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A running program whose output is read. It is killed when this is dropped.
#[derive(Debug)]
pub struct Follower<T> {
    child: Child,
    lines: Receiver<T>,
    seen: Vec<T>,
}

impl<T: Send + 'static> Follower<T> {
    /// Starts a program and keeps of its output what `read` makes something of.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(
        command: &mut Command,
        read: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            for one in lines.filter_map(|line| read(&line)) {
                if sender.send(one).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            lines,
            seen: Vec::new(),
        })
    }

    /// The first line of its standard error, which has to be a pipe.
    pub(crate) fn first_complaint(&mut self) -> io::Result<String> {
        let err = self.child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(err).read_line(&mut line)?;
        Ok(line)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits until what was seen fulfils a condition. Returns whether it does; it does not when nothing new
    /// comes for as long as `patience`, or when the program has ended.
    pub fn until(&mut self, patience: Duration, is_so: impl Fn(&[T]) -> bool) -> bool {
        while !is_so(&self.seen) {
            match self.lines.recv_timeout(patience) {
                Ok(one) => self.seen.push(one),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    /// Everything that was seen so far, in order.
    pub fn seen(&mut self) -> &[T] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// Forgets what was seen.
    pub fn forget(&mut self) {
        self.seen.clear();
    }
}

impl<T> Drop for Follower<T> {
    fn drop(&mut self) {
        // It may have ended already; then both are no news.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn what_is_not_understood_is_passed_over_and_an_end_is_noticed() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo 1; echo x; echo 2"]);
        let mut numbers = Follower::start(&mut shell, |line| line.parse::<u8>().ok()).unwrap();
        assert!(numbers.until(LONG, |seen| seen.len() == 2));
        assert_eq!(numbers.seen(), [1, 2]);
        assert!(!numbers.until(LONG, |seen| seen.len() == 3));
    }
}
