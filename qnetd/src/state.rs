//! The file that carries over a restart who may be casting a vote.
//!
//! Nothing waits for it: a thread writes what the hub hands over, whole or not at all.

use libqdevice::base::{Level, Millis, Time};
use libqdevice::io::give_way;
use libqdevice::io::log::tell;
use libqdevice::io::os_error::Numbered;
use libqdevice::server::{Gathering, Memory, Server};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Keeps the file as new as the server.
#[derive(Debug)]
pub(crate) struct State {
    sender: SyncSender<Memory>,
    writer: Option<(JoinHandle<()>, Receiver<()>)>,
    /// The revision that was handed over last.
    saved: u64,
    /// When the next one may be.
    rests_until: Time,
    /// One that is being put together, and the revision it began with.
    gathering: Option<(Gathering, u64)>,
}

impl State {
    /// Lets the server recall what the file says, and begins to keep it. None if there is to be no file.
    ///
    /// A file that cannot be used is no reason not to serve: it is as if there were none.
    pub(crate) fn begin(path: &str, server: &mut Server, now: Time) -> Option<Self> {
        if path.is_empty() {
            return None;
        }
        let path = PathBuf::from(path);
        match read(&path) {
            Ok(Some(memory)) => {
                tracing::debug!(
                    "{} clusters recalled from {}",
                    memory.clusters(),
                    path.display()
                );
                server.recall(now, memory);
            }
            Ok(None) => {}
            Err(reason) => tell(
                Level::Warning,
                &format_args!(
                    "Can't use {}: {reason}. Votes from before this start are not known",
                    path.display()
                ),
            ),
        }
        // One may wait while another is written.
        let (sender, memories) = sync_channel(1);
        let (done, ended) = sync_channel::<()>(1);
        let thread = thread::Builder::new().name("state".into()).spawn(move || {
            give_way();
            write_all(&path, &memories);
            drop(done);
        });
        let thread = thread.inspect_err(|error| {
            tell(
                Level::Warning,
                &format_args!("Can't start a thread: {error}"),
            );
        });
        Some(Self {
            sender,
            writer: Some((thread.ok()?, ended)),
            // So that it turns out at the start whether the file can be written.
            saved: u64::MAX,
            rests_until: now,
            gathering: None,
        })
    }

    /// When there is something to be done.
    pub(crate) fn next(&self, server: &Server) -> Option<Time> {
        let wanted = self.gathering.is_some() || server.memory_revision() != self.saved;
        wanted.then_some(self.rests_until)
    }

    /// If its time has come, does a piece of the work. Whether clients are to be served before the next.
    pub(crate) fn keep(&mut self, server: &Server, now: Time) -> bool {
        if self.next(server).is_none_or(|at| at > now) {
            return false;
        }
        let begin = || (Gathering::default(), server.memory_revision());
        let (gathering, revision) = self.gathering.get_or_insert_with(begin);
        let Some(memory) = server.gather_memory(now, gathering, PIECE) else {
            return true;
        };
        let revision = *revision;
        self.gathering = None;
        self.rests_until = now.after(REST);
        self.hand_over(memory, revision);
        false
    }

    fn hand_over(&mut self, memory: Memory, revision: u64) {
        match self.sender.try_send(memory) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => self.saved = revision,
            // The disk is slow: again after the rest.
            Err(TrySendError::Full(_)) => {}
        }
    }

    /// Writes the last of it, unless the disk hangs.
    pub(crate) fn end(mut self, server: &Server, now: Time) {
        if server.memory_revision() != self.saved {
            self.hand_over(server.memory(now), server.memory_revision());
        }
        drop(self.sender);
        if let Some((thread, ended)) = self.writer.take() {
            // Nothing is ever sent: the other side is dropped when all is written.
            let hangs =
                ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if !hangs {
                let _ = thread.join();
            }
        }
    }
}

