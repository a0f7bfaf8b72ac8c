//! Directories for tests.

use super::{Database, random};
use std::fs;
use std::path::{Path, PathBuf};

/// An empty directory that goes away with the test, however that ends.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let number = u64::from_ne_bytes(random().unwrap());
        let path = std::env::temp_dir().join(format!("certs test '{number:016x}'"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A directory with an empty database, if NSS is installed; says so if it is not.
    pub(super) fn with_database() -> Option<Self> {
        let scratch = Self::new();
        match Database::create(&scratch) {
            Ok(_) => Some(scratch),
            Err(missing @ super::CertError::NoLibrary { .. }) => {
                eprintln!("skipped: {missing}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
