//! A machine of its own for a test: nobody else's bus, processes or polkit.

use witness::apart::{Apart, empty};
use witness::bus::{ACTIONS, RULES};

/// See [`Apart::is_inside`]; with empty folders in the place of the machine's.
pub(crate) fn is_inside(name: &str) -> bool {
    let apart = Apart {
        options: &[],
        programs: &["setpriv", "dbus-daemon", "dbus-send", "busctl"],
    };
    let inside = apart.is_inside(name);
    if inside {
        empty(&["/run", ACTIONS, RULES]);
    }
    inside
}
