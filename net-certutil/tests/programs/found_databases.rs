//! Databases as they are found: with a password, old, left half-changed, closed to the caller, or written by
//! another version of NSS.

use crate::host::{Host, NICKNAME, NODE_DB, OURS, REQUEST, SERVER_DB, enrolled};
use chrono::Utc;
use libqdevice::certs::{AnchorsBy, Identity, Side};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Stdio;

#[test]
fn a_database_with_a_password_is_used_with_the_one_in_its_file() {
    let Some(host) = enrolled() else {
        return;
    };
    fs::write(host.path("old"), "\n").unwrap();
    fs::write(host.path("new"), "secret\n").unwrap();
    let change = [
        "-W",
        "-d",
        SERVER_DB,
        "-f",
        "/etc/corosync/old",
        "-@",
        "/etc/corosync/new",
    ];
    host.done("certutil", &change);
    let sign = ["-s", "-c", REQUEST, "-n", "c"];
    let refused = host.run(OURS.server, &sign);
    assert_eq!(refused.exit, Some(1));
    assert!(
        refused
            .err
            .contains("write it into /etc/corosync/qnetd/nssdb/pwdfile.txt"),
        "{refused:?}"
    );
    fs::write(host.path("qnetd/nssdb/pwdfile.txt"), "secret\n").unwrap();
    host.done(OURS.server, &sign);
}

/// What installations from before 2018 have.
#[test]
fn a_database_in_the_old_format_is_read_and_is_converted_by_a_change() {
    let Some(host) = enrolled() else {
        return;
    };
    let old = |dir| format!("dbm:{dir}");
    for dir in ["qnetd/nssdb", "qdevice/net/nssdb"] {
        for file in ["cert9.db", "key4.db", "pkcs11.txt"] {
            fs::remove_file(host.path(dir).join(file)).unwrap();
        }
    }
    fs::write(
        host.path("seed"),
        "0123456789012345678901234567890123456789",
    )
    .unwrap();
    for dir in [SERVER_DB, NODE_DB] {
        let made = host.run("certutil", &["-N", "--empty-password", "-d", &old(dir)]);
        if made.exit != Some(0) || !host.path("qnetd/nssdb/cert8.db").exists() {
            eprintln!("skipped: this version of NSS no longer knows the old format");
            return;
        }
    }
    let server = old(SERVER_DB);
    host.done(
        "certutil",
        &[
            "-S",
            "-n",
            "QNet CA",
            "-s",
            "CN=QNet CA",
            "-x",
            "-t",
            "CT,,",
            "-v",
            "1200",
            "-d",
            &server,
            "-z",
            "/etc/corosync/seed",
        ],
    );
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    assert!(!host.path("qnetd/nssdb/cert9.db").exists());
    let refused = host.run(OURS.server, &["-i"]);
    assert!(refused.err.contains("already exists"), "{refused:?}");
    host.done(OURS.node, &["-r", "-n", "c"]);
    let keys = host.done("certutil", &["-K", "-d", NODE_DB]);
    assert_eq!(
        keys.lines().filter(|line| line.starts_with("< ")).count(),
        1,
        "{keys}"
    );
}

/// A C tool was killed while it wrote.
#[test]
fn a_change_that_another_program_did_not_finish_is_undone() {
    let Some(host) = enrolled() else {
        return;
    };
    let break_off = "
import os, sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('PRAGMA cache_size=1')
base.execute('BEGIN IMMEDIATE')
base.execute('CREATE TABLE half (x)')
for _ in range(100):
    base.execute('INSERT INTO half VALUES (randomblob(4000))')
os.kill(os.getpid(), 9)
";
    let interrupt = |host: &Host, file: &str| {
        host.run("python3", &["-c", break_off, file]);
        let journal = format!("{file}-journal");
        host.run("test", &["-s", &journal]).exit == Some(0)
    };
    for file in ["key4.db", "cert9.db"] {
        let host = host.twin();
        let (server, node) = (format!("{SERVER_DB}/{file}"), format!("{NODE_DB}/{file}"));
        if !interrupt(&host, &server) || !interrupt(&host, &node) {
            eprintln!("skipped: python3 with sqlite3 is not installed");
            return;
        }
        let unread = host.run("certutil", &["-L", "-d", SERVER_DB]);
        assert_ne!(unread.exit, Some(0), "{file}: {unread:?}");
        // The command that the server's error names.
        let there = host.run(OURS.server, &["-i"]);
        assert!(there.err.contains("already exists"), "{there:?}");
        host.done(OURS.node, &["-r", "-n", "c"]);
        host.must_be_valid();
        // Reading does it too, where it may.
        assert!(interrupt(&host, &server));
        host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
        host.must_be_valid();
    }
}

