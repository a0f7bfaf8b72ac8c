//! The benchmark itself works, in a few seconds: small fleets, both programs, no figure is judged.

use std::path::PathBuf;
use std::process::Command;

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
