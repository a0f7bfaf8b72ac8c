use crate::base::{Facts, Level, Repeats};
use crate::events::Record;
use crate::io::log::tell_of;
use crate::io::watched::Watched;
use rustix::process::Signal;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Runs hooks to their end.
#[derive(Debug)]
pub(super) struct Runner {
    /// Whom they run as, if not as the daemon.
    account: Option<(u32, u32)>,
    patience: Duration,
}

impl Runner {
    pub(super) const fn new(account: Option<(u32, u32)>, patience: Duration) -> Self {
        Self { account, patience }
    }

    /// Runs all hooks for an event, at once; comes back when the last has ended.
    pub(super) async fn run(&self, hooks: &[PathBuf], record: &Record) {
        let mut running = JoinSet::new();
        for hook in hooks {
            let (hook, command) = (hook.clone(), self.command(hook, record));
            let patience = self.patience;
            running.spawn(async move {
                let ended = execute(command, patience).await;
                complain(&hook, ended, patience);
            });
        }
        while running.join_next().await.is_some() {}
    }

    /// Nothing is inherited but what stands here.
    fn command(&self, hook: &Path, record: &Record) -> Command {
        let event = &record.event;
        let mut command = Command::new(hook);
        command
            .args([event.name(), record.source.as_str()])
            .current_dir("/")
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in environment(record) {
            command.env(format!("COROSYNC_EVENT{name}"), value);
        }
        if let Some((user, group)) = self.account {
            // Supplementary groups go with the user.
            command.uid(user).gid(group);
        }
        command
    }
}

/// The variables of an event; the names lack `COROSYNC_EVENT`. What does not apply is left out.
pub(super) fn environment(record: &Record) -> Vec<(&'static str, String)> {
    let event = &record.event;
    let word = |word: Option<&'static str>| word.map(str::to_owned);
    let all = [
        ("", Some(event.name().to_owned())),
        ("_SCHEMA", Some(record.schema.to_string())),
        ("_SOURCE", Some(record.source.as_str().to_owned())),
        ("_SEQUENCE", Some(record.sequence.to_string())),
        ("_AT_MS", Some(record.at_ms.to_string())),
        ("_CLUSTER", event.cluster().map(ToString::to_string)),
        ("_NODE", event.node().map(|node| node.to_string())),
        ("_OLD", word(event.change().map(|(old, _)| old))),
        ("_NEW", word(event.change().map(|(_, new)| new))),
        ("_REASON", word(event.reason())),
        ("_TEXT", Some(event.to_string())),
        ("_JSON", Some(record.json())),
    ];
    let given = all.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// How a hook has ended.
enum Ended {
    Itself(ExitStatus),
    Late,
}

/// What a hook leaves behind is killed with its end.
async fn execute(mut command: Command, patience: Duration) -> io::Result<Ended> {
    // Before the start, so that no end is missed.
    let mut ends = signal(SignalKind::child())?;
    let mut process = Watched::start(&mut command)?;
    if timeout(patience, end_of(&process, &mut ends)).await.is_ok() {
        return Ok(Ended::Itself(process.end()?));
    }
    process.signal(Signal::TERM);
    // Whoever has not ended by then is killed.
    let _ = timeout(GRACE, end_of(&process, &mut ends)).await;
    process.end()?;
    Ok(Ended::Late)
}

async fn end_of(process: &Watched, ends: &mut tokio::signal::unix::Signal) {
    while !process.has_ended() {
        ends.recv().await;
    }
}

fn complain(hook: &Path, ended: io::Result<Ended>, patience: Duration) {
    let hook = hook.display().to_string();
    let (reason, text) = match ended {
        Ok(Ended::Itself(status)) if status.success() => {
            tracing::debug!(program = %hook, "Hook {hook} has ended");
            return;
        }
        Ok(Ended::Itself(status)) => ("failed", format!("Hook {hook} has failed: {status}")),
        Ok(Ended::Late) => {
            let patience = patience.as_millis();
            let text = format!("Hook {hook} was ended after {patience} ms (event_hook_timeout)");
            ("late", text)
        }
        Err(error) => ("not-started", format!("Hook {hook} cannot be run: {error}")),
    };
    let facts = Facts {
        program: Some(&hook),
        reason: Some(reason),
        repeats: Repeats::Counted,
        ..Facts::default()
    };
    tell_of(Level::Warning, &facts, &text);
}

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
