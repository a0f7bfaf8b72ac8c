//! Names and addresses of hosts.

use libqdevice::client::{AddressFamily, CmapSnapshot};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::lookup_host;

/// The addresses of a host in the order in which they are to be tried, never none.
///
/// The resolver has threads of its own: a name server that does not answer holds nobody up.
pub(crate) async fn addresses(
    host: &str,
    port: u16,
    family: AddressFamily,
) -> io::Result<Vec<SocketAddr>> {
    let wanted = |address: &SocketAddr| match family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    let found: Vec<_> = lookup_host((host, port)).await?.filter(wanted).collect();
    if found.is_empty() {
        return Err(io::Error::other(format!(
            "no address of {host} suits force_ip_version"
        )));
    }
    Ok(found)
}

/// Adds the addresses of hosts that a configuration names instead of node ids. A host that cannot be
/// resolved is left out; whoever reads the configuration says so.
pub(crate) async fn complete(mut snapshot: CmapSnapshot) -> CmapSnapshot {
    for name in snapshot.unresolved() {
        let found = lookup_host((name.as_str(), 0)).await.ok();
        let address = found
            .into_iter()
            .flatten()
            .find_map(|address| match address.ip() {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            });
        if let Some(address) = address {
            snapshot.resolve(name, address);
        }
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_its_own_name_and_must_suit() {
        let find = async |host, family| addresses(host, 5403, family).await;
        let v4 = "127.0.0.1:5403".parse::<SocketAddr>().unwrap();
        let v6 = "[::1]:5403".parse::<SocketAddr>().unwrap();
        assert_eq!(find("127.0.0.1", AddressFamily::Any).await.unwrap(), [v4]);
        assert_eq!(find("127.0.0.1", AddressFamily::V4).await.unwrap(), [v4]);
        assert_eq!(find("::1", AddressFamily::V6).await.unwrap(), [v6]);
        assert_eq!(
            find("::1", AddressFamily::V4)
                .await
                .unwrap_err()
                .to_string(),
            "no address of ::1 suits force_ip_version"
        );
    }
}
