//! A tool beside a daemon that closes the connection without a word, as one does that is asked by too
//! many at once.
//!
//! Included by the tests of both tools.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;

/// The exit code of `tool`, which must have complained in one line and printed nothing.
pub(crate) fn exit_code(tool: &str) -> Option<i32> {
    let socket = std::env::temp_dir().join(format!("no-answer-{}", std::process::id()));
    let daemon = UnixListener::bind(&socket).expect("the path is ours");
    let silence = thread::spawn(move || drop(daemon.accept()));
    let output = Command::new(tool).arg("-s").arg("-p").arg(&socket).output();
    silence.join().expect("accepting does not panic");
    let _ = std::fs::remove_file(&socket);

    let output = output.expect("a tool can be started");
    assert!(output.stdout.is_empty());
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let end = ": Connection closed by the IPC server without an answer\n";
    assert!(
        complaint.ends_with(end) && complaint.lines().count() == 1,
        "{complaint}"
    );
    output.status.code()
}
