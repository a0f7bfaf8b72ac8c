//! Who is right: what the servers were told, what they had to answer, and where they may differ.

mod book;
mod docket;
mod ffsplit;
mod guard;
mod held;
mod last_man;
mod last_man_docket;
mod named;
mod their_lms;

pub use book::{Book, Happening, Member, Occasion, Seat, Tie};
pub use docket::{Docket, Manner};
pub use guard::{forbids, leaves_unknowns};
pub use held::{Held, follow, torn_apart};
pub use last_man_docket::LastManDocket;
pub use named::{Exchange, mend, names, without_numbers, without_votes};
