//! What others read out of our answers, in their languages: Perl and Python.
//!
//! The patterns are those of Proxmox VE, pcs, crmsh, the Ansible role `ha_cluster`, a Nagios plugin and the
//! resource agent of corosync-qnetd; see docs/differences.md for the texts they rely on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::stage::{Programs, Stage};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

const ALL: &str = env!("CARGO_BIN_EXE_loopback-demo");

/// An arbiter and two nodes that have its vote.
fn stage() -> Stage {
    let programs = Programs {
        arbiter: vec![ALL.into(), "qnetd".into()],
        node: vec![env!("CARGO_BIN_EXE_fake-node").into()],
        timeout: Some(4_000),
    };
    let mut stage = Stage::new(programs).unwrap();
    stage.start_arbiter().unwrap();
    stage.start_two().unwrap();
    stage
}

fn run(program: &str, args: &[&OsStr]) -> Option<Output> {
    let output = Command::new(program).args(args).output();
    if output.is_err() {
        println!("skipped: {program} is not installed");
    }
    output.ok()
}

/// The stdout of a tool of ours that succeeds.
fn tool(name: &str, socket: &Path, args: &[&str]) -> String {
    let mut command = Command::new(ALL);
    let output = command
        .arg(name)
        .args(args)
        .arg("-p")
        .arg(socket)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// What Python's `re.findall` finds.
fn found(pattern: &str, text: &str) -> Option<Vec<String>> {
    let script =
        "import re, sys; [print(hit) for hit in re.findall(sys.argv[1], sys.argv[2], re.M)]";
    let args = ["-c", script, pattern, text].map(OsStr::new);
    let output = run("python3", &args)?;
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

/// Proxmox talks to the socket itself: no blank and no NUL behind the command, and it reads until the end.
#[test]
fn proxmox_reads_the_status_from_the_socket() {
    let stage = stage();
    let script = r#"
        use strict; use IO::Socket::UNIX;
        my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "$!";
        print $socket "status verbose\n";
        my %wanted = map { $_ => 1 } ("Algorithm", "Echo reply", "Last poll call", "Model",
            "QNetd host", "State", "Tie-breaker");
        while (my $line = <$socket>) {
            chomp $line;
            next if $line =~ /^\s/;
            print "$1=$2\n" if $line =~ /^(.*?)\s*:\s*(.*)$/ && $wanted{$1};
        }"#;
    let socket = stage.node_socket(1);
    let args = [OsStr::new("-e"), OsStr::new(script), socket.as_os_str()];
    let Some(output) = run("perl", &args) else {
        return;
    };
    let told = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    for line in [
        "Model=Net",
        "Algorithm=Fifty-Fifty split",
        "Tie-breaker=Node with lowest node ID",
        "State=Connected",
    ] {
        assert!(lines.contains(&line), "{line}: {told}");
    }
    assert!(
        told.contains("\nQNetd host=127.") && told.contains("Last poll call="),
        "{told}"
    );
}

#[test]
fn the_state_of_a_node_is_where_ansible_and_nagios_look_for_it() {
    let stage = stage();
    let text = tool("qdevice-tool", &stage.node_socket(1), &["-s"]);
    assert!(text.contains("State:\t\t\tConnected"), "{text}");
    if let Some(state) = found(r"^State:\s*(\S+)\s*$", &text) {
        assert_eq!(state, ["Connected"]);
    }
    for prefix in ["QNetd host:", "Algorithm:", "State:"] {
        assert!(
            text.lines().any(|line| line.starts_with(prefix)),
            "{prefix}"
        );
    }
}

#[test]
fn pcs_and_crmsh_find_clusters_and_the_port() {
    let stage = stage();
    let socket = stage.arbiter_socket();
    for args in [&["-l"][..], &["-l", "-v"]] {
        let list = tool("qnetd-tool", &socket, args);
        if let Some(clusters) = found(r#"^Cluster "([^"]+)":$"#, &list) {
            assert_eq!(clusters, ["loopback"]);
        }
    }
    let status = tool("qnetd-tool", &socket, &["-s"]);
    if let Some(port) = found(r"QNetd address:\s+\S+:(\d+)", &status) {
        assert_eq!(port.len(), 1, "{status}");
    }
    // crmsh: whatever is printed means that the name is taken.
    assert_ne!(tool("qnetd-tool", &socket, &["-l", "-c", "loopback"]), "");
    assert_eq!(tool("qnetd-tool", &socket, &["-l", "-c", "another"]), "");
}

#[test]
fn the_resource_agent_and_pcs_know_a_server_that_is_down_by_the_exit_code() {
    let mut stage = stage();
    let socket = stage.arbiter_socket();
    let ask = |socket: &Path| {
        let mut command = Command::new(ALL);
        command
            .args(["qnetd-tool", "-s", "-p"])
            .arg(socket)
            .output()
            .unwrap()
    };
    assert_eq!(ask(&socket).status.code(), Some(0));
    stage.kill_arbiter().unwrap();
    let down = ask(&socket);
    assert_eq!(down.status.code(), Some(3));
    let complaint = String::from_utf8(down.stderr).unwrap().to_lowercase();
    assert!(complaint.contains("is qnetd running?"), "{complaint}");
}
