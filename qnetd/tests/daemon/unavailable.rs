//! What a daemon needs and cannot have: one line that says which and why, beside that of the C daemon.

use crate::support::{PROGRAM, Place, is_installed, output, stderr};
use std::net::TcpListener;

const THEIRS: &str = "/usr/bin/corosync-qnetd";

/// A situation: what is not available, and the lines of both daemons behind the time of day. `DIR` is
/// the directory of the test.
struct Lacking {
    args: &'static [&'static str],
    ours: &'static str,
    theirs: &'static str,
}

const NO_LOCK: &str = "error   Can't acquire lock";
const NO_SOCKET: &str = "error   Can't create unix socket";

const LACKING: &[Lacking] = &[
    Lacking {
        args: &["-S", "lock_file=DIR/no/such/lock"],
        ours: "error   Can't acquire lock (2): No such file or directory: DIR/no/such/lock",
        theirs: "error   Can't acquire lock (2): No such file or directory",
    },
    Lacking {
        args: &["-S", "lock_file=DIR/file/lock"],
        ours: "error   Can't acquire lock (20): Not a directory: DIR/file/lock",
        theirs: "error   Can't acquire lock (20): Not a directory",
    },
    Lacking {
        args: &["-S", "lock_file=DIR"],
        ours: "error   Can't acquire lock (21): Is a directory: DIR",
        theirs: "error   Can't acquire lock (21): Is a directory",
    },
    Lacking {
        args: &["-S", "lock_file="],
        ours: "error   Can't acquire lock (2): No such file or directory: ",
        theirs: "error   Can't acquire lock (2): No such file or directory",
    },
    Lacking {
        args: &["-S", "local_socket_file=DIR/no/such/socket"],
        ours: "error   Can't create unix socket (2): No such file or directory: DIR/no/such/socket",
        theirs: "error   Can't create unix socket (2): No such file or directory",
    },
    Lacking {
        args: &["-S", "local_socket_file=DIR/file/socket"],
        ours: "error   Can't create unix socket (20): Not a directory: DIR/file/socket",
        theirs: "error   Can't create unix socket (20): Not a directory",
    },
    Lacking {
        args: &["-S", "local_socket_file=DIR"],
        ours: "error   Can't create unix socket (98): Address already in use: DIR",
        theirs: "error   Can't create unix socket (98): Address already in use",
    },
    Lacking {
        args: &["-S", "local_socket_file="],
        ours: "error   Can't create unix socket (36): File name too long: ",
        theirs: "error   Can't create unix socket (36): File name too long",
    },
    // An address for documentation, which no host has.
    Lacking {
        args: &["-l", "192.0.2.1", "-p", "5403"],
        ours: "crit    Can't listen on 192.0.2.1:5403 (99): Cannot assign requested address",
        theirs: "crit    NSS error (-5986): Network address not available (in use?)",
    },
    Lacking {
        args: &["-l", "::ffff:192.0.2.1", "-p", "5403"],
        ours: "crit    Can't listen on ::ffff:192.0.2.1:5403 (99): Cannot assign requested address",
        theirs: "crit    NSS error (-5986): Network address not available (in use?)",
    },
    Lacking {
        args: &["-l", "", "-p", "5403"],
        ours: "crit    Can't listen on :5403 (failed to lookup address information: Name or service not known)",
        theirs: "crit    NSS error (-5973): A directory lookup on a network address has failed",
    },
    Lacking {
        args: &["-4", "-l", "::1", "-p", "5403"],
        ours: "crit    Can't listen on ::1:5403 (the host has no IPv4 address, and -4 asks for one)",
        theirs: "crit    NSS error (-5973): A directory lookup on a network address has failed",
    },
    Lacking {
        args: &["-6", "-l", "127.0.0.1", "-p", "5403"],
        ours: "crit    Can't listen on 127.0.0.1:5403 (the host has no IPv6 address, and -6 asks for one)",
        theirs: "crit    NSS error (-5987): Invalid function argument",
    },
];

#[test]
fn what_cannot_be_had_is_named_with_the_reason_in_one_line() {
    for lacking in LACKING {
        assert_eq!(line_of(PROGRAM, lacking), lacking.ours);
        if is_installed(THEIRS) {
            assert_eq!(line_of(THEIRS, lacking), lacking.theirs);
        }
        let is_a_file = [NO_LOCK, NO_SOCKET]
            .iter()
            .any(|start| lacking.ours.starts_with(start));
        // Scripts that look for the lines of the C daemon find them.
        assert!(!is_a_file || lacking.ours.starts_with(lacking.theirs));
    }
}

#[test]
fn a_port_in_use_is_named() {
    for (program, text) in [
        (
            PROGRAM,
            "Can't listen on ADDRESS (98): Address already in use",
        ),
        (
            THEIRS,
            "NSS error (-5986): Network address not available (in use?)",
        ),
    ] {
        if !is_installed(program) {
            continue;
        }
        let place = Place::new();
        let _taken = TcpListener::bind(place.address).unwrap();
        let line = only_line(&place, program, &[]);
        let text = text.replace("ADDRESS", &place.address.to_string());
        assert_eq!(line, format!("crit    {text}"));
    }
}

fn line_of(program: &str, lacking: &Lacking) -> String {
    let place = Place::new();
    std::fs::write(place.path("file"), "").unwrap();
    let dir = place.dir.display().to_string();
    let args: Vec<String> = lacking
        .args
        .iter()
        .map(|arg| arg.replace("DIR", &dir))
        .collect();
    let line = only_line(&place, program, &args).replace(&dir, "DIR");
    assert_eq!(std::fs::read(place.path("file")).unwrap(), b"", "{line}");
    line
}

/// The only line that `program` says, without the time of day; it fails.
fn only_line(place: &Place, program: &str, args: &[String]) -> String {
    let mut command = place.command_of(program);
    command.arg("-f").args(args);
    let ended = output(command);
    let text = stderr(&ended);
    assert_eq!(ended.status.code(), Some(1), "{program}: {text}");
    assert_eq!(text.lines().count(), 1, "{program}: {text}");
    // `Mon DD HH:MM:SS `
    text.trim_end_matches('\n').chars().skip(16).collect()
}
