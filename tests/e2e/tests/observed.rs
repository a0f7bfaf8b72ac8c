//! What the tools tell of real daemons, state by state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::schema::Schema;
use e2e::stage::{Programs, Stage, upstream_arbiter};
use libqdevice::base::RingId;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOGETHER: RingId = RingId::new(1, 4);
const LEFT: RingId = RingId::new(1, 8);
const RIGHT: RingId = RingId::new(2, 8);

const ALL: &str = env!("CARGO_BIN_EXE_loopback-demo");

fn stage(arbiter: Vec<PathBuf>) -> Stage {
    Stage::new(Programs {
        arbiter,
        node: vec![env!("CARGO_BIN_EXE_fake-node").into()],
        timeout: Some(4_000),
    })
    .unwrap()
}

fn our_stage() -> Stage {
    stage(vec![ALL.into(), "qnetd".into()])
}

/// Stdout, stderr and exit code of a tool.
fn tool(name: &str, socket: &Path, args: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(ALL);
    command.arg(name).arg("-p").arg(socket).args(args);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// What the tool of the arbiter prints.
fn server(stage: &Stage, args: &[&str]) -> String {
    let (out, err, code) = tool("qnetd-tool", &stage.arbiter_socket(), args);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{args:?}: {out}");
    out
}

/// What the tool of a node prints.
fn node(stage: &Stage, id: u32, args: &[&str]) -> String {
    let (out, err, code) = tool("qdevice-tool", &stage.node_socket(id), args);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{args:?}: {out}");
    out
}

fn json(text: &str) -> Value {
    let report = serde_json::from_str(text).unwrap();
    Schema::ours().check(&report).unwrap();
    report
}

/// Every report there is, checked; the list of the clusters, and what node 1 says.
fn all_reports(stage: &Stage, nodes: &[u32]) -> (Value, Value) {
    json(&server(stage, &["-s", "--json"]));
    let list = json(&server(stage, &["-l", "--json"]));
    for question in [&["--history"][..], &["--explain"], &["--what-if", "1/2"]] {
        let args = [question, &["--json", "-c", "loopback"]].concat();
        if !list["clusters"].as_array().unwrap().is_empty() {
            json(&server(stage, &args));
        }
    }
    for &id in nodes {
        json(&node(stage, id, &["--heuristics", "--json"]));
        json(&node(stage, id, &["--history", "--json"]));
    }
    (list, json(&node(stage, nodes[0], &["-s", "--json"])))
}

#[test]
fn in_every_state_json_follows_the_schema_and_says_what_is() {
    let mut stage = our_stage();
    stage.start_node(1, &[1, 2], &[]).unwrap();
    stage.order(1, "ring 1/4 sees 1 2").unwrap();
    stage.until_cast(&[1], TOGETHER, false).unwrap();
    let alone = json(&node(&stage, 1, &["-s", "--json"]));
    assert_ne!(alone["link"]["state"], "connected");
    assert_eq!(alone["cast"]["last_poll_for"], false);

    stage.start_arbiter().unwrap();
    json(&server(&stage, &["-l", "--json"]));
    stage.start_node(2, &[1, 2], &[]).unwrap();
    stage.order(2, "ring 1/4 sees 1 2").unwrap();
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    let (list, own) = all_reports(&stage, &[1, 2]);
    assert_eq!(list["clusters"][0]["nodes"][1]["may_cast"], true);
    assert_eq!(own["link"]["state"], "connected");
    assert_eq!(own["cast"]["vote"], "ack");

    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    stage.until_cast(&[1], LEFT, true).unwrap();
    stage.until_cast(&[2], RIGHT, false).unwrap();
    let (list, _) = all_reports(&stage, &[1, 2]);
    let cluster = &list["clusters"][0];
    assert_eq!(cluster["finding"]["reason"], "tie-breaker");
    assert_eq!(cluster["nodes"][1]["ruling"], "nack");

    let explained = server(&stage, &["--explain", "-c", "loopback"]);
    for sentence in [
        "Node 1 has the vote, last told at ",
        "The part of node 1 deserves it, because the parts are equal, and it has the node that the \
         tie-breaker names (the lowest node id).",
        "Node 2 was told that it does not have the vote.",
        "    Part 2 (ring 2.8): 1 of 2 configured nodes; connected: 2\n",
    ] {
        assert!(explained.contains(sentence), "{sentence}\n{explained}");
    }
    let explained = node(&stage, 2, &["--explain"]);
    assert!(
        explained.contains("It casts against: its part of the cluster does not get"),
        "{explained}"
    );
    let history = server(&stage, &["--history", "-c", "loopback"]);
    assert!(
        history.contains("told node 2 for ring 2.8: NACK: the vote is not yours"),
        "{history}"
    );

    stage.kill_arbiter().unwrap();
    stage.until_cast(&[1], LEFT, false).unwrap();
    let afterwards = json(&node(&stage, 1, &["-s", "--json"]));
    let change = afterwards["history"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&change["to"], &change["cause"]),
        (&"nack".into(), &"server-lost".into())
    );
}

#[test]
fn what_if_says_before_a_split_who_has_the_vote_after_it() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    for id in [1, 2] {
        stage.start_node(id, &[1, 2], &[]).unwrap();
        stage.order(id, "ring 1/4 sees 1 2").unwrap();
    }
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    let asked = server(&stage, &["--what-if", "1/2", "-c", "loopback"]);
    assert!(asked.contains("\nNode 1 would have the vote.\n"), "{asked}");
    let asked = server(&stage, &["--what-if=1/2", "--without=1", "-c", "loopback"]);
    assert!(asked.contains("\nNode 2 would have the vote.\n"), "{asked}");
    assert!(
        asked.contains("node 1 did not reach this server"),
        "{asked}"
    );
    let stranger = tool(
        "qnetd-tool",
        &stage.arbiter_socket(),
        &["--what-if", "1/7", "-c", "loopback"],
    );
    let refused = "Error: Node 7 is not configured in this cluster\n";
    assert_eq!(stranger, (String::new(), refused.to_owned(), Some(4)));
}

#[test]
fn a_c_daemon_has_no_json_and_that_is_said_in_one_line() {
    let Some(theirs) = upstream_arbiter() else {
        println!("skipped: upstream's arbiter is not installed");
        return;
    };
    let mut stage = stage(vec![theirs]);
    stage.start_arbiter().unwrap();
    for args in [
        &["-s", "--json"][..],
        &["-l", "--json"],
        &["--explain", "-c", "K"],
        &["--history", "-c", "K"],
        &["--what-if", "1/2", "-c", "K"],
    ] {
        let told = tool("qnetd-tool", &stage.arbiter_socket(), args);
        let line = "corosync-qnetd-tool: This daemon has no JSON: it is the C program, or older \
                    than this tool\n";
        assert_eq!(told, (String::new(), line.to_owned(), Some(4)), "{args:?}");
    }
}
