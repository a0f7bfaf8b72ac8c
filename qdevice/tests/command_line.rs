//! Every option and every setting of `-S`, ours beside Debian's `corosync-qdevice`.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an error is a failure, in its support too"
)]

#[path = "../../tests/command_line/beside_c.rs"]
#[expect(
    dead_code,
    reason = "some ends and kinds of settings are only the other daemon's"
)]
mod beside_c;

use beside_c::Ends::{Accepted, Refused, Usage, UsageAfter};
use beside_c::Takes::{Group, Switch, SwitchOrModel, Text, Umask};
use beside_c::{
    Ends, INT, LLONG, OURS, Programs, Takes, U32, compare_options, compare_settings, from,
};
use libqdevice::client::QdeviceSettings;
use libqdevice::settings::Settings;
use std::process::Command;

const PROGRAMS: Programs = Programs {
    name: "corosync-qdevice",
    ours: env!("CARGO_BIN_EXE_corosync-qdevice"),
    theirs: "/usr/sbin/corosync-qdevice",
    usage: "usage: corosync-qdevice [-dfh] [-S option=value[,option2=value2,...]]\n",
    version: "",
};

const SETTINGS: &[(&str, Takes)] = &[
    ("lock_file", Text),
    ("local_socket_file", Text),
    ("local_socket_umask", Umask),
    ("local_socket_gid", Group),
    ("local_socket_backlog", from("0", "1", INT)),
    ("max_cs_try_again", from("0", "1", INT)),
    ("votequorum_device_name", Text),
    ("ipc_max_clients", from("-1", "0", LLONG)),
    ("ipc_max_receive_size", from("1023", "1024", LLONG)),
    ("ipc_max_send_size", from("1023", "1024", LLONG)),
    ("heuristics_ipc_max_send_buffers", from("9", "10", LLONG)),
    (
        "heuristics_ipc_max_send_receive_size",
        from("1023", "1024", LLONG),
    ),
    ("heuristics_min_timeout", from("249", "250", U32)),
    ("heuristics_max_timeout", from("249", "250", U32)),
    ("heuristics_min_interval", from("249", "250", U32)),
    ("heuristics_max_interval", from("249", "250", U32)),
    ("heuristics_max_execs", from("0", "1", LLONG)),
    ("heuristics_use_execvp", Switch),
    ("heuristics_max_processes", from("0", "1", LLONG)),
    ("heuristics_kill_list_interval", from("249", "250", U32)),
    ("net_nss_db_dir", Text),
    ("net_initial_msg_receive_size", from("15", "16", LLONG)),
    ("net_initial_msg_send_size", from("15", "16", LLONG)),
    ("net_min_msg_send_size", from("15", "16", LLONG)),
    ("net_max_msg_receive_size", from("15", "16", LLONG)),
    ("net_max_send_buffers", from("1", "2", LLONG)),
    ("net_nss_qnetd_cn", Text),
    ("net_nss_client_cert_nickname", Text),
    ("net_heartbeat_interval_min", from("0", "1", U32)),
    ("net_heartbeat_interval_max", from("0", "1", U32)),
    ("net_adaptive_heartbeat", Switch),
    ("net_adaptive_heartbeat_interval", from("499", "500", U32)),
    ("net_min_connect_timeout", from("0", "1", U32)),
    ("net_max_connect_timeout", from("0", "1", U32)),
    ("net_test_algorithm_enabled", Switch),
    ("master_wins", SwitchOrModel),
    ("dbus", Switch),
    ("event_hook", Text),
    ("event_hook_user", Text),
    (
        "event_hook_timeout",
        from("99", "100", ("3600000", "3600001")),
    ),
];

const NO_RETRIES: Ends = Refused("Invalid value '' for option 'max_cs_try_again'");

