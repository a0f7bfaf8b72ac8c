//! Hooks: programs of the administrator that are run for every event. docs/hooks.md describes them.
//!
//! A thread of its own runs them, one event after the other, so that they are told in order. A hook has a limited
//! time; when hooks are too slow, the oldest events are not told, and the log says how many.

mod find;
mod run;

use super::Records;
use crate::base::{Facts, Level, Repeats};
use crate::io::log::{tell, tell_of};
use find::Found;
use nix::unistd::{User, geteuid};
use run::Runner;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// What the settings say about hooks.
#[derive(Debug, Clone)]
pub struct HookOptions {
    /// A program, or a directory with programs.
    pub path: PathBuf,
    /// Whom they run as when the daemon is root's.
    pub user: String,
    /// How long one may take.
    pub patience: Duration,
}

/// Starts the thread; it ends when there are no records any more. With an empty path there are no hooks.
///
/// # Errors
///
/// The user does not exist, or the system has no thread for it.
pub fn start(options: HookOptions, records: Records) -> io::Result<()> {
    if options.path.as_os_str().is_empty() {
        return Ok(());
    }
    let hooks = Hooks {
        runner: Runner::new(account(&options.user)?, options.patience),
        path: options.path,
        owner: 0,
        told: BTreeSet::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("hooks".to_owned())
        .spawn(move || runtime.block_on(hooks.serve(records)))?;
    Ok(())
}

/// The user and group hooks run as; none when the daemon is not root's and they run as it does.
fn account(name: &str) -> io::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let missing = || {
        let text = format!("there is no user {name} (event_hook_user)");
        io::Error::new(io::ErrorKind::NotFound, text)
    };
    let user = User::from_name(name)?.ok_or_else(missing)?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}

#[derive(Debug)]
struct Hooks {
    path: PathBuf,
    /// Whose files they must be.
    owner: u32,
    runner: Runner,
    /// What was told of hooks that are not run.
    told: BTreeSet<String>,
}

impl Hooks {
    async fn serve(mut self, mut records: Records) {
        while let Some(next) = records.next().await {
            match next {
                Ok(record) if record.event.is_news() => {
                    let Found { hooks, refused } = find::hooks(&self.path, self.owner);
                    self.complain(refused);
                    self.runner.run(&hooks, &record).await;
                }
                Ok(_) => {}
                Err(missed) => tell_of(
                    Level::Warning,
                    &Facts {
                        reason: Some("missed"),
                        repeats: Repeats::Counted,
                        ..Facts::default()
                    },
                    &format_args!(
                        "Hooks are too slow: {} events were not told to them",
                        missed.0
                    ),
                ),
            }
        }
    }

    /// Says each thing once.
    fn complain(&mut self, refused: Vec<String>) {
        for text in refused {
            if self.told.len() < TOLD_MAX && self.told.insert(text.clone()) {
                tell(Level::Error, &text);
            }
        }
    }
}

/// Complaints that are remembered; later ones are not made.
const TOLD_MAX: usize = 64;

#[cfg(test)]
mod tests;
