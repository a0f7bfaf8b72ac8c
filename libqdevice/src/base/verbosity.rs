/// How much a status command tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Verbosity {
    /// What most people ask for.
    #[default]
    Brief,
    /// All there is: `-v` of the tools.
    Verbose,
}

impl Verbosity {
    /// Whether all is to be told.
    #[must_use]
    pub const fn is_verbose(self) -> bool {
        matches!(self, Self::Verbose)
    }
}
