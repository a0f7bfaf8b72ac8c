//! Who is right: what the servers were told, what they had to answer, and where they may differ.

mod book;
mod docket;
mod ffsplit;
mod guard;
mod held;
mod named;

pub use book::{Book, Happening, Member, Occasion, Seat, Tie};
pub use docket::{Docket, Manner};
pub use guard::{forbids, is_not_yet, leaves_unknowns};
pub use held::{Held, follow, torn_apart};
pub use named::{Exchange, mend, names, without_numbers, without_votes};
