//! What the tools tell of real daemons, state by state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::stage::{Programs, Signal, Stage, upstream_arbiter};
use libqdevice::base::RingId;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use witness::openmetrics::{self, Samples};
use witness::schema::Schema;

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
    command.env("COLUMNS", "110");
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

/// Metrics that are well-formed, also for the parsers of others where they are installed.
fn metrics(text: &str) -> Samples {
    let parser = "import sys; from prometheus_client.openmetrics.parser import *; \
                  list(text_string_to_metric_families(sys.stdin.read()))";
    assert!(is_accepted(
        "/usr/bin/python3",
        &["-c", parser],
        "No module",
        text
    ));
    // The older format, as the textfile collector reads it. Its style is another matter.
    let is_read = is_accepted("promtool", &["check", "metrics"], "help text", text);
    assert!(is_read);
    openmetrics::read(text).unwrap()
}

/// Whether a program takes the text; so does one that is not installed, or that has this excuse.
fn is_accepted(program: &str, args: &[&str], excuse: &str, text: &str) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = command.stdout(Stdio::null()).spawn() else {
        println!("skipped: {program} is not installed");
        return true;
    };
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let excused = complaint.contains(excuse) && !complaint.contains("error while linting");
    if !output.status.success() {
        println!("{program}: {complaint}");
    }
    output.status.success() || excused
}

fn value(samples: &Samples, name: &str) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    samples.get(name).map(|value| *value as i64)
}

#[test]
fn metrics_say_in_every_state_who_has_the_vote() {
    let mut stage = our_stage();
    let down = tool("qnetd-tool", &stage.arbiter_socket(), &["--metrics"]);
    assert_eq!(value(&metrics(&down.0), "corosync_qnetd_up"), Some(0));
    assert_eq!(down.2, Some(0));
    let heuristics = [
        "--set",
        "quorum.device.heuristics.mode=on",
        "--set",
        "quorum.device.heuristics.exec_true=/bin/true",
    ];
    stage.start_node(1, &[1, 2], &heuristics).unwrap();
    stage.order(1, "ring 1/4 sees 1 2").unwrap();
    stage.until_cast(&[1], TOGETHER, false).unwrap();
    let alone = metrics(&node(&stage, 1, &["--metrics"]));
    assert_eq!(value(&alone, "corosync_qdevice_connected"), Some(0));
    assert_eq!(value(&alone, "corosync_qdevice_vote_cast"), Some(0));

    stage.start_arbiter().unwrap();
    stage.start_node(2, &[1, 2], &[]).unwrap();
    stage.order(2, "ring 1/4 sees 1 2").unwrap();
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    stage.until_cast(&[1], LEFT, true).unwrap();
    stage.until_cast(&[2], RIGHT, false).unwrap();

    let own = metrics(&node(&stage, 1, &["--metrics"]));
    assert_eq!(value(&own, "corosync_qdevice_vote_cast"), Some(1));
    assert_eq!(
        value(&own, "corosync_qdevice_state{state=\"connected\"}"),
        Some(1)
    );
    let passed = "corosync_qdevice_heuristics_pass{kind=\"latest\"}";
    assert_eq!(value(&own, passed), Some(1));
    assert!(own.contains_key("corosync_qdevice_heuristics_exec_seconds{name=\"true\"}"));

    let all = metrics(&server(&stage, &["--metrics"]));
    assert_eq!(value(&all, "corosync_qnetd_clusters"), Some(1));
    assert_eq!(
        value(&all, "corosync_qnetd_clients{tls=\"no\",cert=\"none\"}"),
        Some(2)
    );
    for (node, vote, has) in [(1, "ack", 1), (2, "nack", 0)] {
        let labels = format!("cluster=\"loopback\",node_id=\"{node}\"");
        let told = format!("corosync_qnetd_client_vote{{{labels},vote=\"{vote}\"}}");
        assert_eq!(value(&all, &told), Some(1));
        let holds = format!("corosync_qnetd_client_has_vote{{{labels}}}");
        assert_eq!(value(&all, &holds), Some(has));
    }
}

#[test]
fn who_deserves_the_vote_of_a_node_that_is_gone_is_told_how_long_to_wait() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    for id in [1, 2] {
        stage.start_node(id, &[1, 2], &[]).unwrap();
        stage.order(id, "ring 1/4 sees 1 2").unwrap();
    }
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    stage.until_cast(&[1], LEFT, true).unwrap();
    stage.until_cast(&[2], RIGHT, false).unwrap();
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

/// A tool that watches, and the lines it prints.
struct Watch(std::process::Child, BufReader<std::process::ChildStdout>);

impl Watch {
    fn start(name: &str, socket: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(ALL);
        command.arg(name).args(args).arg("-p").arg(socket);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut watch = Self(child, out);
        watch.until(&["watching"]);
        watch
    }

