//! `corosync-qdevice-net-certutil`: see the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    corosync_net_certutil::main_of("corosync-qdevice-net-certutil", std::env::args().skip(1))
}
