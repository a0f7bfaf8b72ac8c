use crate::failure::Failure;
use libqdevice::certs::{CertError, Custody, Folder};
use rustix::fs::Mode;
use rustix::process::{geteuid, umask};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

/// How long a run waits for another one. Making the keys of a server takes a few seconds at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far more than any certificate, request or bundle has.
const LARGEST: u64 = 1024 * 1024;

/// The file of option `-c`, which must be there before anything else is looked at.
pub(crate) fn must_exist(file: &Path) -> Result<(), Failure> {
    if file.exists() {
        Ok(())
    } else {
        let shown = file.display();
        Err(Failure::call(format!(
            "Can't open certificate file {shown}"
        )))
    }
}

/// What is in the file.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, CertError> {
    let failed = |error: std::io::Error| CertError::File {
        path: file.to_owned(),
        reason: error.to_string(),
    };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(failed)?;
    opened
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

/// Holds the database's directory against other runs.
pub(crate) fn lock(dir: &Path) -> Result<Folder, CertError> {
    Folder::lock(dir, PATIENCE)
}

/// The mode of a file that nobody has set a mode for.
pub(crate) fn usual_mode(wanted: u32) -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    wanted & !mask.as_raw_mode()
}

/// Whom new files belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner(Option<(u32, u32)>);

impl Owner {
    /// Root, on a node. Nobody but root can give files away, and then they stay the caller's.
    pub(crate) fn root() -> Self {
        Self(geteuid().is_root().then_some((0, 0)))
    }

    /// The owner of a directory.
    pub(crate) fn of(dir: &Path) -> Self {
        let owner = fs::metadata(dir).map(|found| (found.uid(), found.gid()));
        Self(owner.ok().filter(|_| geteuid().is_root()))
    }

    /// Whoever calls.
    pub(crate) const fn caller() -> Self {
        Self(None)
    }

    pub(crate) const fn with_mode(self, mode: u32) -> Custody {
        Custody {
            mode,
            owner: self.0,
        }
    }
}

/// Makes the directory of a database, and those above it as the umask has them.
pub(crate) fn make_dir(dir: &Path, custody: impl FnOnce() -> Custody) -> Result<(), CertError> {
    let failed = |error: std::io::Error| CertError::File {
        path: dir.to_owned(),
        reason: error.to_string(),
    };
    if let Some(above) = dir.parent() {
        fs::create_dir_all(above).map_err(failed)?;
    }
    // Two may begin at once; who comes second finds it there, and the lock decides.
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(failed)?,
    }
    File::open(dir)
        .and_then(|made| custody().give(&made))
        .map_err(failed)
}
