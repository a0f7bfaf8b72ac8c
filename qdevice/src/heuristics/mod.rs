//! Runs the heuristics commands, on a thread of its own: what a command or the file system it lies on does
//! never holds up a vote.
//!
//! Not here: when to run, and what a result means for the vote; the client decides that.
//! [C: qdevice-heuristics-worker.c, process-list.c]

mod groups;
mod process;
mod run;
mod worker;

use libqdevice::base::Millis;
use libqdevice::client::{QdeviceSettings, RunReport};
use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use worker::Worker;

/// The hub's end of the thread, which is started with the first run.
#[derive(Debug)]
pub(crate) struct Heuristics {
    terms: Terms,
    worker: Option<Link>,
    last: Option<RunReport>,
}

/// A run that is wanted. It ends an older one.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) run: u32,
    pub(crate) timeout: Millis,
    /// The commands by name, not cut into words yet.
    pub(crate) commands: BTreeMap<String, Vec<u8>>,
}

/// What the settings say about processes.
#[derive(Debug, Clone, Copy)]
struct Terms {
    search: Search,
    /// How many processes may exist that were started here, those that are being ended included.
    most: usize,
    /// From SIGTERM to SIGKILL.
    grace: Millis,
}

/// Whether the folders of PATH are searched for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    Path,
    Nowhere,
}

#[derive(Debug)]
struct Link {
    orders: UnboundedSender<Order>,
    reports: UnboundedReceiver<RunReport>,
    ended: oneshot::Receiver<()>,
}

impl Heuristics {
    pub(crate) fn new(settings: &QdeviceSettings) -> Self {
        let search = if settings.heuristics_use_execvp {
            Search::Path
        } else {
            Search::Nowhere
        };
        Self {
            terms: Terms {
                search,
                most: usize::try_from(settings.heuristics_max_processes).unwrap_or(usize::MAX),
                grace: settings.heuristics_kill_list_interval,
            },
            worker: None,
            last: None,
        }
    }

    /// Starts a run; [`next`](Self::next) tells its result.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub(crate) fn run(&mut self, order: Order) -> io::Result<()> {
        if self.worker.is_none() {
            self.worker = Some(Link::start(self.terms)?);
        }
        if let Some(link) = &self.worker {
            // Fails when the thread is gone, which `next` tells.
            let _ = link.orders.send(order);
        }
        Ok(())
    }

    /// The report of the next run that is over; `None` when the thread is gone. May be dropped and called again
    /// at any time.
    pub(crate) async fn next(&mut self) -> Option<RunReport> {
        match &mut self.worker {
            Some(link) => {
                let report = link.reports.recv().await;
                self.last.clone_from(&report);
                report
            }
            None => std::future::pending().await,
        }
    }

    /// The report of the last run.
    pub(crate) const fn last(&self) -> Option<&RunReport> {
        self.last.as_ref()
    }

    /// Ends all commands and waits for it, for a bounded time.
    pub(crate) async fn end(self) {
        if let Some(link) = self.worker {
            drop(link.orders);
            // A thread that does not end is held up by the system; the process ends all the same.
            let _ = tokio::time::timeout(PATIENCE, link.ended).await;
        }
    }
}

impl Link {
    fn start(terms: Terms) -> io::Result<Self> {
        let (orders, inbox) = unbounded_channel();
        let (outbox, reports) = unbounded_channel();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("heuristics".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    match Worker::new(terms, outbox) {
                        Ok(worker) => worker.serve(inbox).await,
                        Err(error) => tracing::error!("Can't run heuristics: {error}"),
                    }
                });
                // A start that hangs in the file system must not hold up the end.
                runtime.shutdown_background();
                drop(end);
            })?;
        Ok(Self {
            orders,
            reports,
            ended,
        })
    }
}

/// Longer than the worker takes to end what can be ended.
const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
