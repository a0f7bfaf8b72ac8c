//! corosync-qdevice.

use std::process::ExitCode;

fn main() -> ExitCode {
    corosync_qdevice::run::main(std::env::args_os())
}
