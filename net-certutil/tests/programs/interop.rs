//! One database, several programs: NSS's own tools, the scripts and the daemons of the C packages use what
//! ours have made, and ours use what they have made.

use crate::host::{
    AUTHORITY, BUNDLE, Host, NICKNAME, NODE_DB, OURS, Programs, REQUEST, SCRIPTS, SERVER_DB,
    enrolled, signed,
};
use std::fs;
use std::process::Command;

#[test]
fn certutil_lists_and_verifies_what_ours_have_made() {
    let Some(host) = enrolled() else {
        return;
    };
    host.must_be_valid();
    let listed = |dir| {
        let text = host.done("certutil", &["-L", "-d", dir]);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines = text.lines().skip(4).map(words);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(listed(SERVER_DB), ["QNet CA CTu,u,u", "QNetd Cert u,u,u"]);
    assert_eq!(listed(NODE_DB), ["QNet CA CT,c,c", "Cluster Cert u,u,u"]);
    for (dir, keys) in [(SERVER_DB, 2), (NODE_DB, 1)] {
        let text = host.done("certutil", &["-K", "-d", dir]);
        assert_eq!(
            text.lines().filter(|line| line.starts_with("< ")).count(),
            keys,
            "{text}"
        );
        assert!(!text.contains("orphan"), "{text}");
    }
    let subject = host.done("certutil", &["-L", "-d", NODE_DB, "-n", NICKNAME]);
    assert!(subject.contains("Subject: \"CN=c\""), "{subject}");
}

#[test]
fn pk12util_exports_what_ours_have_stored_and_imports_what_ours_have_exported() {
    let Some(host) = enrolled() else {
        return;
    };
    let other = "/etc/corosync/other";
    let exported = "/etc/corosync/exported.p12";
    host.done(
        "pk12util",
        &["-o", exported, "-n", NICKNAME, "-W", "", "-d", NODE_DB],
    );
    for bundle in [BUNDLE, exported] {
        fs::create_dir(host.path("other")).unwrap();
        host.done("certutil", &["-N", "--empty-password", "-d", other]);
        host.done("pk12util", &["-i", bundle, "-W", "", "-d", other]);
        let keys = host.done("certutil", &["-K", "-d", other]);
        assert!(keys.contains(NICKNAME), "{bundle}: {keys}");
        fs::remove_dir_all(host.path("other")).unwrap();
    }
}

#[test]
fn ours_and_the_scripts_relieve_each_other_at_every_step() {
    let (a, b) = (OURS, SCRIPTS);
    for steps in [
        [a, b, b, b, b, a],
        [b, a, a, a, a, b],
        [a, b, a, b, a, b],
        [b, a, b, a, b, a],
    ] {
        let Some(host) = Host::with_scripts() else {
            return;
        };
        let [init_server, init_node, request, sign, import, second]: [Programs; 6] = steps;
        host.done(init_server.server, &["-i"]);
        host.done(init_node.node, &["-i", "-c", AUTHORITY]);
        host.done(request.node, &["-r", "-n", "c"]);
        host.done(sign.server, &["-s", "-c", REQUEST, "-n", "c"]);
        host.done(import.node, &["-M", "-c", &signed("c")]);
        host.must_be_valid();
        // The bundle goes to a second node, whose database the other program has made.
        fs::copy(
            host.path("qdevice/net/nssdb/qdevice-net-node.p12"),
            host.path("p12"),
        )
        .unwrap();
        fs::remove_dir_all(host.path("qdevice/net/nssdb")).unwrap();
        host.done(import.node, &["-i", "-c", AUTHORITY]);
        host.done(second.node, &["-m", "-c", "/etc/corosync/p12"]);
        host.done(second.node, &["-m", "-c", "/etc/corosync/p12"]);
        host.must_be_valid();
    }
}

/// A name that the scripts' NSS tools take for syntax is a name like others for ours.
#[test]
fn a_name_with_syntax_in_it_is_certified_as_it_is() {
    let Some(host) = Host::with_scripts() else {
        return;
    };
    let name = "a,b = \"c\" über";
    host.enrol(OURS, OURS, name);
    host.must_be_valid();
}

/// NSS's tools refuse it too, and the script then exports the old certificate.
#[test]
fn a_node_that_moves_to_another_cluster_needs_a_new_database() {
    let Some(host) = enrolled() else {
        return;
    };
    let exported = fs::read(host.path("qdevice/net/nssdb/qdevice-net-node.p12")).unwrap();
    host.done(OURS.node, &["-r", "-n", "d"]);
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "d"]);
    let refused = host.run(OURS.node, &["-M", "-c", &signed("d")]);
    assert_eq!(refused.exit, Some(1));
    assert!(
        refused.err.contains("is of another name (c)\nRun: mv "),
        "{refused:?}"
    );
    let kept = fs::read(host.path("qdevice/net/nssdb/qdevice-net-node.p12")).unwrap();
    assert_eq!(kept, exported);
    host.must_be_valid();
}

#[test]
fn the_c_server_starts_with_tls_on_a_database_of_ours() {
    const PORT: &str = "5403";
    let Some(host) = enrolled() else {
        return;
    };
    let there = |program| Command::new(program).arg("-h").output().is_ok();
    if !there("corosync-qnetd") || !there("corosync-qnetd-tool") {
        eprintln!("skipped: corosync-qnetd is not installed");
        return;
    }
    let server = format!(
        "ip link set lo up; corosync-qnetd -f -d -s req -c on -p {PORT} \
         -S nss_db_dir={SERVER_DB} -S local_socket_file=/etc/corosync/socket \
         -S lock_file=/etc/corosync/lock & \
         until corosync-qnetd-tool -s -p /etc/corosync/socket; do kill -0 $! || exit 9; done; \
         kill $!; wait $!"
    );
    let mut command = host.command("unshare", &["-n", "sh", "-c", &server]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let tls = text.lines().find(|line| line.starts_with("TLS:"));
    assert_eq!(
        tls,
        Some("TLS:\t\t\t\tRequired (client certificate required)"),
        "{output:?}"
    );
}

/// What older versions of NSS, or other tools, put into a bundle.
#[test]
fn a_bundle_with_old_ciphers_is_imported() {
    let Some(host) = enrolled() else {
        return;
    };
    let triple = "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC";
    let rc2 = "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC";
    let bundle = "/etc/corosync/old.p12";
    for cipher in [triple, rc2] {
        let args = [
            "-o", bundle, "-n", NICKNAME, "-W", "", "-d", NODE_DB, "-c", triple, "-C", cipher,
        ];
        host.done("pk12util", &args);
        let second = host.twin();
        fs::remove_dir_all(second.path("qdevice/net/nssdb")).unwrap();
        second.done(OURS.node, &["-i", "-c", AUTHORITY]);
        second.done(OURS.node, &["-m", "-c", bundle]);
        second.must_be_valid();
    }
}
