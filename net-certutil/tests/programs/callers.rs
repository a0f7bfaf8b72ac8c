//! Those who call the two programs, with their own code or their exact sequence of commands: they get from ours
//! what they get from the scripts of the C packages.
//!
//! `cargo xtask callers` installs pcs and crmsh and runs all of it.

use crate::host::{Host, OURS, Programs, SCRIPTS, Scratch, is_own_line};
use crate::servers;
use std::path::Path;
use std::process::{Command, Stdio};

/// What runs in place of the programs of the distribution.
fn in_place(programs: Programs, daemons: bool) -> String {
    if programs == SCRIPTS {
        return String::new();
    }
    let mut lines = vec![
        format!("{} {}", programs.server, SCRIPTS.server),
        format!("{} {}", programs.node, SCRIPTS.node),
    ];
    if daemons {
        for place in [
            "/usr/bin/corosync-qnetd",
            "/usr/bin/corosync-qnetd-tool",
            "/usr/sbin/corosync-qdevice",
            "/usr/sbin/corosync-qdevice-tool",
        ] {
            let name = Path::new(place).file_name().unwrap().to_str().unwrap();
            lines.push(format!("{} {place}", servers::ours(name).display()));
        }
    }
    lines.join("\n")
}

/// Everything a driver has shown, with these programs in place.
fn transcript(driver: &str, programs: &str) -> String {
    let drivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/callers");
    let stage = Scratch::new();
    let output = Command::new("unshare")
        .args([
            "-m",
            "-n",
            "-p",
            "-f",
            "-i",
            "-u",
            "--kill-child",
            "--mount-proc",
            "sh",
        ])
        .arg(drivers.join(driver))
        .env("STAGE", &*stage)
        .env("DRIVERS", &drivers)
        .env("PROGRAMS", programs)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{driver}: {out}\n{err}");
    let lines: Vec<&str> = out.lines().filter(|line| !is_own_line(line)).collect();
    lines.join("\n")
}

/// The same driver with the scripts and with ours shows the same; returns it.
fn same(driver: &str, with_daemons: bool) -> Option<String> {
    Host::with_scripts()?;
    if Command::new("certutil").arg("-H").output().is_err() {
        eprintln!("skipped: certutil of NSS is not installed");
        return None;
    }
    let expected = transcript(driver, &in_place(SCRIPTS, with_daemons));
    let ours = transcript(driver, &in_place(OURS, with_daemons));
    assert_eq!(ours, expected, "ours is on the left");
    Some(ours)
}

fn is_there(file: &str) -> bool {
    let is_there = Path::new(file).exists();
    if !is_there {
        eprintln!("skipped: {file} is not there; cargo xtask callers installs it");
    }
    is_there
}

#[test]
fn proxmox_sets_up_and_removes_its_quorum_device() {
    let Some(shown) = same("proxmox.sh", false) else {
        return;
    };
    assert_eq!(shown.matches("certificate is valid").count(), 4, "{shown}");
    assert_eq!(shown.matches("already exists").count(), 1, "{shown}");
}

#[test]
fn crmsh_enrols_a_cluster_lets_a_node_join_and_removes_it() {
    if !is_there("/usr/lib/python3/dist-packages/crmsh/qdevice.py") {
        return;
    }
    let Some(shown) = same("crmsh.sh", false) else {
        return;
    };
    for part in ["enrolled\n", "joined\n", "removed\n"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(shown.matches("certificate is valid").count(), 3, "{shown}");
}

#[test]
#[ignore = "some minutes; cargo xtask callers runs it"]
fn pcs_sets_up_a_server_hands_certificates_over_shows_and_destroys() {
    if !is_there("/usr/share/pcsd/pcsd") {
        return;
    }
    let Some(shown) = same("pcs.sh", true) else {
        return;
    };
    for part in [
        "Quorum device 'net' initialized",
        "State:\t\t\tConnected",
        "Cluster \"c\":",
        "certificate is valid",
        "configuration files removed",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
