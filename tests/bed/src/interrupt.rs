//! SIGINT, SIGTERM and SIGHUP end a run in order: whoever waits stops waiting with an error, the
//! error unwinds the scenarios, and what they built is taken down on the way.

use crate::clock::Moment;
use anyhow::{Context as _, Result};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The user wants the run to end.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// What a shell calls a program that a SIGINT ended.
pub const EXIT_CODE: u8 = 130;

static ASKED: Mutex<bool> = Mutex::new(false);
static NEWS: Condvar = Condvar::new();

/// Starts listening. A second signal ends the program at once; the holders of the hosts notice and
/// clean up what runs in them.
pub fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime for signals")?;
    let context = runtime.enter();
    let mut signals = Vec::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        signals.push(signal(kind).context("signals cannot be caught")?);
    }
    drop(context);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let first = std::future::poll_fn(|task| poll_any(&mut signals, task));
            first.await;
            *asked() = true;
            NEWS.notify_all();
            eprintln!("bed: interrupted, cleaning up");
            std::future::poll_fn(|task| poll_any(&mut signals, task)).await;
            std::process::exit(EXIT_CODE.into());
        });
    });
    Ok(())
}

/// Fails once a signal came.
pub fn check() -> Result<()> {
    if *asked() {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// Lets time pass between two looks at something that cannot be waited for.
pub fn pause(length: Duration) -> Result<()> {
    let end = Moment::now() + length;
    let mut flag = asked();
    while !*flag {
        let left = end.left();
        if left.is_zero() {
            return Ok(());
        }
        flag = NEWS
            .wait_timeout(flag, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
    Err(Interrupted.into())
}

/// Looks every 50 ms until `look` finds something, at most for `patience`.
pub fn until<T>(
    goal: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Moment::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        anyhow::ensure!(!end.left().is_zero(), "not within {patience:?}: {goal}");
        pause(Duration::from_millis(50))?;
    }
}

fn asked() -> MutexGuard<'static, bool> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn poll_any(
    signals: &mut [tokio::signal::unix::Signal],
    task: &mut std::task::Context<'_>,
) -> std::task::Poll<()> {
    if signals.iter_mut().any(|one| one.poll_recv(task).is_ready()) {
        return std::task::Poll::Ready(());
    }
    std::task::Poll::Pending
}
