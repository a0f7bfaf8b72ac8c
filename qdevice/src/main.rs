//! corosync-qdevice.
fn main() {}
