//! The daemon around [`libqdevice::server::Server`]: command line, sockets, start and end.
//!
//! Not here: any decision about clients or votes. The hub feeds events to the server and performs the
//! actions it gets back.
//!
//! ```text
//! run       start-up order, exit code
//! cli       what was asked for
//! listener  a socket per daemon, a task that accepts
//! connection  a task per client: bytes to events, orders to bytes
//! mailbox   orders of the hub to a connection
//! quota     who may have how much of the daemon's time
//! buffers   who may have how much of its memory
//! ipc       lines of the tool to answers
//! grace     what a daemon that was away owes its clients
//! keys      what TLS needs, from the NSS database
//! handshakes  TLS handshakes, on threads of their own
//! telling   what the hub tells others
//! outside   what others want of the hub
//! dbus      the server on the system bus, a feature
//! hub       owns the server; everything meets here
//! ```

mod buffers;
mod cli;
mod connection;
#[cfg(feature = "dbus")]
mod dbus;
mod grace;
mod handshakes;
mod hub;
mod ipc;
mod keys;
mod listener;
mod lobby;
mod mailbox;
mod outside;
mod quota;
mod run;
mod state;
mod telling;

pub use cli::{Cli, command};
pub use run::main;
