//! A real corosync in namespaces of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use witness::apart::{Apart, empty};

/// See [`Apart::is_inside`].
pub(crate) fn is_inside(name: &str) -> bool {
    let apart = Apart {
        options: &["--net"],
        programs: &["corosync"],
    };
    apart.is_inside(name)
}

/// Empty folders in the place of the machine's.
pub(crate) fn private_system() {
    empty(&[
        "/etc/corosync",
        "/var/lib/corosync",
        "/var/log/corosync",
        "/run",
        "/dev/shm",
    ]);
    assert!(run("ip", &["link", "set", "lo", "up"]));
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
