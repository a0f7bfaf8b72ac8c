use super::custody::Custody;
use super::error::CertError;
use rustix::fs::{Mode, OFlags, fsync, mkdirat, openat, renameat};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A private directory inside the database's, where files are prepared before they take their place.
///
/// Removed with everything in it when dropped; what a killed run leaves, the next one removes.
#[derive(Debug)]
pub struct Staging<'a> {
    dir: &'a Path,
    target: &'a File,
    path: PathBuf,
    handle: File,
}

impl<'a> Staging<'a> {
    /// Its name inside the database's directory.
    pub const NAME: &'static str = ".corosync-certutil";

    pub(super) fn begin(dir: &'a Path, target: &'a File) -> Result<Self, CertError> {
        let path = dir.join(Self::NAME);
        let failed = |error| CertError::file(&path, error);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        mkdirat(target, Self::NAME, Mode::RWXU).map_err(|e| failed(e.into()))?;
        // Whoever else may write here cannot make us use another directory: it would not be ours.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = openat(target, Self::NAME, flags, Mode::empty());
        let handle = File::from(handle.map_err(|e| failed(e.into()))?);
        let owner = handle.metadata().map_err(failed)?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(failed(io::ErrorKind::PermissionDenied.into()));
        }
        Ok(Self {
            dir,
            target,
            path: path.clone(),
            handle,
        })
    }

    /// Where the files are prepared.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Prepares a file that nobody else can read yet.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CertError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let failed = |error| CertError::file(self.path.join(name), error);
        let file = openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(file.map_err(|e| failed(e.into()))?);
        file.write_all(bytes).map_err(failed)
    }

    /// Prepares a copy of the file that is in place.
    pub(super) fn copy(&self, name: &str) -> Result<(), CertError> {
        let bytes = self.dir.join(name);
        let bytes = fs::read(&bytes).map_err(|e| CertError::file(bytes, e))?;
        self.write(name, &bytes)
    }

    /// Puts a prepared file in its place, as a whole and durably.
    pub fn publish(&self, name: &str, custody: Custody) -> Result<(), CertError> {
        let publish = || -> io::Result<()> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
            custody.give(&file)?;
            file.sync_all()?;
            renameat(&self.handle, name, self.target, name)?;
            Ok(fsync(self.target)?)
        };
        publish().map_err(|error| CertError::file(self.dir.join(name), error))
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}
