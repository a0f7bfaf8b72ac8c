use super::custody::Custody;
use super::error::CertError;
use super::nss::{Access, Database, is_interrupted};
use super::staging::Staging;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A directory with a certificate database, held against other runs of our programs.
///
/// The lock is on the directory itself, so nothing is left behind that another program could stumble
/// over, and it ends with the process however that ends.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    handle: File,
}

impl Folder {
    /// Takes the directory, waiting at most `patience` for another run to finish.
    pub fn lock(dir: &Path, patience: Duration) -> Result<Self, CertError> {
        loop {
            let handle = open(dir)?;
            let handle = locked(handle, patience).map_err(|error| {
                if error.kind() == io::ErrorKind::TimedOut {
                    let dir = dir.to_owned();
                    CertError::Busy { dir }
                } else {
                    CertError::file(dir, error)
                }
            })?;
            // While we waited, the directory may have been removed and made again: then what we hold
            // is not what the next run will find.
            let held = handle.metadata().map_err(|e| CertError::file(dir, e))?;
            let found = fs::metadata(dir).map_err(|e| CertError::file(dir, e))?;
            if (held.dev(), held.ino()) == (found.dev(), found.ino()) {
                return Ok(Self {
                    dir: dir.to_owned(),
                    handle,
                });
            }
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// An empty place to prepare files in. What a killed run left there is removed.
    pub fn stage(&self) -> Result<Staging<'_>, CertError> {
        Staging::begin(&self.dir, &self.handle)
    }

    /// Undoes the half of a change that another program began in place and did not live to finish.
    pub fn mend(&self) -> Result<(), CertError> {
        if !is_interrupted(&self.dir) {
            return Ok(());
        }
        // SQLite undoes it when it opens the file for writing.
        drop(Database::open(&self.dir, Access::Write)?);
        if is_interrupted(&self.dir) {
            return Err(CertError::Busy {
                dir: self.dir.clone(),
            });
        }
        Ok(())
    }

    /// Changes the database so that readers see it as it was or as it is to be, and nothing between.
    ///
    /// The change is made to a copy, whose files then take the place of the old ones: first the keys, of
    /// which it has more than before, then the certificates that may speak of them.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&Database) -> Result<T, CertError>,
    ) -> Result<T, CertError> {
        let files = Database::files(&self.dir).ok_or_else(|| CertError::NoDatabase {
            dir: self.dir.clone(),
        })?;
        self.mend()?;
        let before = self.observe(files)?;
        let [certificates, keys] =
            [files[0], files[1]].map(|file| Custody::of(&self.dir.join(file)));
        let (certificates, keys) = (certificates?, keys?);
        let staging = self.stage()?;
        for (file, _) in &before {
            staging.copy(file)?;
        }
        let database = Database::open_at(staging.path(), &self.dir, Access::Write)?;
        let answer = change(&database)?;
        drop(database);
        // Programs that do not know our lock may have written in the meantime.
        if self.observe(files)? != before || is_interrupted(&self.dir) {
            return Err(CertError::ChangedMeanwhile {
                dir: self.dir.clone(),
            });
        }
        if !self.dir.join("pkcs11.txt").exists() {
            staging.write("pkcs11.txt", &Database::module_list(&self.dir))?;
            staging.publish("pkcs11.txt", certificates)?;
        }
        staging.publish("key4.db", keys)?;
        staging.publish("cert9.db", certificates)?;
        Ok(answer)
    }

    /// What tells whether a file was written: its inode, size and last change.
    fn observe(&self, files: [&'static str; 2]) -> Result<Vec<(&'static str, Traces)>, CertError> {
        let look = |file: &&'static str| {
            let path = self.dir.join(file);
            let found = fs::symlink_metadata(&path).map_err(|e| CertError::file(&path, e))?;
            if !found.is_file() {
                return Err(CertError::File {
                    path,
                    reason: "not a regular file".to_owned(),
                });
            }
            let changed = (found.mtime(), found.mtime_nsec());
            Ok((*file, (found.ino(), found.size(), changed)))
        };
        files.iter().map(look).collect()
    }
}

type Traces = (u64, u64, (i64, i64));

fn open(dir: &Path) -> Result<File, CertError> {
    match File::open(dir) {
        Ok(handle) => Ok(handle),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(CertError::Closed {
            path: dir.to_owned(),
            reason: error.to_string(),
        }),
        Err(error) => Err(CertError::file(dir, error)),
    }
}

