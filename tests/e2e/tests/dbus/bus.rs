//! A system bus with the distribution's rules and our policy files, and what listens on it.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use witness::bus;
pub(crate) use witness::bus::{Heard, SOCKET};

/// A process that goes with its value.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the bus and waits until it can be used.
pub(crate) fn start_bus() -> Running {
    let config = "/run/bus.conf";
    fs::write(config, bus::configuration().unwrap()).unwrap();
    fs::create_dir_all("/run/dbus").unwrap();
    let _ = fs::remove_file(SOCKET);
    let mut command = Command::new("dbus-daemon");
    command
        .arg(format!("--config-file={config}"))
        .args(["--nofork", "--nopidfile"]);
    let bus = Running::start(&mut command);
    wait_for("the bus", || fs::exists(SOCKET).unwrap());
    bus
}

/// Waits, for a bounded time, until something is so.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when a name is taken by a process that is still starting"
)]
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

/// Whether somebody has this name on the bus.
pub(crate) fn has_owner(name: &str) -> bool {
    let bus = [
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
    ];
    let output = busctl(&[&["call"], &bus[..], &["NameHasOwner", "s", name]].concat());
    String::from_utf8_lossy(&output.stdout).trim() == "b true"
}

pub(crate) fn busctl(words: &[&str]) -> Output {
    let mut command = Command::new("busctl");
    command.arg("--system").args(words).output().unwrap()
}

/// What a successful call has shown.
pub(crate) fn shown(words: &[&str]) -> String {
    let output = busctl(words);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "busctl {words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The value of a property.
pub(crate) fn property(name: &str, path: &str, interface: &str, property: &str) -> String {
    let text = shown(&["get-property", name, path, interface, property]);
    text.trim().to_owned()
}

/// Somebody who listens to all signals of a name.
pub(crate) struct Monitor(bus::Monitor);

impl Monitor {
    pub(crate) fn start(name: &str) -> Self {
        Self(bus::monitor(Command::new("busctl"), name).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.0.signal(signal).unwrap();
    }

    /// Everything seen, as soon as it fulfils a condition.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let fulfilled = self.0.until(Duration::from_secs(30), is_so);
        let seen = self.0.seen();
        let lines: Vec<String> = seen.iter().map(|one| one.line(6)).collect();
        assert!(fulfilled, "no {what} among {lines:#?}");
        seen.to_vec()
    }

    /// Forgets what was seen.
    pub(crate) fn forget(&mut self) {
        self.0.forget();
    }
}
