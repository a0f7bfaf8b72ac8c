//! The start of the daemon, step by step, up to the loop.
//!
//! The order is upstream's, so that the first thing that is wrong is the same.
//! [C: corosync-qdevice.c]

use crate::cli::Options;
use crate::corosync::{Corosync, MasterWins};
use crate::debug::DebugSwitch;
use crate::heuristics::Heuristics;
use crate::hub::{Ended, Hub};
use crate::keys::{KeySource, Keys};
use crate::link::{Limits, Link, Target};
use crate::outside::Wish;
use crate::polls::Polls;
use crate::resolve::complete;
use crate::signals::Signals;
use crate::telling::Telling;
use libqdevice::base::Level;
use libqdevice::certs::Side;
use libqdevice::client::{self, Client, ClientConfig, CmapSnapshot, QdeviceSettings, StartFacts};
use libqdevice::events::Event;
use libqdevice::io::clock::Alarm;
use libqdevice::io::detach::Readiness;
use libqdevice::io::ipc_server::{Ipc, IpcOptions, IpcSocket};
use libqdevice::io::lock_file::LockFile;
use libqdevice::io::log::{Log, tell};
use libqdevice::io::os_error::Numbered;
use libqdevice::io::systemd::Pulse;
use libqdevice::outlets::hooks::{self, HookOptions};
use libqdevice::tls::{Connector, with_remedy};
use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Why the daemon does not start: one line of the log.
pub(crate) struct Fault {
    pub(crate) level: Level,
    pub(crate) text: String,
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
pub(crate) struct Prepared<'a> {
    pub(crate) lock: LockFile,
    pub(crate) snapshot: CmapSnapshot,
    pub(crate) debug: DebugSwitch<'a>,
}

pub(crate) async fn prepare<'a>(
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
pub(crate) struct Start<'a> {
    pub(crate) options: &'a Options,
    pub(crate) log: &'a Log,
    pub(crate) debug: DebugSwitch<'a>,
    pub(crate) readiness: &'a mut Option<Readiness>,
}