/// Waits for the lock in a thread of its own: the system call knows no time limit.
fn locked(handle: File, patience: Duration) -> io::Result<File> {
    let (done, wait) = mpsc::channel();
    thread::Builder::new()
        .name("lock".to_owned())
        .spawn(move || {
            let outcome = flock(&handle, FlockOperation::LockExclusive);
            // Nobody listens after the time limit, and the handle is closed with the message.
            let _ = done.send(outcome.map(|()| handle));
        })?;
    match wait.recv_timeout(patience) {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;
    use crate::certs::{Key, KeyKind, generate_key};
    use std::os::unix::fs::PermissionsExt as _;

    const BRIEF: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    fn key() -> Key {
        generate_key(KeyKind::P256).unwrap()
    }

    fn has(dir: &Path, key: &Key) -> bool {
        let database = Database::open(dir, Access::Read).unwrap();
        database.has_private_key(key).unwrap()
    }

    #[test]
    fn a_second_holder_waits_and_then_says_who_is_in_the_way() {
        let dir = Scratch::new();
        let held = Folder::lock(&dir, LONG).unwrap();
        let refused = Folder::lock(&dir, BRIEF).unwrap_err();
        assert_eq!(
            refused,
            CertError::Busy {
                dir: dir.to_owned()
            }
        );
        drop(held);
        assert!(Folder::lock(&dir, LONG).is_ok());
    }

    #[test]
    fn a_directory_made_anew_while_we_waited_is_the_one_we_take() {
        let dir = Scratch::new();
        let inside = dir.join("nssdb");
        fs::create_dir(&inside).unwrap();
        let held = Folder::lock(&inside, LONG).unwrap();
        thread::scope(|scope| {
            // For a moment there is no directory at all, which whoever comes then is told.
            let take = || loop {
                if let Ok(folder) = Folder::lock(&inside, LONG) {
                    return folder;
                }
            };
            let second = scope.spawn(take);
            fs::rename(&inside, dir.join("old")).unwrap();
            fs::create_dir(&inside).unwrap();
            drop(held);
            let second = second.join().unwrap();
            let held = second.handle.metadata().unwrap().ino();
            assert_eq!(held, fs::metadata(&inside).unwrap().ino());
        });
    }

    #[test]
    fn a_change_takes_effect_and_keeps_modes_and_leaves_nothing_else() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        for (file, mode) in [("key4.db", 0o640), ("cert9.db", 0o664)] {
            fs::set_permissions(dir.join(file), fs::Permissions::from_mode(mode)).unwrap();
        }
        let key = key();
        let folder = Folder::lock(&dir, LONG).unwrap();
        folder.change(|database| database.import_key(&key)).unwrap();
        assert!(has(&dir, &key));
        let mode = |file| fs::metadata(dir.join(file)).unwrap().mode() & 0o7777;
        assert_eq!((mode("key4.db"), mode("cert9.db")), (0o640, 0o664));
        let mut names: Vec<_> = fs::read_dir(&*dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["cert9.db", "key4.db", "pkcs11.txt"]);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let key = key();
        let folder = Folder::lock(&dir, LONG).unwrap();
        let outcome = folder.change(|database| {
            database.import_key(&key)?;
            Err::<(), _>(CertError::Unsupported("this test"))
        });
        assert_eq!(outcome, Err(CertError::Unsupported("this test")));
        assert!(!has(&dir, &key));
    }

    #[test]
    fn a_change_over_another_program_s_is_given_up() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let key = key();
        let folder = Folder::lock(&dir, LONG).unwrap();
        let outcome = folder.change(|_| {
            let theirs = fs::read(dir.join("key4.db")).unwrap();
            fs::remove_file(dir.join("key4.db")).unwrap();
            fs::write(dir.join("key4.db"), theirs).unwrap();
            Ok(())
        });
        assert_eq!(
            outcome,
            Err(CertError::ChangedMeanwhile {
                dir: dir.to_owned()
            })
        );
        assert!(!has(&dir, &key));
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_away() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let left = dir.join(Staging::NAME);
        fs::create_dir(&left).unwrap();
        fs::write(left.join("key4.db"), "half").unwrap();
        let key = key();
        let folder = Folder::lock(&dir, LONG).unwrap();
        folder.change(|database| database.import_key(&key)).unwrap();
        assert!(has(&dir, &key));
        assert!(!left.exists());
    }

    #[test]
    fn a_database_behind_a_link_is_not_replaced() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        fs::rename(dir.join("key4.db"), dir.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", dir.join("key4.db")).unwrap();
        let folder = Folder::lock(&dir, LONG).unwrap();
        let outcome = folder.change(|_| Ok(()));
        assert!(
            matches!(outcome, Err(CertError::File { .. })),
            "{outcome:?}"
        );
    }
}