const OPTIONS: &[(&[&str], Ends)] = &[
    // flags, alone, together, again
    (&[], Accepted),
    (&["-d"], Accepted),
    (&["-dd"], Accepted),
    (&["-d", "-ddd", "-d"], Accepted),
    (&["-f"], Accepted),
    (&["-dfdf"], Accepted),
    // -h: what stands behind it is not looked at
    (&["-h"], Usage),
    (&["-hh", "-h"], Usage),
    (&["-dfh"], Usage),
    (&["-hx"], Usage),
    (&["-hS"], Usage),
    (&["-h", "-x"], Usage),
    (&["-h", "-S", "unknown=1"], Usage),
    // no such option, no value
    (&["-S"], UsageAfter("option requires an argument -- 'S'")),
    (&["-dfS"], UsageAfter("option requires an argument -- 'S'")),
    (&["-v"], UsageAfter("invalid option -- 'v'")),
    (&["-p", "1"], UsageAfter("invalid option -- 'p'")),
    (&["-?"], UsageAfter("invalid option -- '?'")),
    (&["-dfx"], UsageAfter("invalid option -- 'x'")),
    (&["-xh"], UsageAfter("invalid option -- 'x'")),
    (
        &["-x", "-S", "unknown=1"],
        UsageAfter("invalid option -- 'x'"),
    ),
    (&["--help"], UsageAfter("invalid option -- '-'")),
    (&["--version"], UsageAfter("invalid option -- '-'")),
    // words
    (&["word"], Accepted),
    (&["-"], Accepted),
    (&["word", "-h"], Usage),
    (
        &["-S", "unknown=1", "--", "-h"],
        Refused("Unknown option 'unknown'"),
    ),
    // -S: the list; what both daemons do with one is in `beside_c`
    (
        &["-Sipc_max_clients=1", "-S", "max_cs_try_again=2"],
        Accepted,
    ),
    (&["-S", "MAX_CS_Try_Again=2"], Accepted),
    (&["-S", "max_cs_try_again"], NO_RETRIES),
    (&["-S", "max_cs_try_again="], NO_RETRIES),
    (&["-S", "max_cs_try_again,unknown=1"], NO_RETRIES),
    (
        &["-S", "Master_Wins=x"],
        Refused("Invalid value 'x' for option 'Master_Wins'"),
    ),
    (
        &["-S", "max_cs_try_again=1=1"],
        Refused("Invalid value '1=1' for option 'max_cs_try_again'"),
    ),
    (
        &["-S", "max_cs_try_again=1,ipc_max_clients=x,unknown=1"],
        Refused("Invalid value 'x' for option 'ipc_max_clients'"),
    ),
    (
        &["-S", " lock_file=1"],
        Refused("Unknown option ' lock_file'"),
    ),
    (
        &["-S", "lock_file =1"],
        Refused("Unknown option 'lock_file '"),
    ),
    (
        &["-S", "dpd_interval=1"],
        Refused("Unknown option 'dpd_interval'"),
    ),
    (
        &["-S", "listen_backlog=1"],
        Refused("Unknown option 'listen_backlog'"),
    ),
];

#[test]
fn every_option_is_accepted_or_refused_as_by_the_c_program() {
    compare_options(&PROGRAMS, OPTIONS);
}

#[test]
fn every_setting_has_the_values_that_the_c_program_has() {
    compare_settings(&PROGRAMS, SETTINGS, QdeviceSettings::TABLE);
}

/// With every number at an end of its range the daemon starts, as far as it can without corosync.
#[test]
fn with_extreme_settings_corosync_is_what_is_missing() {
    // A network namespace of its own has no corosync, whatever runs on this machine.
    let isolated = |program: &str, args: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--", program]).args(args);
        unshare.output()
    };
    if !isolated("true", &[]).is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: only root may make namespaces");
    }
    for end in [0, 1] {
        for program in [PROGRAMS.ours, PROGRAMS.theirs] {
            let is_c = program == PROGRAMS.theirs;
            if is_c && !PROGRAMS.is_c_installed() {
                continue;
            }
            let numbers = SETTINGS
                .iter()
                .filter(|(name, _)| !is_c || !OURS.contains(name))
                .filter_map(|(name, takes)| Some((name, takes.range()?[end])));
            let list: Vec<String> = numbers
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let args = ["-f", "-S", &list.join(","), "-S", "lock_file=/no/such/lock"];
            let ended = isolated(program, &args).unwrap();
            let text = String::from_utf8_lossy(&ended.stderr);
            let missing =
                "corosync-qdevice: Failed to initialize the cmap API. Error CS_ERR_LIBRARY\n";
            assert_eq!(
                (&*text, ended.status.code()),
                (missing, Some(1)),
                "{program}"
            );
        }
    }
}
