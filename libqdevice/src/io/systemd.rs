//! What the service manager is told; without one, nothing happens.

use crate::base::Level;
use crate::io::log::tell;
use sd_notify::{NotifyState, notify};

/// The daemon serves.
pub fn ready() {
    send(NotifyState::Ready);
}

/// The daemon is about to end.
pub fn stopping() {
    send(NotifyState::Stopping);
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = notify(&[state]) {
        tell(
            Level::Warning,
            &format_args!("Can't notify the service manager: {error}"),
        );
    }
}