/// A member of the database's group, who may write there, works as root does; others are told why not.
#[test]
fn the_database_s_group_can_sign_and_others_are_told_why_not() {
    let Some(host) = Host::new() else {
        return;
    };
    chown(host.path("qnetd"), Some(0), Some(4712)).unwrap();
    host.enrol(OURS, OURS, "c");
    fs::set_permissions(host.path("qnetd"), fs::Permissions::from_mode(0o750)).unwrap();
    for dir in [
        "qdevice/net/nssdb",
        "qdevice/net/nssdb/qdevice-net-node.crq",
    ] {
        fs::set_permissions(host.path(dir), fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Where a user without rights can start it.
    fs::copy(OURS.server, host.path("program")).unwrap();
    let run = |group: &str, name: &str| {
        let user = ["--reuid=65534", "--clear-groups"];
        let program = ["/etc/corosync/program", "-s", "-c", REQUEST, "-n", name];
        host.run("setpriv", &[&user[..], &[group], &program].concat())
    };
    let member = run("--regid=4712", "ours");
    assert_eq!(member.exit, Some(0), "{member:?}");
    assert_eq!(
        host.files("qnetd/nssdb")["cluster-ours.crt"],
        "640 65534:4712 filled"
    );
    fs::set_permissions(host.path("qnetd"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(host.path("qnetd/nssdb"), fs::Permissions::from_mode(0o775)).unwrap();
    let stranger = run("--regid=4713", "theirs");
    assert_eq!(stranger.exit, Some(1), "{stranger:?}");
    assert!(
        stranger.err.contains("cert9.db: Permission denied"),
        "{stranger:?}"
    );
    assert!(!host.path("qnetd/nssdb/cluster-theirs.crt").exists());
}

/// NSS writes trust in another form since 3.114, which the versions before do not see.
#[test]
fn the_trust_that_newer_versions_write_is_understood_by_older_ones_too() {
    const NEWER_FORM: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
columns = [row[1] for row in base.execute('PRAGMA table_info(nssPublic)')]
if 'a62c' in columns:
    sys.exit(3)
for column in ('a62c', 'a62d'):
    base.execute(f'ALTER TABLE nssPublic ADD COLUMN {column}')
trust = bytes.fromhex(sys.argv[2])
base.execute('UPDATE nssPublic SET a0 = ?, a62c = ?, a62d = ? WHERE a0 = ?',
             (bytes.fromhex('0000000b'), trust, trust, bytes.fromhex('ce534353')))
base.commit()
";
    let Some(host) = enrolled() else {
        return;
    };
    let load = |host: &Host| {
        let dir = host.path("qdevice/net/nssdb");
        Identity::load(&dir, NICKNAME, Side::Node, Utc::now())
    };
    for (value, trusted) in [("00000002", true), ("00000003", false)] {
        let host = host.twin();
        let file = format!("{NODE_DB}/cert9.db");
        if host.run("python3", &["-c", NEWER_FORM, &file, value]).exit != Some(0) {
            eprintln!("skipped: needs python3 with sqlite3, and a version of NSS before 3.114");
            return;
        }
        match load(&host) {
            Ok(identity) => assert!(trusted && identity.anchors_by == AnchorsBy::Trust),
            Err(error) => assert!(!trusted, "{error}"),
        }
    }
}

#[test]
fn a_database_that_another_program_holds_is_waited_for_but_not_for_ever() {
    const HOLD: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('BEGIN EXCLUSIVE')
print('held', flush=True)
sys.stdin.read()
";
    let Some(host) = enrolled() else {
        return;
    };
    let file = format!("{SERVER_DB}/key4.db");
    let mut holder = host.command("python3", &["-c", HOLD, &file]);
    let mut holder = holder
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut told = BufReader::new(holder.stdout.take().unwrap());
    told.read_line(&mut line).unwrap();
    let sign = ["-s", "-c", REQUEST, "-n", "c"];
    let refused = host.run(OURS.server, &sign);
    // Its end is the end of its input.
    drop(holder.stdin.take());
    holder.wait().unwrap();
    if line != "held\n" {
        eprintln!("skipped: python3 with sqlite3 is not installed");
        return;
    }
    assert_eq!(refused.exit, Some(1));
    let expected = format!("another program is working on {SERVER_DB}");
    assert!(refused.err.contains(&expected), "{refused:?}");
    host.done(OURS.server, &sign);
}
