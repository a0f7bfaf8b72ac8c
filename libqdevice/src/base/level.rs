/// How urgent a line of the log is; the words and the order are syslog's. [C: log.h]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The daemon cannot do its work.
    Crit,
    /// A request or an operation failed.
    Error,
    /// Something an administrator should look at.
    Warning,
    /// Normal, but worth a line.
    Notice,
    /// Follows the normal course.
    Info,
    /// For whoever looks for a fault; shown with `-d` only.
    Debug,
}

impl Level {
    /// The word in front of a line on stderr.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}
