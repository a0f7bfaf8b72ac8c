//! `--revoke`: what the server turns away, and who may not come back by another way.

use crate::host::{AUTHORITY, OURS, REQUEST, enrolled, signed};
use libqdevice::certs::read_deny_list;
use std::fs;

#[test]
fn all_certificates_of_a_cluster_are_revoked_those_before_too_and_their_keys_with_them() {
    let Some(host) = enrolled() else {
        return;
    };
    host.done(OURS.server, &["--renew", "-n", "c"]);
    let told = host.done(OURS.server, &["--revoke", "-n", "c"]);
    assert_eq!(told.matches("Revoked: ").count(), 2, "{told}");
    let dir = host.path("qnetd/nssdb");
    assert_eq!(read_deny_list(&dir).unwrap().fingerprints().len(), 2);
    let files = host.files("qnetd/nssdb");
    assert_eq!(files["revoked.txt"], files["cert9.db"]);
    let again = host.done(OURS.server, &["--revoke", "-n", "c"]);
    assert_eq!(again.matches("Already revoked: ").count(), 2, "{again}");
    let listed = host.done(OURS.server, &["--list"]);
    assert_eq!(listed.matches("revoked\n").count(), 2, "{listed}");
    for args in [
        &["--renew", "-n", "c"][..],
        &["-s", "-c", REQUEST, "-n", "c"],
    ] {
        let refused = host.run(OURS.server, args);
        assert_eq!(refused.exit, Some(1), "{refused:?}");
        let reason = "which is revoked. Make a new key and request on a node";
        assert!(refused.err.contains(reason), "{refused:?}");
    }
    host.done(OURS.node, &["--renew"]);
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    assert_eq!(read_deny_list(&dir).unwrap().fingerprints().len(), 2);
}

#[test]
fn one_certificate_is_revoked_by_its_file_or_its_fingerprint_and_notes_are_kept() {
    let Some(host) = enrolled() else {
        return;
    };
    fs::write(host.path("qnetd/nssdb/revoked.txt"), "# mine\n").unwrap();
    host.done(OURS.server, &["--revoke", "-c", &signed("c")]);
    let unknown = "AB:".repeat(31) + "AB";
    let told = host.done(OURS.server, &["--revoke", "--fingerprint", &unknown]);
    assert!(told.contains("a certificate that is not here"), "{told}");
    let text = fs::read_to_string(host.path("qnetd/nssdb/revoked.txt")).unwrap();
    assert!(text.starts_with("# mine\n"), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn what_is_no_cluster_s_certificate_is_not_revoked() {
    let Some(host) = enrolled() else {
        return;
    };
    let other = enrolled().unwrap();
    fs::copy(other.path("qnetd/nssdb/cluster-c.crt"), host.path("other")).unwrap();
    for (args, exit, expected) in [
        (&["-n", "d"][..], 1, "There is no certificate of cluster"),
        (&["-c", AUTHORITY], 1, "it cannot be revoked"),
        (&["-c", "/etc/corosync/other"], 1, "was not signed here"),
        (&["-c", "/absent"], 2, "Can't open certificate file /absent"),
        (&[], 2, "You have to specify what to revoke"),
        (
            &["-n", "c", "-c", AUTHORITY],
            2,
            "You have to specify what to revoke",
        ),
    ] {
        let args = [&["--revoke"], args].concat();
        let refused = host.run(OURS.server, &args);
        assert_eq!(refused.exit, Some(exit), "{args:?}: {refused:?}");
        assert!(refused.err.contains(expected), "{args:?}: {refused:?}");
    }
    assert!(!host.path("qnetd/nssdb/revoked.txt").exists());
}
