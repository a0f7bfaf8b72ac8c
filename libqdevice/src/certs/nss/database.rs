use super::module::{Softoken, StartFault, quoted, refused};
use crate::certs::CertError;
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// An open NSS database.
///
/// A process has one open at a time; opening a second one waits for the first to be dropped.
#[derive(Debug)]
pub struct Database {
    // In this order they are dropped: the session ends before the library does.
    session: Session,
    _softoken: Softoken,
    dir: PathBuf,
}

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading; needs no right to write, neither to the files nor to the directory.
    Read,
    /// Reading and writing.
    Write,
}

impl Database {
    /// Opens the database in `dir`, with the password in its `pwdfile.txt` if it wants one.
    ///
    /// A database in the old format (`cert8.db`) is read as it is, and converted when opened for writing.
    pub fn open(dir: &Path, access: Access) -> Result<Self, CertError> {
        let files = Self::files(dir).ok_or_else(|| CertError::NoDatabase {
            dir: dir.to_owned(),
        })?;
        for file in files {
            look_into(&dir.join(file))?;
        }
        Self::open_at(dir, dir, access)
    }

    /// Opens the copy in `at` of the database in `dir`, whose password is the same.
    pub(in crate::certs) fn open_at(
        at: &Path,
        dir: &Path,
        access: Access,
    ) -> Result<Self, CertError> {
        let mut tries = 1..=PATIENCE;
        loop {
            match Self::start(at, dir, access) {
                Err(StartFault::Unopened) if tries.next().is_some() => {}
                Err(StartFault::Unopened) if !is_interrupted(at) => {
                    return Err(CertError::Busy {
                        dir: dir.to_owned(),
                    });
                }
                Err(StartFault::Unopened) => break,
                Err(StartFault::Refused(error)) => return Err(error),
                Ok(database) => return Ok(database),
            }
        }
        // A program died while it wrote. SQLite undoes the half of it as soon as somebody may write.
        let undone = access == Access::Read && Self::start(at, dir, Access::Write).is_ok();
        let interrupted = CertError::Interrupted {
            dir: dir.to_owned(),
        };
        if !undone {
            return Err(interrupted);
        }
        Self::start(at, dir, access).map_err(|_| interrupted)
    }

    /// Makes a database with an empty password in a directory that has none.
    pub fn create(dir: &Path) -> Result<Self, CertError> {
        if Self::files(dir).is_some() {
            return Err(CertError::Exists {
                dir: dir.to_owned(),
            });
        }
        let softoken = Softoken::start(dir, Access::Write).map_err(|fault| match fault {
            StartFault::Unopened => CertError::File {
                path: dir.to_owned(),
                reason: "NSS cannot create its files here".to_owned(),
            },
            StartFault::Refused(error) => error,
        })?;
        let slot = softoken.slot()?;
        let doing = refused("setting the empty password");
        let empty = AuthPin::from(String::new());
        let session = softoken.context().open_rw_session(slot).map_err(&doing)?;
        session
            .login(UserType::So, Some(&empty))
            .and_then(|()| session.init_pin(&empty))
            .and_then(|()| session.logout())
            .map_err(&doing)?;
        Ok(Self {
            session,
            _softoken: softoken,
            dir: dir.to_owned(),
        })
    }

    /// The files of the database in `dir`, certificates and keys, if there is one: of the format since 2009
    /// or of the one before.
    #[must_use]
    pub fn files(dir: &Path) -> Option<[&'static str; 2]> {
        let formats = [["cert9.db", "key4.db"], ["cert8.db", "key3.db"]];
        formats
            .into_iter()
            .find(|[certificates, _]| dir.join(certificates).is_file())
    }

    /// What `certutil -N` writes into `pkcs11.txt` of a database in `dir`: NSS's programs want it there.
    #[must_use]
    pub fn module_list(dir: &Path) -> Vec<u8> {
        let mut text =
            b"library=\nname=NSS Internal PKCS #11 Module\nparameters=configdir=".to_vec();
        text.extend(quoted(b"", dir));
        text.extend(MODULE_LIST_REST.as_bytes());
        text
    }

    /// Where the database is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    fn start(at: &Path, dir: &Path, access: Access) -> Result<Self, StartFault> {
        let softoken = Softoken::start(at, access)?;
        Self::log_in(softoken, dir, access).map_err(StartFault::Refused)
    }

    fn log_in(softoken: Softoken, dir: &Path, access: Access) -> Result<Self, CertError> {
        let doing = refused("opening the database");
        let (context, slot) = (softoken.context(), softoken.slot()?);
        // Asking is also what lets a library in FIPS mode see that the password is empty.
        let wants_password = context
            .get_token_info(slot)
            .map_err(&doing)?
            .login_required();
        let session = match access {
            Access::Read => context.open_ro_session(slot),
            Access::Write => context.open_rw_session(slot),
        };
        let session = session.map_err(&doing)?;
        if wants_password {
            let password = password(dir)?;
            match session.login(UserType::User, Some(&password)) {
                Ok(()) => {}
                Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                    return Err(CertError::PasswordWrong {
                        dir: dir.to_owned(),
                    });
                }
                Err(error) => return Err(doing(error)),
            }
        }
        Ok(Self {
            session,
            _softoken: softoken,
            dir: dir.to_owned(),
        })
    }
}

