//! What daemons and tools share that touches the system. Feature `io`.
//!
//! Not here: anything that decides. These modules read clocks, move bytes, lock and log.

mod accept;
pub mod clock;
pub mod detach;
pub mod framed;
mod group;
pub mod ipc_client;
pub mod ipc_server;
pub mod lock_file;
pub mod log;
pub mod options;
pub mod os_error;
mod priority;
pub mod systemd;
#[cfg(test)]
mod test_dir;
mod thin_stream;
pub mod watched;

pub use accept::Pause;
pub use group::socket_group;
pub use priority::give_way;
pub use thin_stream::tune;