/// The memory in a file, if there is one.
fn read(path: &Path) -> Result<Option<Memory>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Numbered(&error).to_string()),
    };
    let mut text = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut text);
    read.map_err(|error| Numbered(&error).to_string())?;
    if text.len() as u64 > LONGEST {
        return Err("it is too long".to_owned());
    }
    Memory::from_text(&text)
        .map(Some)
        .map_err(|fault| fault.to_string())
}

/// Writes what comes until nobody is left to send. A failure is told once, until one succeeds.
fn write_all(path: &Path, memories: &Receiver<Memory>) {
    let mut failing = false;
    while let Ok(memory) = memories.recv() {
        if is_written(path, &memory) {
            continue;
        }
        match write(path, &memory) {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tell(
                        Level::Warning,
                        &format_args!(
                            "Can't write {}: {}. After a restart votes from before it are not known. Its \
                             folder has to be there and to belong to the user of corosync-qnetd; -S \
                             state_file= does without",
                            path.display(),
                            Numbered(&error)
                        ),
                    );
                }
                failing = true;
            }
        }
    }
}

/// Whether the file says this. Nobody keeps the text, which takes as much memory as the clusters do.
fn is_written(path: &Path, memory: &Memory) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut written = Same(BufReader::new(file));
    memory.write(&mut written).is_ok() && written.0.fill_buf().is_ok_and(<[u8]>::is_empty)
}

/// Takes what can be read from the other, and nothing else.
struct Same<R>(R);

impl<R: Read> Write for Same<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut read = [0; 256];
        let len = bytes.len().min(read.len());
        self.0.read_exact(&mut read[..len])?;
        if read[..len] == bytes[..len] {
            Ok(len)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts a file in place whole.
fn write(path: &Path, memory: &Memory) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = BufWriter::new(options.open(&fresh)?);
    memory.write(&mut file)?;
    file.into_inner()?.sync_all()?;
    fs::rename(&fresh, path)
}

/// Between two writings.
const REST: Millis = Millis(250);

/// Clusters that are looked at while clients wait: some microseconds.
const PIECE: usize = 16;

/// How long the end of the daemon waits for a disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes; ten thousand clusters of 32 nodes are shorter.
const LONGEST: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::server::ServerConfig;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("state-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn no_file_is_no_memory_and_a_damaged_one_is_told() {
        let folder = folder("read");
        let path = folder.join("state.json");
        assert!(read(&path).unwrap().is_none());
        fs::write(&path, b"{\"version\": 1, \"clus").unwrap();
        assert!(read(&path).unwrap_err().starts_with("it is damaged"));
        fs::write(&path, b"{\"version\": 7}").unwrap();
        assert!(read(&path).unwrap_err().starts_with("it has version 7"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_written_replaces_the_file_whole_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("write");
        let path = folder.join("state.json");
        fs::write(&path, b"old").unwrap();
        let mut server = Server::new(ServerConfig::default());
        let now = Time::default();
        let state = State::begin(path.to_str().unwrap(), &mut server, now).unwrap();
        state.sender.send(server.memory(now)).unwrap();
        state.end(&server, now);
        assert!(read(&path).unwrap().is_some());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_what_differs_from_the_file_is_written() {
        let folder = folder("same");
        let path = folder.join("state.json");
        let memory = Server::new(ServerConfig::default()).memory(Time::default());
        assert!(!is_written(&path, &memory));
        write(&path, &memory).unwrap();
        assert!(is_written(&path, &memory));
        let text = fs::read(&path).unwrap();
        assert_eq!(text, memory.to_text());
        for other in [
            &text[1..],
            &text[..text.len() - 1],
            &[&text[..], b" "].concat(),
        ] {
            fs::write(&path, other).unwrap();
            assert!(!is_written(&path, &memory));
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_missing_keeps_nobody_from_serving() {
        let mut server = Server::new(ServerConfig::default());
        let now = Time::default();
        let state = State::begin("/no/such/folder/state.json", &mut server, now).unwrap();
        state.sender.send(server.memory(now)).unwrap();
        state.end(&server, now);
        assert!(State::begin("", &mut server, now).is_none());
    }
}
