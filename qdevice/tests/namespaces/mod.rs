//! A real corosync in namespaces of its own. A test runs itself again inside them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Whether this process is the one inside; otherwise it has run the test `name` inside and that passed,
/// or it was skipped with a message, because only root can do it and only on a machine with corosync.
pub(crate) fn is_inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may make namespaces");
        return false;
    }
    if !["/usr/sbin/corosync", "/usr/bin/unshare"]
        .iter()
        .all(|path| fs::exists(path).unwrap())
    {
        eprintln!("skipped: corosync or unshare is not installed");
        return false;
    }
    // The death of unshare is that of everything inside, so nothing is left behind.
    let status = Command::new("unshare")
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success());
    false
}

const INSIDE: &str = "QDEVICE_TEST_INSIDE_NAMESPACES";

/// Empty folders in the place of the machine's.
pub(crate) fn private_system() {
    assert!(run("mount", &["--make-rprivate", "/"]));
    assert!(run("ip", &["link", "set", "lo", "up"]));
    for path in [
        "/etc/corosync",
        "/var/lib/corosync",
        "/var/log/corosync",
        "/run",
        "/dev/shm",
    ] {
        assert!(run("mount", &["-t", "tmpfs", "tmpfs", path]), "{path}");
    }
}

/// Starts corosync and waits until it serves; its messages, which have to go to stderr, are read on so
/// that it never blocks.
pub(crate) fn start_corosync(configuration: &str) -> Child {
    fs::write("/etc/corosync/corosync.conf", configuration).unwrap();
    let mut child = Command::new("corosync")
        .arg("-f")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = String::new();
    loop {
        match lines.next() {
            Some(Ok(line)) if line.contains("ready to provide service") => break,
            Some(Ok(line)) => log.push_str(&(line + "\n")),
            Some(Err(_)) | None => panic!("corosync does not start:\n{log}\n{configuration}"),
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Runs a program to its end. Returns whether that was a success.
pub(crate) fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success()
}
