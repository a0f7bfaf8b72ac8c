//! Events as they come.

use super::{ALL, json, our_stage};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// A tool that watches, and the lines it prints.
struct Watch(std::process::Child, BufReader<std::process::ChildStdout>);

impl Watch {
    fn start(name: &str, socket: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(ALL);
        command.arg(name).args(args).arg("-p").arg(socket);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut watch = Self(child, out);
        watch.until(&["watching"]);
        watch
    }

    /// The next line with all of these words.
    fn until(&mut self, words: &[&str]) -> String {
        let mut line = String::new();
        while !words.iter().all(|word| line.contains(word)) {
            line.clear();
            assert_ne!(
                self.1.read_line(&mut line).unwrap(),
                0,
                "no line with {words:?}"
            );
            if line.starts_with('{') {
                json(&line);
            }
        }
        line
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whoever_watches_sees_a_split_line_by_line() {
    let mut stage = our_stage();
    stage.start_arbiter().unwrap();
    let mut watch = Watch::start(
        "qnetd-tool",
        &stage.arbiter_socket(),
        &["--watch", "--json"],
    );
    let mut text = Watch::start("qnetd-tool", &stage.arbiter_socket(), &["--watch"]);
    stage.start_two().unwrap();
    let line = watch.until(&["\"event\":\"node-connected\"", "\"node\":2"]);
    let first: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&first["schema"], &first["cluster"]),
        (&1.into(), &"loopback".into())
    );
    text.until(&["node-connected cluster=loopback node=2 "]);

    let mut own = Watch::start("qdevice-tool", &stage.node_socket(2), &["--watch"]);
    stage.order(1, "ring 1/8 sees 1").unwrap();
    stage.order(2, "ring 2/8 sees 2").unwrap();
    let line = watch.until(&["vote-changed", "\"node\":2", "\"new\":\"nack\""]);
    let lost: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&lost["reason"], &lost["winners"][0]),
        (&"tie-breaker".into(), &1.into())
    );
    text.until(&["vote-changed", "node=2", "new=nack reason=tie-breaker"]);
    own.until(&["vote-changed", "node=2", "new=nack"]);
    stage.kill_arbiter().unwrap();
    let mut rest = String::new();
    watch.1.read_to_string(&mut rest).unwrap();
    assert_eq!(watch.0.wait().unwrap().code(), Some(3));
}
