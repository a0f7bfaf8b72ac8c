//! What the daemons tell, as `OpenMetrics` text.
//!
//! Only gauges and counters: the textfile collector of `node_exporter` reads the older format of
//! Prometheus, which knows no other type of `OpenMetrics`.

mod device;
mod page;
mod server;

pub(super) use device::{Node, of_node};
pub(super) use page::MEDIA_TYPE;
pub(super) use server::{Arbiter, of_arbiter};

use super::Side;
use page::Page;

/// A daemon that cannot be asked.
pub(super) fn down(side: Side) -> String {
    only_up(side, 0)
}

/// A daemon that answers, but tells nothing that could be measured.
pub(super) fn up(side: Side) -> String {
    only_up(side, 1)
}

fn only_up(side: Side, value: u8) -> String {
    let mut page = Page::default();
    let name = match side {
        Side::Server => "corosync_qnetd_up",
        Side::Node => "corosync_qdevice_up",
    };
    page.gauge(name, UP).add(&[], value);
    page.finish()
}

const UP: &str = "Whether the daemon answers on its local socket.";
const VERSION: &str = "The version of the daemon.";
const NOT_AFTER: &str = "When a certificate the daemon depends on ends, in seconds since 1970.";
