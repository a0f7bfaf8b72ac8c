//! `--check`: what is wrong is found, with the command that mends it, and the exit status of monitoring
//! systems; on a node with a real connection to the server.

use crate::host::{Answer, Host, OURS, REQUEST, SERVER_DB, enrolled, signed};
use crate::servers;
use chrono::{DateTime, Days, Utc};
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, Authority, Bundle, CLUSTER_NICKNAME, Database, Request,
};
use std::fs;

const CONF: &str = "totem {
 cluster_name: c
}
quorum {
 device {
  model: net
  net {
   host: 127.0.0.1
   tls: required
  }
 }
}
";

/// A host with an enrolled cluster that is its own server.
fn configured() -> Option<Host> {
    let host = enrolled()?;
    fs::write(host.path("corosync.conf"), CONF).unwrap();
    Some(host)
}

/// Checks the node while this server runs on the same host.
fn check_beside(host: &Host, server: &str, tls: &str) -> Answer {
    let script = format!(
        "ip link set lo up; {server} -f -s {tls} -S nss_db_dir={SERVER_DB} \
         -S local_socket_file=/etc/corosync/socket -S lock_file=/etc/corosync/lock \
         > /etc/corosync/log 2>&1 & \
         until corosync-qnetd-tool -s -p /etc/corosync/socket > /dev/null 2>&1; do \
         kill -0 $! || exit 9; done; \
         {} --check; status=$?; kill $!; wait $!; exit $status",
        OURS.node
    );
    host.run("unshare", &["-n", "sh", "-c", &script])
}

/// The C server, where it is installed, and ours.
fn both() -> Vec<String> {
    let ours = servers::ours("corosync-qnetd");
    let all = servers::theirs().into_iter().chain([&*ours]);
    all.map(|path| path.display().to_string()).collect()
}

#[track_caller]
fn must_say(answer: &Answer, exit: i32, parts: &[&str]) {
    assert_eq!(answer.exit, Some(exit), "{answer:?}");
    for part in parts {
        assert!(answer.out.contains(part), "{part:?} is not in {answer:?}");
    }
}

#[test]
fn a_node_that_is_well_is_accepted_by_servers_of_both_makes() {
    let Some(host) = configured() else {
        return;
    };
    for server in both() {
        let answer = check_beside(&host, &server, "req");
        let accepted = "ok       The server at 127.0.0.1:5403 is \"Qnetd Server\" of this authority, and \
                        accepts this node's certificate for its cluster\n";
        must_say(&answer, 0, &["ok       It is for cluster \"c\"", accepted]);
        let plain = check_beside(&host, &server, "off");
        let text = "ERROR    The server at 127.0.0.1:5403 does not use TLS\n         Run: ";
        must_say(&plain, 2, &[text]);
    }
}

#[test]
fn a_certificate_for_another_cluster_is_told_by_the_names_and_by_the_server() {
    let Some(host) = configured() else {
        return;
    };
    let other = CONF.replace("cluster_name: c", "cluster_name: d");
    fs::write(host.path("corosync.conf"), other).unwrap();
    for server in both() {
        let answer = check_beside(&host, &server, "req");
        must_say(
            &answer,
            2,
            &[
                "ERROR    The certificate is for cluster \"c\", and corosync.conf has cluster_name \"d\"",
                "ERROR    The server at 127.0.0.1:5403 does not accept this node: ",
            ],
        );
    }
}

#[test]
fn a_server_of_another_authority_is_not_believed() {
    let (Some(host), Some(other)) = (configured(), configured()) else {
        return;
    };
    fs::remove_dir_all(host.path("qdevice")).unwrap();
    let there = other.path("qdevice");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([there, host.path("qdevice")])
        .status();
    assert!(copied.unwrap().success());
    for server in both() {
        let answer = check_beside(&host, &server, "req");
        let text = "ERROR    No TLS with 127.0.0.1:5403: Server certificate verification failure.";
        must_say(&answer, 2, &[text]);
    }
}

