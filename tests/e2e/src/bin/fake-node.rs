//! One node on a corosync that is played; see `fake-node --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    e2e::node::main(std::env::args_os())
}
