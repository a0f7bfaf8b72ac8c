//! corosync-qnetd-tool.
fn main() {}
