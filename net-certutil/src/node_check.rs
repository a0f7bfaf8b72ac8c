use crate::check::{chain, dates, entry, identity, in_use};
use crate::corosync_conf::CorosyncConf;
use crate::entry::names;
use crate::findings::Findings;
use crate::probe::{Fault, Probed, Target, probe};
use crate::surroundings::Surroundings;
use chrono::{DateTime, Utc};
use libqdevice::base::ClusterName;
use libqdevice::certs::{
    CLUSTER_NICKNAME, Credential, Identity, Role, SERVER_NAME, Side, certified_names, shell_word,
};
use libqdevice::tls::Connector;
use std::net::SocketAddr;

/// Database, authority, the cluster's certificate, the names, and a real connection.
pub(crate) fn check(
    surroundings: &mut Surroundings<'_>,
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    let dir = surroundings.database(Side::Node);
    let identity = identity(&dir, CLUSTER_NICKNAME, Side::Node, now, findings);
    let file = surroundings.etc.join("corosync.conf");
    let conf = match CorosyncConf::read(&file) {
        Ok(conf) => conf,
        Err(error) => {
            findings.warning(
                format!(
                    "{}: {error}; the cluster's name and the connection to the server are not checked",
                    file.display()
                ),
                "corosync-qdevice-net-certutil --check (again, once corosync is configured)",
            );
            CorosyncConf::default()
        }
    };
    let Some(identity) = identity else { return };
    for anchor in &identity.anchors {
        match entry(Role::Authority, anchor, now) {
            Ok(entry) => dates(&entry, Side::Node, findings),
            Err(error) => findings.refused(&error),
        }
    }
    let own = match &identity.own {
        Ok(own) => Some(own),
        Err(error) => {
            findings.refused(error);
            None
        }
    };
    if let Some(own) = own {
        check_own(own, &identity, &conf, now, findings);
    }
    connection(&identity, &conf, findings);
}

fn check_own(
    own: &Credential,
    identity: &Identity,
    conf: &CorosyncConf,
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    match in_use(own) {
        Ok(text) => findings.ok(format!("This node shows {text}")),
        Err(error) => findings.refused(&error),
    }
    match entry(Role::Cluster, &own.certificate, now) {
        Ok(entry) => dates(&entry, Side::Node, findings),
        Err(error) => findings.refused(&error),
    }
    let again = "corosync-qdevice-net-certutil --renew";
    chain(own, &identity.anchors, Side::Node, again, findings);
    let Some(cluster) = &conf.cluster else { return };
    let certified = certified_names(&own.certificate);
    if certified.iter().any(|name| name == cluster.as_bytes()) {
        findings.ok(format!(
            "It is for cluster \"{cluster}\", as corosync.conf has it"
        ));
    } else {
        findings.error(
            format!(
                "The certificate is for cluster \"{}\", and corosync.conf has cluster_name \"{}\": the \
                 server will end the connection",
                names(&own.certificate).join("\", \""),
                cluster.escape_debug()
            ),
            format!(
                "corosync-qdevice-net-certutil -Q -n {} SERVER NODE... (after the old database is moved \
                 away on every node)",
                shell_word(cluster)
            ),
        );
    }
}

/// What `corosync.conf` says about the server, and what the server says.
fn connection(identity: &Identity, conf: &CorosyncConf, findings: &mut Findings) {
    let (Some(cluster), Some(host)) = (&conf.cluster, &conf.host) else {
        if conf.cluster.is_some() {
            findings.warning(
                "corosync.conf names no server (quorum.device.net.host): no connection was tried",
                "corosync-qdevice-net-certutil --check (again, once the quorum device is configured)",
            );
        }
        return;
    };
    match &conf.tls {
        Some(off) if ["off", "no", "0"].contains(&&*off.to_lowercase()) => findings.warning(
            "corosync.conf says tls: off: the daemon uses none of these certificates, and anybody on \
             the way can change votes",
            "corosync-cfgtool -R, after \"tls: required\" is set in corosync.conf on every node",
        ),
        Some(_) | None => {}
    }
    let port = conf.port.as_deref().unwrap_or("5403");
    let Ok(port) = port.parse() else {
        return findings.error(
            format!("corosync.conf has the port \"{}\"", port.escape_debug()),
            "corosync-cfgtool -R, after it is corrected",
        );
    };
    let target = Target {
        host: host.clone(),
        port,
        cluster: ClusterName::new(cluster.as_bytes()),
    };
    let own = identity.own.as_ref().ok();
    match Connector::new(own, &identity.anchors, SERVER_NAME) {
        Ok(connector) => tell(&target, own, conf, probe(&target, &connector), findings),
        Err(error) => findings.refused(&error),
    }
}

fn tell(
    target: &Target,
    own: Option<&Credential>,
    conf: &CorosyncConf,
    outcome: Result<Probed, Fault>,
    findings: &mut Findings,
) {
    let Target { host, port, .. } = target;
    let shown = |address: SocketAddr| {
        let plain = format!("{}:{port}", host.escape_debug());
        if plain == address.to_string() {
            plain
        } else {
            format!("{plain} ({address})")
        }
    };
    match outcome {
        Ok(Probed::Accepted {
            address,
            is_certificate_asked,
            expired,
        }) => {
            if let Some(expired) = expired {
                findings.warning(
                    format!("{expired}. corosync-qdevice goes on all the same, that of the C package too"),
                    "corosync-qnetd-certutil --renew (on the server)",
                );
            }
            let proved = if is_certificate_asked && own.is_some() {
                "accepts this node's certificate for its cluster"
            } else {
                "asks for no certificate"
            };
            findings.ok(format!(
                "The server at {} is \"{SERVER_NAME}\" of this authority, and {proved}",
                shown(address)
            ));
        }
        Ok(Probed::NoTls { address }) => {
            let text = format!("The server at {} does not use TLS", shown(address));
            let remedy = "systemctl restart corosync-qnetd (on the server, after -s req is put into \
                          COROSYNC_QNETD_OPTIONS)";
            let is_required = conf.tls.as_deref().map(str::to_lowercase);
            if is_required.as_deref() == Some("required") {
                findings.error(text, remedy);
            } else {
                findings.warning(text, remedy);
            }
        }
        Err(fault) => tell_fault(
            &format!("{}:{port}", host.escape_debug()),
            host,
            own,
            fault,
            findings,
        ),
    }
}

fn tell_fault(
    shown: &str,
    host: &str,
    own: Option<&Credential>,
    fault: Fault,
    findings: &mut Findings,
) {
    match fault {
        Fault::Unknown(why) => findings.error(
            format!("The server {shown} has no address: {why}"),
            format!("getent ahosts {}", shell_word(host)),
        ),
        Fault::Unreachable(why) => findings.error(
            format!("The server {shown} does not answer: {why}"),
            "systemctl start corosync-qnetd (on the server; its firewall has to let the port through)",
        ),
        Fault::NoServer(why) => findings.error(
            format!("What answers at {shown} is no corosync-qnetd: {why}"),
            "corosync-qnetd-tool -s (on the server; it shows the port)",
        ),
        Fault::Handshake(why) => findings.error(
            format!("No TLS with {shown}: {why}"),
            "corosync-qnetd-certutil --check (on the server)",
        ),
        Fault::Refused(why) => findings.error(
            format!("The server at {shown} does not accept this node: {why}"),
            if own.is_some() {
                "corosync-qdevice-net-certutil --renew"
            } else {
                "corosync-qdevice-net-certutil -m -c qdevice-net-node.p12 (the file of a node that works)"
            },
        ),
    }
}
