//! One command from its start to its end.

use super::Search;
use libqdevice::base::Time;
use libqdevice::client::{CommandOutcome, CommandReport, LastLines, split_command};
use libqdevice::io::clock;
use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::spawn_blocking;

/// What a command tells the worker.
#[derive(Debug)]
pub(super) enum Event {
    /// It runs, as the leader of a process group of its own.
    Started { run: u32, leader: Pid },
    /// It does not run any more, or never did.
    Ended {
        run: u32,
        leader: Option<Pid>,
        report: CommandReport,
    },
}

/// Runs a command to its end, however long that takes.
pub(super) async fn execute(
    run: u32,
    name: String,
    command: Vec<u8>,
    search: Search,
    events: UnboundedSender<Event>,
) {
    let began = clock::now();
    let started = start(&command, search).await;
    let (leader, outcome, last_lines) = match started {
        Ok(process) => {
            let leader = process.leader;
            let _ = events.send(Event::Started { run, leader });
            let (outcome, last_lines) = process.watch().await;
            (Some(leader), outcome, last_lines)
        }
        Err(why) => (None, CommandOutcome::NotStarted(why), Vec::new()),
    };
    let report = CommandReport {
        name,
        outcome,
        took: since(began),
        last_lines,
    };
    // Nobody listens any more when the daemon is ending.
    let _ = events.send(Event::Ended {
        run,
        leader,
        report,
    });
}

/// The time from `began` to now.
pub(super) fn since(began: Time) -> libqdevice::base::Millis {
    let length = clock::now().since(began);
    libqdevice::base::Millis(u32::try_from(length).unwrap_or(u32::MAX))
}

struct Process {
    leader: Pid,
    stderr: pipe::Receiver,
    /// Told when any process ends.
    ends: Signal,
}

async fn start(command: &[u8], search: Search) -> Result<Process, String> {
    let mut prepared = prepare(command, search)?;
    let text = |error: io::Error| error.to_string();
    // Before the start, so that no end is missed.
    let ends = signal(SignalKind::child()).map_err(text)?;
    let child = spawn_blocking(move || prepared.spawn());
    let mut child = child
        .await
        .map_err(|error| error.to_string())?
        .map_err(text)?;
    let leader = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    let stderr = child.stderr.take().ok_or("stderr is missing")?;
    Ok(Process {
        leader: Pid::from_raw(leader),
        stderr: pipe::Receiver::from_owned_fd(OwnedFd::from(stderr)).map_err(text)?,
        ends,
    })
}

/// The command as upstream starts it: nothing to read, nothing to write to, everything else inherited. Unlike
/// there, stderr is read, SIGPIPE is not ignored, and it leads a process group, so that it can be ended whole.
fn prepare(command: &[u8], search: Search) -> Result<Command, String> {
    let mut arguments = split_command(command).into_iter().map(OsString::from_vec);
    let mut program = arguments.next().ok_or("the command is empty")?;
    if program.is_empty() {
        return Err("the name of the program is empty".to_owned());
    }
    // A name with a slash is not searched for.
    if search == Search::Nowhere && !program.as_encoded_bytes().contains(&b'/') {
        let name = std::mem::replace(&mut program, OsString::from("./"));
        program.push(name);
    }
    let mut prepared = Command::new(program);
    prepared
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(prepared)
}

impl Process {
    /// Reads what it says until it has ended.
    async fn watch(mut self) -> (CommandOutcome, Vec<String>) {
        let mut lines = LastLines::default();
        let mut buffer = [0; 4096];
        let mut open = true;
        let outcome = loop {
            if let Some(outcome) = reap(self.leader) {
                break outcome;
            }
            tokio::select! {
                read = self.stderr.read(&mut buffer), if open => match read {
                    Ok(length) if length > 0 => lines.push(&buffer[..length]),
                    Ok(_) | Err(_) => open = false,
                },
                _ = self.ends.recv() => {}
            }
        };
        // What it wrote before its end. Processes it has left behind may go on writing.
        for _ in 0..PIPE_SIZE / buffer.len() {
            match self.stderr.try_read(&mut buffer) {
                Ok(length) if length > 0 => lines.push(&buffer[..length]),
                Ok(_) | Err(_) => break,
            }
        }
        (outcome, lines.finish())
    }
}

/// How a process has ended, if it has. From then on its number may belong to another.
fn reap(leader: Pid) -> Option<CommandOutcome> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    match waitid(Id::Pid(leader), flags) {
        Ok(WaitStatus::Exited(_, status)) => Some(CommandOutcome::Exited(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(CommandOutcome::Killed(signal as i32)),
        Ok(_) | Err(Errno::EINTR) => None,
        Err(error) => Some(CommandOutcome::NotStarted(format!(
            "its end was missed: {error}"
        ))),
    }
}

/// How much a pipe holds.
const PIPE_SIZE: usize = 65_536;
