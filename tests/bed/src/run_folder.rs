//! The folder of one run, below the system's temporary folder, and what dead runs left behind.
//!
//! Its owner holds a lock on it as long as it lives, so a folder that can be locked is a dead one.

use crate::{interrupt, marked};
use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for everything a run writes; it goes when this is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    beds: AtomicU32,
    _lock: File,
}

const PREFIX: &str = "corosync-bed.";

impl RunFolder {
    /// Makes a new one.
    pub fn new() -> Result<Self> {
        for number in 0..u32::MAX {
            interrupt::check()?;
            let name = format!("{PREFIX}{}.{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            if let Some(lock) = make(&path).with_context(|| path.display().to_string())? {
                return Ok(Self {
                    path,
                    beds: AtomicU32::new(1),
                    _lock: lock,
                });
            }
        }
        anyhow::bail!(
            "no free name for a run in {}",
            std::env::temp_dir().display()
        )
    }

    /// The folder of another bed of this run.
    pub fn next_bed(&self) -> PathBuf {
        let number = self.beds.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("bed{number}"))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Ends the processes and removes the folders of runs that died. Returns one line for each.
pub fn clean() -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let parent = std::env::temp_dir();
    for entry in fs::read_dir(&parent).with_context(|| parent.display().to_string())? {
        let path = entry?.path();
        let named_so = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if !named_so || !is_our_folder(&path) {
            continue;
        }
        // Unreadable and locked ones belong to somebody.
        let Ok(folder) = File::open(&path) else {
            continue;
        };
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let processes = marked::end_all(&path);
        remove(&path);
        lines.push(format!("{}: {processes} processes ended", path.display()));
    }
    Ok(lines)
}

/// `None` when the name is taken, or when somebody cleaned the new folder away before it was locked.
fn make(path: &Path) -> Result<Option<File>> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(None),
        made => made?,
    }
    let folder = File::open(path)?;
    if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    let still_there = fs::symlink_metadata(path).is_ok_and(|now| {
        folder
            .metadata()
            .is_ok_and(|locked| (now.dev(), now.ino()) == (locked.dev(), locked.ino()))
    });
    Ok(still_there.then_some(folder))
}

fn is_our_folder(path: &Path) -> bool {
    let us = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|entry| entry.is_dir() && entry.uid() == us)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        eprintln!("bed: {} is left behind: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_run_is_not_cleaned_and_a_dead_one_is() {
        let alive = RunFolder::new().unwrap();
        let name = format!("{PREFIX}{}.dead", std::process::id());
        let dead = std::env::temp_dir().join(name);
        fs::create_dir(&dead).unwrap();
        let lines = clean().unwrap();
        assert!(alive.path.exists());
        assert!(!dead.exists());
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(dead.to_str().unwrap())),
            "{lines:?}"
        );
    }

    #[test]
    fn a_run_leaves_nothing() {
        let folder = RunFolder::new().unwrap();
        let path = folder.path.clone();
        fs::create_dir_all(folder.next_bed().join("n1")).unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
