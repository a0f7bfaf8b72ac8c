//! libvotequorum and libcmap, opened at run time: all `unsafe` of this program is in here.
//!
//! Not here: threads, retries and what a notification means. The types below have safe methods and
//! keep three promises of their own: a connection is used by one thread at a time (`&mut self`), it is
//! finalized once (`Drop`), and no pointer of ours travels through corosync: callbacks run inside
//! `dispatch`, on the calling thread, and append a copy to a queue of that thread which `dispatch`
//! returns. [C: votequorum.h, cmap.h; ABI of corosync 3]

mod cmap;
mod votequorum;

pub use cmap::{Cmap, Track};
pub use votequorum::{Info, Notification, Votequorum};

use super::CsError;
use std::ffi::{c_char, c_int};
use std::os::fd::BorrowedFd;

/// A corosync library that is not there, or lacks a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {file} ({cause}); install the package {package}")]
pub struct LoadFault {
    file: &'static str,
    package: &'static str,
    cause: String,
}

/// Declares the functions taken from one library, and how to find them all.
macro_rules! library {
    ($(#[$doc:meta])* struct $name:ident from $file:literal in $package:literal {
        $($field:ident = $symbol:literal ($($arg:ty),*);)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        struct $name { $($field: unsafe extern "C" fn($($arg),*) -> std::ffi::c_int,)+ }

        impl $name {
            fn load() -> Result<Self, LoadFault> {
                let fault = |error: libloading::Error| LoadFault {
                    file: $file, package: $package, cause: error.to_string(),
                };
                // SAFETY: the initialisers of corosync's and libqb's libraries may run at any time
                // in any thread; they only set up logging tables of their own.
                let library = unsafe { libloading::Library::new(std::ffi::OsStr::new($file)) }.map_err(fault)?;
                let functions = Self { $(
                    // SAFETY: the symbol is a function with this signature in every library of this
                    // soname (votequorum.h, cmap.h); the library is never closed, see below.
                    $field: *unsafe {
                        library.get::<unsafe extern "C" fn($($arg),*) -> std::ffi::c_int>($symbol)
                    }.map_err(fault)?,
                )+ };
                // Closing it would leave the function pointers dangling.
                std::mem::forget(library);
                Ok(functions)
            }
        }
    };
}
use library;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFault {
    /// The library is missing.
    #[error(transparent)]
    Load(#[from] LoadFault),
    /// corosync refused.
    #[error("{0}")]
    Refused(#[from] CsError),
}

/// The descriptor that `get` writes, lent for as long as the connection lives.
///
/// # Safety
///
/// `get` writes a descriptor that stays open for `'a`, or fails.
unsafe fn borrowed_fd<'a>(
    get: impl FnOnce(*mut c_int) -> c_int,
) -> Result<BorrowedFd<'a>, CsError> {
    let mut fd = -1;
    CsError::check(get(&raw mut fd))?;
    if fd < 0 {
        return Err(CsError::LIBRARY);
    }
    // SAFETY: the caller promises that the descriptor stays open.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// What a dispatch call has collected. Being told to try again is no failure.
fn dispatched<T>(code: c_int, collected: Vec<T>) -> Result<Vec<T>, CsError> {
    match CsError::check(code) {
        Ok(()) | Err(CsError::TRY_AGAIN) => Ok(collected),
        Err(error) => Err(error),
    }
}

/// The text in a buffer, up to its first NUL or its end.
fn text_of(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer
        .iter()
        .take_while(|c| **c != 0)
        .flat_map(|c| c.to_ne_bytes())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `CS_DISPATCH_ALL`: take what waits and return.
const DISPATCH_ALL: c_int = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn errors_have_the_names_that_corosync_gives_them() {
        // SAFETY: the library only holds tables.
        let library = match unsafe { libloading::Library::new("libcorosync_common.so.4") } {
            Ok(library) => library,
            Err(error) => return eprintln!("skipped: {error}"),
        };
        // SAFETY: `const char *cs_strerror(cs_error_t)` of corotypes.h.
        let cs_strerror = unsafe {
            library.get::<unsafe extern "C" fn(c_int) -> *const c_char>(b"cs_strerror\0")
        }
        .unwrap();
        for code in (0..40).chain([100, 101, -1]) {
            // SAFETY: the function returns a string constant for every number.
            let theirs = unsafe { CStr::from_ptr(cs_strerror(code)) };
            assert_eq!(
                CsError::from_number(code).name(),
                theirs.to_str().unwrap(),
                "{code}"
            );
        }
    }

    #[test]
    fn a_text_ends_at_its_nul_or_with_the_buffer() {
        let buffer = [b'a', b'b', 0, b'c'].map(|byte| c_char::from_ne_bytes([byte]));
        assert_eq!(text_of(&buffer), "ab");
        assert_eq!(text_of(&buffer[..2]), "ab");
        assert_eq!(text_of(&[]), "");
    }
}
