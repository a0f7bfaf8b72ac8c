//! What happens to the servers, as plain data with a text form that can be read back.

mod frame;
mod scenario;
mod step;
mod value;
mod words;

pub use frame::{Frame, Piece};
pub use scenario::{Flavour, Scenario};
pub use step::{Ending, Slot, Step, Which};
