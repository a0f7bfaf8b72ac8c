//! TLS by OpenSSL over the connections of both daemons, with what their NSS databases hold. Feature
//! `tls`.
//!
//! Not here: who may call himself what, which is the server's gate, and when TLS begins, which both
//! machines decide. The system's crypto policy decides on versions, ciphers and keys: nothing here
//! names one.
//!
//! [`Acceptor`] and [`Connector`] are made anew when a database changes; connections that stand keep what
//! they began with.

mod acceptor;
mod connector;
mod context;
mod fault;
mod follow;
#[cfg(test)]
mod handshakes;
mod lifetime;
mod transport;
mod verdict;
mod watch;

pub use acceptor::{Acceptor, ClientCertificate, Shown};
pub use connector::{Connector, Expired};
pub use fault::TlsFault;
pub use follow::{Follower, Load, Loaded, with_remedy};
pub use lifetime::{Ending, Lifetime};
pub use transport::Transport;
