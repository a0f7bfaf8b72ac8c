//! What must hold whatever bytes come: one function per target of `fuzz/`, which panics if it does not.
//!
//! Here and not in `fuzz/`, so that a stable toolchain builds it and plays the kept inputs as a test.
//! Not here: what a vote means; the simulator and the model checker know more of that. The rules both
//! sides are watched by are those of [`sim::invariants`].
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at a few messages of many"
)]
#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how a target says what it has found"
)]

mod client;
mod server;
mod texts;
mod wire;

pub use client::client_events;
pub use server::server_events;
pub use texts::{command, ipc_line, settings};
pub use wire::{decode, frame};

/// Looks at one input.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of its folders as well.
pub const TARGETS: [(&str, Target); 7] = [
    ("frame", frame),
    ("decode", decode),
    ("server_events", server_events),
    ("client_events", client_events),
    ("ipc_line", ipc_line),
    ("settings", settings),
    ("command", command),
];

/// Ends the run if a rule is broken.
fn insist(checked: sim::invariants::Checked) {
    if let Err(violation) = checked {
        panic!("{violation}");
    }
}