const MODULE_LIST_REST: &str = concat!(
    " certPrefix='' keyPrefix='' secmod='secmod.db' flags= updatedir='' updateCertPrefix=''",
    " updateKeyPrefix='' updateid='' updateTokenDescription='' \n",
    "NSS=Flags=internal,critical trustOrder=75 cipherOrder=100",
    " slotParams=(1={slotFlags=[ECC,RSA,DSA,DH,RC2,RC4,DES,RANDOM,SHA1,MD5,MD2,SSL,TLS,AES,Camellia,",
    "SEED,SHA256,SHA512] askpw=any timeout=30})\n\n",
);

/// Whether `SQLite` has left the undo log of a change: the writer is at work, or dead.
pub(in crate::certs) fn is_interrupted(dir: &Path) -> bool {
    let sizes = ["cert9.db-journal", "key4.db-journal"]
        .map(|journal| fs::metadata(dir.join(journal)).map_or(0, |journal| journal.len()));
    sizes.iter().any(|size| *size > 0)
}

/// How often a database that does not open is tried again. NSS waits about a second for a writer to
/// finish before it gives up, so this is also a number of seconds.
const PATIENCE: u32 = 3;

/// NSS says no more than that it could not open its files; the system and their first bytes say why.
fn look_into(path: &Path) -> Result<(), CertError> {
    let read = || {
        let mut start = Vec::new();
        let length = SQLITE.len() as u64;
        File::open(path)?.take(length).read_to_end(&mut start)?;
        Ok::<_, io::Error>(start)
    };
    let is_old = path.ends_with("cert8.db") || path.ends_with("key3.db");
    let (reason, is_closed) = match read() {
        Ok(start) if is_old || start == SQLITE => return Ok(()),
        Ok(_) => ("this is not a database".to_owned(), false),
        Err(error) => {
            let is_closed = error.kind() == io::ErrorKind::PermissionDenied;
            (error.to_string(), is_closed)
        }
    };
    let path = path.to_owned();
    Err(if is_closed {
        CertError::Closed { path, reason }
    } else {
        CertError::File { path, reason }
    })
}

/// How a file of the present format begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The first line of `pwdfile.txt`.
fn password(dir: &Path) -> Result<AuthPin, CertError> {
    let file = dir.join("pwdfile.txt");
    let text = match fs::read_to_string(&file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) => return Err(CertError::file(file, error)),
    };
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(AuthPin::from(line.to_owned())),
        Some(_) | None => Err(CertError::PasswordNeeded {
            dir: dir.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;

    #[test]
    fn a_directory_without_a_database_is_named_and_nothing_is_made_in_it() {
        let dir = Scratch::new();
        for access in [Access::Read, Access::Write] {
            let missing = Database::open(&dir, access).unwrap_err();
            assert_eq!(
                missing,
                CertError::NoDatabase {
                    dir: dir.to_owned()
                }
            );
        }
        assert_eq!(fs::read_dir(&*dir).unwrap().count(), 0);
    }

    #[test]
    fn a_new_database_is_empty_and_asks_for_no_password() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let database = Database::open(&dir, Access::Read).unwrap();
        assert!(database.certificates().unwrap().is_empty());
    }

    #[test]
    fn a_database_is_not_made_over_another() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let refused = Database::create(&dir).unwrap_err();
        assert_eq!(
            refused,
            CertError::Exists {
                dir: dir.to_owned()
            }
        );
    }

    #[test]
    fn half_a_database_is_missing_by_name() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        fs::remove_file(dir.join("key4.db")).unwrap();
        let missing = Database::open(&dir, Access::Read).unwrap_err().to_string();
        assert!(
            missing.ends_with("/key4.db: No such file or directory (os error 2)"),
            "{missing}"
        );
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        fs::write(dir.join("key4.db"), "no database").unwrap();
        let refused = Database::open(&dir, Access::Read).unwrap_err().to_string();
        assert!(
            refused.ends_with("/key4.db: this is not a database"),
            "{refused}"
        );
    }

    #[test]
    fn a_password_is_read_from_its_file_and_its_lack_is_explained() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let dir = &*dir;
        let database = Database::open(dir, Access::Write).unwrap();
        let pin = |text: &str| AuthPin::from(text.to_owned());
        database
            .session()
            .set_pin(&pin(""), &pin("secret"))
            .unwrap();
        drop(database);
        let error = || Database::open(dir, Access::Read).unwrap_err();
        let dir_of_error = dir.to_owned();
        assert_eq!(
            error(),
            CertError::PasswordNeeded {
                dir: dir_of_error.clone()
            }
        );
        fs::write(dir.join("pwdfile.txt"), "wrong\n").unwrap();
        assert_eq!(error(), CertError::PasswordWrong { dir: dir_of_error });
        fs::write(dir.join("pwdfile.txt"), "secret\n").unwrap();
        assert!(Database::open(dir, Access::Read).is_ok());
    }

    #[test]
    fn two_threads_take_turns() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let open = || {
            Database::open(&dir, Access::Read)
                .unwrap()
                .certificates()
                .unwrap()
                .len()
        };
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            for reader in readers {
                assert_eq!(reader.join().unwrap(), 0);
            }
        });
    }
}
