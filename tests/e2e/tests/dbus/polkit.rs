//! Who may change something: root, and those whom polkit allows it.

use crate::bus::{Running, has_owner, shown, start_bus, wait_for};
use crate::inside::is_inside;
use crate::{QNETD, ROOT, boot, stage};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use witness::bus::{self, POLKITD};

const MANAGER: &str = "org.corosync.Qnetd1.Manager";

/// Calls a method of the manager as somebody else; the arguments are `type:value`.
fn call_as(user: &str, method: &str, arguments: &[&str]) -> Output {
    Command::new("setpriv")
        .args([
            &format!("--reuid={user}"),
            "--regid=nogroup",
            "--clear-groups",
        ])
        .args(["dbus-send", "--system", "--print-reply"])
        .args([&format!("--dest={QNETD}"), ROOT])
        .arg(format!("{MANAGER}.{method}"))
        .args(arguments)
        .output()
        .unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn only_root_and_those_whom_polkit_allows_it_may_change_something() {
    if !is_inside("polkit::only_root_and_those_whom_polkit_allows_it_may_change_something") {
        return;
    }
    let _bus = start_bus();
    let mut stage = stage();
    boot(&mut stage);
    wait_for("the name", || has_owner(QNETD));
    let dismiss = |user, node: u32| {
        let node = format!("uint32:{node}");
        call_as(user, "DisconnectNode", &["string:loopback", &node])
    };

    let read = call_as("nobody", "GetCluster", &["string:loopback"]);
    assert!(read.status.success(), "everybody may read");
    let refused = complaint(&dismiss("nobody", 2));
    assert!(refused.contains("polkit does not answer"), "{refused}");

    if !fs::exists(POLKITD).unwrap() {
        eprintln!("skipped with polkit: polkitd is not installed");
        return;
    }
    let _polkit = start_polkit();
    let refused = complaint(&dismiss("nobody", 2));
    assert!(refused.contains("not authorized by polkit"), "{refused}");
    let reload = complaint(&call_as("daemon", "ReloadCertificates", &[]));
    assert!(reload.contains("not authorized by polkit"), "{reload}");
    let done = dismiss("daemon", 2);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let unknown = complaint(&dismiss("daemon", 9));
    assert!(
        unknown.contains("node 9 of cluster loopback is not connected"),
        "{unknown}"
    );
    shown(&[
        "call",
        QNETD,
        ROOT,
        MANAGER,
        "DisconnectNode",
        "su",
        "loopback",
        "1",
    ]);
    wait_for("the end of both connections", || {
        let log = stage.logs();
        log.matches("An administrator asked for it").count() == 2
    });
}

/// With our actions, and a rule that allows one of them to the user daemon.
fn start_polkit() -> Running {
    for (name, text) in bus::actions().unwrap() {
        let target = format!("{}/{name}", bus::ACTIONS);
        fs::write(&target, text).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let rule = "polkit.addRule(function(action, subject) {
        if (action.id == 'org.corosync.qnetd1.disconnect-node' && subject.user == 'daemon')
            return polkit.Result.YES;
    });";
    fs::write(format!("{}/50-test.rules", bus::RULES), rule).unwrap();
    let running = Running::start(Command::new(POLKITD).arg("--no-debug"));
    wait_for("polkit", || has_owner("org.freedesktop.PolicyKit1"));
    running
}
