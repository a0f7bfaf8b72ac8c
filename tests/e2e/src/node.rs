//! One node: the real daemon on a corosync that is played.

use crate::fake::{FakeCorosync, Order};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use corosync_qdevice::cli::Options;
use corosync_qdevice::run::daemon;
use libqdevice::client::{CmapValue, QdeviceSettings};
use libqdevice::io::log::{Debug, Place};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufRead;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Runs a node until its daemon ends; `args` starts with the program's name.
///
/// Orders come from stdin, reports go to stdout, the daemon's log to stderr.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("fake-node: {error}");
            return ExitCode::FAILURE;
        }
    };
    let nodes: Vec<u32> = matches
        .get_many("nodes")
        .unwrap_or_default()
        .copied()
        .collect();
    let corosync = FakeCorosync::new(keys(&matches), nodes, read_orders());
    let code = runtime.block_on(daemon(corosync, &options(&matches), None));
    runtime.shutdown_background();
    code
}

fn command() -> Command {
    Command::new("fake-node")
        .about("corosync-qdevice on a corosync that is told over stdin what happens")
        .after_help("Orders: ring 1/8 sees 1 2 | quorum yes 1 2 | expected 3 | nodes 1 2 3 |\n        set KEY VALUE | lose votequorum | lose cmap | freeze")
        .arg(needed("node", "Id of this node").value_parser(value_parser!(u32)))
        .arg(
            needed("nodes", "Ids of all nodes, separated by commas")
                .value_delimiter(',')
                .value_parser(value_parser!(u32)),
        )
        .arg(needed("server", "Address and port of the arbiter").value_parser(value_parser!(SocketAddr)))
        .arg(needed("dir", "Folder for its lock and its socket").value_parser(value_parser!(PathBuf)))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .help("quorum.device.timeout in milliseconds")
                .value_parser(value_parser!(u32)),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .help("A key of cmap that holds text")
                .action(ArgAction::Append),
        )
}

fn needed(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).required(true)
}

/// What corosync.conf would say.
fn keys(matches: &ArgMatches) -> BTreeMap<String, CmapValue> {
    let mut keys = BTreeMap::new();
    let mut set = |key: &str, value| keys.insert(key.to_owned(), value);
    set("totem.cluster_name", "loopback".into());
    set("quorum.device.model", "net".into());
    set("quorum.device.votes", CmapValue::U32(1));
    set("quorum.device.net.algorithm", "ffsplit".into());
    set("quorum.device.net.tls", "off".into());
    if let Some(server) = matches.get_one::<SocketAddr>("server") {
        set(
            "quorum.device.net.host",
            server.ip().to_string().as_str().into(),
        );
        set(
            "quorum.device.net.port",
            server.port().to_string().as_str().into(),
        );
    }
    if let Some(timeout) = matches.get_one("timeout") {
        set("quorum.device.timeout", CmapValue::U32(*timeout));
    }
    if let Some(node) = matches.get_one("node") {
        set("runtime.votequorum.this_node_id", CmapValue::U32(*node));
    }
    for pair in matches.get_many::<String>("set").unwrap_or_default() {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(key, value.into());
    }
    keys
}

fn options(matches: &ArgMatches) -> Options {
    let dir = matches
        .get_one::<PathBuf>("dir")
        .cloned()
        .unwrap_or_default();
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    Options {
        debug: Debug::Shown,
        place: Place::Foreground,
        group: None,
        settings: QdeviceSettings {
            lock_file: path(LOCK),
            local_socket_file: path(SOCKET),
            ..QdeviceSettings::default()
        },
    }
}

/// Names of a node's files in its folder.
pub const SOCKET: &str = "socket";
const LOCK: &str = "lock";

/// Reads stdin in a thread of its own; the channel ends with it.
fn read_orders() -> UnboundedReceiver<Order> {
    let (sender, orders) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.trim().is_empty() {
                continue;
            }
            match line.parse() {
                Ok(order) => {
                    if sender.send(order).is_err() {
                        return;
                    }
                }
                Err(reason) => eprintln!("fake-node: {reason}"),
            }
        }
    });
    orders
}
