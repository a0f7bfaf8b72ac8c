//! A machine of its own for a test: nobody else's bus, processes or polkit. A test runs itself again in it.

use std::fs;
use std::process::Command;

/// Whether this process is the one inside; otherwise it has run the test `name` inside and that passed,
/// or it was skipped with a message.
pub(crate) fn is_inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        private_system();
        return true;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may make namespaces");
        return false;
    }
    for program in ["unshare", "setpriv", "dbus-daemon", "dbus-send", "busctl"] {
        if !fs::exists(format!("/usr/bin/{program}")).unwrap() {
            eprintln!("skipped: {program} is not installed");
            return false;
        }
    }
    // The death of unshare is that of everything inside, so nothing is left behind.
    let status = Command::new("unshare")
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
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

/// Empty folders in the place of the machine's.
fn private_system() {
    let mount = |words: &[&str]| {
        let status = Command::new("mount").args(words).status().unwrap();
        assert!(status.success(), "mount {words:?}");
    };
    mount(&["--make-rprivate", "/"]);
    for path in [
        "/run",
        "/usr/share/polkit-1/actions",
        "/etc/polkit-1/rules.d",
    ] {
        if fs::exists(path).unwrap() {
            mount(&["-t", "tmpfs", "-o", "mode=755", "tmpfs", path]);
        }
    }
}

const INSIDE: &str = "E2E_DBUS_TEST_INSIDE";
