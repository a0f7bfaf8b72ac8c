use super::{ConnectFault, DISPATCH_ALL, LoadFault, borrowed_fd, dispatched, library, text_of};
use crate::corosync::CsError;
use libqdevice::client::CmapValue;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::os::fd::BorrowedFd;
use std::ptr;

/// A connection to corosync's configuration map.
///
/// Every call but [`Self::fd`] can wait for a whole synchronisation of the cluster, half a minute.
pub struct Cmap {
    functions: CmapFunctions,
    handle: u64,
}

impl Cmap {
    /// Opens the library and connects to the local corosync.
    pub fn connect() -> Result<Self, ConnectFault> {
        let functions = CmapFunctions::load()?;
        let mut handle = 0;
        // SAFETY: cmap_initialize writes the handle.
        CsError::check(unsafe { (functions.initialize)(&raw mut handle) })?;
        Ok(Self { functions, handle })
    }

    /// The descriptor that gets readable when [`Self::dispatch`] has something to do.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, CsError> {
        // SAFETY: cmap_fd_get writes one int, a descriptor it keeps open until finalize.
        unsafe { borrowed_fd(|fd| (self.functions.fd_get)(self.handle, fd)) }
    }

    /// Takes all notifications that wait, without waiting for more. Returns the names of the keys that
    /// have changed, in order.
    pub fn dispatch(&mut self) -> Result<Vec<String>, CsError> {
        CHANGES.take();
        // SAFETY: the handle is live. cmap_dispatch calls the callback on this thread and returns
        // after the last one; it does not call back into the library.
        let code = unsafe { (self.functions.dispatch)(self.handle, DISPATCH_ALL) };
        dispatched(code, CHANGES.take())
    }

    /// The value of a key, `None` when there is no such key.
    pub fn get(&mut self, key: &str) -> Result<Option<CmapValue>, CsError> {
        let key = CString::new(key).map_err(|_| CsError::INVALID_PARAM)?;
        let mut bytes = Vec::new();
        // A value can grow between the question for its length and the reading of it.
        for _ in 0..READ_ATTEMPTS {
            let (mut length, mut kind) = (0, 0);
            // SAFETY: the handle is live, the key a string. Without a buffer cmap_get writes only
            // the length and the kind.
            let code = unsafe {
                let (length, kind) = (&raw mut length, &raw mut kind);
                (self.functions.get)(self.handle, key.as_ptr(), ptr::null_mut(), length, kind)
            };
            match CsError::check(code) {
                Err(CsError::NOT_EXIST) => return Ok(None),
                result => result?,
            }
            if length > VALUE_LIMIT {
                return Err(CsError::TOO_BIG);
            }
            bytes.resize(length, 0);
            // SAFETY: as above; cmap_get writes at most `length` bytes to the buffer, which has as
            // many, or fails, and sets `length` to what it wrote.
            let code = unsafe {
                let (length, kind) = (&raw mut length, &raw mut kind);
                let buffer = bytes.as_mut_ptr().cast();
                (self.functions.get)(self.handle, key.as_ptr(), buffer, length, kind)
            };
            match CsError::check(code) {
                Ok(()) => {
                    return Ok(Some(value_of(kind, bytes.get(..length).unwrap_or(&bytes))));
                }
                Err(CsError::INVALID_PARAM) => {}
                Err(CsError::NOT_EXIST) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Err(CsError::TRY_AGAIN)
    }

    /// The names of all keys that begin with `prefix`.
    pub fn keys(&mut self, prefix: &str) -> Result<Vec<String>, CsError> {
        let prefix = CString::new(prefix).map_err(|_| CsError::INVALID_PARAM)?;
        let mut iterator = 0;
        // SAFETY: the handle is live, the prefix a string; cmap_iter_init writes the iterator.
        CsError::check(unsafe {
            (self.functions.iter_init)(self.handle, prefix.as_ptr(), &raw mut iterator)
        })?;
        let mut keys = Vec::new();
        let result = loop {
            match self.next_key(iterator) {
                Ok(key) => keys.push(key),
                Err(CsError::NO_SECTIONS) => break Ok(keys),
                Err(error) => break Err(error),
            }
        };
        // SAFETY: handle and iterator are live; the iterator is not used again.
        let closed =
            CsError::check(unsafe { (self.functions.iter_finalize)(self.handle, iterator) });
        result.and_then(|keys| closed.map(|()| keys))
    }

    fn next_key(&mut self, iterator: u64) -> Result<String, CsError> {
        let mut name = [0 as c_char; KEY_BUFFER];
        // SAFETY: handle and iterator are live. cmap_iter_next writes a name of at most 255 bytes and
        // a NUL, and nothing for the pointers that are null.
        CsError::check(unsafe {
            let name = name.as_mut_ptr();
            (self.functions.iter_next)(
                self.handle,
                iterator,
                name,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        Ok(text_of(&name))
    }

    /// Asks for notifications of changes of a key, or of all keys that begin with it.
    pub fn track(&mut self, key: &str, track: Track) -> Result<(), CsError> {
        let flags = match track {
            Track::Key => TRACK_MODIFY | TRACK_ADD,
            Track::Prefix => TRACK_DELETE | TRACK_MODIFY | TRACK_ADD | TRACK_PREFIX,
        };
        let key = CString::new(key).map_err(|_| CsError::INVALID_PARAM)?;
        let mut tracker = 0;
        // SAFETY: the handle is live, the key a string that is copied; the null pointer is only
        // handed back to the callback; cmap_track_add writes the tracker.
        CsError::check(unsafe {
            let null = ptr::null_mut();
            (self.functions.track_add)(
                self.handle,
                key.as_ptr(),
                flags,
                on_change,
                null,
                &raw mut tracker,
            )
        })
    }
}

impl Drop for Cmap {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use.
        unsafe { (self.functions.finalize)(self.handle) };
    }
}

impl fmt::Debug for Cmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cmap({:#x})", self.handle)
    }
}

/// What [`Cmap::track`] shall report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Setting of the key itself.
    Key,
    /// Setting and deleting of all keys that begin with the name.
    Prefix,
}

library! {
    /// What is used of cmap.h.
    struct CmapFunctions from "libcmap.so.4" in "libcmap4 (Debian) or corosynclib" {
        initialize = b"cmap_initialize\0" (*mut u64);
        finalize = b"cmap_finalize\0" (u64);
        fd_get = b"cmap_fd_get\0" (u64, *mut c_int);
        dispatch = b"cmap_dispatch\0" (u64, c_int);
        get = b"cmap_get\0" (u64, *const c_char, *mut c_void, *mut usize, *mut c_int);
        iter_init = b"cmap_iter_init\0" (u64, *const c_char, *mut u64);
        iter_next = b"cmap_iter_next\0" (u64, u64, *mut c_char, *mut usize, *mut c_int);
        iter_finalize = b"cmap_iter_finalize\0" (u64, u64);
        track_add = b"cmap_track_add\0" (u64, *const c_char, i32, NotifyFn, *mut c_void, *mut u64);
    }
}

/// `cmap_notify_value`; not read, but passed by value.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawValue {
    kind: c_int,
    length: usize,
    data: *const c_void,
}

/// `cmap_notify_fn_t`.
type NotifyFn = unsafe extern "C" fn(u64, u64, i32, *const c_char, RawValue, RawValue, *mut c_void);

thread_local! {
    /// What the callback of the dispatch call that runs on this thread has copied so far.
    static CHANGES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn on_change(
    _: u64,
    _: u64,
    _: i32,
    key: *const c_char,
    _: RawValue,
    _: RawValue,
    _: *mut c_void,
) {
    if key.is_null() {
        return;
    }
    // SAFETY: cmap passes the key as a string that lives until this function returns.
    let key = unsafe { CStr::from_ptr(key) }
        .to_string_lossy()
        .into_owned();
    CHANGES.with_borrow_mut(|queue| queue.push(key));
}

/// A value by its type number; a number of the wrong size and every other type is [`CmapValue::Other`].
fn value_of(kind: c_int, bytes: &[u8]) -> CmapValue {
    fn number<const N: usize, T>(
        bytes: &[u8],
        read: fn([u8; N]) -> T,
        wrap: fn(T) -> CmapValue,
    ) -> CmapValue {
        bytes
            .try_into()
            .map_or(CmapValue::Other, |bytes| wrap(read(bytes)))
    }
    match kind {
        1 => number(bytes, i8::from_ne_bytes, CmapValue::I8),
        2 => number(bytes, u8::from_ne_bytes, CmapValue::U8),
        3 => number(bytes, i16::from_ne_bytes, CmapValue::I16),
        4 => number(bytes, u16::from_ne_bytes, CmapValue::U16),
        5 => number(bytes, i32::from_ne_bytes, CmapValue::I32),
        6 => number(bytes, u32::from_ne_bytes, CmapValue::U32),
        7 => number(bytes, i64::from_ne_bytes, CmapValue::I64),
        8 => number(bytes, u64::from_ne_bytes, CmapValue::U64),
        11 => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            CmapValue::Str(text.to_vec())
        }
        _ => CmapValue::Other,
    }
}

const TRACK_DELETE: i32 = 1;
const TRACK_MODIFY: i32 = 2;
const TRACK_ADD: i32 = 4;
const TRACK_PREFIX: i32 = 8;

/// Space for a name of 255 bytes, the longest there is, and its NUL.
const KEY_BUFFER: usize = 256;

/// No value of corosync is nearly as long; a longer one is a broken answer.
const VALUE_LIMIT: usize = 1 << 20;

/// How often a value is read that grows under our hands.
const READ_ATTEMPTS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_structure_has_the_layout_of_the_header() {
        assert_eq!(size_of::<RawValue>(), 3 * size_of::<usize>());
        assert_eq!(offset_of!(RawValue, length), size_of::<usize>());
    }

    #[test]
    fn values_are_read_by_type_and_a_wrong_size_is_not_guessed_at() {
        assert_eq!(value_of(6, &7_u32.to_ne_bytes()), CmapValue::U32(7));
        assert_eq!(value_of(2, &[1]), CmapValue::U8(1));
        assert_eq!(value_of(6, &[1]), CmapValue::Other);
        assert_eq!(
            value_of(11, b"sixteen bytes ok\0"),
            CmapValue::Str("sixteen bytes ok".into())
        );
        assert_eq!(value_of(11, b""), CmapValue::Str(Vec::new()));
        assert_eq!(value_of(12, b"x"), CmapValue::Other);
    }

    #[test]
    fn the_callback_copies_the_names_of_changed_keys_in_order() {
        let value = RawValue {
            kind: 0,
            length: 0,
            data: ptr::null(),
        };
        for key in [c"a.b", c"a.a"] {
            // SAFETY: key and values are as cmap would pass them for a deleted key.
            unsafe { on_change(0, 0, 1, key.as_ptr(), value, value, ptr::null_mut()) };
        }
        assert_eq!(CHANGES.take(), ["a.b", "a.a"]);
    }
}
