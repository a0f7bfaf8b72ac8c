//! `corosync-qnetd-tool`: asks the daemon over its local socket. [C: corosync-qnetd-tool.c]

use std::process::ExitCode;

fn main() -> ExitCode {
    tools::QNETD_TOOL.run(std::env::args_os())
}
