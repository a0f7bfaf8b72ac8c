//! The test bed's program: see `bed help`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
