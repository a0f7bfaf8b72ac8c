//! `corosync-qnetd`: the arbiter of clusters, as a daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    qnetd::main(std::env::args_os())
}
