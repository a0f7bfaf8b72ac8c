//! A system bus with the distribution's rules and our policy files, and what is heard on it.

use crate::follower::Follower;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where a system bus is expected.
pub const SOCKET: &str = "/run/dbus/system_bus_socket";

/// Where Debian has the daemon of polkit, and where it looks for actions and rules.
pub const POLKITD: &str = "/usr/lib/polkit-1/polkitd";
/// See [`POLKITD`].
pub const ACTIONS: &str = "/usr/share/polkit-1/actions";
/// See [`POLKITD`].
pub const RULES: &str = "/etc/polkit-1/rules.d";

/// The folder `name` at the top of the repository.
#[must_use]
pub fn top(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

/// The distribution's configuration of the system bus, in the foreground, as the user we are, with our
/// policy files and no other but polkit's.
///
/// # Errors
///
/// When the distribution has none.
pub fn configuration() -> io::Result<String> {
    let text = fs::read_to_string("/usr/share/dbus-1/system.conf")?;
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
    let is_kept = |line: &&str| {
        let line = line.trim_start();
        !dropped.iter().any(|word| line.starts_with(word))
    };
    let kept: Vec<&str> = text.lines().filter(is_kept).collect();
    // polkitd brings its own policy.
    let policies = format!(
        "<includedir>{}</includedir><includedir>/usr/share/dbus-1/system.d</includedir></busconfig>",
        fs::canonicalize(top("dbus"))?.display()
    );
    Ok(kept.join("\n").replace("</busconfig>", &policies))
}

/// Our actions of polkit, as name and text of a file each.
///
/// # Errors
///
/// When they cannot be read.
pub fn actions() -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for file in fs::read_dir(top("polkit"))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(file.path())?));
    }
    Ok(files)
}

/// A signal and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The object it comes from.
    pub path: String,
    /// Its name, without the interface.
    pub member: String,
    /// Its arguments, as `busctl` shows them.
    pub arguments: Vec<Value>,
}

impl Heard {
    /// Reads a line of `busctl monitor --json=short`; nothing if it is no signal.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["type"] != "signal" {
            return None;
        }
        Some(Self {
            path: message["path"].as_str()?.to_owned(),
            member: message["member"].as_str()?.to_owned(),
            arguments: message["payload"]["data"].as_array()?.clone(),
        })
    }

    /// `Member argument …` with the first arguments.
    #[must_use]
    pub fn line(&self, arguments: usize) -> String {
        let shown = self.arguments.iter().take(arguments);
        let words = shown.map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        });
        let words: Vec<String> = [self.member.clone()].into_iter().chain(words).collect();
        words.join(" ")
    }

    /// The number of the event it tells; only signals of ours that tell one have it, last but the details.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        let details = self.arguments.last()?.as_object()?;
        details.get("time")?;
        self.arguments.iter().rev().nth(1)?.as_u64()
    }
}

/// Somebody who listens to all signals of a name.
pub type Monitor = Follower<Heard>;

/// Starts `busctl`, which `command` finds, as a monitor of a name, and waits until it hears.
///
/// # Errors
///
/// When it cannot be started.
pub fn monitor(mut command: Command, name: &str) -> io::Result<Monitor> {
    command
        .args(["--system", "monitor", "--json=short", name])
        .stderr(Stdio::piped());
    let mut monitor = Follower::start(&mut command, Heard::read)?;
    // "Monitoring bus message stream."
    monitor.first_complaint()?;
    Ok(monitor)
}

/// The words of a table of docs/dbus.md, by the start of its heading.
#[must_use]
pub fn documented(heading: &str) -> BTreeSet<&'static str> {
    let text = include_str!("../../../docs/dbus.md");
    let heading = format!("### {heading}");
    let below = text.lines().skip_while(|line| !line.starts_with(&heading));
    let table = below.skip(1).take_while(|line| !line.starts_with('#'));
    let cells = table.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_with_its_number() {
        let line = r#"{"type":"signal","path":"/x","member":"NodeGone","payload":{"type":"sta{sv}",
            "data":["prod",7,{"time":{"type":"t","data":1}}]}}"#;
        let heard = Heard::read(line).unwrap();
        assert_eq!(
            (heard.line(2), heard.sequence()),
            ("NodeGone prod 7".into(), Some(7))
        );
        assert_eq!(Heard::read(&line.replace("signal", "method_call")), None);
    }

    #[test]
    fn the_documented_words_are_those_of_one_table() {
        let votes = documented("Votes");
        assert!(votes.contains("wait-for-reply") && !votes.contains("alone"));
        assert!(documented("Reasons of votes").contains("tie-breaker"));
    }
}
