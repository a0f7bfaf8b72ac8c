use super::{Ipc, Limits};
use crate::io::ipc_client::PATH_MAX;
use crate::settings::Umask;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

/// How the socket is made and what a tool may do.
#[derive(Debug, Clone)]
pub struct IpcOptions {
    /// Where the socket file stands.
    pub path: PathBuf,
    /// The umask under which it is made, if not that of the process.
    pub umask: Option<Umask>,
    /// The group it is given to, if not that of the process.
    pub group: Option<u32>,
    /// Backlog as for listen(2).
    pub backlog: u32,
    /// How many tools may be connected at once; 0 means any number.
    pub max_clients: u64,
    /// Longest line in bytes, line feed included.
    pub max_receive: u64,
    /// Longest answer in bytes, status line included.
    pub max_send: u64,
}

/// A bound socket; its file is removed when this is dropped.
#[derive(Debug)]
pub struct IpcSocket {
    listener: StdListener,
    file: SocketFile,
    limits: Limits,
}

impl IpcSocket {
    /// Makes the socket. The umask belongs to the whole process, so no other thread may make files.
    ///
    /// A socket file that nobody listens on is replaced.
    ///
    /// # Errors
    ///
    /// Address in use, when somebody does listen or the file is no socket; else what the system says.
    pub fn bind(options: &IpcOptions) -> io::Result<Self> {
        let path = options.path.as_path();
        if path.as_os_str().is_empty() || path.as_os_str().len() > PATH_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        remove_stale(path)?;
        let socket = stream_socket()?;
        bind_under(&socket, path, options.umask)?;
        let file = SocketFile::of(path)?;
        if let Some(group) = options.group {
            std::os::unix::fs::chown(path, None, Some(group))?;
        }
        rustix::net::listen(&socket, i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
        let limits = Limits {
            clients: match options.max_clients {
                0 => Semaphore::MAX_PERMITS,
                some => saturating(some).min(Semaphore::MAX_PERMITS),
            },
            receive: saturating(options.max_receive),
            send: saturating(options.max_send),
        };
        Ok(Self {
            listener: StdListener::from(socket),
            file,
            limits,
        })
    }

    /// Serves tools from now on. Needs a runtime.
    pub fn serve(self) -> io::Result<Ipc> {
        let listener = UnixListener::from_std(self.listener)?;
        Ok(Ipc::start(listener, self.file, self.limits))
    }
}

/// A socket file of ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another daemon may have put its own socket here; that one stays.
        if let Ok(found) = fs::symlink_metadata(&self.path) {
            if (found.dev(), found.ino()) == (self.device, self.inode) {
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result?,
    };
    if found.file_type().is_socket() && is_deserted(path)? {
        fs::remove_file(path)
    } else {
        Err(Errno::ADDRINUSE.into())
    }
}

/// Whether nobody listens on the socket file.
fn is_deserted(path: &Path) -> io::Result<bool> {
    let probe = stream_socket()?;
    // Not waiting: a daemon that is too busy to accept is there all the same.
    let connected = rustix::net::connect(&probe, &SocketAddrUnix::new(path)?);
    Ok(connected == Err(Errno::CONNREFUSED))
}

fn stream_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

fn bind_under(socket: &OwnedFd, path: &Path, umask: Option<Umask>) -> io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    let old = umask.map(|Umask(bits)| rustix::process::umask(Mode::from_raw_mode(bits)));
    let bound = rustix::net::bind(socket, &address);
    if let Some(old) = old {
        rustix::process::umask(old);
    }
    Ok(bound?)
}

fn saturating(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::test_dir::TestDir;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    fn options(path: &Path) -> IpcOptions {
        IpcOptions {
            path: path.to_owned(),
            umask: None,
            group: None,
            backlog: 10,
            max_clients: 10,
            max_receive: 4096,
            max_send: 4096,
        }
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        drop(StdListener::bind(&path).unwrap());
        let living = IpcSocket::bind(&options(&path)).unwrap();
        let error = IpcSocket::bind(&options(&path)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(98));
        UnixStream::connect(&path).unwrap();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_socket_is_not_removed() {
        let dir = TestDir::new();
        let path = dir.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert!(IpcSocket::bind(&options(&path)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }

    #[test]
    fn the_socket_of_a_successor_is_not_removed() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let first = IpcSocket::bind(&options(&path)).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = IpcSocket::bind(&options(&path)).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn umask_and_group_are_those_of_the_settings() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let own_group = fs::metadata(dir.path()).unwrap().gid();
        let options = IpcOptions {
            umask: Some(Umask(0o027)),
            group: Some(own_group),
            ..options(&path)
        };
        let _socket = IpcSocket::bind(&options).unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o750);
        assert_eq!(found.gid(), own_group);
    }
}
