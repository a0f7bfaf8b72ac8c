//! corosync-qdevice-tool.
fn main() {}
