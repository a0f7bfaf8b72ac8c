//! A thread that owns one connection to corosync.
//!
//! The libraries are synchronous, not safe for two threads at a time, and cmap can block for half a
//! minute. So each connection has a thread of its own that waits for its descriptor and for jobs.

use crate::corosync::CsError;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{Errno, read, write};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use tokio::sync::oneshot;

/// What such a thread owns.
pub(super) trait Connection: Send + 'static {
    /// The descriptor to wait for; `None` when there is no connection, or no longer one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;

    /// Takes what corosync has to say; called when the descriptor is readable or hung up.
    fn dispatch(&mut self);
}

type Job<C> = Box<dyn FnOnce(&mut C) + Send>;

/// The other end of the thread. It ends when this is dropped and its last job is done.
pub(super) struct Owner<C> {
    jobs: Option<Sender<Job<C>>>,
    bell: Arc<OwnedFd>,
}

impl<C: Connection> Owner<C> {
    /// Starts the thread.
    pub(super) fn start(name: &str, connection: C) -> io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (jobs, inbox) = channel();
        let inbox = Inbox {
            jobs: inbox,
            bell: Arc::clone(&bell),
        };
        thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_SIZE)
            .spawn(move || inbox.serve(connection))?;
        Ok(Self {
            jobs: Some(jobs),
            bell,
        })
    }

    /// Runs `job` in the thread and waits for its result. If the wait is given up the job still runs.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C) -> R + Send + 'static,
    ) -> Result<R, CsError> {
        self.begin(job).get().await
    }

    /// Has `job` run in the thread. Its end wakes nobody up before the answer is asked for.
    pub(super) fn begin<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut C) -> R + Send + 'static,
    ) -> Answer<R> {
        let (reply, result) = oneshot::channel();
        let job = Box::new(move |connection: &mut C| {
            // Nobody waits any more when the daemon is ending.
            let _ = reply.send(job(connection));
        });
        if let Some(jobs) = &self.jobs {
            // Where there is no thread any more, the answer says so.
            let _ = jobs.send(job);
            ring(&self.bell);
        }
        Answer(result)
    }
}

/// What a job returns, once it is done.
#[derive(Debug)]
pub(super) struct Answer<R>(oneshot::Receiver<R>);

impl<R> Answer<R> {
    /// Waits for the end of the job.
    pub(super) async fn get(self) -> Result<R, CsError> {
        self.0.await.map_err(|_| CsError::LIBRARY)
    }
}

impl<C> Drop for Owner<C> {
    fn drop(&mut self) {
        // The thread looks for jobs when the bell rings, so the channel must be closed before.
        self.jobs = None;
        ring(&self.bell);
    }
}

impl<C> fmt::Debug for Owner<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

struct Inbox<C> {
    jobs: Receiver<Job<C>>,
    bell: Arc<OwnedFd>,
}

impl<C: Connection> Inbox<C> {
    fn serve(self, mut connection: C) {
        loop {
            match self.jobs.try_recv() {
                // Jobs first: a vote to cast does not queue behind news.
                Ok(job) => job(&mut connection),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    if self.wait(connection.fd()) == News::Yes {
                        connection.dispatch();
                    }
                }
            }
        }
    }

    /// Waits for the bell or for `fd`.
    fn wait(&self, fd: Option<BorrowedFd<'_>>) -> News {
        let mut fds = vec![PollFd::new(&self.bell, PollFlags::IN)];
        fds.extend(fd.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            // Only a broken descriptor ends here; dispatching tells what is wrong with it.
            Err(_) => return News::Yes,
        }
        if !fds[0].revents().is_empty() {
            // The number of rings does not matter.
            let _ = read(self.bell.as_fd(), &mut [0; 8]);
        }
        match fds.get(1) {
            Some(fd) if !fd.revents().is_empty() => News::Yes,
            Some(_) | None => News::No,
        }
    }
}

/// Whether the connection has something to say.
#[derive(PartialEq, Eq)]
enum News {
    No,
    Yes,
}

fn ring(bell: &OwnedFd) {
    // Fails only when it has been rung 2^64 times without being heard.
    let _ = write(bell, &1_u64.to_ne_bytes());
}

/// libqb's dispatch puts a megabyte on the stack.
const STACK_SIZE: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use tokio::sync::mpsc;

    struct Line {
        fd: Option<UnixStream>,
        heard: mpsc::UnboundedSender<&'static str>,
    }

    impl Connection for Line {
        fn fd(&self) -> Option<BorrowedFd<'_>> {
            self.fd.as_ref().map(AsFd::as_fd)
        }

        fn dispatch(&mut self) {
            self.fd = None;
            self.heard.send("dispatched").unwrap();
        }
    }

    impl Drop for Line {
        fn drop(&mut self) {
            let _ = self.heard.send("dropped");
        }
    }

    #[tokio::test]
    async fn a_thread_serves_jobs_and_its_descriptor_and_ends_with_its_owner() {
        let (near, far) = UnixStream::pair().unwrap();
        let (heard, mut news) = mpsc::unbounded_channel();
        let owner = Owner::start(
            "line",
            Line {
                fd: Some(near),
                heard,
            },
        )
        .unwrap();
        assert_eq!(owner.run(|line| line.fd.is_some()).await, Ok(true));
        drop(far);
        assert_eq!(news.recv().await, Some("dispatched"));
        assert_eq!(owner.run(|line| line.fd.is_some()).await, Ok(false));
        drop(owner);
        assert_eq!(news.recv().await, Some("dropped"));
    }

    #[tokio::test]
    async fn what_is_begun_is_done_before_what_is_asked_for_later_and_wakes_nobody() {
        let (heard, mut news) = mpsc::unbounded_channel();
        let owner = Owner::start("line", Line { fd: None, heard }).unwrap();
        let begun = owner.begin(|line| line.heard.send("begun"));
        assert_eq!(news.recv().await, Some("begun"), "nobody has asked for it");
        let later = owner.run(|line| line.heard.send("later")).await;
        assert_eq!((begun.get().await, later), (Ok(Ok(())), Ok(Ok(()))));
    }
}
