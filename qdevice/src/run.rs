//! The daemon from its command line to its exit status.
//!
//! The order of the start is upstream's, so that the first thing that is wrong is the same.
//! [C: corosync-qdevice.c]

use crate::cli::{self, NAME, Options, Refused, USAGE};
use crate::corosync::{Corosync, Library, MasterWins};
use crate::debug::DebugSwitch;
use crate::hub::{Ended, Hub};
use crate::link::{Limits, Link, Target};
use crate::resolve::complete;
use crate::signals::{PATIENCE, Signals};
use libqdevice::base::Level;
use libqdevice::client::{self, Client, ClientConfig, CmapSnapshot, QdeviceSettings, StartFacts};
use libqdevice::io::clock::Alarm;
use libqdevice::io::detach::{Readiness, start_daemon};
use libqdevice::io::group_id;
use libqdevice::io::ipc_server::{Ipc, IpcOptions, IpcSocket};
use libqdevice::io::lock_file::LockFile;
use libqdevice::io::log::{Log, Place, tell};
use libqdevice::io::os_error::Numbered;
use libqdevice::io::systemd;
use std::ffi::OsString;
use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
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

/// Why the daemon does not start: one line of the log.
struct Fault {
    level: Level,
    text: String,
}

fn error(text: impl Display) -> Fault {
    Fault {
        level: Level::Error,
        text: text.to_string(),
    }
}

fn crit(text: impl Display) -> Fault {
    Fault {
        level: Level::Crit,
        text: text.to_string(),
    }
}

/// What the daemon has before it touches the vote.
struct Prepared<'a> {
    lock: LockFile,
    snapshot: CmapSnapshot,
    debug: DebugSwitch<'a>,
}

async fn prepare<'a>(
    corosync: &mut impl Corosync,
    options: &Options,
    log: &'a Log,
) -> Result<Prepared<'a>, Fault> {
    let snapshot = corosync.snapshot().await;
    let snapshot =
        snapshot.map_err(|cause| error(format_args!("Can't read the cmap. Error {cause}")))?;
    let mut debug = DebugSwitch::new(log, options.debug);
    debug.follow(&snapshot);
    let lock = LockFile::acquire(Path::new(&options.settings.lock_file)).map_err(error)?;
    Ok(Prepared {
        lock,
        snapshot,
        debug,
    })
}

/// What a start needs besides corosync.
struct Start<'a> {
    options: &'a Options,
    debug: DebugSwitch<'a>,
    readiness: &'a mut Option<Readiness>,
}

impl Start<'_> {
    /// Becomes the quorum device and runs until the end.
    async fn run(
        self,
        corosync: &mut impl Corosync,
        snapshot: CmapSnapshot,
    ) -> Result<Ended, Fault> {
        let settings = &self.options.settings;
        let expected_votes = corosync
            .register(&settings.votequorum_device_name)
            .await
            .map_err(crit)?;
        let ipc = ipc(settings).map_err(|cause| {
            error(format_args!(
                "Can't create unix socket {}",
                Numbered(&cause)
            ))
        })?;
        let config = configuration(snapshot, settings).await?;
        let master_wins = corosync.set_master_wins(master_wins(settings)).await;
        master_wins.map_err(|cause| crit(format_args!("Can't set master wins. Error {cause}")))?;
        let facts = corosync.vote_facts(config.nodes.ids().collect()).await;
        let link = link(&config, settings);
        let client = Client::new(
            config,
            StartFacts {
                expected_votes,
                facts,
            },
            seed(),
        )
        .map_err(crit)?;
        corosync.follow_config().await.map_err(error)?;

        let failed = |cause: io::Error| error(format_args!("Can't start {}", Numbered(&cause)));
        let mut hub = Hub {
            corosync,
            client,
            link,
            ipc,
            signals: Signals::install().map_err(failed)?,
            alarm: Alarm::new().map_err(failed)?,
            debug: self.debug,
            settings,
            readiness: self.readiness,
            resolving: None,
        };
        let limit = Duration::from_secs(settings.max_cs_try_again.into());
        match timeout(limit, hub.until_first_membership()).await {
            Ok(Some(ended)) => Ok(ended),
            Ok(None) => Ok(hub.run().await),
            Err(_) => Err(crit("Can't get initial votequorum membership information.")),
        }
    }
}

async fn configuration(
    snapshot: CmapSnapshot,
    settings: &QdeviceSettings,
) -> Result<ClientConfig, Fault> {
    let config = ClientConfig::from_cmap(&complete(snapshot).await, settings).map_err(error)?;
    for remark in &config.remarks {
        tell(remark.level(), remark);
    }
    Ok(config)
}

fn ipc(settings: &QdeviceSettings) -> io::Result<Ipc> {
    let group = match &settings.local_socket_gid {
        None => None,
        Some(group) => Some(group_id(group)?.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "no such group: local_socket_gid")
        })?),
    };
    IpcSocket::bind(&IpcOptions {
        path: settings.local_socket_file.as_str().into(),
        umask: settings.local_socket_umask,
        group,
        backlog: settings.local_socket_backlog,
        max_clients: settings.ipc_max_clients,
        max_receive: settings.ipc_max_receive_size,
        max_send: settings.ipc_max_send_size,
    })?
    .serve()
}

fn link(config: &ClientConfig, settings: &QdeviceSettings) -> Link {
    let length = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
    Link::new(
        Target {
            host: config.host.clone(),
            port: config.port,
            family: config.addresses,
            patience: config.connect_timeout,
        },
        Limits {
            receive: length(settings.net_initial_msg_receive_size),
            send: length(settings.net_initial_msg_send_size),
            queue: length(settings.net_max_send_buffers),
        },
    )
}

const fn master_wins(settings: &QdeviceSettings) -> MasterWins {
    match settings.master_wins {
        client::MasterWins::On => MasterWins::Allowed,
        client::MasterWins::Off | client::MasterWins::Model => MasterWins::Forbidden,
    }
}

/// Nodes that lose their server at once must not come back at once: another number in every process.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
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
