//! The daemons of either make and a real corosync on databases of either make: they come together over TLS,
//! with the server's and the client's certificate verified.

use crate::host::{AUTHORITY, Host, NODE_DB, OURS, Programs, REQUEST, SCRIPTS, SERVER_DB, signed};
use crate::servers;
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
$QNETD -f -s req >> /etc/corosync/log 2>&1 &
soon 'corosync-qnetd-tool -s > /dev/null 2>&1' || exit 8
soon 'corosync-quorumtool -s > /dev/null 2>&1; [ $? != 1 ]' || exit 7
$QDEVICE -f >> /etc/corosync/log 2>&1 &
qdevice=$!
soon 'corosync-qdevice-tool -s 2>/dev/null | grep -q Connected$' || exit 6
corosync-qdevice-tool -sv
corosync-qnetd-tool -lv
";

/// Goes on with one that takes its certificates again, twice: it is told to, then it notices itself.
const RELOAD: &str = r"
loaded() { [ $(grep -c 'Certificates were loaded again' /etc/corosync/log) = $1 ]; }
kill -HUP $qdevice
soon 'loaded 1' || exit 5
$ENROL
soon 'loaded 2' || exit 4
corosync-qdevice-tool -s | grep -q Connected$ || exit 3
$TOOL --security
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

/// Which daemons run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Daemons {
    Ours,
    Theirs,
}

/// A host on which a cluster is enrolled with these programs.
fn enrolled(server: Programs, node: Programs) -> Option<Host> {
    let host = Host::with_scripts()?;
    let there = |program: &&str| Command::new(program).arg("-h").output().is_ok();
    let needed = ["corosync", "corosync-qnetd", "corosync-qdevice", "ip"];
    if let Some(missing) = needed.iter().find(|program| !there(program)) {
        eprintln!("skipped: {missing} is not installed");
        return None;
    }
    host.enrol(server, node, "c");
    fs::write(host.path("corosync.conf"), CONF).unwrap();
    Some(host)
}

/// Lets the daemons meet: both tools say that the certificates are verified.
fn must_meet(host: &Host, daemons: Daemons) {
    go_on(host, daemons, "", "");
}

/// Lets the daemons meet and goes on with another script, which knows `variables`; what all of it says.
fn go_on(host: &Host, daemons: Daemons, variables: &str, script: &str) -> String {
    let [server, node] = ["corosync-qnetd", "corosync-qdevice"].map(|name| match daemons {
        Daemons::Ours => servers::ours(name).display().to_string(),
        Daemons::Theirs => name.to_owned(),
    });
    let script = format!("QNETD={server} QDEVICE={node} {variables}\n{NODE}{script}");
    let namespaces = [
        "-n",
        "-p",
        "-f",
        "-i",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        &script,
    ];
    let answer = host.run("unshare", &namespaces);
    let log = fs::read_to_string(host.path("log")).unwrap_or_default();
    let dirs = [SERVER_DB, NODE_DB];
    assert_eq!(answer.exit, Some(0), "{dirs:?}: {answer:?}\n{log}");
    let client = "TLS active:\t\tYes (client certificate sent)";
    let verified = "TLS active:\t\tYes (client certificate verified)";
    assert!(answer.out.contains(client), "{daemons:?}: {answer:?}");
    assert!(answer.out.contains(verified), "{daemons:?}: {answer:?}");
    answer.out
}

#[test]
fn they_verify_certificates_whichever_program_made_them() {
    for (server, node) in [(OURS, OURS), (OURS, SCRIPTS), (SCRIPTS, OURS)] {
        let Some(host) = enrolled(server, node) else {
            return;
        };
        must_meet(&host, Daemons::Theirs);
    }
}

#[test]
fn a_host_goes_from_the_c_programs_to_ours_and_back_without_another_enrolment() {
    let Some(host) = enrolled(SCRIPTS, SCRIPTS) else {
        return;
    };
    for daemons in [Daemons::Theirs, Daemons::Ours] {
        must_meet(&host, daemons);
    }
    let renewed = host.done(OURS.server, &["--renew", "-n", "c", "--days", "400"]);
    assert!(renewed.contains("Certificate stored in"), "{renewed}");
    host.done(OURS.node, &["-M", "-c", &signed("c")]);
    for daemons in [Daemons::Ours, Daemons::Theirs] {
        must_meet(&host, daemons);
    }
}

#[test]
fn daemons_of_both_makes_take_keys_on_a_curve_and_the_newest_of_two_certificates() {
    let Some(host) = enrolled(OURS, OURS) else {
        return;
    };
    let second = host.twin();
    for dir in ["qnetd/nssdb", "qdevice/net/nssdb"] {
        fs::remove_dir_all(second.path(dir)).unwrap();
    }
    let curve = ["--key-type", "p256"];
    second.done(OURS.server, &[&["-i"], &curve[..]].concat());
    second.done(OURS.node, &["-i", "-c", AUTHORITY]);
    second.done(OURS.node, &[&["-r", "-n", "c"], &curve[..]].concat());
    second.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    second.done(OURS.node, &["-M", "-c", &signed("c")]);
    second.must_be_valid();
    for daemons in [Daemons::Theirs, Daemons::Ours] {
        must_meet(&second, daemons);
    }
    // A new key beside the old one, which is then revoked: who showed the old one would not come in.
    second.done(OURS.server, &["--renew"]);
    let told = second.done(OURS.node, &["--renew"]);
    let old = told.split_whitespace().next_back().unwrap();
    second.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    second.done(OURS.node, &["-M", "-c", &signed("c")]);
    second.done(OURS.server, &["--revoke", "--fingerprint", old]);
    second.must_be_valid();
    for daemons in [Daemons::Ours, Daemons::Theirs] {
        must_meet(&second, daemons);
    }
}

#[test]
fn a_node_takes_its_certificates_again_and_stays_connected() {
    let Some(host) = enrolled(OURS, OURS) else {
        return;
    };
    host.done(OURS.server, &["--renew", "-n", "c"]);
    let enrol = format!("{} -M -c {}", OURS.node, signed("c"));
    let tool = servers::ours("corosync-qnetd-tool");
    let variables = format!("ENROL='{enrol}' TOOL={}", tool.display());
    let told = go_on(&host, Daemons::Ours, &variables, RELOAD);
    let shown = "Required (client certificate required)\nCertificate verified:\t\t1\n";
    assert!(told.contains(shown), "{told}");
}
