//! `--list`: what is there, for people and for programs.

use crate::host::{NODE_DB, OURS, REQUEST, SERVER_DB, enrolled, signed};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_certificate_is_listed_with_what_people_ask_for() {
    let Some(host) = enrolled() else {
        return;
    };
    let text = host.done(OURS.node, &["--list"]);
    for part in [
        "QNet CA\n  Role:        authority\n",
        "Cluster Cert\n  Role:        cluster\n  Cluster:     \"c\"\n  Subject:     CN=c\n  Issuer:      CN=QNet CA\n",
        "\n  Key:         RSA, 3072 bits\n  Private key: here\n  Fingerprint: ",
        "\n  State:       used by the daemon, valid\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let listed = json(&host.done(OURS.server, &["--list", "--json"]));
    assert_eq!(listed["schema"], 1);
    assert_eq!(listed["side"], "server");
    assert_eq!(listed["database"], SERVER_DB);
    let field = |name: &str| -> Vec<Value> {
        let certificates = listed["certificates"].as_array().unwrap();
        certificates.iter().map(|one| one[name].clone()).collect()
    };
    assert_eq!(field("role"), ["authority", "server", "cluster"]);
    assert_eq!(field("state"), ["valid", "valid", "valid"]);
    assert_eq!(field("in_use"), [false, true, false]);
    assert_eq!(field("file")[2], "cluster-c.crt");
    assert_eq!(field("clusters")[2], json("[\"c\"]"));
    assert!(field("days_left")[2].as_i64() > Some(36000));
    // NSS's own tool shows the same fingerprint.
    let theirs = host.done("certutil", &["-L", "-d", NODE_DB, "-n", "Cluster Cert"]);
    let theirs: String = theirs.split_whitespace().collect();
    let ours = field("fingerprint")[2].as_str().unwrap().to_uppercase();
    let pairs: Vec<&str> = (0..32).map(|at| &ours[2 * at..2 * at + 2]).collect();
    assert!(theirs.contains(&pairs.join(":")), "{ours}: {theirs}");
}

#[test]
fn an_end_within_thirty_days_is_told_with_the_command_that_renews() {
    let Some(host) = enrolled() else {
        return;
    };
    for (days, state, told) in [("31", "valid", None), ("30", "ending", Some("29 days"))] {
        let sign = ["-s", "-c", REQUEST, "-n", "c", "--days", days];
        host.done(OURS.server, &sign);
        host.done(OURS.node, &["-M", "-c", &signed("c")]);
        let listed = json(&host.done(OURS.server, &["--list", "--json"]));
        let mut certificates = listed["certificates"].as_array().unwrap().iter();
        let latest = certificates.find(|one| one["file"] == "cluster-c.crt");
        assert_eq!(latest.unwrap()["state"], state, "{listed}");
        let text = host.done(OURS.node, &["--list"]);
        let warned = text.lines().find(|line| line.contains("WARNING: ends in"));
        assert_eq!(warned.is_some(), told.is_some(), "{text}");
        if let Some(warned) = warned {
            assert!(warned.contains(told.unwrap()), "{warned}");
            let command = "Run: corosync-qnetd-certutil --renew -n c (on the server)";
            assert!(warned.ends_with(command), "{warned}");
        }
    }
}
