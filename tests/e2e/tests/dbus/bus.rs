//! A system bus with the distribution's rules and our policy files, and what listens on it.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

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

/// The folder `name` at the top of the repository.
pub(crate) fn top(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

/// Starts the bus and waits until it can be used.
pub(crate) fn start_bus() -> Running {
    let config = "/run/bus.conf";
    fs::write(config, configuration()).unwrap();
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

/// The distribution's configuration, in the foreground, as the user we are, with our policy files and no
/// other.
fn configuration() -> String {
    let text = fs::read_to_string("/usr/share/dbus-1/system.conf").unwrap();
    let dropped = [
        "<fork/>",
        "<user>",
        "<syslog/>",
        "<pidfile>",
        "<servicehelper>",
        "<includedir>",
        "<include ",
        "<standard_",
    ];
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| {
            !dropped
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        })
        .collect();
    // polkitd brings its own policy.
    let policies = format!(
        "<includedir>{}</includedir><includedir>/usr/share/dbus-1/system.d</includedir></busconfig>",
        fs::canonicalize(top("dbus")).unwrap().display()
    );
    kept.join("\n").replace("</busconfig>", &policies)
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
pub(crate) struct Monitor {
    process: Running,
    lines: Receiver<Heard>,
    seen: Vec<Heard>,
}

/// A signal: `Interface.Member` without what is common, and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) member: String,
    pub(crate) arguments: Vec<Value>,
}

impl Monitor {
    pub(crate) fn start(name: &str) -> Self {
        let mut child = Command::new("busctl")
            .args(["--system", "monitor", "--json=short", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(signal) = parse(&line) {
                    if sender.send(signal).is_err() {
                        return;
                    }
                }
            }
        });
        // "Monitoring bus message stream."
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        Self {
            process: Running(child),
            lines,
            seen: Vec::new(),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Everything seen, as soon as it fulfils a condition.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        while !is_so(&self.seen) {
            match self.lines.recv_timeout(Duration::from_secs(30)) {
                Ok(signal) => self.seen.push(signal),
                Err(error) => {
                    let seen: Vec<String> = self.seen.iter().map(|one| one.line(6)).collect();
                    panic!("{error}: no {what} among {seen:#?}")
                }
            }
        }
        self.seen.clone()
    }

    /// Forgets what was seen.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }
}

impl Heard {
    /// `Member argument …` with the first arguments.
    pub(crate) fn line(&self, arguments: usize) -> String {
        let shown = self.arguments.iter().take(arguments);
        let words = shown.map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        });
        [self.member.clone()]
            .into_iter()
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn parse(line: &str) -> Option<Heard> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["type"] != "signal" {
        return None;
    }
    Some(Heard {
        member: message["member"].as_str()?.to_owned(),
        arguments: message["payload"]["data"].as_array()?.clone(),
    })
}

const SOCKET: &str = "/run/dbus/system_bus_socket";
