use super::error::CertError;
use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Who may use a file: its mode, and its owner where we can choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Custody {
    /// The permission bits, exactly: the umask takes nothing away.
    pub mode: u32,
    /// User and group; without them the file is the caller's.
    pub owner: Option<(u32, u32)>,
}

impl Custody {
    /// As the file at `path` has it.
    pub fn of(path: &Path) -> Result<Self, CertError> {
        let found = fs::metadata(path).map_err(|error| CertError::file(path, error))?;
        Ok(Self {
            mode: found.mode() & 0o7777,
            owner: Some((found.uid(), found.gid())),
        })
    }

    /// Gives a file or directory to its owner.
    ///
    /// Only root can give away files; anybody else passes on the group if it is one of his own, and keeps
    /// the file otherwise. In a container even root may not know the owner.
    pub fn give(self, file: &File) -> io::Result<()> {
        if let Some((user, group)) = self.owner {
            let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
            match fchown(file, user, group) {
                Err(Errno::PERM | Errno::INVAL) => {
                    let _kept = fchown(file, None, group);
                }
                given => given?,
            }
        }
        Ok(fchmod(file, Mode::from_raw_mode(self.mode))?)
    }
}
