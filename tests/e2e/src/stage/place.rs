use anyhow::{Context, Result};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

/// A folder and an address that nobody else uses; the folder goes with the value.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    pub(super) address: SocketAddr,
}

impl Place {
    pub(super) fn new() -> Result<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        let dir = std::env::temp_dir().join(format!("loopback-{pid}-{number}"));
        fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        // All of 127/8 is loopback. With an address of its own the port stays free until it is used.
        let [_, _, high, low] = pid.to_be_bytes();
        let free = TcpListener::bind(SocketAddr::from(([127, high, low, number], 0)))
            .context("no free port on loopback")?;
        Ok(Self {
            dir,
            address: free.local_addr()?,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
