//! Every option and every setting of `-S`, ours beside Debian's `corosync-qnetd`.
#![expect(
    clippy::unwrap_used,
    reason = "in a test an error is a failure, in its support too"
)]

#[path = "../../tests/command_line/beside_c.rs"]
#[expect(
    dead_code,
    reason = "some kinds of settings are only the other daemon's"
)]
mod beside_c;

use beside_c::Ends::{Accepted, AcceptedWith, Refused, Usage, UsageAfter, Version};
use beside_c::Takes::{Factor, Group, Handover, Switch, Text, Umask};
use beside_c::{Ends, INT, LLONG, Programs, Takes, U32, compare_options, compare_settings, from};
use libqdevice::server::QnetdSettings;
use libqdevice::settings::Settings;

const PROGRAMS: Programs = Programs {
    name: "corosync-qnetd",
    ours: env!("CARGO_BIN_EXE_corosync-qnetd"),
    theirs: "/usr/bin/corosync-qnetd",
    usage: "usage: corosync-qnetd [-46dfhv] [-l listen_addr] [-p listen_port] [-s tls]\n              [-c client_cert_required] [-m max_clients] [-S option=value[,option2=value2,...]]\n",
    version: "Corosync Qdevice Network Daemon, version 'N'\n\nSupported algorithms: Test (0), Fifty-Fifty split (1), 2 Node LMS (2), LMS (3)\nSupported message types: Preinit (0), Preinit reply (1), StartTLS (2), Init (3), Init reply (4), Server error (5), Set option (6), Set option reply (7), Echo request (8), Echo reply (9), Node list (10), Node list reply (11), Ask for vote (12), Ask for vote reply (13), Vote info (14), Vote info reply (15), Heuristics change (16), Heuristics change reply (17)\n",
};

const SETTINGS: &[(&str, Takes)] = &[
    ("listen_backlog", from("0", "1", INT)),
    ("max_client_send_buffers", from("1", "2", LLONG)),
    ("max_client_send_size", from("15", "16", LLONG)),
    ("max_client_receive_size", from("15", "16", LLONG)),
    ("max_cluster_requests", from("-1", "0", U32)),
    ("max_address_requests", from("-1", "0", U32)),
    ("max_buffered_size", from("1048575", "1048576", LLONG)),
    ("nss_db_dir", Text),
    ("cert_nickname", Text),
    ("heartbeat_interval_min", from("0", "1", U32)),
    ("heartbeat_interval_max", from("0", "1", U32)),
    ("dpd_enabled", Switch),
    ("dpd_interval_coefficient", Factor),
    ("lock_file", Text),
    ("local_socket_file", Text),
    ("local_socket_umask", Umask),
    ("local_socket_gid", Group),
    ("local_socket_backlog", from("0", "1", INT)),
    ("ipc_max_clients", from("-1", "0", LLONG)),
    ("ipc_max_receive_size", from("1023", "1024", LLONG)),
    ("ipc_max_send_size", from("1023", "1024", LLONG)),
    ("keep_active_partition_tie_breaker", Switch),
    ("vote_handover", Handover),
    ("dbus", Switch),
    ("state_file", Text),
    ("event_hook", Text),
    ("event_hook_user", Text),
    (
        "event_hook_timeout",
        from("99", "100", ("3600000", "3600001")),
    ),
];

const PORT: Ends = Refused("host port must be in range 1-65535");
const TLS: Ends = Refused("tls must be one of on, off, req");
const CERT: Ends = Refused("client_cert_required should be on/yes/1, off/no/0");
const NO_BACKLOG: Ends = Refused("Invalid value '' for option 'listen_backlog'");
const OLD: Ends = AcceptedWith("Option 'dpd_interval' is deprecated and has no effect anymore");

