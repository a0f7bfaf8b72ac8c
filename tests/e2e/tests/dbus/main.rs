//! Both daemons on a system bus of their own, with our policy files and, where it is installed, polkit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bus;
mod flood;
mod inside;
mod introspection;
mod polkit;

use bus::{Heard, Monitor, has_owner, property, shown, start_bus, wait_for};
use e2e::stage::{Programs, Stage};
use inside::is_inside;
use serde_json::{Value, json};

const QNETD: &str = "org.corosync.Qnetd1";
const QDEVICE: &str = "org.corosync.Qdevice1";
const ROOT: &str = "/org/corosync/Qnetd1";

fn stage() -> Stage {
    Stage::new(Programs {
        arbiter: vec![env!("CARGO_BIN_EXE_loopback-demo").into(), "qnetd".into()],
        node: vec![env!("CARGO_BIN_EXE_fake-node").into()],
        timeout: Some(4_000),
    })
    .unwrap()
}

/// Two nodes that are together and have the vote.
fn boot(stage: &mut Stage) {
    stage.start_arbiter().unwrap();
    stage.start_two().unwrap();
}

#[test]
fn signals_of_a_split_come_in_order_and_with_their_reason() {
    if !is_inside("signals_of_a_split_come_in_order_and_with_their_reason") {
        return;
    }
    let _bus = start_bus();
    let mut stage = stage();
    boot(&mut stage);
    wait_for("the names", || has_owner(QNETD) && has_owner(QDEVICE));
    let mut server = Monitor::start(QNETD);
    let mut device = Monitor::start(QDEVICE);
    let node = |node: u32| format!("{ROOT}/cluster/loopback/node/{node}");
    let of_node = |id, name| property(QNETD, &node(id), "org.corosync.Qnetd1.Node", name);
    // Node 1 waits for node 2, so that its vote changes.
    stage.order(1, "ring 1/8 sees 1").unwrap();
    wait_for("its ring", || of_node(1, "Ring") == "(ut) 1 8");
    stage.split_two().unwrap();

    let vote = |node, vote: &str, ring: &str, reasons: &'static [&str]| {
        let (node, vote) = (json!(node), json!(vote));
        let ring: Value = ring.parse().unwrap();
        move |signal: &Heard| {
            signal.member == "VoteChanged"
                && signal.arguments[1] == node
                && signal.arguments[3..5] == [vote.clone(), ring.clone()]
                && reasons.iter().any(|reason| signal.arguments[5] == *reason)
        }
    };
    // Judged again with the reports that follow, it is the half that has the vote already.
    let won = vote(1, "ack", "[1,8]", &["tie-breaker", "active"]);
    let lost = vote(2, "nack", "[2,8]", &["tie-breaker"]);
    let seen = server.until("the vote of node 1", |seen| seen.iter().any(&won));
    assert!(
        seen.iter().position(&lost) < seen.iter().position(&won) && seen.iter().any(lost),
        "{seen:#?}"
    );
    let told = |member| seen.iter().filter(move |signal| signal.member == member);
    let chosen: Vec<String> = told("PartitionChosen")
        .map(|signal| signal.line(3))
        .collect();
    assert_eq!(chosen[0], "PartitionChosen loopback [1] tie-breaker");
    let sequences = seen
        .iter()
        .filter_map(|signal| signal.arguments.iter().rev().nth(1)?.as_u64());
    let sequences: Vec<u64> = sequences.collect();
    assert!(sequences.is_sorted(), "{sequences:?}");

    // Whichever of the two has the name.
    let won = vote(1, "ack", "[1,8]", &["server-decision"]);
    let lost = vote(2, "nack", "[2,8]", &["server-decision"]);
    device.until("the vote of a node", |seen| {
        seen.iter().any(&won) || seen.iter().any(&lost)
    });

    let tree = shown(&["tree", "--list", QNETD]);
    assert!(tree.lines().any(|line| line == node(2)), "{tree}");
    assert_eq!(of_node(1, "Vote"), "s \"ack\"");
    assert_eq!(of_node(2, "Vote"), "s \"nack\"");
    assert_eq!(of_node(2, "Ring"), "(ut) 2 8");
    assert_eq!(of_node(2, "Membership"), "au 1 2");
    assert_eq!(of_node(2, "Configured"), "au 2 1 2");
    assert_eq!(of_node(2, "Protection"), "s \"plain\"");
    let of_server = |name| property(QNETD, ROOT, "org.corosync.Qnetd1.Manager", name);
    assert_eq!(of_server("ConnectedNodes"), "u 2");

    server.forget();
    stage.ask(2, "shutdown").unwrap();
    stage.end_of(2).unwrap();
    let seen = server.until("the end of node 2", |seen| {
        seen.iter()
            .any(|signal| signal.member == "NodeDisconnected")
    });
    let lines: Vec<String> = seen.iter().map(|signal| signal.line(2)).collect();
    let at = |start: &str| lines.iter().position(|line| line.starts_with(start));
    assert!(at("InterfacesRemoved").is_some(), "{lines:#?}");
    assert!(
        at("VoteChanged loopback 2") < at("NodeDisconnected loopback 2"),
        "{lines:#?}"
    );
    assert_eq!(of_server("ConnectedNodes"), "u 1");
}

