//! Every key of cmap that qdevice reads, ours beside Debian's, on a real corosync.
//!
//! The rows stand in `tests/cmap/keys.txt`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program that is started tells nobody when its socket is there"
)]

mod namespaces;
mod rows;

use namespaces::{is_inside, private_system, run, start_corosync};
use rows::{Block, Ends, Place, Row, Value, Whose};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

#[test]
fn every_key_has_the_values_that_the_c_program_has() {
    if !is_inside("every_key_has_the_values_that_the_c_program_has") {
        return;
    }
    private_system();
    let blocks = rows::read(include_str!("../../tests/cmap/keys.txt"));
    let mut faults = Vec::new();
    let mut shared = start_corosync(&configuration(None));
    for block in &blocks {
        for row in &block.rows {
            match block.place {
                // corosync dies of some changes of its logging, the return to the usual among them.
                Place::Cmap if block.key.starts_with("logging.") => {
                    end(&mut shared);
                    shared = start_corosync(&configuration(None));
                    put(block, row);
                    faults.extend(play(block, row));
                    end(&mut shared);
                    shared = start_corosync(&configuration(None));
                }
                Place::Cmap => {
                    put(block, row);
                    faults.extend(play(block, row));
                    take_back(block);
                }
                Place::File => {
                    let other = configuration(Some((&block.key, &row.value)));
                    end(&mut shared);
                    shared = start_corosync(&other);
                    faults.extend(play(block, row));
                    end(&mut shared);
                    shared = start_corosync(&configuration(None));
                }
            }
        }
    }
    end(&mut shared);
    let count: usize = blocks.iter().map(|block| block.rows.len()).sum();
    println!("{count} values");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Sets the keys of a row.
fn put(block: &Block, row: &Row) {
    for (key, value) in &block.with {
        set(key, value);
    }
    set(&block.key, &row.value);
}

/// Sets them to what they are in the cluster that works.
fn take_back(block: &Block) {
    let with = block.with.iter().map(|(key, _)| key);
    for key in with.chain([&block.key]) {
        set(key, &usual(key));
    }
}

const OURS: &str = env!("CARGO_BIN_EXE_corosync-qdevice");
const THEIRS: &str = "/usr/sbin/corosync-qdevice";

/// Plays a row with both programs. Returns what is not as it should be.
fn play(block: &Block, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let mut texts = Vec::new();
    for program in [OURS, THEIRS] {
        let is_left_out = program == THEIRS && block.of == Whose::Ours;
        if is_left_out || !Path::new(program).exists() {
            continue;
        }
        let (ends, status) = start(program, &block.settings);
        let missing = row.shows.iter().find(|line| !status.contains(*line));
        if !row.ends.describes(&ends) || missing.is_some() {
            let key = &block.key;
            let fault = format!("{key} {row:?}: {program} {ends:?}, missing {missing:?} in");
            faults.push(format!("{fault} {status:#?}"));
        }
        texts.push(status);
    }
    if let [ours, theirs] = &texts[..] {
        let differing = ours.iter().zip(theirs).find(|(one, other)| one != other);
        if faults.is_empty() && (ours.len() != theirs.len() || differing.is_some()) {
            faults.push(format!("{} {row:?}: {differing:?}", block.key));
        }
    }
    faults
}

/// Starts a program and ends it when it has told its status. Returns how it went, and the status.
fn start(program: &str, settings: &str) -> (Ends, Vec<String>) {
    let _ = fs::remove_file(SOCKET);
    let mut settings = settings.to_owned();
    settings += ",lock_file=/run/lock,local_socket_file=";
    settings += SOCKET;
    let output = File::create(OUTPUT).unwrap();
    let mut child = Command::new(program)
        .args(["-f", "-S", settings.trim_start_matches(',')])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut status = None;
    let ended: Option<ExitStatus> = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break Some(ended);
        }
        status = ask();
        if status.is_some() {
            break None;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{program} hangs");
        std::thread::sleep(Duration::from_millis(5));
    };
    if ended.is_none() {
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        end_in_time(&mut child);
    }
    let text = fs::read_to_string(OUTPUT).unwrap();
    let ends = rows::judge(&text, ended);
    (ends, status.unwrap_or_default())
}

