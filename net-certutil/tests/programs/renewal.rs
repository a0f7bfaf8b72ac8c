//! `--renew`: the old certificate stays until the new one has taken its place.

use crate::host::{BUNDLE, Host, NODE_DB, OURS, Programs, REQUEST, SCRIPTS, enrolled, signed};
use std::fs;

/// How many certificates and keys NSS sees on the node.
fn counted(host: &Host) -> (usize, usize) {
    let certificates = host.done("certutil", &["-L", "-d", NODE_DB]);
    let keys = host.done("certutil", &["-K", "-d", NODE_DB]);
    let keys = keys.lines().filter(|line| line.starts_with("< "));
    (certificates.matches("Cluster Cert").count(), keys.count())
}

#[test]
fn a_cluster_s_certificate_is_renewed_for_its_key_on_every_node() {
    let Some(host) = enrolled() else {
        return;
    };
    let second = host.twin();
    let before = fs::read(host.path("qnetd/nssdb/cluster-c.crt")).unwrap();
    let told = host.done(OURS.server, &["--renew", "-n", "c"]);
    let stored = format!("Certificate stored in {}\n", signed("c"));
    assert!(told.contains(&stored), "{told}");
    let after = fs::read(host.path("qnetd/nssdb/cluster-c.crt")).unwrap();
    assert_ne!(after, before);
    host.must_be_valid();
    fs::write(second.path("cluster-c.crt"), &after).unwrap();
    host.done(OURS.node, &["-M", "-c", &signed("c")]);
    second.done(OURS.node, &["-M", "-c", "/etc/corosync/cluster-c.crt"]);
    for host in [&host, &second] {
        host.must_be_valid();
        assert_eq!(counted(host), (2, 1));
    }
}

#[test]
fn a_cluster_gets_a_new_key_while_the_old_one_is_in_use() {
    let Some(host) = enrolled() else {
        return;
    };
    let bundle = fs::read(host.path("qdevice/net/nssdb/qdevice-net-node.p12")).unwrap();
    let told = host.done(OURS.node, &["--renew", "--key-type", "p256"]);
    let stored = format!("Certificate request stored in {REQUEST}\n");
    assert!(told.contains(&stored), "{told}");
    assert_eq!(counted(&host), (1, 2));
    let kept = fs::read(host.path("qdevice/net/nssdb/qdevice-net-node.p12")).unwrap();
    assert_eq!(kept, bundle);
    host.must_be_valid();
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    host.done(OURS.node, &["-M", "-c", &signed("c")]);
    assert_eq!(counted(&host), (2, 2));
    host.must_be_valid();
    let listed = host.done(OURS.node, &["--list"]);
    let used = listed.split("\n\n").find(|block| block.contains("used by"));
    assert!(used.unwrap().contains("P-256, 256 bits"), "{listed}");
}

/// The scripts take what ours have renewed, as after a step back.
#[test]
fn the_scripts_import_what_ours_have_renewed() {
    let makes: [Programs; 2] = [OURS, SCRIPTS];
    for import in makes {
        let Some(host) = Host::with_scripts() else {
            return;
        };
        host.enrol(SCRIPTS, SCRIPTS, "c");
        host.done(OURS.server, &["--renew", "-n", "c"]);
        host.done(import.node, &["-M", "-c", &signed("c")]);
        host.done(import.node, &["-m", "-c", BUNDLE]);
        host.must_be_valid();
        assert_eq!(counted(&host).0, 2);
    }
}

#[test]
fn the_server_renews_its_own_certificate() {
    let Some(host) = enrolled() else {
        return;
    };
    host.done(OURS.server, &["--renew", "--days", "10"]);
    host.must_be_valid();
    let check = host.run(OURS.server, &["--check"]);
    assert_eq!(check.exit, Some(1), "{check:?}");
    let warned = "WARNING  The server's certificate ends in 9 days";
    assert!(check.out.contains(warned), "{check:?}");
    assert!(
        check
            .out
            .contains("\n         Run: corosync-qnetd-certutil --renew\n"),
        "{check:?}"
    );
}

#[test]
fn what_cannot_be_renewed_is_refused_and_nothing_changes() {
    let Some(host) = enrolled() else {
        return;
    };
    let other = enrolled().unwrap();
    fs::copy(other.path("qnetd/nssdb/cluster-c.crt"), host.path("other")).unwrap();
    let before = host.files("qnetd/nssdb");
    for (program, args, expected) in [
        (
            OURS.server,
            &["--renew", "-n", "d"][..],
            "There is no certificate of cluster \"d\"",
        ),
        (
            OURS.server,
            &["--renew", "-n", "d", "-c", &signed("c")],
            "is for cluster \"c\" and not for \"d\"",
        ),
        (
            OURS.server,
            &["--renew", "-n", "c", "-c", "/etc/corosync/other"],
            "this authority has not signed it",
        ),
        (OURS.node, &["--renew", "-n", "d"], "is of another name (c)"),
    ] {
        let refused = host.run(program, args);
        assert_eq!(refused.exit, Some(1), "{args:?}: {refused:?}");
        assert!(refused.err.contains(expected), "{args:?}: {refused:?}");
    }
    assert_eq!(host.files("qnetd/nssdb"), before);
    host.must_be_valid();
}
