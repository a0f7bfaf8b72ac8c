//! The process that keeps the namespaces of a host: it runs inside them, waits for the end of its
//! standard input, ends whatever still runs in the host, and ends itself. As the other end of that
//! input is held by the bed alone, nothing outlives a bed, however it dies.

use crate::marked;
use anyhow::{Context as _, Result};
use rustix::mount::{MountFlags, mount, mount_bind};
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Folders of a host that are kept on disk, by the name they have outside and the place inside.
pub const KEPT: [(&str, &str); 3] = [
    ("etc", "/etc/corosync"),
    ("lib", "/var/lib/corosync"),
    ("log", "/var/log/corosync"),
];

/// Folders inside that start empty and go with the host.
const FRESH: [&str; 2] = ["/dev/shm", "/run"];

/// What the programs expect to find in `/run`.
const RUNTIME: [&str; 3] = ["/run/corosync-qdevice", "/run/corosync-qnetd", "/run/dbus"];

/// What the holder says once the host can be entered.
pub const READY: &str = "ready";

/// Prepares the namespaces this process was started in, and keeps them until its input ends.
pub fn hold(folder: &Path) -> Result<()> {
    for (kept, place) in KEPT {
        let kept = folder.join(kept);
        fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
        mount_bind(&kept, place).with_context(|| format!("cannot mount over {place}"))?;
    }
    for place in FRESH {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("bed", place, "tmpfs", flags, c"mode=755")
            .with_context(|| format!("cannot mount over {place}"))?;
    }
    for place in RUNTIME {
        fs::create_dir(place).with_context(|| place.to_owned())?;
    }
    println!("{READY}");
    std::io::stdout().flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    // Whoever was still running is of no interest to anybody now.
    let _ = marked::end_all(folder);
    Ok(())
}
