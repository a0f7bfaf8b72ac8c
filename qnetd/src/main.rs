//! corosync-qnetd.
fn main() {}
