//! The benchmark itself works, in a few seconds: small fleets, both programs, no figure is judged.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Our server stands where the benchmark does. It is built with the workspace; without it there is
/// nothing to measure.
fn server() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_bench")).with_file_name("corosync-qnetd");
    beside.is_file().then_some(beside)
}

#[test]
fn a_small_fleet_is_measured_with_both_servers() {
    let Some(server) = server() else {
        return;
    };
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["load", "--clients", "20", "--rounds", "1"])
        .args(["--steady", "500", "--splits", "3", "--ours"])
        .arg(server)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    for figure in [
        "storm: CPU per client",
        "split: ACK p99",
        "restart: time to the last vote",
    ] {
        assert!(text.contains(figure), "{text}");
    }
}

#[test]
fn a_killed_benchmark_leaves_no_server() {
    // It holds the benchmark's output open for as long as it lives, and it never says that it is ready.
    let folder = std::env::temp_dir().join(format!("killed-bench-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let server = folder.join("server");
    fs::write(&server, "#!/bin/sh\necho started\nexec sleep 60\n").unwrap();
    fs::set_permissions(&server, Permissions::from_mode(0o700)).unwrap();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["load", "--only", "ours", "--clients", "2", "--ours"])
        .arg(&server)
        .env("TMPDIR", &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(bench.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    bench.kill().unwrap();
    bench.wait().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(line, "started\n");
    let (over, end) = mpsc::channel();
    std::thread::spawn(move || over.send(output.read_to_end(&mut Vec::new()).is_ok()));
    assert_eq!(end.recv_timeout(Duration::from_secs(20)), Ok(true));
}
