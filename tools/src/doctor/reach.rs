use super::finding::Finding;
use crate::answer::{Failed, Source};
use libqdevice::base::TlsSupport;
use libqdevice::client::{AddressFamily, ClientConfig};
use libqdevice::io::os_error::Plain;
use libqdevice::ipc::QdeviceJson;
use libqdevice::report::{ConnectionState, DeviceReport};
use serde::Deserialize;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Name and addresses of the server, and whether one of them takes connections.
pub(crate) fn server(config: &ClientConfig) -> Finding {
    let (host, port) = (config.host.as_str(), config.port);
    let shown = host.escape_debug();
    let suits = |address: &SocketAddr| match config.addresses {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    let name = host.to_owned();
    let looked_up = within(RESOLVED_WITHIN, move || {
        (name.as_str(), port).to_socket_addrs().map(Vec::from_iter)
    });
    let Some(looked_up) = looked_up else {
        return Finding::error(
            format!(
                "The name service does not answer for the server {shown} within {} s",
                RESOLVED_WITHIN.as_secs()
            ),
            "mend the name servers of /etc/resolv.conf; an entry in /etc/hosts needs none when the network fails",
        );
    };
    let addresses: Vec<_> = match looked_up {
        Ok(addresses) => addresses.into_iter().filter(suits).collect(),
        Err(error) => {
            return Finding::error(
                format!("The server {shown} has no address: {}", Plain(&error)),
                "correct quorum.device.net.host, or the name service of this node; an entry in /etc/hosts needs \
                 no name server when the network fails",
            );
        }
    };
    let mut reasons = Vec::new();
    for address in &addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(_) => {
                return Finding::ok(format!("The server {shown} takes connections at {address}"));
            }
            Err(error) => reasons.push(format!("{address}: {}", Plain(&error))),
        }
    }
    if addresses.is_empty() {
        return Finding::error(
            format!("No address of the server {shown} suits force_ip_version"),
            "corosync-cfgtool -R, after quorum.device.net.force_ip_version is left out of corosync.conf",
        );
    }
    Finding::error(
        format!("The server does not answer: {}", reasons.join("; ")),
        "systemctl start corosync-qnetd (on the server; its firewall has to let the port through)",
    )
}

/// What `work` gives, if it does within this time; whoever waits longer waits alone.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, done) = mpsc::channel();
    thread::spawn(move || {
        // Nobody may be there to hear it any more.
        let _ = answer.send(work());
    });
    done.recv_timeout(limit).ok()
}

/// What `--check` of the certificate program finds: database, certificates, names, and TLS with the server.
pub(crate) fn certificates(config: &ClientConfig, program: &Path) -> Vec<Finding> {
    if config.tls == TlsSupport::Unsupported {
        return vec![Finding::warning(
            "corosync.conf says tls: off: anybody on the way can change votes",
            "corosync-qdevice-net-certutil -Q -n CLUSTER SERVER NODE..., then tls: required in corosync.conf",
        )];
    }
    let remedy = "install corosync-qdevice-net-certutil of the same version";
    let output = Command::new(program).args(["--check", "--json"]).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let text = format!(
                "{}: {}: certificates were not checked",
                program.display(),
                Plain(&error)
            );
            return vec![Finding::warning(text, remedy)];
        }
    };
    match serde_json::from_slice::<Report>(&output.stdout) {
        Ok(report) => report.findings,
        // The script of the C package, which cannot check.
        Err(_) => vec![Finding::warning(
            format!("{} cannot check certificates", program.display()),
            remedy,
        )],
    }
}

#[derive(Deserialize)]
struct Report {
    findings: Vec<Finding>,
}

/// What the daemon says of itself.
pub(crate) fn daemon(source: Source<'_>) -> Finding {
    let report: DeviceReport = match source.read(&QdeviceJson::Status.line()) {
        Ok(report) => report,
        Err(Failed::Connect(error)) => {
            return Finding::error(
                format!("corosync-qdevice cannot be asked: {}", Plain(&error)),
                "systemctl start corosync-qdevice (and ask as root)",
            );
        }
        Err(Failed::NoJson) => {
            return Finding::ok(
                "corosync-qdevice runs; it is the C program: corosync-qdevice-tool -s shows more",
            );
        }
        Err(error) => {
            return Finding::warning(
                format!("corosync-qdevice does not answer as it should: {error}"),
                "corosync-qdevice-tool -s",
            );
        }
    };
    match report.link.state {
        ConnectionState::Connected => Finding::ok(format!(
            "corosync-qdevice is connected to {}:{} as node {} of cluster \"{}\"",
            report.server.host.escape_debug(),
            report.server.port,
            report.node,
            report.cluster.escape_debug()
        )),
        ConnectionState::Disconnected
        | ConnectionState::Connecting
        | ConnectionState::ConnectFailed => Finding::error(
            format!(
                "corosync-qdevice is not connected to {}:{}",
                report.server.host.escape_debug(),
                report.server.port
            ),
            "corosync-qdevice-tool --explain, and what is said above",
        ),
    }
}

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the name service may take: it has a list of servers, and asks each several times.
const RESOLVED_WITHIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_not_waited_for() {
        let (never, silence) = mpsc::channel::<()>();
        let waited = within(Duration::from_millis(1), move || silence.recv());
        assert!(waited.is_none());
        drop(never);
        assert_eq!(within(PATIENCE, || 7), Some(7));
    }
}
