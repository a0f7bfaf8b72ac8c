#![expect(
    unsafe_code,
    reason = "NSS takes its parameters through the pointer that PKCS#11 reserves"
)]

use super::database::Access;
use crate::certs::CertError;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::slot::Slot;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The softoken, started on one database. Stops when dropped.
#[derive(Debug)]
pub(super) struct Softoken {
    context: Pkcs11,
    _turn: MutexGuard<'static, ()>,
}

impl Softoken {
    /// Loads the library and starts it on the database in `dir`.
    ///
    /// A process can have one started at a time, so this waits until another thread's is dropped.
    pub(super) fn start(dir: &Path, access: Access) -> Result<Self, StartFault> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let context = load().map_err(StartFault::Refused)?;
        let parameters = CString::new(parameters(dir, access)).map_err(|_| {
            StartFault::Refused(CertError::File {
                path: dir.to_owned(),
                reason: "a path with a NUL".to_owned(),
            })
        })?;
        let reserved = NonNull::from(parameters.as_c_str()).cast();
        // SAFETY: NSS (lib/softoken, nsc_CommonInitialize) reads the reserved pointer as a
        // NUL-terminated string and only during the call; `parameters` lives until after it.
        let arguments = unsafe {
            CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved)
        };
        match context.initialize(arguments) {
            Ok(()) => Ok(Self {
                context,
                _turn: turn,
            }),
            Err(Error::Pkcs11(RvError::VendorDefined(CERTDB_FAILED | KEYDB_FAILED), _)) => {
                Err(StartFault::Unopened)
            }
            Err(error) => Err(StartFault::Refused(refused("starting NSS")(error))),
        }
    }

    /// The library's functions.
    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    /// The slot of the database: every one but 1, which is for computing only. The number depends on
    /// whether the library is in FIPS mode.
    pub(super) fn slot(&self) -> Result<Slot, CertError> {
        let slots = self.context.get_slots_with_token();
        let slots = slots.map_err(refused("asking NSS for its slots"))?;
        let database = slots.into_iter().find(|slot| slot.id() != 1);
        database.ok_or(CertError::Unsupported(
            "an NSS library without a database slot",
        ))
    }
}

impl Drop for Softoken {
    fn drop(&mut self) {
        // Nothing can be done about a refusal, and the next start would report it.
        let _ = self.context.clone().finalize();
    }
}

/// Why the softoken did not start.
#[derive(Debug)]
pub(super) enum StartFault {
    /// One of the two files could not be opened: the caller looks for the reason.
    Unopened,
    /// Anything else.
    Refused(CertError),
}

/// One `C_Initialize` at a time: a second one in the same process is refused by the library.
static TURN: Mutex<()> = Mutex::new(());

/// What NSS answers when it cannot open `cert9.db`, `key4.db`. [NSS pkcs11n.h, `CKR_NSS_*DB_FAILED`]
const CERTDB_FAILED: std::ffi::c_ulong = 0xCE53_4351;
const KEYDB_FAILED: std::ffi::c_ulong = 0xCE53_4352;

/// Turns a refusal into an error; for `map_err`.
pub(super) fn refused(doing: &'static str) -> impl Fn(Error) -> CertError {
    move |error| CertError::Softoken {
        doing,
        reason: error.to_string(),
    }
}

/// Loads the library from where the loader looks, then from where distributions hide it.
fn load() -> Result<Pkcs11, CertError> {
    let first = match Pkcs11::new(LIBRARY) {
        Ok(context) => return Ok(context),
        Err(error) => error.to_string(),
    };
    let hidden = hidden_places().into_iter();
    let mut present = hidden.filter(|path| path.is_file());
    present
        .find_map(|path| Pkcs11::new(path).ok())
        .ok_or(CertError::NoLibrary { reason: first })
}

/// `/usr/lib/TRIPLET/nss` on older Debian, beside the other libraries elsewhere.
fn hidden_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("/usr/lib64"), PathBuf::from("/usr/lib64/nss")];
    let triplets = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    places.extend(triplets.map(|triplet| triplet.path().join("nss")));
    places.iter().map(|place| place.join(LIBRARY)).collect()
}

const LIBRARY: &str = "libsoftokn3.so";

fn parameters(dir: &Path, access: Access) -> Vec<u8> {
    let mut text = b"configdir=".to_vec();
    text.extend(quoted(b"sql:", dir));
    text.extend(b" certPrefix='' keyPrefix='' secmod='secmod.db' flags=");
    text.extend(match access {
        Access::Read => &b"readOnly,optimizeSpace "[..],
        Access::Write => &b"optimizeSpace "[..],
    });
    text
}

/// A path as a value in NSS's parameters.
pub(super) fn quoted(prefix: &[u8], path: &Path) -> Vec<u8> {
    let mut text = b"'".to_vec();
    text.extend(prefix);
    for &byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'\'' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.push(b'\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_so_that_it_cannot_end_its_parameter() {
        let text = parameters(Path::new(r"/a b/c'd\e"), Access::Write);
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with(r"configdir='sql:/a b/c\'d\\e' certPrefix="));
    }
}
