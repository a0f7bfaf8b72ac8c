use crate::cli::{Family, Listen};
use libqdevice::io::{Pause, tune};
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::task::Poll;
use tokio::net::{TcpListener, TcpStream};

/// Opens the socket for clients: one socket, on the first of the host's addresses that can be had.
///
/// Without a host it takes every address; without IPv6 in the kernel, every IPv4 address.
pub(crate) fn bind(listen: &Listen, backlog: u32) -> io::Result<StdListener> {
    let nothing = match listen.family {
        Family::Any => "the host has no address",
        Family::V4 => "the host has no IPv4 address, and -4 asks for one",
        Family::V6 => "the host has no IPv6 address, and -6 asks for one",
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, nothing);
    for address in addresses(listen)? {
        match bind_to(address, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
        if listen.host.is_none() && last.raw_os_error() != Some(Errno::AFNOSUPPORT.raw_os_error()) {
            break;
        }
    }
    Err(last)
}

/// The socket for clients at work.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    pause: Pause,
}

impl Listener {
    /// Serves on `socket`. Needs a runtime.
    pub(crate) fn serve(socket: StdListener) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::from_std(socket)?,
            pause: Pause::default(),
        })
    }

    /// Waits for clients and appends those that are there, as many as others can wait for. May be
    /// dropped and called again at any time.
    pub(crate) async fn accept(&mut self, accepted: &mut Vec<(TcpStream, SocketAddr)>) {
        loop {
            self.pause.over().await;
            let failed = poll_fn(|cx| {
                while accepted.len() < AT_ONCE {
                    match self.socket.poll_accept(cx) {
                        Poll::Ready(Ok(client)) => accepted.push(client),
                        Poll::Ready(Err(error)) => return Poll::Ready(Some(error)),
                        Poll::Pending if accepted.is_empty() => return Poll::Pending,
                        Poll::Pending => break,
                    }
                }
                Poll::Ready(None)
            })
            .await;
            if let Some(error) = failed {
                self.pause.begin("connection", &error);
            }
            if !accepted.is_empty() {
                return;
            }
        }
    }
}

/// Where to listen, the best first.
fn addresses(listen: &Listen) -> io::Result<Vec<SocketAddr>> {
    let Listen { family, host, port } = listen;
    let Some(host) = host else {
        let every_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port));
        let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port));
        return Ok(match family {
            Family::Any => vec![every, every_v4],
            Family::V4 => vec![every_v4],
            Family::V6 => vec![every],
        });
    };
    let found = (host.as_str(), *port).to_socket_addrs()?;
    let mut found: Vec<SocketAddr> = found
        .filter(|address| is_wanted(*address, *family))
        .collect();
    if host.parse::<IpAddr>().is_err() && !has_ipv6() {
        // A name then means its IPv4 address, as with AI_ADDRCONFIG.
        found.sort_by_key(SocketAddr::is_ipv6);
    }
    Ok(found)
}

fn is_wanted(address: SocketAddr, family: Family) -> bool {
    match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    }
}

/// Whether this machine has an IPv6 address other than that of its loopback.
fn has_ipv6() -> bool {
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    interfaces
        .lines()
        .any(|line| !line.starts_with("00000000000000000000000000000001"))
}

fn bind_to(address: SocketAddr, backlog: u32) -> io::Result<StdListener> {
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    set_socket_reuseaddr(&socket, true)?;
    // Every client's connection inherits it.
    if let Err(error) = tune(&socket) {
        tracing::debug!("Can't set TCP options: {error}");
    }
    if address.is_ipv6() {
        // IPv4 clients come through the same socket, whatever the system's default is.
        set_ipv6_v6only(&socket, false)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(StdListener::from(socket))
}

/// Clients accepted before those who are there are served again.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as StdStream;

    fn listen(family: Family, host: Option<&str>) -> StdListener {
        let host = host.map(str::to_owned);
        bind(
            &Listen {
                family,
                host,
                port: 0,
            },
            10,
        )
        .unwrap()
    }

    fn reaches(listener: &StdListener, ip: impl Into<IpAddr>) -> bool {
        let port = listener.local_addr().unwrap().port();
        StdStream::connect((ip.into(), port)).is_ok()
    }

    #[test]
    fn without_a_host_both_families_are_served() {
        for family in [Family::Any, Family::V6] {
            let listener = listen(family, None);
            assert!(reaches(&listener, Ipv4Addr::LOCALHOST));
            assert!(reaches(&listener, Ipv6Addr::LOCALHOST));
        }
    }

    #[test]
    fn with_4_only_ipv4_is_served() {
        let listener = listen(Family::V4, None);
        assert!(listener.local_addr().unwrap().is_ipv4());
        assert!(reaches(&listener, Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn a_host_is_one_address_of_the_wanted_family() {
        assert!(
            listen(Family::V6, Some("::1"))
                .local_addr()
                .unwrap()
                .is_ipv6()
        );
        assert!(
            listen(Family::V4, Some("localhost"))
                .local_addr()
                .unwrap()
                .is_ipv4()
        );
        let listen = Listen {
            family: Family::V4,
            host: Some("::1".into()),
            port: 0,
        };
        assert!(bind(&listen, 10).is_err());
    }

    #[test]
    fn a_fleet_that_comes_at_once_waits_instead_of_being_turned_away() {
        use libqdevice::server::QnetdSettings;
        use std::time::Duration;
        let only_v4 = Listen {
            family: Family::V4,
            host: Some("127.0.0.1".into()),
            port: 0,
        };
        let listener = bind(&only_v4, QnetdSettings::default().listen_backlog).unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_secs(20);
        // Nobody accepts them.
        let fleet: Vec<_> = (0..100)
            .map(|_| StdStream::connect_timeout(&address, patience).unwrap())
            .collect();
        assert_eq!(fleet.len(), 100);
    }

    #[test]
    fn clients_inherit_what_small_messages_need() {
        use rustix::net::sockopt::{tcp_nodelay, tcp_thin_linear_timeouts};
        let listener = listen(Family::V4, Some("127.0.0.1"));
        listener.set_nonblocking(false).unwrap();
        let _client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(tcp_nodelay(&accepted).unwrap());
        assert!(tcp_thin_linear_timeouts(&accepted).unwrap());
    }

    #[test]
    fn a_port_in_use_is_an_error() {
        let first = listen(Family::V4, Some("127.0.0.1"));
        let port = first.local_addr().unwrap().port();
        let again = Listen {
            family: Family::V4,
            host: Some("127.0.0.1".into()),
            port,
        };
        assert_eq!(
            bind(&again, 10).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }
}