#[test]
fn an_expired_certificate_is_told_by_its_date_and_by_the_server() {
    let Some(host) = configured() else {
        return;
    };
    let dir = host.path("qnetd/nssdb");
    let database = Database::open(&dir, Access::Read).unwrap();
    let certificate = database.named(AUTHORITY_NICKNAME).unwrap().remove(0);
    let key = database.private_key_of(&certificate).unwrap().unwrap();
    drop(database);
    let authority = Authority::of(certificate, key).unwrap();
    let request = fs::read(host.path("qdevice/net/nssdb/qdevice-net-node.crq")).unwrap();
    let request = Request::parse(&request).unwrap();
    let long_ago: DateTime<Utc> = "2020-01-01T00:00:00Z".parse().unwrap();
    let expired = authority.lasting(Some(Days::new(1)));
    let expired = expired.certify_cluster(&request, long_ago).unwrap();
    // The key and the certificate come together, as another node would hand them over.
    let database = Database::open(&host.path("qdevice/net/nssdb"), Access::Read).unwrap();
    let bundle = Bundle {
        key: database.private_key_of(&expired).unwrap().unwrap(),
        certificate: expired,
        nickname: None,
        chain: Vec::new(),
    };
    drop(database);
    fs::write(host.path("p12"), bundle.to_der(CLUSTER_NICKNAME).unwrap()).unwrap();
    fs::remove_dir_all(host.path("qdevice/net/nssdb")).unwrap();
    let authority = format!("{SERVER_DB}/qnetd-cacert.crt");
    host.done(OURS.node, &["-i", "-c", &authority]);
    host.done(OURS.node, &["-m", "-c", "/etc/corosync/p12"]);
    for server in both() {
        let answer = check_beside(&host, &server, "req");
        must_say(
            &answer,
            2,
            &[
                "ERROR    The certificate of cluster \"c\" has ended on 2020-01-02T00:00:00Z\n         \
                 Run: corosync-qnetd-certutil --renew -n c (on the server)\n",
                "ERROR    The server at 127.0.0.1:5403 does not accept this node: ",
            ],
        );
    }
}

#[test]
fn a_revoked_node_is_turned_away_by_our_server() {
    let Some(host) = configured() else {
        return;
    };
    host.done(OURS.server, &["--revoke", "-n", "c"]);
    let server = servers::ours("corosync-qnetd").display().to_string();
    let answer = check_beside(&host, &server, "req");
    must_say(
        &answer,
        2,
        &[
            "ERROR    The server at 127.0.0.1:5403 does not accept this node: ",
            "\n         Run: corosync-qdevice-net-certutil --renew\n",
        ],
    );
}

#[test]
fn each_missing_piece_is_told_with_the_command_that_mends_it() {
    let Some(host) = Host::new() else {
        return;
    };
    let run = |program: &str, exit, parts: &[&str]| {
        must_say(&host.run(program, &["--check"]), exit, parts);
    };
    run(
        OURS.server,
        2,
        &[
            "ERROR    There is no certificate database in /etc/corosync/qnetd/nssdb\n         Run: corosync-qnetd-certutil -i\n",
        ],
    );
    run(
        OURS.node,
        2,
        &["Run: corosync-qdevice-net-certutil -i -c qnetd-cacert.crt\n"],
    );
    host.done(OURS.server, &["-i"]);
    run(
        OURS.server,
        0,
        &[
            "ok       It is for \"Qnetd Server\"",
            "ok       No certificate is revoked\n",
        ],
    );
    let authority = format!("{SERVER_DB}/qnetd-cacert.crt");
    host.done(OURS.node, &["-i", "-c", &authority]);
    run(
        OURS.node,
        2,
        &[
            "WARNING  /etc/corosync/corosync.conf: No such file",
            "has no certificate \"Cluster Cert\"\n         Run: corosync-qdevice-net-certutil -m -c",
        ],
    );
    host.done(OURS.node, &["-r", "-n", "c"]);
    host.done(OURS.server, &["-s", "-c", REQUEST, "-n", "c"]);
    host.done(OURS.node, &["-M", "-c", &signed("c")]);
    fs::write(host.path("corosync.conf"), CONF).unwrap();
    run(
        OURS.node,
        2,
        &[
            "ERROR    The server 127.0.0.1:5403 does not answer: ",
            "Run: systemctl start corosync-qnetd",
        ],
    );
    let off = CONF.replace("tls: required", "tls: off");
    fs::write(host.path("corosync.conf"), off).unwrap();
    run(OURS.node, 2, &["WARNING  corosync.conf says tls: off"]);
    fs::write(host.path("qnetd/nssdb/revoked.txt"), "nonsense\n").unwrap();
    run(
        OURS.server,
        2,
        &[
            "ERROR    The list of revoked certificates does not count: ",
            "line 1 does not",
        ],
    );
    fs::remove_file(host.path("qnetd/nssdb/revoked.txt")).unwrap();
    fs::remove_file(host.path("qnetd/nssdb/qnetd-cacert.crt")).unwrap();
    run(
        OURS.server,
        1,
        &[
            "qnetd-cacert.crt is not the authority's certificate",
            "Run: certutil -L -a",
        ],
    );
    let mended = "certutil -L -a -n 'QNet CA' -d /etc/corosync/qnetd/nssdb > \
                  /etc/corosync/qnetd/nssdb/qnetd-cacert.crt";
    host.done("sh", &["-c", mended]);
    run(OURS.server, 0, &[]);
}

#[test]
fn findings_for_programs_and_a_check_that_cannot_be_called() {
    let Some(host) = Host::new() else {
        return;
    };
    let answer = host.run(OURS.server, &["--check", "--json"]);
    assert_eq!(answer.exit, Some(2));
    let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["result"], "error");
    assert_eq!(
        report["findings"][0]["remedy"],
        "corosync-qnetd-certutil -i"
    );
    let wrong = host.run(OURS.server, &["--check", "--jsn"]);
    assert_eq!(wrong.exit, Some(3), "{wrong:?}");
}
