use crate::certs::DenyList;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sees when the files of a database change.
///
/// It looks at them once a second: whoever changes them may replace them, or the whole directory.
#[derive(Debug)]
pub(super) struct Watch {
    files: Vec<PathBuf>,
    /// As they were when they were told of last.
    told: Vec<Option<Stamp>>,
}

/// What differs when a file was written or replaced, or given to others.
type Stamp = ([u64; 2], [i64; 4]);

impl Watch {
    /// Changes of the database in `dir` from now on.
    pub(super) fn new(dir: &Path) -> Self {
        let files: Vec<PathBuf> = FILES.iter().map(|file| dir.join(file)).collect();
        let told = stamps(&files);
        Self { files, told }
    }

    /// Waits for the next change, and until it is complete. May be dropped and called again.
    pub(super) async fn changed(&mut self) {
        let mut last = self.told.clone();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = self.look().await;
            let is_settled = now == last;
            if is_settled && now != self.told {
                self.told = now;
                return;
            }
            last = now;
        }
    }

    /// As a task of its own: a file system may be slow.
    async fn look(&self) -> Vec<Option<Stamp>> {
        let files = self.files.clone();
        let looked = tokio::task::spawn_blocking(move || stamps(&files)).await;
        looked.unwrap_or_else(|_| self.told.clone())
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| fs::metadata(file).ok().map(|found| stamp(&found));
    files.iter().map(stamp).collect()
}

fn stamp(found: &Metadata) -> Stamp {
    let times = [
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ];
    ([found.ino(), found.size()], times)
}

const INTERVAL: Duration = Duration::from_secs(1);

/// Everything a daemon reads, in either format of the database.
const FILES: [&str; 6] = [
    "cert9.db",
    "key4.db",
    "cert8.db",
    "key3.db",
    "pwdfile.txt",
    DenyList::FILE,
];
