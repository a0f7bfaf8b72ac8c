//! The examples for monitoring: alert rules, and the check for Nagios.

use super::{ALL, node, our_stage, server};
use e2e::stage::Stage;
use libqdevice::base::RingId;
use std::path::Path;
use std::process::Command;

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
    let rules = include_str!("../../../../examples/monitoring/corosync.rules.yml");
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = rules.split(|letter| !is_part(letter));
    let used: Vec<&str> = words.filter(|word| word.starts_with("corosync_")).collect();
    assert!(used.len() > 10);
    for name in used {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
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
    stage.start_two().unwrap();
    let well = "OK: 1 clusters, 2 clients\n".to_owned();
    assert_eq!(asked(&stage, &["--qnetd"]), Some((well, Some(0))));
    let (text, code) = check("qdevice-tool", &stage.node_socket(1), &[]).unwrap();
    assert!(
        text.starts_with("OK: connected to ") && code == Some(0),
        "{text}"
    );

    stage.split_two().unwrap();
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
