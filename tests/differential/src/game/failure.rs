use crate::bench;
use crate::trace::Step;
use std::fmt;

/// A scenario in which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How many steps were played before.
    pub at: usize,
    /// The step that shows it; none while all connections are ended.
    pub step: Option<Step>,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A server is gone.
    Server(&'static str, bench::Fault),
    /// The servers answer differently, and no expected difference explains it.
    Words(String),
    /// The servers decide differently, and no expected difference explains it.
    Votes(String),
    /// Our server breaks an invariant.
    Invariant(String),
    /// The text of the local socket differs.
    Text(String),
}

impl Fault {
    /// Whether another fault is of the same sort, so that shrinking stays on its track.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => writeln!(f, "step {}: {step}", self.at + 1)?,
            None => writeln!(f, "at the end")?,
        }
        match &self.fault {
            Fault::Server(name, fault) => write!(f, "{name}: {fault}"),
            Fault::Words(text) => write!(f, "the answers differ\n{text}"),
            Fault::Votes(text) => write!(f, "the votes differ\n{text}"),
            Fault::Invariant(text) => write!(f, "an invariant is broken\n{text}"),
            Fault::Text(text) => write!(f, "the status texts differ\n{text}"),
        }
    }
}