    /// The next line with all of these words.
    fn until(&mut self, words: &[&str]) -> String {
        let mut line = String::new();
        while !words.iter().all(|word| line.contains(word)) {
            line.clear();
            assert_ne!(
                self.1.read_line(&mut line).unwrap(),
                0,
                "no line with {words:?}"
            );
            if line.starts_with('{') {
                json(&line);
            }
        }
        line
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whoever_watches_sees_a_split_line_by_line() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    let mut watch = Watch::start(
        "qnetd-tool",
        &stage.arbiter_socket(),
        &["--watch", "--json"],
    );
    let mut text = Watch::start("qnetd-tool", &stage.arbiter_socket(), &["--watch"]);
    for id in [1, 2] {
        stage.start_node(id, &[1, 2], &[]).unwrap();
        stage.order(id, "ring 1/4 sees 1 2").unwrap();
    }
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    let line = watch.until(&["\"event\":\"node-connected\"", "\"node\":2"]);
    let first: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&first["schema"], &first["cluster"]),
        (&1.into(), &"loopback".into())
    );
    text.until(&["node-connected cluster=loopback node=2 "]);

    let mut own = Watch::start("qdevice-tool", &stage.node_socket(2), &["--watch"]);
    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    let line = watch.until(&["vote-changed", "\"node\":2", "\"new\":\"nack\""]);
    let lost: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&lost["reason"], &lost["winners"][0]),
        (&"tie-breaker".into(), &1.into())
    );
    text.until(&["vote-changed", "node=2", "new=nack reason=tie-breaker"]);
    own.until(&["vote-changed", "node=2", "new=nack"]);
    stage.kill_arbiter().unwrap();
    let mut rest = String::new();
    watch.1.read_to_string(&mut rest).unwrap();
    assert_eq!(watch.0.wait().unwrap().code(), Some(3));
}

#[test]
fn the_example_alerts_speak_of_metrics_that_exist() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    stage.start_node(1, &[1, 2], &[]).unwrap();
    stage.order(1, "ring 1/4 sees 1").unwrap();
    let ring = RingId::new(1, 4);
    let polled = |stage: &Stage| stage.standing(1).cast.is_some_and(|(at, _)| at == ring);
    stage.until("a poll", polled).unwrap();
    let pages = server(&stage, &["--metrics"]) + &node(&stage, 1, &["--metrics"]);
    let known: Vec<String> = pages
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.replace(" gauge", "").replace(" counter", "_total"))
        .collect();
    let rules = include_str!("../../../examples/monitoring/corosync.rules.yml");
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = rules.split(|letter| !is_part(letter));
    let used: Vec<&str> = words.filter(|word| word.starts_with("corosync_")).collect();
    assert!(used.len() > 10);
    for name in used {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn metrics_come_over_http_to_this_machine() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    let mut command = Command::new(ALL);
    command.args(["qnetd-tool", "--metrics-listen", "127.0.0.1:0", "-p"]);
    command.arg(stage.arbiter_socket()).stdout(Stdio::piped());
    let mut exporter = command.spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(exporter.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').nth(1).unwrap().to_owned();
    let get = |request: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = get("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text"));
    assert_eq!(value(&metrics(body), "corosync_qnetd_up"), Some(1));
    assert!(get("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    stage.kill_arbiter().unwrap();
    let answer = get("GET /metrics HTTP/1.1\r\n\r\n");
    assert!(answer.contains("\ncorosync_qnetd_up 0\n"), "{answer}");
    exporter.kill().unwrap();
    exporter.wait().unwrap();
}

/// What the example check for Nagios prints, and its exit code.
fn check(tool: &str, socket: &Path, args: &[&str]) -> Option<(String, Option<i32>)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/monitoring");
    let mut command = Command::new("python3");
    command
        .arg(script.join("check_corosync_qdevice"))
        .args(args);
    command
        .args(["--tool", &format!("'{ALL}' {tool}"), "--socket"])
        .arg(socket);
    let Ok(output) = command.output() else {
        println!("skipped: python3 is not installed");
        return None;
    };
    Some((
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    ))
}

#[test]
fn the_example_check_for_nagios_has_its_exit_codes() {
    let mut stage = our_stage();
    let asked = |stage: &Stage, args: &[&str]| check("qnetd-tool", &stage.arbiter_socket(), args);
    let Some(down) = asked(&stage, &["--qnetd"]) else {
        return;
    };
    assert!(
        down.0.starts_with("CRITICAL: ") && down.1 == Some(2),
        "{down:?}"
    );
    stage.start_arbiter().unwrap();
    for id in [1, 2] {
        stage.start_node(id, &[1, 2], &[]).unwrap();
        stage.order(id, "ring 1/4 sees 1 2").unwrap();
    }
    stage.until_cast(&[1, 2], TOGETHER, true).unwrap();
    let well = "OK: 1 clusters, 2 clients\n".to_owned();
    assert_eq!(asked(&stage, &["--qnetd"]), Some((well, Some(0))));
    let (text, code) = check("qdevice-tool", &stage.node_socket(1), &[]).unwrap();
    assert!(
        text.starts_with("OK: connected to ") && code == Some(0),
        "{text}"
    );

    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    stage.until_cast(&[1], LEFT, true).unwrap();
    stage.until_cast(&[2], RIGHT, false).unwrap();
    let split = "WARNING: cluster loopback is split, nodes [1] have the vote\n".to_owned();
    assert_eq!(asked(&stage, &["--qnetd"]), Some((split, Some(1))));
    let line = "1 corosync_qnetd - cluster loopback is split, nodes [1] have the vote\n".to_owned();
    assert_eq!(
        asked(&stage, &["--qnetd", "--checkmk"]),
        Some((line, Some(0)))
    );
    let (text, code) = check("qdevice-tool", &stage.node_socket(2), &[]).unwrap();
    assert!(text.starts_with("CRITICAL: ") && code == Some(2), "{text}");
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
