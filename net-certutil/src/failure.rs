use libqdevice::certs::{CertError, Side};

/// Why a run ends without having done what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// In the scripts' own words, with their exit status.
    Told {
        /// The exit status.
        exit: u8,
        /// What stands on standard error.
        text: String,
    },
    /// What was not possible, and the exit status.
    Refused {
        /// The exit status.
        exit: u8,
        /// The reason.
        error: CertError,
    },
}

impl Failure {
    /// Something is not as it must be to begin.
    pub(crate) fn state(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Told { exit: 1, text }
    }

    /// The call lacks something or names what is not there.
    pub(crate) fn call(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Told { exit: 2, text }
    }

    /// An error with the exit status that the scripts pass on from NSS's tools here.
    pub(crate) fn with_exit(exit: u8) -> impl Fn(CertError) -> Self {
        move |error| Self::Refused { exit, error }
    }

    /// The same with another exit status.
    pub(crate) fn exiting_with(self, exit: u8) -> Self {
        match self {
            Self::Told { text, .. } => Self::Told { exit, text },
            Self::Refused { error, .. } => Self::Refused { exit, error },
        }
    }

    pub(crate) const fn exit(&self) -> u8 {
        match self {
            Self::Told { exit, .. } | Self::Refused { exit, .. } => *exit,
        }
    }

    /// What stands on standard error.
    pub(crate) fn lines(&self, side: Side) -> Vec<String> {
        match self {
            Self::Told { text, .. } => vec![text.clone()],
            Self::Refused { error, .. } => {
                let program = match side {
                    Side::Server => "corosync-qnetd-certutil",
                    Side::Node => "corosync-qdevice-net-certutil",
                };
                let remedy = error.remedy(side).map(|command| format!("Run: {command}"));
                [format!("{program}: {error}")]
                    .into_iter()
                    .chain(remedy)
                    .collect()
            }
        }
    }
}

impl From<CertError> for Failure {
    fn from(error: CertError) -> Self {
        Self::Refused { exit: 1, error }
    }
}
