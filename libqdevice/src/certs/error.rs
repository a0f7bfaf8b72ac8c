use super::deny_list::DenyFault;
use super::names::{NameFault, Side};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why something about certificates cannot be done.
///
/// The text says what is wrong; [`CertError::remedy`] says which command mends it, where one does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertError {
    /// The NSS library is not installed.
    #[error(
        "NSS's library libsoftokn3.so cannot be loaded ({reason}): install the package libnss3 \
         (Debian, Ubuntu), nss-softokn (Fedora, RHEL) or libsoftokn3 (SUSE)"
    )]
    NoLibrary {
        /// What the loader said.
        reason: String,
    },
    /// There is no database in the directory.
    #[error("there is no certificate database in {}", dir.display())]
    NoDatabase {
        /// The directory.
        dir: PathBuf,
    },
    /// A database is there already.
    #[error("a certificate database exists in {} already", dir.display())]
    Exists {
        /// The directory.
        dir: PathBuf,
    },
    /// A file or directory could not be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file of the database is closed to this user.
    #[error("{}: {reason}; run as root or as the owner of {}", path.display(), folder(path).display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A program was stopped while it changed the database in place.
    #[error("a change of {} was interrupted; nothing is lost, but it must be opened once for writing, as root", dir.display())]
    Interrupted {
        /// The directory.
        dir: PathBuf,
    },
    /// Another program holds the database.
    #[error("another program is working on {} and does not come to an end; try again when it is done", dir.display())]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// Another program changed the database while we worked on a copy.
    #[error("another program changed {} meanwhile; nothing was written, try again", dir.display())]
    ChangedMeanwhile {
        /// The directory.
        dir: PathBuf,
    },
    /// The database wants a password and none is known.
    #[error("the database in {} has a password: write it into {}", dir.display(), dir.join("pwdfile.txt").display())]
    PasswordNeeded {
        /// The directory.
        dir: PathBuf,
    },
    /// The password is not the database's.
    #[error("the password in {} is not the one of the database", dir.join("pwdfile.txt").display())]
    PasswordWrong {
        /// The directory.
        dir: PathBuf,
    },
    /// The database has no certificate of that nickname.
    #[error("the database in {} has no certificate \"{nickname}\"", dir.display())]
    NoCertificate {
        /// The directory.
        dir: PathBuf,
        /// The nickname.
        nickname: String,
    },
    /// The certificate is there, its private key is not.
    #[error("the database in {} has the certificate \"{nickname}\" but not its private key", dir.display())]
    NoKey {
        /// The directory.
        dir: PathBuf,
        /// The nickname.
        nickname: String,
    },
    /// Nothing in the database is trusted to sign the peers' certificates.
    #[error("the database in {} trusts no authority", dir.display())]
    NoAnchor {
        /// The directory.
        dir: PathBuf,
    },
    /// Bytes that should be a certificate, a request or a bundle are not.
    #[error("this is not {wanted}")]
    Unreadable {
        /// What it should be, with its article.
        wanted: &'static str,
    },
    /// The name cannot be certified.
    #[error("the cluster name {name:?} cannot be certified: {fault}")]
    Name {
        /// The name, as far as it can be shown.
        name: String,
        /// Why not.
        fault: NameFault,
    },
    /// The list of revoked certificates cannot be read.
    #[error("{}: {fault}; correct this line, or put # in front of it", path.display())]
    DenyList {
        /// The file.
        path: PathBuf,
        /// Where and why.
        fault: DenyFault,
    },
    /// The request cannot be signed.
    #[error("the request cannot be signed: {0}")]
    Request(&'static str),
    /// A certificate with this issuer and serial number, but other content, is in the database.
    #[error("the database in {} has another certificate with the same issuer and serial number", dir.display())]
    SerialTaken {
        /// The directory.
        dir: PathBuf,
    },
    /// The nickname stands for somebody else: NSS lets certificates share one only if they are of one subject.
    #[error("the certificate \"{nickname}\" in {} is of another name ({name})", dir.display())]
    NicknameTaken {
        /// The directory.
        dir: PathBuf,
        /// The nickname.
        nickname: String,
        /// The name in the certificate that is there.
        name: String,
    },
    /// A certificate or key of a kind we do not handle.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The NSS library refused.
    #[error("{doing}: {reason}")]
    Softoken {
        /// What was tried.
        doing: &'static str,
        /// The library's word.
        reason: String,
    },
    /// OpenSSL refused.
    #[error("{doing}: {reason}")]
    OpenSsl {
        /// What was tried.
        doing: &'static str,
        /// The library's word.
        reason: String,
    },
}

impl CertError {
    /// What the administrator of this side runs to mend it, where one command does.
    #[must_use]
    pub fn remedy(&self, side: Side) -> Option<String> {
        match self {
            Self::NoDatabase { .. } => Some(side.init_command().to_owned()),
            // It refuses to replace the database, and opens it for writing before it does so.
            Self::Interrupted { .. } if side == Side::Server => Some(side.init_command().to_owned()),
            Self::NoCertificate { .. } | Self::NoKey { .. } if side == Side::Node => Some(
                "corosync-qdevice-net-certutil -m -c qdevice-net-node.p12 (the file of a node that works)"
                    .to_owned(),
            ),
            Self::NoCertificate { dir, .. }
            | Self::NoKey { dir, .. }
            | Self::NoAnchor { dir }
            | Self::NicknameTaken { dir, .. } => Some(format!(
                "mv {0} {0}.old, then {1}, and enrol again",
                dir.display(),
                side.init_command()
            )),
            Self::NoLibrary { .. }
            | Self::Interrupted { .. }
            | Self::Exists { .. }
            | Self::File { .. }
            | Self::Closed { .. }
            | Self::Busy { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::PasswordNeeded { .. }
            | Self::PasswordWrong { .. }
            | Self::Unreadable { .. }
            | Self::Name { .. }
            | Self::DenyList { .. }
            | Self::Request(_)
            | Self::SerialTaken { .. }
            | Self::Unsupported(_)
            | Self::Softoken { .. }
            | Self::OpenSsl { .. } => None,
        }
    }

    /// The system refused something with this path.
    pub(crate) fn file(path: impl Into<PathBuf>, error: impl Into<std::io::Error>) -> Self {
        let reason = error.into().to_string();
        Self::File {
            path: path.into(),
            reason,
        }
    }

    /// OpenSSL refused; for `map_err`.
    pub(crate) fn openssl(doing: &'static str) -> impl Fn(openssl::error::ErrorStack) -> Self {
        move |error| Self::OpenSsl {
            doing,
            reason: error.to_string(),
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_the_command_that_mends_it() {
        let dir = PathBuf::from("/etc/corosync/qnetd/nssdb");
        let missing = CertError::NoDatabase { dir };
        assert_eq!(
            missing.to_string(),
            "there is no certificate database in /etc/corosync/qnetd/nssdb"
        );
        let remedy = missing.remedy(Side::Server);
        assert_eq!(remedy.as_deref(), Some("corosync-qnetd-certutil -i"));
    }
}
