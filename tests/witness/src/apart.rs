//! Namespaces of its own for a test: nobody else's bus, corosync or processes. A test runs itself again in
//! them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;

/// What a test needs to be apart from the machine.
#[derive(Debug, Clone, Copy)]
pub struct Apart<'a> {
    /// Options of `unshare`, beside those for files and processes.
    pub options: &'a [&'a str],
    /// Programs without which it is skipped.
    pub programs: &'a [&'a str],
}

impl Apart<'_> {
    /// Whether this process is the one inside; otherwise it has run the test `name` inside and that passed,
    /// or it was skipped with a message, because only root can do it.
    ///
    /// # Panics
    ///
    /// When the test fails inside.
    #[must_use]
    pub fn is_inside(self, name: &str) -> bool {
        if std::env::var_os(INSIDE).is_some() {
            return true;
        }
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root may make namespaces");
            return false;
        }
        for program in ["unshare"].iter().chain(self.programs) {
            let is_in = |folder| fs::exists(format!("{folder}/{program}")).unwrap();
            if !["/usr/sbin", "/usr/bin"].into_iter().any(is_in) {
                eprintln!("skipped: {program} is not installed");
                return false;
            }
        }
        // The death of unshare is that of everything inside, so nothing is left behind.
        let status = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(self.options)
            .arg("--")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            // Process numbers begin anew in there, and names made of them.
            .env("TMPDIR", "/run")
            .env_remove("DBUS_SYSTEM_BUS_ADDRESS")
            .status()
            .unwrap();
        assert!(status.success());
        false
    }
}

/// Puts empty folders in the place of the machine's, as far as it has them.
///
/// # Panics
///
/// When they cannot be mounted.
pub fn empty(places: &[&str]) {
    let mount = |words: &[&str]| {
        let status = Command::new("mount").args(words).status().unwrap();
        assert!(status.success(), "mount {words:?}");
    };
    mount(&["--make-rprivate", "/"]);
    for place in places {
        if fs::exists(place).unwrap() {
            mount(&["-t", "tmpfs", "-o", "mode=755", "tmpfs", place]);
        }
    }
}

const INSIDE: &str = "WITNESS_TEST_INSIDE";
