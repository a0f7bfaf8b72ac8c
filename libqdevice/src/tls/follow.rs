use super::lifetime::{Ending, Lifetime};
use super::watch::Watch;
use crate::base::Level;
use crate::certs::{CertError, Side};
use crate::events::Event;
use crate::io::log::tell;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// What was made of a database, and the certificates in it whose ends have to be told.
#[derive(Debug)]
pub struct Loaded<T> {
    /// What was made.
    pub value: T,
    /// The certificates it depends on.
    pub lifetimes: Vec<Lifetime>,
}

/// How a database is loaded; it blocks for a moment.
pub type Load<T> = dyn Fn() -> Result<Loaded<T>, CertError> + Send + Sync;

/// Loads a database, and loads it again when its files change or somebody sends SIGHUP.
///
/// What cannot be loaded again is told and leaves everything as it was. Ends of certificates are told
/// once a day from thirty days before.
pub struct Follower<T> {
    watch: Watch,
    dir: PathBuf,
    side: Side,
    lifetimes: Vec<Lifetime>,
    load: Arc<Load<T>>,
    news: Option<mpsc::Sender<Event>>,
    /// What was told of the last attempt, if it failed.
    last_fault: Option<String>,
}

impl<T: Send + 'static> Follower<T> {
    /// Loads the database in `dir` for the first time; blocks for a moment.
    pub fn begin(dir: PathBuf, side: Side, load: Arc<Load<T>>) -> Result<(T, Self), CertError> {
        // Before it is read: what changes meanwhile is read again.
        let watch = Watch::new(&dir);
        let Loaded { value, lifetimes } = load()?;
        let follower = Self {
            watch,
            dir,
            side,
            lifetimes,
            load,
            news: None,
            last_fault: None,
        };
        Ok((value, follower))
    }

    /// From here on hands out what comes of every change, and tells the news. Whoever does not take them
    /// misses some. Needs a runtime; SIGHUP does not end the process any more.
    ///
    /// # Errors
    ///
    /// When the signal cannot be had.
    pub fn follow(mut self, news: mpsc::Sender<Event>) -> io::Result<mpsc::Receiver<T>> {
        self.news = Some(news);
        let hangup = signal(SignalKind::hangup())?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(self.run(hangup, sender));
        Ok(receiver)
    }
}

impl<T> fmt::Debug for Follower<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// Why the follower wakes up.
enum Cause {
    Asked,
    Changed,
    Due,
}

impl<T: Send + 'static> Follower<T> {
    async fn run(mut self, mut hangup: Signal, sender: mpsc::Sender<T>) {
        let mut next_remark = self.tell_ends();
        loop {
            let wake = self
                .last_fault
                .as_ref()
                .map_or(next_remark, |_| next_remark.min(now() + RETRY));
            match self.wait_until(wake, &mut hangup).await {
                // Whoever asks wants an answer, whatever was told before.
                Cause::Asked => self.last_fault = None,
                Cause::Changed => {}
                Cause::Due if self.last_fault.is_some() && now() < next_remark => {}
                Cause::Due => {
                    next_remark = self.tell_ends();
                    continue;
                }
            }
            let Some(value) = self.reload().await else {
                continue;
            };
            next_remark = self.tell_ends();
            if sender.send(value).await.is_err() {
                return;
            }
        }
    }

    async fn wait_until(&mut self, wake: Instant, hangup: &mut Signal) -> Cause {
        tokio::select! {
            _ = hangup.recv() => Cause::Asked,
            changed = timeout_at(wake, self.watch.changed()) => match changed {
                Ok(()) => Cause::Changed,
                Err(_) => Cause::Due,
            },
        }
    }

    async fn reload(&mut self) -> Option<T> {
        let load = Arc::clone(&self.load);
        let loaded = tokio::task::spawn_blocking(move || load()).await.ok()?;
        match loaded {
            Ok(Loaded { value, lifetimes }) => {
                self.lifetimes = lifetimes;
                self.last_fault = None;
                let directory = self.dir.display().to_string();
                tell(
                    Level::Notice,
                    &format_args!("Certificates were loaded again from {directory}"),
                );
                self.report(Event::CertificatesReloaded { directory });
                Some(value)
            }
            Err(error) => {
                let text = with_remedy(&error, self.side);
                if self.last_fault.as_ref() != Some(&text) {
                    tell(
                        Level::Error,
                        &format_args!("Certificates stay as they were: {text}"),
                    );
                    let directory = self.dir.display().to_string();
                    let text = text.clone();
                    self.report(Event::CertificatesKept { directory, text });
                }
                self.last_fault = Some(text);
                None
            }
        }
    }

    /// Tells the ends that are near; says when to do so again.
    fn tell_ends(&self) -> Instant {
        for ending in self.lifetimes.iter().filter_map(Lifetime::ending) {
            tell(Level::Warning, &ending.text);
            let Ending {
                subject,
                not_after,
                text,
            } = ending;
            self.report(Event::CertificateExpiring {
                subject,
                not_after,
                text,
            });
        }
        now() + DAY
    }

    fn report(&self, news: Event) {
        if let Some(sender) = &self.news {
            // Nobody has to listen.
            let _ = sender.try_send(news);
        }
    }
}

/// An error with the command that mends it, where there is one.
#[must_use]
pub fn with_remedy(error: &CertError, side: Side) -> String {
    match error.remedy(side) {
        Some(remedy) => format!("{error}. To mend it: {remedy}"),
        None => error.to_string(),
    }
}

/// The runtime's clock, which only tells when to look again.
fn now() -> Instant {
    Instant::now()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A database that could not be loaded may only have been held by somebody.
const RETRY: Duration = Duration::from_secs(30);
