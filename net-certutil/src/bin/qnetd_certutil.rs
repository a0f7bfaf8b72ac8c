//! `corosync-qnetd-certutil`: see the library of this package.

use corosync_net_certutil::{Surroundings, qnetd_certutil};
use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let (mut out, mut err) = (stdout(), stderr());
    let mut surroundings = Surroundings::real(args.next(), &mut out, &mut err);
    qnetd_certutil(&mut surroundings, &args.collect::<Vec<_>>()).into()
}
