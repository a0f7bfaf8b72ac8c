//! What a `corosync-qnetd` answers, as a table of dialogues that can be held with any server.
//!
//! [`cases::all`] is the table. A [`Case`] says what it shows and which rule it is; its script says
//! who sends what and what must come back. The same table is run against the C program and against
//! ours. Where ours differs on purpose a script says so by name and states both expectations
//! ([`Script::differs`]).
//!
//! Not here: any knowledge of how a server works. Only bytes go in and come out.
//!
//! No case sends anything that makes a known server fail: the C program has to survive the suite.

mod case;
pub mod cases;
mod clock;
mod connection;
mod ffsplit;
mod run;
mod script;
mod subject;

pub use case::Case;
pub use run::{Failure, run};
pub use script::{Dialect, Peer, Script};
pub use subject::Subject;