#[test]
fn a_bus_that_is_missing_or_lost_costs_a_line_and_no_vote() {
    if !is_inside("a_bus_that_is_missing_or_lost_costs_a_line_and_no_vote") {
        return;
    }
    let mut stage = stage();
    boot(&mut stage);
    let bus = start_bus();
    wait_for("the name", || has_owner(QNETD));
    drop(bus);
    stage.split_two().unwrap();
    let _bus = start_bus();
    wait_for("the name again", || has_owner(QNETD));
    let vote = |node| {
        let path = format!("{ROOT}/cluster/loopback/node/{node}");
        property(QNETD, &path, "org.corosync.Qnetd1.Node", "Vote")
    };
    assert_eq!(
        (vote(1), vote(2)),
        ("s \"ack\"".into(), "s \"nack\"".into())
    );
    let log = stage.logs();
    let arbiter = log.split("--- node").next().unwrap();
    let complaints = arbiter.matches("is not on the system bus").count();
    assert!((1..=2).contains(&complaints), "{arbiter}");
}

#[test]
fn what_is_on_the_bus_is_what_the_files_describe() {
    if !is_inside("what_is_on_the_bus_is_what_the_files_describe") {
        return;
    }
    let _bus = start_bus();
    let mut stage = stage();
    boot(&mut stage);
    wait_for("the names", || has_owner(QNETD) && has_owner(QDEVICE));
    let cluster = format!("{ROOT}/cluster/loopback");
    let node = format!("{cluster}/node/1");
    introspection::compare(QNETD, &[ROOT, &cluster, &node]);
    introspection::compare(QDEVICE, &["/org/corosync/Qdevice1"]);
}

#[test]
fn since_when_a_node_is_there_is_told_to_those_who_ask_and_nobody_else() {
    if !is_inside("since_when_a_node_is_there_is_told_to_those_who_ask_and_nobody_else") {
        return;
    }
    let _bus = start_bus();
    let mut stage = stage();
    boot(&mut stage);
    wait_for("the name", || has_owner(QNETD));
    let mut server = Monitor::start(QNETD);
    let path = format!("{ROOT}/cluster/loopback/node/1");
    let moment = |name| -> u64 {
        let shown = property(QNETD, &path, "org.corosync.Qnetd1.Node", name);
        shown.strip_prefix("t ").unwrap().parse().unwrap()
    };
    let (since, heard) = (moment("ConnectedSince"), moment("LastHeard"));
    assert!(since <= heard);
    let list: Value = serde_json::from_str(&stage.ask_arbiter("json list").unwrap()).unwrap();
    let json = list["clusters"][0]["nodes"][0]["connected_at_ms"].as_u64();
    assert!(
        json.unwrap().abs_diff(since / 1000) < 1000,
        "{since} {list}"
    );

    stage.split_two().unwrap();
    wait_for("a later message", || moment("LastHeard") > heard);
    let seen = server.until("what follows", |seen| {
        seen.iter().any(|signal| signal.member == "VoteChanged")
    });
    let signals = format!("{seen:?}");
    assert!(signals.contains("PropertiesChanged"), "{signals}");
    assert!(!signals.contains("LastHeard"), "{signals}");
    let objects = "org.freedesktop.DBus.ObjectManager";
    let all = shown(&["call", QNETD, ROOT, objects, "GetManagedObjects"]);
    assert!(
        all.contains("Membership") && !all.contains("LastHeard"),
        "{all}"
    );
    let all = [
        "org.freedesktop.DBus.Properties",
        "GetAll",
        "s",
        "org.corosync.Qnetd1.Node",
    ];
    let all = shown(&[&["call", QNETD, &path], &all[..]].concat());
    assert!(
        all.contains("ConnectedSince") && all.contains("LastHeard"),
        "{all}"
    );
}