const OPTIONS: &[(&[&str], Ends)] = &[
    // flags, alone, together, again
    (&[], Accepted),
    (&["-4"], Accepted),
    (&["-6"], Accepted),
    (&["-4", "-6", "-4"], Accepted),
    (&["-46"], Accepted),
    (&["-d"], Accepted),
    (&["-dd"], Accepted),
    (&["-d", "-ddd", "-d"], Accepted),
    (&["-f"], Accepted),
    (&["-64dfdf"], Accepted),
    // -h and -v: the first one wins, and what stands behind is not looked at
    (&["-h"], Usage),
    (&["-hh", "-h"], Usage),
    (&["-h", "-p", "0"], Usage),
    (&["-hp"], Usage),
    (&["-h", "-x"], Usage),
    (&["-hx"], Usage),
    (&["-hv"], Usage),
    (&["-dfh"], Usage),
    (&["-v"], Version),
    (&["-vv", "-v"], Version),
    (&["-v", "-h"], Version),
    (&["-v", "-p", "0"], Version),
    (&["-vx"], Version),
    (&["-l"], UsageAfter("option requires an argument -- 'l'")),
    (&["-c"], UsageAfter("option requires an argument -- 'c'")),
    (&["-m"], UsageAfter("option requires an argument -- 'm'")),
    (&["-p"], UsageAfter("option requires an argument -- 'p'")),
    (&["-s"], UsageAfter("option requires an argument -- 's'")),
    (&["-S"], UsageAfter("option requires an argument -- 'S'")),
    (&["-fdp"], UsageAfter("option requires an argument -- 'p'")),
    (&["-p", "0", "-l"], PORT),
    // no such option
    (&["-x"], UsageAfter("invalid option -- 'x'")),
    (&["-?"], UsageAfter("invalid option -- '?'")),
    (&["-:"], UsageAfter("invalid option -- ':'")),
    (&["-="], UsageAfter("invalid option -- '='")),
    (&["-dfx"], UsageAfter("invalid option -- 'x'")),
    (&["-xh"], UsageAfter("invalid option -- 'x'")),
    (&["-x", "-p", "0"], UsageAfter("invalid option -- 'x'")),
    (&["-d-"], UsageAfter("invalid option -- '-'")),
    (&["--help"], UsageAfter("invalid option -- '-'")),
    (&["--version"], UsageAfter("invalid option -- '-'")),
    (&["---"], UsageAfter("invalid option -- '-'")),
    (&["-p", "0", "-x"], PORT),
    (&["-p0x"], PORT),
    // words
    (&["word"], Accepted),
    (&["word", "-p", "0"], PORT),
    (&["-"], Accepted),
    (&["", "-p0", "word"], PORT),
    (&["-p", "0", "--", "-h"], PORT),
    // -l: taken as it is until it is used
    (&["-l", "127.0.0.1"], Accepted),
    (&["-l", "no such host"], Accepted),
    (&["-l", ""], Accepted),
    (&["-l", "-x"], Accepted),
    (&["-l", "--"], Accepted),
    (&["-l::1"], Accepted),
    // -p
    (&["-p", "1"], Accepted),
    (&["-p", "65535"], Accepted),
    (&["-p65535"], Accepted),
    (&["-fp65535"], Accepted),
    (&["-p", " +080"], Accepted),
    (&["-p", "1", "-p", "2"], Accepted),
    (&["-p", "0"], PORT),
    (&["-p", "65536"], PORT),
    (&["-p", "-1"], PORT),
    (&["-p", ""], PORT),
    (&["-p", "80 "], PORT),
    (&["-p", "http"], PORT),
    (&["-p", "0x50"], PORT),
    (&["-p", "4294967297"], PORT),
    (&["-p", "99999999999999999999"], PORT),
    (&["-p", "1", "-p", "0"], PORT),
    (&["-p", "0", "-p", "1"], PORT),
    // -m
    (&["-m", "0"], Accepted),
    (&["-m", "1"], Accepted),
    (&["-m9223372036854775807"], Accepted),
    (&["-m", "\t+7"], Accepted),
    (&["-m", "-1"], Refused("max clients value -1 is invalid")),
    (
        &["-m", "9223372036854775808"],
        Refused("max clients value 9223372036854775808 is invalid"),
    ),
    (&["-m", ""], Refused("max clients value  is invalid")),
    (&["-m", "7 "], Refused("max clients value 7  is invalid")),
    (
        &["-m", "many"],
        Refused("max clients value many is invalid"),
    ),
    (&["-m", "1.5"], Refused("max clients value 1.5 is invalid")),
    // -s
    (&["-s", "on"], Accepted),
    (&["-s", "off"], Accepted),
    (&["-s", "req"], Accepted),
    (&["-sReQ", "-sOFF", "-sOn"], Accepted),
    (&["-s", ""], TLS),
    (&["-s", "1"], TLS),
    (&["-s", "yes"], TLS),
    (&["-s", "requ"], TLS),
    (&["-s", "on "], TLS),
    // -c
    (&["-c", "on"], Accepted),
    (&["-cYes"], Accepted),
    (&["-c1"], Accepted),
    (&["-c", "OFF"], Accepted),
    (&["-c", "no"], Accepted),
    (&["-c", "0"], Accepted),
    (&["-c", ""], CERT),
    (&["-c", "2"], CERT),
    (&["-c", "true"], CERT),
    (&["-c", "on "], CERT),
    // -S: the list; what both daemons do with one is in `beside_c`
    (&["-Sipc_max_clients=1", "-S", "listen_backlog=2"], Accepted),
    (&["-S", "LISTEN_Backlog=2"], Accepted),
    (&["-S", "listen_backlog"], NO_BACKLOG),
    (&["-S", "listen_backlog="], NO_BACKLOG),
    (&["-S", "listen_backlog,unknown=1"], NO_BACKLOG),
    (
        &["-S", "Listen_Backlog=0"],
        Refused("Invalid value '0' for option 'Listen_Backlog'"),
    ),
    (
        &["-S", "listen_backlog=1=1"],
        Refused("Invalid value '1=1' for option 'listen_backlog'"),
    ),
    (
        &["-S", "listen_backlog=1,ipc_max_clients=x,unknown=1"],
        Refused("Invalid value 'x' for option 'ipc_max_clients'"),
    ),
    (&["-S", "unknown"], Refused("Unknown option 'unknown'")),
    (
        &["-S", " listen_backlog=1"],
        Refused("Unknown option ' listen_backlog'"),
    ),
    (
        &["-S", "listen_backlog =1"],
        Refused("Unknown option 'listen_backlog '"),
    ),
    (
        &["-S", "listen-backlog=1"],
        Refused("Unknown option 'listen-backlog'"),
    ),
    (
        &["-S", "listen_backlo=1"],
        Refused("Unknown option 'listen_backlo'"),
    ),
    // a setting of the past
    (&["-S", "dpd_interval=1"], OLD),
    (&["-S", "dpd_interval=nonsense"], OLD),
    (&["-S", "dpd_interval"], OLD),
    (
        &["-S", "ipc_max_clients=1,dpd_interval=1,listen_backlog=1"],
        OLD,
    ),
    (
        &["-S", "Dpd_Interval="],
        AcceptedWith("Option 'Dpd_Interval' is deprecated and has no effect anymore"),
    ),
];

#[test]
fn every_option_is_accepted_or_refused_as_by_the_c_program() {
    compare_options(&PROGRAMS, OPTIONS);
}

#[test]
fn every_setting_has_the_values_that_the_c_program_has() {
    compare_settings(&PROGRAMS, SETTINGS, QnetdSettings::TABLE);
}

/// The numbers are those of `docs/differences.md`.
#[test]
fn what_differs_on_purpose() {
    // Q42
    PROGRAMS.ours(&["-s", "required"], Accepted);
    PROGRAMS.ours(&["-s", "Required"], Accepted);
    // N7
    let complaint = "Invalid value '0x10' for option 'dpd_interval_coefficient'";
    let hexadecimal = ["-S", "dpd_interval_coefficient=0x10"];
    PROGRAMS.ours(&hexadecimal, Refused(complaint));
    if PROGRAMS.is_c_installed() {
        PROGRAMS.theirs(&["-s", "required"], TLS);
        PROGRAMS.theirs(&hexadecimal, Accepted);
    }
}
