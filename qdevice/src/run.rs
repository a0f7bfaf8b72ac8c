//! The daemon from its command line to its exit status.

use crate::cli::{self, NAME, Options, Refused, USAGE};
use crate::corosync::{Corosync, Library};
use crate::hub::Ended;
use crate::signals::PATIENCE;
use crate::start::{Start, prepare};
use libqdevice::base::Level;
use libqdevice::io::detach::{Readiness, start_daemon};
use libqdevice::io::log::{Log, Place, tell};
use libqdevice::io::systemd;
use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;
use tokio::time::timeout;

/// The program; `args` starts with its name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match cli::read(args) {
        Ok(Some(options)) => options,
        Ok(None) => return usage(),
        Err(refused) => {
            complain(&refused);
            return match refused {
                Refused::Option(_) => usage(),
                Refused::Setting(_) | Refused::NoText(_) => ExitCode::FAILURE,
            };
        }
    };
    match place(&options) {
        Ok(Placed::Here(readiness)) => serve(&options, readiness),
        Ok(Placed::Elsewhere) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

/// Where the daemon runs.
enum Placed {
    /// In this process; somebody may wait until it is ready.
    Here(Option<Readiness>),
    /// In another process, which is ready.
    Elsewhere,
}

fn place(options: &Options) -> anyhow::Result<Placed> {
    if options.place == Place::Foreground {
        return Ok(Placed::Here(None));
    }
    if let Some(readiness) = Readiness::of_daemon()? {
        return Ok(Placed::Here(Some(readiness)));
    }
    start_daemon()?;
    Ok(Placed::Elsewhere)
}

/// Opens the local corosync and runs the daemon on it.
fn serve(options: &Options, readiness: Option<Readiness>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let code = runtime.block_on(async {
        match Library::open(options.settings.max_cs_try_again).await {
            Ok(corosync) => daemon(corosync, options, readiness).await,
            Err(fault) => give_up(&fault, readiness),
        }
    });
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    code
}

/// Runs the daemon on any corosync until its end. Needs a runtime, and is called once in a process.
pub async fn daemon(
    mut corosync: impl Corosync,
    options: &Options,
    mut readiness: Option<Readiness>,
) -> ExitCode {
    let log = match Log::start(NAME, options.place, options.debug) {
        Ok(log) => log,
        Err(error) => {
            return give_up(
                &format_args!("Can't initialize logging: {error}"),
                readiness,
            );
        }
    };
    let ended = match prepare(&mut corosync, options, &log).await {
        Ok(prepared) => {
            let lock = prepared.lock;
            let start = Start {
                options,
                log: &log,
                debug: prepared.debug,
                readiness: &mut readiness,
            };
            let ended = start.run(&mut corosync, prepared.snapshot).await;
            systemd::stopping();
            leave(&mut corosync).await;
            // Only now may another instance become the device.
            drop(lock);
            ended
        }
        Err(fault) => Err(fault),
    };
    match ended {
        Ok(Ended::Asked) => ExitCode::SUCCESS,
        Ok(Ended::Failed) => ExitCode::FAILURE,
        Err(fault) => {
            tell(fault.level, &fault.text);
            if let Some(readiness) = readiness {
                readiness.failed(&fault.text);
            }
            ExitCode::FAILURE
        }
    }
}

async fn leave(corosync: &mut impl Corosync) {
    match timeout(PATIENCE, corosync.leave()).await {
        Ok(faults) => faults.iter().for_each(|fault| tell(Level::Warning, fault)),
        Err(_) => tell(
            Level::Warning,
            &"Unable to unregister votequorum device. No answer",
        ),
    }
}

fn usage() -> ExitCode {
    print!("{USAGE}");
    ExitCode::FAILURE
}

fn complain(text: &impl Display) -> ExitCode {
    eprintln!("{NAME}: {text}");
    ExitCode::FAILURE
}

/// The daemon cannot start, and there is no log yet.
fn give_up(reason: &impl Display, readiness: Option<Readiness>) -> ExitCode {
    match readiness {
        Some(readiness) => readiness.failed(&reason.to_string()),
        None => {
            complain(reason);
        }
    }
    ExitCode::FAILURE
}
