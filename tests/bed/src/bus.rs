//! A system bus on a host of the bed, with our policy files and, where it is installed, polkit.

use crate::daemon::Daemon;
use crate::host::Host;
use crate::interrupt;
use crate::process::SHORT;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;
use witness::bus::{self, ACTIONS, Heard, Monitor, POLKITD, RULES, SOCKET};

/// A bus, and perhaps a polkit; both end when this is dropped.
#[derive(Debug)]
pub struct Bus {
    polkit: Option<Daemon>,
    _bus: Daemon,
}

impl Bus {
    /// Starts both and waits until they can be used.
    pub fn start(host: &Host) -> Result<Self> {
        host.write(CONFIGURATION, &bus::configuration()?)?;
        let config = format!("--config-file={CONFIGURATION}");
        let args = [config.as_str(), "--nofork", "--nopidfile"];
        let bus = Daemon::start(host, Path::new("dbus-daemon"), &args)?;
        interrupt::until("the bus", SHORT, || exists(host, SOCKET))?;
        let polkit = fs::exists(POLKITD)?.then(|| start_polkit(host));
        Ok(Self {
            polkit: polkit.transpose()?,
            _bus: bus,
        })
    }

    /// Whether somebody other than root can be allowed something.
    #[must_use]
    pub fn has_polkit(&self) -> bool {
        self.polkit.is_some()
    }
}

/// Starts polkit with our actions and without any rule.
fn start_polkit(host: &Host) -> Result<Daemon> {
    for place in [ACTIONS, RULES] {
        host.succeed("mount", &["-t", "tmpfs", "-o", "mode=755", "bed", place])?;
    }
    for (name, text) in bus::actions()? {
        host.write(&format!("/var/lib/corosync/{name}"), &text)?;
        let (from, to) = (
            format!("/var/lib/corosync/{name}"),
            format!("{ACTIONS}/{name}"),
        );
        host.succeed("install", &["-m", "644", &from, &to])?;
    }
    let polkit = Daemon::start(host, Path::new(POLKITD), &["--no-debug"])?;
    wait_for_name(host, "org.freedesktop.PolicyKit1")?;
    Ok(polkit)
}

/// Waits until somebody has this name on the bus.
pub fn wait_for_name(host: &Host, name: &str) -> Result<()> {
    interrupt::until(&format!("{name} is on the bus"), SHORT, || {
        let shown = host.run("busctl", &["--system", "status", name])?;
        Ok((shown.code == Some(0)).then_some(()))
    })
}

/// What `busctl` shows.
pub fn busctl(host: &Host, words: &[&str]) -> Result<String> {
    host.succeed("busctl", &[&["--system"], words].concat())
}

/// Somebody who listens to all signals of a name.
pub fn monitor(host: &Host, name: &str) -> Result<Monitor> {
    bus::monitor(host.command("busctl"), name).context("busctl monitor cannot be started")
}

/// Everything that was heard, once it fulfils a condition.
pub fn heard(
    monitor: &mut Monitor,
    goal: &str,
    is_so: impl Fn(&[Heard]) -> bool,
) -> Result<Vec<Heard>> {
    let fulfilled = monitor.until(SHORT, is_so);
    let seen = monitor.seen().to_vec();
    interrupt::check()?;
    let lines: Vec<String> = seen.iter().map(|one| one.line(6)).collect();
    anyhow::ensure!(fulfilled, "no {goal} was heard, only {lines:#?}");
    Ok(seen)
}

fn exists(host: &Host, place: &str) -> Result<Option<()>> {
    let shown = host.run("test", &["-e", place])?;
    Ok((shown.code == Some(0)).then_some(()))
}

const CONFIGURATION: &str = "/var/lib/corosync/bus.conf";
