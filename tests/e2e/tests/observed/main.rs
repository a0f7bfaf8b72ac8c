//! What the tools tell of real daemons, state by state.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod json;
mod metrics;
mod monitoring;
mod watch;

use e2e::stage::{Programs, Stage};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use witness::schema::Schema;

pub(crate) const ALL: &str = env!("CARGO_BIN_EXE_loopback-demo");

pub(crate) fn stage(arbiter: Vec<PathBuf>) -> Stage {
    Stage::new(Programs {
        arbiter,
        node: vec![env!("CARGO_BIN_EXE_fake-node").into()],
        timeout: Some(4_000),
    })
    .unwrap()
}

pub(crate) fn our_stage() -> Stage {
    stage(vec![ALL.into(), "qnetd".into()])
}

/// Stdout, stderr and exit code of a tool.
pub(crate) fn tool(name: &str, socket: &Path, args: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(ALL);
    command.arg(name).arg("-p").arg(socket).args(args);
    command.env("COLUMNS", "110");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// What the tool of the arbiter prints.
pub(crate) fn server(stage: &Stage, args: &[&str]) -> String {
    let (out, err, code) = tool("qnetd-tool", &stage.arbiter_socket(), args);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{args:?}: {out}");
    out
}

/// What the tool of a node prints.
pub(crate) fn node(stage: &Stage, id: u32, args: &[&str]) -> String {
    let (out, err, code) = tool("qdevice-tool", &stage.node_socket(id), args);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{args:?}: {out}");
    out
}

pub(crate) fn json(text: &str) -> Value {
    let report = serde_json::from_str(text).unwrap();
    Schema::ours().check(&report).unwrap();
    report
}
