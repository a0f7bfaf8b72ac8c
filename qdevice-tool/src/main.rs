//! `corosync-qdevice-tool`: asks the daemon over its local socket, and votequorum beside it.
//! [C: corosync-qdevice-tool.c]

use std::process::ExitCode;
use tools::{QDEVICE_TOOL, Tool};

fn main() -> ExitCode {
    let tool = Tool {
        quorum: Some(corosync_qdevice::quorum_view),
        ..QDEVICE_TOOL
    };
    tool.run(std::env::args_os())
}
