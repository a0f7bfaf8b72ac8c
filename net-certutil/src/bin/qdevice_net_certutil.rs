//! `corosync-qdevice-net-certutil`: see the library of this package.

use corosync_net_certutil::{Surroundings, qdevice_net_certutil};
use std::io::{stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let (mut out, mut err) = (stdout(), stderr());
    let mut surroundings = Surroundings::real(args.next(), &mut out, &mut err);
    qdevice_net_certutil(&mut surroundings, &args.collect::<Vec<_>>()).into()
}