impl Start<'_> {
    /// Becomes the quorum device and runs until the end.
    pub(crate) async fn run(
        self,
        corosync: &mut impl Corosync,
        snapshot: CmapSnapshot,
    ) -> Result<Ended, Fault> {
        let settings = &self.options.settings;
        let expected_votes = corosync
            .register(&settings.votequorum_device_name)
            .await
            .map_err(crit)?;
        let ipc = ipc(self.options).map_err(|cause| {
            error(format_args!(
                "Can't create unix socket {}: {}",
                Numbered(&cause),
                settings.local_socket_file
            ))
        })?;
        let config = configuration(snapshot, settings).await?;
        let (news, certificates) = mpsc::channel(NEWS);
        let keys = keys(&config, settings, news).await?;
        let master_wins = corosync.set_master_wins(master_wins(settings)).await;
        master_wins.map_err(|cause| crit(format_args!("Can't set master wins. Error {cause}")))?;
        let facts = corosync.vote_facts(config.nodes.ids().collect()).await;
        let (keys, connector) = keys;
        let link = link(&config, settings, connector);
        let (outside, wishes) = mpsc::channel(WISHES);
        let telling = Telling::new(&config, wishes, certificates);
        tell_outside(&config, settings, &telling, outside);
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
        // From here on: what keeps it from starting is told in the words of C and no others.
        let config = client.config();
        let server = format!("{}:{}", config.host, config.port);
        (self.log).stand_for(&config.cluster_name, config.node, &server);

        let failed = |cause: io::Error| error(format_args!("Can't start {}", Numbered(&cause)));
        let mut hub = Hub {
            corosync,
            client,
            polls: Polls::default(),
            link,
            heuristics: Heuristics::new(settings),
            keys,
            telling,
            ipc,
            signals: Signals::install().map_err(failed)?,
            alarm: Alarm::new().map_err(failed)?,
            pulse: Pulse::start(),
            debug: self.debug,
            settings,
            readiness: self.readiness,
            resolving: None,
        };
        let limit = Duration::from_secs(settings.max_cs_try_again.into());
        let ended = match timeout(limit, hub.until_first_membership()).await {
            Ok(Some(ended)) => ended,
            Ok(None) => hub.run().await,
            Err(_) => {
                return Err(crit("Can't get initial votequorum membership information."));
            }
        };
        hub.heuristics.end().await;
        Ok(ended)
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

fn ipc(options: &Options) -> io::Result<Ipc> {
    let settings = &options.settings;
    IpcSocket::bind(&IpcOptions {
        path: settings.local_socket_file.as_str().into(),
        umask: settings.local_socket_umask,
        group: options.group,
        backlog: settings.local_socket_backlog,
        max_clients: settings.ipc_max_clients,
        max_receive: settings.ipc_max_receive_size,
        max_send: settings.ipc_max_send_size,
    })?
    .serve()
}

/// Tells others what happens. Whatever is wrong with them, votes do not wait for it.
fn tell_outside(
    config: &ClientConfig,
    settings: &QdeviceSettings,
    telling: &Telling,
    wishes: mpsc::Sender<Wish>,
) {
    let hooks = HookOptions {
        path: settings.event_hook.clone().into(),
        user: settings.event_hook_user.clone(),
        patience: Duration::from_millis(settings.event_hook_timeout.0.into()),
    };
    if let Err(cause) = hooks::start(hooks, telling.feed().subscribe()) {
        tell(Level::Error, &format_args!("Hooks are not run: {cause}"));
    }
    show_on_bus(config, settings, telling, wishes);
}

#[cfg(feature = "dbus")]
fn show_on_bus(
    config: &ClientConfig,
    settings: &QdeviceSettings,
    telling: &Telling,
    wishes: mpsc::Sender<Wish>,
) {
    if !settings.dbus {
        return;
    }
    let facts = crate::dbus::Facts {
        version: env!("CARGO_PKG_VERSION"),
        cluster: config.cluster_name.to_string(),
        node: config.node.0,
        host: config.host.clone(),
        port: config.port,
        algorithm: config.strategy.algorithm().key(),
    };
    if let Err(cause) = crate::dbus::start(facts, wishes, telling.feed().subscribe()) {
        let cause = Numbered(&cause);
        tell(Level::Warning, &format_args!("Can't start D-Bus {cause}"));
    }
}

#[cfg(not(feature = "dbus"))]
fn show_on_bus(_: &ClientConfig, _: &QdeviceSettings, _: &Telling, _: mpsc::Sender<Wish>) {}

/// What TLS needs; nothing when it is off.
async fn keys(
    config: &ClientConfig,
    settings: &QdeviceSettings,
    news: mpsc::Sender<Event>,
) -> Result<(Keys, Option<Connector>), Fault> {
    let Some(source) = KeySource::of(config, settings) else {
        // Whoever asks for new keys where there is no TLS has nothing to wait for.
        let _ignored = signal(SignalKind::hangup())
            .map_err(|cause| error(format_args!("Can't start {}", Numbered(&cause))))?;
        return Ok((Keys::default(), None));
    };
    let loaded = tokio::task::spawn_blocking(move || source.begin()).await;
    let loaded = loaded.map_err(|cause| crit(format_args!("Can't init nss: {cause}")))?;
    let (first, follower) = loaded.map_err(|cause| {
        let cause = with_remedy(&cause, Side::Node);
        error(format_args!(
            "Can't init nss: {cause}. Without TLS: quorum.device.net.tls off, if the server allows it"
        ))
    })?;
    let keys = Keys::of(&first, follower, news);
    let keys = keys.map_err(|cause| error(format_args!("Can't start {}", Numbered(&cause))))?;
    Ok((keys, Some(first.connector)))
}

fn link(config: &ClientConfig, settings: &QdeviceSettings, connector: Option<Connector>) -> Link {
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
        connector,
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

/// News of certificates that may wait; later ones are not told.
const NEWS: usize = 64;

/// Wishes of others that may wait; they wait when there are more.
const WISHES: usize = 16;
