//! Reports for the tests of what is made of them.

use libqdevice::report::{ClusterList, DeviceReport, HeuristicsRun, ServerReport};
use serde_json::json;

/// Two clusters: one split, one of a node that waits.
pub(crate) fn list() -> ClusterList {
    let node = |id: u32, ring: u32, sees: &[u32], vote: &str, may_cast: bool| {
        json!({"id": id, "address": format!("192.0.2.{id}:40{id:03}"), "protection": "verified",
               "connected_at_ms": 1_764_000_000_000_u64, "last_heard_at_ms": 1_764_072_184_125_u64,
               "heartbeat_ms": 8000, "configuration_version": 3,
               "configured": configured(&[1, 2, 3, 4]),
               "ring": {"node": ring, "seq": 44}, "membership": sees,
               "heuristics": {"latest": "pass", "membership": "pass", "regular": "undefined"},
               "vote": "no-change", "ruling": vote, "may_cast": may_cast})
    };
    let mut lonely = node(1, 1, &[1, 2], "ack", false);
    lonely["vote"] = json!("wait-for-reply");
    lonely["ruling"] = json!(null);
    lonely["address"] = json!("2001:db8:1234:5678:9abc:def0:1234:5678:40001");
    lonely["protection"] = json!("plain");
    let cluster = |name: &str, algorithm: &str, finding, nodes| {
        json!({"name": name, "algorithm": algorithm, "tie_breaker": {"rule": "lowest"},
               "keep_active_partition": false, "finding": finding, "last_decision": 9, "waits_for": null,
               "counts": {"votes_sent": {"ack": 4, "nack": 2}, "disconnects": {"silent": 1}},
               "nodes": nodes})
    };
    let part = json!({"seen": "partition", "nodes": [1, 2], "reason": "tie-breaker"});
    let halves = json!([
        node(1, 1, &[1, 2], "ack", true),
        node(2, 1, &[1, 2], "ack", true),
        node(3, 3, &[3, 4], "nack", false),
        node(4, 3, &[3, 4], "nack", false),
    ]);
    read(
        json!({"schema": 1, "report": "qnetd-list", "version": "1", "at_ms": 1_764_072_184_525_u64,
        "clusters": [
            cluster("hospital-east", "ffsplit", part, halves),
            cluster("a b", "lms", json!({"seen": "unsettled"}), json!([lonely])),
        ]}),
    )
}

/// A server with these clusters.
pub(crate) fn server() -> ServerReport {
    read(
        json!({"schema": 1, "report": "qnetd-status", "version": "1",
        "at_ms": 1_764_072_184_525_u64, "started_at_ms": 1_764_000_000_000_u64,
        "listen": "*:5403", "tls": "supported", "client_certificate_required": true,
        "clients": {"connected": 5, "maximum": null, "not_admitted": 0, "verified": 4,
            "encrypted": 0, "plain": 1},
        "clusters": 2, "max_receive_bytes": 32768, "max_send_bytes": 32768,
        "event_loop_lag_ms": 0, "auth_failures": {}, "too_many_clients": 0,
        "revoked_certificates": 0, "certificates": []}),
    )
}

/// A node that casts its vote.
pub(crate) fn device() -> DeviceReport {
    read(
        json!({"schema": 1, "report": "qdevice-status", "version": "1",
        "at_ms": 1_764_072_184_525_u64, "node": 1, "cluster": "hospital-east", "timeout_ms": 10000,
        "sync_timeout_ms": 30000, "configuration_version": 3,
        "configured": configured(&[1, 2]),
        "ring": {"node": 1, "seq": 44}, "membership": [1], "quorate": true,
        "quorum_nodes": [{"id": 1, "state": "member"}, {"id": 2, "state": "dead"}],
        "expected_votes": 3,
        "server": {"host": "qnetd.example.org", "port": 5403, "tls": "required",
            "algorithm": "ffsplit", "tie_breaker": {"rule": "node", "node": 1},
            "keep_active_partition": false, "connect_timeout_ms": 8000, "heartbeat_ms": 8000},
        "link": {"state": "connected", "protection": "verified",
            "connected_at_ms": 1_764_072_000_000_u64, "echo_reply_at_ms": 1_764_072_184_125_u64,
            "lease_ends_at_ms": null, "connects": 2},
        "cast": {"vote": "ack", "active": true, "interval_ms": 5000,
            "last_poll_at_ms": 1_764_072_182_525_u64, "last_poll_for": true},
        "heuristics": {"mode": "on", "latest": "pass", "regular": "pass", "membership": "pass",
            "connect": "undefined"},
        "certificates": [], "history": []}),
    )
}

/// A run in which a command failed.
pub(crate) fn run() -> HeuristicsRun {
    let command = |name: &str, status: i32, stderr: &[&str]| {
        json!({"name": name, "pass": status == 0, "end": "exited", "status": status, "signal": null,
               "error": null, "took_ms": 12, "stderr": stderr})
    };
    read(
        json!({"schema": 1, "report": "qdevice-heuristics", "version": "1", "at_ms": 1, "run": 4,
        "ended_at_ms": 1_764_072_184_125_u64, "result": "fail",
        "commands": [command("disk", 0, &[]), command("ping", 1, &["no route to host"])]}),
    )
}

fn read<T: serde::de::DeserializeOwned>(report: serde_json::Value) -> T {
    serde_json::from_value(report).expect("it is written as the daemons write it")
}

fn configured(ids: &[u32]) -> Vec<serde_json::Value> {
    let node = |id: &u32| json!({"id": id, "data_center": 0});
    ids.iter().map(node).collect()
}
