//! The servers that the tests start.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's server, if it is installed; says so if not.
pub(crate) fn theirs() -> Option<&'static Path> {
    let program = Path::new("/usr/bin/corosync-qnetd");
    if program.exists() {
        return Some(program);
    }
    eprintln!(
        "skipped: {} is not installed (apt-get install corosync-qnetd)",
        program.display()
    );
    None
}

/// Our server, built beforehand: nothing else tells cargo that this test needs it.
pub(crate) fn ours() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "corosync-qnetd",
            "--bin",
            "corosync-qnetd",
        ])
        .args(if cfg!(debug_assertions) {
            &[][..]
        } else {
            &["--release"]
        })
        .status()
        .expect("cargo runs");
    assert!(built.success(), "corosync-qnetd cannot be built");
    // This test is in `deps` of the directory where the programs are.
    let test = std::env::current_exe().expect("the test has a path");
    test.ancestors()
        .nth(2)
        .expect("target directory")
        .join("corosync-qnetd")
}
