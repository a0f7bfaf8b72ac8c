//! JSON, and what is made of it: tables, explanations, histories.

use super::{json, node, our_stage, server, stage, tool};
use e2e::stage::{LEFT, Signal, Stage, TOGETHER, upstream_arbiter};
use serde_json::Value;

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

    stage.split_two().unwrap();
    let (list, _) = all_reports(&stage, &[1, 2]);
    let cluster = &list["clusters"][0];
    assert_eq!(cluster["finding"]["reason"], "tie-breaker");
    assert_eq!(cluster["nodes"][1]["ruling"], "nack");

    let table = server(&stage, &["-l", "--table"]);
    assert!(table.starts_with("CLUSTER   NODE  ADDRESS"), "{table}");
    assert!(table.contains("NACK"), "{table}");
    assert!(server(&stage, &["-s", "--table"]).contains("\nClusters                1\n"));
    let table = server(&stage, &["--history", "--table", "-c", "loopback"]);
    assert!(table.contains("tie-breaker"), "{table}");
    assert!(node(&stage, 2, &["-s", "--table"]).contains("\nVote             NACK\n"));
    assert!(node(&stage, 2, &["--history", "--table"]).starts_with("NO  WHEN"));
    assert!(node(&stage, 2, &["--heuristics", "--table"]).starts_with("No heuristics"));

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
        (&change["new"], &change["reason"]),
        (&"nack".into(), &"server-lost".into())
    );
}

#[test]
fn who_deserves_the_vote_of_a_node_that_is_gone_is_told_how_long_to_wait() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    stage.start_two().unwrap();
    stage.split_two().unwrap();
    stage.signal(1, Signal::KILL).unwrap();
    stage.end_of(1).unwrap();
    // It lasts for seconds only: both are asked until one of the answers falls into them.
    let asked = |_| {
        let list = json(&server(&stage, &["-l", "--json"]));
        let explained = server(&stage, &["--explain", "-c", "loopback"]);
        (list["clusters"][0]["waits_for"]["node"].clone(), explained)
    };
    let sentence = ": node 1, which is gone, may cast it until then.";
    let waits = |(node, text): &(Value, String)| *node == 1 && text.contains(sentence);
    let found = (0..1_000).map(asked).find(waits);
    assert!(found.is_some_and(|(_, text)| text.contains("Nobody has the vote.")));
}

#[test]
fn what_if_says_before_a_split_who_has_the_vote_after_it() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    stage.start_two().unwrap();
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
