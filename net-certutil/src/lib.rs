//! `corosync-qnetd-certutil` and `corosync-qdevice-net-certutil`.
//!
//! Not here yet: the certificate store. Until it is, both programs refuse every operation, change
//! nothing and say so; the scripts of the same name from the C packages do the work.

use std::process::ExitCode;

/// Runs the program `name` with the arguments behind its name.
///
/// Without an argument it shows what it is and ends with 0, because upstream's quick start calls it so
/// to see whether it is installed. [C: corosync-qdevice-net-certutil.sh]
#[must_use]
pub fn main_of(name: &str, args: impl IntoIterator<Item = String>) -> ExitCode {
    let mut args = args.into_iter();
    match args.next().as_deref() {
        None | Some("-h") => {
            println!("{name}: this version cannot work on NSS databases yet.");
            println!("Use the program of the same name from the C packages (version 3.0).");
            ExitCode::SUCCESS
        }
        Some(_) => {
            eprintln!("{name}: this version cannot work on NSS databases yet; nothing was changed");
            eprintln!("Use the program of the same name from the C packages (version 3.0).");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_refused_and_a_bare_call_is_not() {
        let call = |args: &[&str]| main_of("certutil", args.iter().map(ToString::to_string));
        assert_eq!(call(&["-i"]), ExitCode::FAILURE);
        assert_eq!(call(&["-h"]), ExitCode::SUCCESS);
        assert_eq!(call(&[]), ExitCode::SUCCESS);
    }
}
