//! The C daemons and a real corosync on databases of ours: they come together over TLS, with the server's
//! and the client's certificate verified.

use crate::host::{Host, NODE_DB, OURS, Programs, SCRIPTS, SERVER_DB};
use std::fs;
use std::process::Command;

/// One node that is its own server's host, in namespaces of its own; they end with the first process.
///
/// Nothing tells when the daemons are ready, so their tools are asked, for ten seconds at most.
const NODE: &str = r"
mount --make-rprivate / && ip link set lo up || exit 9
for dir in /run /var/lib/corosync /var/log/corosync; do mount -t tmpfs none $dir || exit 9; done
mkdir -p /run/corosync-qdevice /run/corosync-qnetd
soon() { for _ in $(seq 100); do eval $1 && return; sleep 0.1; done; return 1; }
corosync -f > /etc/corosync/log 2>&1 &
corosync-qnetd -f -s req >> /etc/corosync/log 2>&1 &
soon 'corosync-qnetd-tool -s > /dev/null 2>&1' || exit 8
soon 'corosync-quorumtool -s > /dev/null 2>&1; [ $? != 1 ]' || exit 7
corosync-qdevice -f >> /etc/corosync/log 2>&1 &
soon 'corosync-qdevice-tool -s 2>/dev/null | grep -q Connected$' || exit 6
corosync-qdevice-tool -sv
corosync-qnetd-tool -lv
";

const CONF: &str = "totem {
 version: 2
 cluster_name: c
 transport: knet
 crypto_cipher: none
 crypto_hash: none
}
quorum {
 provider: corosync_votequorum
 device {
  model: net
  votes: 1
  net {
   host: 127.0.0.1
   algorithm: ffsplit
   tls: required
  }
 }
}
nodelist {
 node {
  ring0_addr: 127.0.0.1
  name: n1
  nodeid: 1
 }
}
";

/// Enrols the cluster with these programs and lets the C daemons meet.
fn met(server: Programs, node: Programs) -> Option<String> {
    let host = Host::with_scripts()?;
    let there = |program: &&str| Command::new(program).arg("-h").output().is_ok();
    let needed = ["corosync", "corosync-qnetd", "corosync-qdevice", "ip"];
    if let Some(missing) = needed.iter().find(|program| !there(program)) {
        eprintln!("skipped: {missing} is not installed");
        return None;
    }
    host.enrol(server, node, "c");
    fs::write(host.path("corosync.conf"), CONF).unwrap();
    let namespaces = [
        "-n",
        "-p",
        "-f",
        "-i",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        NODE,
    ];
    let answer = host.run("unshare", &namespaces);
    let log = fs::read_to_string(host.path("log")).unwrap_or_default();
    let dirs = [SERVER_DB, NODE_DB];
    assert_eq!(answer.exit, Some(0), "{dirs:?}: {answer:?}\n{log}");
    Some(answer.out)
}

#[test]
fn they_verify_certificates_whichever_program_made_them() {
    for (server, node) in [(OURS, OURS), (OURS, SCRIPTS), (SCRIPTS, OURS)] {
        let Some(told) = met(server, node) else {
            return;
        };
        let client = "TLS active:\t\tYes (client certificate sent)";
        let verified = "TLS active:\t\tYes (client certificate verified)";
        assert!(told.contains(client), "{told}");
        assert!(told.contains(verified), "{told}");
    }
}
