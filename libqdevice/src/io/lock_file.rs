//! One daemon at a time.

use super::os_error::Numbered;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A locked file with the process id in it. [C: utils.c, `utils_flock`]
///
/// The lock ends with the value or the process; the file stays, so that a script that reads it never
/// meets a daemon without one.
#[derive(Debug)]
pub struct LockFile(#[expect(dead_code, reason = "kept open because the lock ends with it")] File);

/// Why the lock cannot be had; the text is the line of the log, which begins as upstream's.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("Another instance is running: it holds {}", .0.display())]
    AnotherInstance(PathBuf),
    /// The file cannot be written.
    #[error("Can't acquire lock {}: {}", Numbered(.1), .0.display())]
    Failed(PathBuf, #[source] io::Error),
}

impl LockFile {
    /// Takes the lock without waiting and writes the process id.
    ///
    /// The directory is made if it is missing: usually that is for the service manager to do.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        if let Some(dir) = path.parent() {
            // If that fails, opening the file tells why.
            let _ = DirBuilder::new().mode(0o770).create(dir);
        }
        match locked(path) {
            Ok(Some(file)) => Ok(Self(file)),
            Ok(None) => Err(LockError::AnotherInstance(path.to_owned())),
            Err(error) => Err(LockError::Failed(path.to_owned(), error)),
        }
    }
}

/// The file with our process id in it; `None` if another process holds it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o640)
        .open(path)?;
    loop {
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    file.set_len(0)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::test_dir::TestDir;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    // That another process is kept out is shown with the daemons: within a process locks do not conflict.

    #[test]
    fn the_file_holds_the_process_id_and_nothing_older_and_stays() {
        let dir = TestDir::new();
        let path = dir.path().join("made").join("lock");
        drop(LockFile::acquire(&path).unwrap());
        fs::write(&path, "1234567890 and more\n").unwrap();
        drop(LockFile::acquire(&path).unwrap());
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o027, 0);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_with_the_systems_reason() {
        let dir = TestDir::new();
        let path = dir.path().join("a/b/lock");
        let error = LockFile::acquire(&path).unwrap_err();
        let text = "Can't acquire lock (2): No such file or directory";
        assert_eq!(error.to_string(), format!("{text}: {}", path.display()));
    }
}
