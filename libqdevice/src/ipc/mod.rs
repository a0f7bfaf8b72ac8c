//! The text protocol between the daemons and their tools.
//!
//! A tool connects, sends one line, reads the answer until the end of the stream:
//!
//! ```text
//! list verbose cluster "alpha"            request, ends with a line feed
//! OK                                      or Error; then the text, which nothing but the end ends
//! Cluster "alpha":
//! ```
//!
//! Not here: sockets, and the texts of the answers, which the two machines write themselves.

mod command;
mod json;
mod reply;
mod request;
mod split;
mod words;

pub use command::{Command, NotSendable, command_line};
pub use json::{QdeviceJson, QnetdJson};
pub use reply::{Pace, Piece, Reply, Status};
pub use request::{QdeviceRequest, QnetdRequest, RequestError};
pub use split::Split;
