//! `corosync-qdevice-tool`: asks the daemon over its local socket. [C: corosync-qdevice-tool.c]

use std::process::ExitCode;

fn main() -> ExitCode {
    tools::QDEVICE_TOOL.run(std::env::args_os())
}
