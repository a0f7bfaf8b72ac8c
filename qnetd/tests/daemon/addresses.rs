//! `-4`, `-6` and `-l`: who reaches the daemon, beside the C daemon.

use crate::support::{Client, PROGRAM, Place, is_installed};
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

const THEIRS: &str = "/usr/bin/corosync-qnetd";

/// Loopback addresses of clients that reach a daemon, and what they are called in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// `127.0.0.1` only.
    V4,
    /// `::1` only.
    V6,
    /// Both, through one IPv6 socket.
    Both,
    /// `127.0.0.1` only, through an IPv6 socket.
    Mapped,
}

/// Arguments, who reaches the daemon, and the host of its status.
const LISTENING: &[(&[&str], Reached, &str)] = &[
    (&[], Reached::Both, "*"),
    (&["-6"], Reached::Both, "*"),
    (&["-4"], Reached::V4, "*"),
    (&["-4", "-6"], Reached::Both, "*"),
    (&["-6", "-4"], Reached::V4, "*"),
    (&["-l", "::"], Reached::Both, "::"),
    (&["-l", "0.0.0.0"], Reached::V4, "0.0.0.0"),
    (&["-l", "127.0.0.1"], Reached::V4, "127.0.0.1"),
    (&["-4", "-l", "127.0.0.1"], Reached::V4, "127.0.0.1"),
    (&["-l", "::1"], Reached::V6, "::1"),
    (&["-l", "0:0::0:1"], Reached::V6, "0:0::0:1"),
    (
        &["-l", "::ffff:127.0.0.1"],
        Reached::Mapped,
        "::ffff:127.0.0.1",
    ),
    (&["-4", "-l", "localhost"], Reached::V4, "localhost"),
];

/// Q43: in C, `-6` with a host always fails.
const LISTENING_UNLIKE_C: &[(&[&str], Reached, &str)] = &[
    (&["-6", "-l", "::1"], Reached::V6, "::1"),
    (&["-6", "-l", "::"], Reached::Both, "::"),
    (
        &["-6", "-l", "::ffff:127.0.0.1"],
        Reached::Mapped,
        "::ffff:127.0.0.1",
    ),
];

#[test]
fn the_daemon_is_reached_where_the_c_daemon_is() {
    if !has_ipv6() {
        return;
    }
    for &(args, reached, host) in LISTENING {
        is_reached(PROGRAM, args, reached, host);
        if is_installed(THEIRS) {
            is_reached(THEIRS, args, reached, host);
        }
    }
}

#[test]
fn a_host_may_be_given_with_6() {
    if !has_ipv6() {
        return;
    }
    for &(args, reached, host) in LISTENING_UNLIKE_C {
        is_reached(PROGRAM, args, reached, host);
    }
}

fn has_ipv6() -> bool {
    let has = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        println!("skipped: there is no IPv6");
    }
    has
}

fn is_reached(program: &str, args: &[&str], reached: Reached, host: &str) {
    let place = Place::new();
    let reserved = ReservedPort::new();
    let daemon = place.start_with(reserved.command(&place, program, args));
    let case = format!("{program} {args:?}");
    let status = place.ask("status\n");
    let address = format!("QNetd address:\t\t\t{host}:{}\n", reserved.port);
    assert!(status.starts_with(&address), "{case}: {status}");

    let [v4, v6] = ["127.0.0.1", "::1"].map(|ip| ip.parse::<IpAddr>().unwrap());
    let shown = |ip: IpAddr| match (ip, reached) {
        (IpAddr::V4(_), Reached::V4) | (IpAddr::V6(_), Reached::V6 | Reached::Both) => {
            Some(ip.to_string())
        }
        (IpAddr::V4(_), Reached::Mapped | Reached::Both) => Some(format!("::ffff:{ip}")),
        (IpAddr::V4(_), Reached::V6) | (IpAddr::V6(_), Reached::V4 | Reached::Mapped) => None,
    };
    for ip in [v4, v6] {
        let server = SocketAddr::from((ip, reserved.port));
        let Some(name) = shown(ip) else {
            assert!(TcpStream::connect(server).is_err(), "{case}: {server}");
            continue;
        };
        let node = Client::connect(server).admitted("alpha", 1, 10_000);
        let port = node.stream.local_addr().unwrap().port();
        let list = place.ask("list\n");
        let line = format!("Client address:\t\t{name}:{port}\n");
        assert!(list.contains(&line), "{case}: no {line:?} in {list}");
        drop(node);
        let gone = || place.ask("status\n").contains("Connected clients:\t\t0\n");
        while !gone() {
            std::thread::yield_now();
        }
    }
    daemon.signal("TERM");
    assert_eq!(daemon.ended().0, Some(0));
}

/// A port that no other program is given on any address, while a daemon can listen on it.
struct ReservedPort {
    port: u16,
    _socket: OwnedFd,
}

impl ReservedPort {
    fn new() -> Self {
        // Bound and not listening: both sides say that the address may be used again.
        let socket = socket(AddressFamily::INET6, SocketType::STREAM, None).unwrap();
        set_socket_reuseaddr(&socket, true).unwrap();
        set_ipv6_v6only(&socket, false).unwrap();
        bind(&socket, &SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).unwrap();
        let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
        Self {
            port: address.port(),
            _socket: socket,
        }
    }

    fn command(&self, place: &Place, program: &str, args: &[&str]) -> std::process::Command {
        let mut command = place.command_without_address(program);
        command.args(["-p", &self.port.to_string()]).args(args);
        command
    }
}
