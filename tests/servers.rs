//! The daemons that tests start: the C server, and ours.
//!
//! Included by the tests of other packages, to which cargo does not give the path of a program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The C server of the distribution, if it is installed; says so if not.
pub(crate) fn theirs() -> Option<&'static Path> {
    let places = [
        "/usr/bin/corosync-qnetd",
        "/usr/sbin/corosync-qnetd",
        "/usr/local/bin/corosync-qnetd",
    ];
    let found = places
        .into_iter()
        .map(Path::new)
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: the C server is not installed (apt-get install corosync-qnetd)");
    }
    found
}

/// A daemon of ours, built beforehand: nothing else tells cargo that this test needs it.
pub(crate) fn ours(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            name,
            "--bin",
            name,
        ])
        .args(if cfg!(debug_assertions) {
            &[][..]
        } else {
            &["--release"]
        })
        .status()
        .expect("cargo runs");
    assert!(built.success(), "{name} cannot be built");
    // This test is in `deps` of the directory where the programs are.
    let test = std::env::current_exe().expect("the test has a path");
    test.ancestors()
        .nth(2)
        .expect("target directory")
        .join(name)
}