/// The C program can be caught by its signal in the middle of a log line, and then it waits for itself for ever.
fn end_in_time(child: &mut Child) {
    let asked = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if asked.elapsed() > Duration::from_secs(5) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

const SOCKET: &str = "/run/socket";
const OUTPUT: &str = "/run/output";

/// The lines of the status that stay the same; `None` as long as nobody answers.
fn ask() -> Option<Vec<String>> {
    let mut socket = UnixStream::connect(SOCKET).ok()?;
    socket.write_all(b"status verbose\n").ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    // Under load the C program closes before it has sent everything.
    let status = answer
        .strip_prefix("OK\n")
        .filter(|status| status.contains("\nState:"))?;
    let lines = status.lines().map(|line| {
        let words: Vec<&str> = line.split('\t').filter(|word| !word.is_empty()).collect();
        words.join(" ").trim().to_owned()
    });
    Some(
        lines
            .filter(|line| !rows::changes_by_itself(line))
            .collect(),
    )
}

fn set(key: &str, value: &Value) {
    let done = match value {
        Value::Absent => {
            run_quietly(&["-d", "--", key]);
            true
        }
        Value::Text(text) => run("corosync-cmapctl", &["-s", "--", key, "str", text]),
        Value::Number(kind, number) => {
            // The type of a key stays as long as the key does.
            run_quietly(&["-d", "--", key]);
            run("corosync-cmapctl", &["-s", "--", key, kind, number])
        }
    };
    assert!(done, "{key}");
}

/// A key that is not there cannot be deleted, which is as good.
fn run_quietly(args: &[&str]) {
    let mut command = Command::new("corosync-cmapctl");
    let _ = command.args(args).stderr(Stdio::null()).status().unwrap();
}

/// The value of a key in the cluster that works.
fn usual(key: &str) -> Value {
    match key {
        "quorum.device.model" => Value::Text("net".into()),
        "quorum.device.net.host" => Value::Text("127.0.0.1".into()),
        "quorum.device.net.algorithm" => Value::Text("ffsplit".into()),
        "quorum.device.net.tls" => Value::Text("off".into()),
        "quorum.device.votes" | "runtime.votequorum.this_node_id" => {
            Value::Number("u32".into(), "1".into())
        }
        _ => Value::Absent,
    }
}

/// corosync.conf of a cluster that works, but for one key.
fn configuration(other: Option<(&str, &Value)>) -> String {
    let text = |key: &str, usual: &str| match other {
        Some((other, value)) if other == key => match value {
            Value::Text(text) => text.clone(),
            Value::Absent | Value::Number(..) => String::new(),
        },
        _ => usual.to_owned(),
    };
    let line = |section: &str, key: &str, usual: &str| {
        let text = text(&format!("{section}.{key}"), usual);
        if text.is_empty() {
            text
        } else {
            format!(" {key}: {text}\n")
        }
    };
    let mut nodes = String::new();
    let usual = "ring0_addr=127.0.0.1 nodeid=1; ring0_addr=127.0.0.2 nodeid=2";
    for node in text("nodelist", usual).split(';') {
        let keys = node
            .split_whitespace()
            .filter_map(|key| key.split_once('='));
        let keys: Vec<String> = keys.map(|(key, value)| format!("{key}: {value}")).collect();
        if !keys.is_empty() {
            nodes = format!("{nodes} node {{\n  {}\n }}\n", keys.join("\n  "));
        }
    }
    format!(
        "totem {{\n version: 2\n{}{} transport: udpu\n crypto_cipher: none\n crypto_hash: none\n}}\n\
         logging {{\n to_stderr: yes\n to_syslog: no\n}}\n\
         quorum {{\n provider: corosync_votequorum\n{} device {{\n  model: net\n  votes: 1\n\
         \x20 net {{\n   host: 127.0.0.1\n   algorithm: ffsplit\n   tls: off\n  }}\n }}\n}}\nnodelist {{\n{nodes}}}\n",
        line("totem", "cluster_name", "demo"),
        line("totem", "clear_node_high_bit", ""),
        line("quorum", "wait_for_all", ""),
    )
}

fn end(corosync: &mut Child) {
    corosync.kill().unwrap();
    corosync.wait().unwrap();
}
