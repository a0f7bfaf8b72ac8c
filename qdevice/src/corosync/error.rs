use std::fmt;

/// An error of a corosync library, by its number. [C: corotypes.h, `cs_error_t`]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CsError(i32);

impl CsError {
    /// corosync is gone, or was never there.
    pub const LIBRARY: Self = Self(2);
    /// No answer in time.
    pub const TIMEOUT: Self = Self(5);
    /// Not now; the same call may work in a moment.
    pub const TRY_AGAIN: Self = Self(6);
    /// A buffer is too short, or a name is wrong.
    pub const INVALID_PARAM: Self = Self(7);
    /// The node or the key is unknown.
    pub const NOT_EXIST: Self = Self(12);
    /// A poll named a ring that is no longer the current one.
    pub const MESSAGE_ERROR: Self = Self(22);
    /// A value is longer than any that corosync stores.
    pub const TOO_BIG: Self = Self(26);
    /// An iteration has come to its end.
    pub const NO_SECTIONS: Self = Self(27);

    /// What a function returned: 1 is success, all else an error.
    pub(super) const fn check(code: i32) -> Result<(), Self> {
        if code == 1 { Ok(()) } else { Err(Self(code)) }
    }

    /// The error with this number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The name of the constant, as the log of the C programs shows it. [C: `cs_strerror`]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "success",
            2 => "CS_ERR_LIBRARY",
            3 => "CS_ERR_VERSION",
            4 => "CS_ERR_INIT",
            5 => "CS_ERR_TIMEOUT",
            6 => "CS_ERR_TRY_AGAIN",
            7 => "CS_ERR_INVALID_PARAM",
            8 => "CS_ERR_NO_MEMORY",
            9 => "CS_ERR_BAD_HANDLE",
            10 => "CS_ERR_BUSY",
            11 => "CS_ERR_ACCESS",
            12 => "CS_ERR_NOT_EXIST",
            13 => "CS_ERR_NAME_TOO_LONG",
            14 => "CS_ERR_EXIST",
            15 => "CS_ERR_NO_SPACE",
            16 => "CS_ERR_INTERRUPT",
            17 => "CS_ERR_NAME_NOT_FOUND",
            18 => "CS_ERR_NO_RESOURCES",
            19 => "CS_ERR_NOT_SUPPORTED",
            20 => "CS_ERR_BAD_OPERATION",
            21 => "CS_ERR_FAILED_OPERATION",
            22 => "CS_ERR_MESSAGE_ERROR",
            23 => "CS_ERR_QUEUE_FULL",
            24 => "CS_ERR_QUEUE_NOT_AVAILABLE",
            25 => "CS_ERR_BAD_FLAGS",
            26 => "CS_ERR_TOO_BIG",
            27 => "CS_ERR_NO_SECTIONS",
            28 => "CS_ERR_CONTEXT_NOT_FOUND",
            30 => "CS_ERR_TOO_MANY_GROUPS",
            100 => "CS_ERR_SECURITY",
            _ => "unknown error",
        }
    }
}

impl fmt::Display for CsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for CsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl std::error::Error for CsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_means_success() {
        assert_eq!(CsError::check(1), Ok(()));
        assert_eq!(CsError::check(2), Err(CsError::LIBRARY));
        assert_eq!(CsError::check(0).unwrap_err().name(), "unknown error");
        assert_eq!(CsError::check(-1).unwrap_err().name(), "unknown error");
    }
}
