//! Metrics, read strictly.

use super::{ALL, node, our_stage, server, tool};
use e2e::stage::TOGETHER;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use witness::openmetrics::{self, Samples};

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
    stage.split_two().unwrap();

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
