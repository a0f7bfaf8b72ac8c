use crate::cli::{self, Cli, NAME, Refusal};
#[cfg(feature = "dbus")]
use crate::dbus;
use crate::handshakes::Handshakes;
use crate::hub::Hub;
use crate::keys::{KeySource, Keys, Tls};
use crate::listener::{self, Listener};
use crate::outside::Wish;
use crate::telling::Telling;
use libqdevice::base::Level;
use libqdevice::certs::Side;
use libqdevice::io::detach::{Readiness, is_daemon, start_daemon};
use libqdevice::io::ipc_server::{IpcOptions, IpcSocket};
use libqdevice::io::lock_file::LockFile;
use libqdevice::io::log::{Log, Place, tell};
use libqdevice::io::os_error::Numbered;
use libqdevice::io::systemd;
use libqdevice::outlets::hooks::{self, HookOptions};
use libqdevice::server::{Server, ServerConfig};
use libqdevice::tls::{Follower, with_remedy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Runs the daemon; `args` starts with the program's name.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut deprecated = Vec::new();
    let wish = cli::read(args, &mut deprecated);
    if !is_daemon() {
        // The process that started the daemon has said it already.
        for name in &deprecated {
            complain(name);
        }
    }
    match wish {
        Ok(cli::Wish::Serve(cli)) => match start(&cli) {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failed) => ExitCode::FAILURE,
        },
        Ok(cli::Wish::ShowUsage) => show(&cli::usage()),
        Ok(cli::Wish::ShowVersion) => show(&cli::version()),
        Err(Refusal::Option(error)) => {
            complain(&error);
            show(&cli::usage())
        }
        Err(Refusal::Value(text)) => {
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// The daemon has ended, or has not begun, and the reason has been told.
struct Failed;

/// Why the daemon cannot go on: a line of the log.
struct Fatal {
    level: Level,
    text: String,
}

/// Goes into the background if that is wanted, and becomes the daemon.
fn start(cli: &Cli) -> Result<(), Failed> {
    let mut readiness = match cli.place {
        Place::Foreground => None,
        Place::Background => Readiness::of_daemon()
            .map_err(|error| refuse(&format_args!("Can't become a daemon: {error}")))?,
    };
    if readiness.is_none() && cli.place == Place::Background {
        return start_daemon().map_err(|error| refuse(&error));
    }
    let _log = Log::start(NAME, cli.place, cli.debug)
        .map_err(|error| refuse(&format_args!("Can't initialize logging: {error}")))?;
    serve(cli, &mut readiness).map_err(|Fatal { level, text }| {
        tell(level, &text);
        if let Some(readiness) = readiness {
            readiness.failed(&text);
        }
        Failed
    })
}

/// Takes everything that only one daemon can have, then serves until it is asked to end.
///
/// The network comes before the local socket, so that a daemon that cannot serve clients leaves no
/// socket file and takes none away.
fn serve(cli: &Cli, readiness: &mut Option<Readiness>) -> Result<(), Fatal> {
    let settings = &cli.settings;
    let source = KeySource::of(cli);
    source.as_ref().map_or(Ok(()), check_directory)?;
    let _lock = LockFile::acquire(Path::new(&settings.lock_file)).map_err(|error| Fatal {
        level: Level::Error,
        text: error.to_string(),
    })?;
    let keys = source.map(load).transpose()?;
    let listener = listener::bind(&cli.listen, settings.listen_backlog).map_err(|error| {
        fatal(
            Level::Crit,
            &format_args!("Can't listen on {}", cli.address()),
            &error,
        )
    })?;
    let ipc = IpcSocket::bind(&ipc_options(cli)).map_err(|error| {
        let Fatal { level, text } = fatal(Level::Error, &"Can't create unix socket", &error);
        let text = format!("{text}: {}", settings.local_socket_file);
        Fatal { level, text }
    })?;
    let descriptors = raise_descriptor_limit();
    let crit = |what: &'static str| move |error| fatal(Level::Crit, &what, &error);
    // One thread for what decides and all who move its bytes: handing them to another one would cost
    // more than the work itself.
    let runtime = Builder::new_current_thread()
        .enable_all()
        // A tool's list keeps the runtime busy: clients must be heard between its pieces all the same.
        .event_interval(EVENT_INTERVAL)
        .build()
        .map_err(crit("Can't start threads"))?;
    let (handshake_threads, handshakes) =
        Handshakes::start().map_err(crit("Can't start threads"))?;
    let ended = runtime.block_on(async {
        let stop = Stop::new().map_err(crit("Can't handle signals"))?;
        let ipc = ipc.serve().map_err(crit("Can't serve local socket"))?;
        let listener = Listener::serve(listener).map_err(crit("Can't serve clients"))?;
        let (news, certificates) = mpsc::channel(NEWS);
        let tls = keys
            .map(|(keys, follower)| {
                let renewed = follower.follow(news)?;
                Ok(Tls {
                    keys,
                    renewed,
                    handshakes,
                })
            })
            .transpose()
            .map_err(crit("Can't handle signals"))?;
        let (outside, wishes) = mpsc::channel(WISHES);
        let telling = Telling::new(wishes, certificates);
        tell_outside(cli, &telling, outside);
        let hub = Hub::new(
            Server::new(server_config(cli)),
            settings,
            tls,
            telling,
            descriptors,
        )
        .map_err(crit("Can't make a timer"))?;
        if let Some(readiness) = readiness.take() {
            readiness
                .ready()
                .map_err(crit("Can't leave the terminal"))?;
        }
        tracing::debug!("QNetd ready to provide service");
        systemd::ready();
        let ended = hub.run(listener, ipc, stop.asked()).await;
        systemd::stopping();
        ended.map_err(crit("Can't wait for deadlines"))
    });
    // Nobody waits for a handshake any more.
    handshake_threads.shutdown_background();
    ended
}

/// Tells others what happens. Whatever is wrong with them, votes do not wait for it.
fn tell_outside(cli: &Cli, telling: &Telling, wishes: mpsc::Sender<Wish>) {
    let settings = &cli.settings;
    let hooks = HookOptions {
        path: settings.event_hook.clone().into(),
        user: settings.event_hook_user.clone(),
        patience: Duration::from_millis(settings.event_hook_timeout.0.into()),
    };
    if let Err(error) = hooks::start(hooks, telling.feed().subscribe()) {
        tell(Level::Error, &format_args!("Hooks are not run: {error}"));
    }
    show_on_bus(cli, telling, wishes);
}

#[cfg(feature = "dbus")]
fn show_on_bus(cli: &Cli, telling: &Telling, wishes: mpsc::Sender<Wish>) {
    if !cli.settings.dbus {
        return;
    }
    let facts = dbus::Facts {
        version: env!("CARGO_PKG_VERSION"),
        listen: cli.address(),
        tls: dbus::tls_word(cli.tls),
        client_certificate_required: cli.client_cert_required,
    };
    if let Err(error) = dbus::start(facts, wishes, telling.feed().subscribe()) {
        let error = Numbered(&error);
        tell(Level::Warning, &format_args!("Can't start D-Bus {error}"));
    }
}

#[cfg(not(feature = "dbus"))]
fn show_on_bus(_: &Cli, _: &Telling, _: mpsc::Sender<Wish>) {}

/// As upstream, before anything else: the directory of the database can be opened.
fn check_directory(source: &KeySource) -> Result<(), Fatal> {
    std::fs::read_dir(&source.dir).map(drop).map_err(|error| {
        let what = format!("Can't open NSS DB directory {}", source.dir.display());
        let Fatal { level, text } = fatal(Level::Error, &what, &error);
        let text = format!("{text}. {NO_KEYS_HINT}");
        Fatal { level, text }
    })
}

/// Loads the keys that TLS needs.
fn load(source: KeySource) -> Result<(Keys, Follower<Keys>), Fatal> {
    let dir = source.dir.clone();
    let load = Arc::new(move || source.load());
    Follower::begin(dir, Side::Server, load).map_err(|error| Fatal {
        level: Level::Crit,
        text: format!("NSS error: {}", with_remedy(&error, Side::Server)),
    })
}

fn server_config(cli: &Cli) -> ServerConfig {
    ServerConfig {
        address: cli.address(),
        tls: cli.tls,
        client_cert_required: cli.client_cert_required,
        max_clients: cli.max_clients,
        history: HISTORY,
        settings: cli.settings.clone(),
    }
}

fn ipc_options(cli: &Cli) -> IpcOptions {
    let settings = &cli.settings;
    IpcOptions {
        path: settings.local_socket_file.clone().into(),
        umask: settings.local_socket_umask,
        group: cli.group,
        backlog: settings.local_socket_backlog,
        max_clients: settings.ipc_max_clients,
        max_receive: settings.ipc_max_receive_size,
        max_send: settings.ipc_max_send_size,
    }
}

/// SIGINT and SIGTERM.
struct Stop {
    int: Signal,
    term: Signal,
}

impl Stop {
    /// From here on the signals no longer kill.
    fn new() -> io::Result<Self> {
        // Whoever asks for new keys where there is no TLS has nothing to wait for.
        let _ignored = signal(SignalKind::hangup())?;
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
        })
    }

    async fn asked(mut self) {
        let name = tokio::select! {
            _ = self.int.recv() => "SIGINT",
            _ = self.term.recv() => "SIGTERM",
        };
        tracing::debug!("{name} received - closing server IPC socket");
    }
}

/// Every client takes a descriptor, and the usual soft limit of 1024 is for programs that use select. How
/// many there may be.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!("Can't raise the limit of open files: {error}");
    }
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

fn fatal(level: Level, what: &dyn Display, error: &io::Error) -> Fatal {
    Fatal {
        level,
        text: format!("{what} {}", Numbered(error)),
    }
}

fn refuse(what: &dyn Display) -> Failed {
    complain(what);
    Failed
}

fn complain(what: &dyn Display) {
    // Without stderr the exit code has to do.
    let _ = writeln!(io::stderr(), "{NAME}: {what}");
}

/// Usage and version end with failure, as upstream's do.
fn show(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::FAILURE
}

const NO_KEYS_HINT: &str =
    "Make a database with corosync-qnetd-certutil -i, or start without TLS (-s off)";

/// Tasks that run before the system is asked for events, though others are ready.
const EVENT_INTERVAL: u32 = 8;

/// Decisions that are kept of each cluster.
const HISTORY: usize = 32;

/// News of certificates that may wait; later ones are not told.
const NEWS: usize = 64;

/// Wishes of others that may wait; they wait when there are more.
const WISHES: usize = 16;
