use crate::support::{Client, PROGRAM, Place, is_installed, output};
use libqdevice::wire::NodeListKind;
use std::process::{Command, Output};

/// Stdout, stderr with the path of the program masked, exit code.
fn told(output: &Output) -> (String, String, Option<i32>) {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let masked = stderr
        .replace(PROGRAM, "corosync-qnetd")
        .replace(THEIRS, "corosync-qnetd");
    (stdout, masked, output.status.code())
}

const THEIRS: &str = "/usr/bin/corosync-qnetd";
const THEIR_TOOL: &str = "/usr/bin/corosync-qnetd-tool";

#[test]
fn the_c_tool_works_on_our_socket() {
    if !is_installed(THEIR_TOOL) {
        return;
    }
    let place = Place::new();
    let daemon = place.start(&[]);
    let _node = place.client().admitted("alpha", 1, 10_000);
    let tool = |args: &[&str]| {
        let mut command = Command::new(THEIR_TOOL);
        command.arg("-p").arg(place.path("socket")).args(args);
        told(&output(command))
    };
    let (status, _, code) = tool(&["-s"]);
    assert_eq!(code, Some(0));
    assert_eq!(status, place.ask("status\n"));
    let (list, _, code) = tool(&["-lv", "-c", "alpha"]);
    assert_eq!(code, Some(0));
    assert!(list.starts_with("Cluster \"alpha\":\n"), "{list}");
    assert_eq!(
        tool(&["-l", "-c", "unknown"]),
        (String::new(), String::new(), Some(0))
    );
    assert_eq!(tool(&["-H"]), (String::new(), String::new(), Some(0)));
    assert_eq!(daemon.ended().0, Some(0));
}

/// Status and list texts of `program` at every stage of one story; addresses of clients masked.
fn texts_told_by(program: &str, extra: &[&str]) -> Vec<String> {
    let place = Place::new();
    let mut command = place.command_of(program);
    command.args(extra);
    let _daemon = place.start_with(command);
    let mut texts = Vec::new();
    let mut look = |clients: &[&Client]| {
        for line in [
            "status",
            "status verbose",
            "list",
            "list verbose",
            "list cluster beta",
            "list cluster no",
        ] {
            let mut text = place
                .ask(&format!("{line}\n"))
                .replace(&place.address.to_string(), "SERVER");
            for (number, client) in clients.iter().enumerate() {
                let address = client.stream.local_addr().unwrap().to_string();
                text = text.replace(&address, &format!("CLIENT {number}"));
            }
            texts.push(format!("{line}\n{text}"));
        }
    };
    look(&[]);
    let mut one = place.client().admitted("alpha", 1, 10_000);
    let two = place.client().admitted("alpha", 2, 9_000);
    let mut other = place.client().admitted("beta", 26, 8_000);
    look(&[&one, &two, &other]);
    one.report(NodeListKind::InitialConfig, &[1, 2]);
    other.report(NodeListKind::InitialConfig, &[26, 27]);
    look(&[&one, &two, &other]);
    other.report(NodeListKind::Membership, &[26]);
    look(&[&one, &two, &other]);
    texts
}

#[test]
fn status_and_list_are_those_of_the_c_program_in_the_same_situation() {
    if !is_installed(THEIRS) {
        return;
    }
    for extra in [
        &[][..],
        &["-m", "50", "-S", "keep_active_partition_tie_breaker=on"],
    ] {
        let (ours, theirs) = (texts_told_by(PROGRAM, extra), texts_told_by(THEIRS, extra));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs);
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

/// All numbers at one end of their ranges, but for the limits of messages to and from clients, which at
/// their least would let no message pass.
const EXTREMES: [&str; 2] = [
    "listen_backlog=1,max_client_send_buffers=2,heartbeat_interval_min=1,heartbeat_interval_max=1,\
     dpd_interval_coefficient=1,local_socket_backlog=1,ipc_max_clients=0,ipc_max_receive_size=1024,\
     ipc_max_send_size=1024",
    "listen_backlog=2147483647,max_client_send_buffers=9223372036854775807,\
     max_client_send_size=9223372036854775807,max_client_receive_size=9223372036854775807,\
     heartbeat_interval_min=4294967295,heartbeat_interval_max=4294967295,local_socket_backlog=2147483647,\
     ipc_max_clients=9223372036854775807,ipc_max_receive_size=9223372036854775807,\
     ipc_max_send_size=9223372036854775807",
];

#[test]
fn with_extreme_settings_clients_and_tools_are_served() {
    for settings in EXTREMES {
        for program in [PROGRAM, THEIRS] {
            if !is_installed(program) {
                continue;
            }
            let place = Place::new();
            let mut command = place.command_of(program);
            command.args(["-S", settings]);
            let daemon = place.start_with(command);
            assert!(place.client().is_served(), "{program} {settings}");
            assert!(place.ask("status\n").starts_with("QNetd address:"));
            daemon.signal("TERM");
            assert_eq!(daemon.ended().0, Some(0));
        }
    }
}
