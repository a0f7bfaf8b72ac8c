//! What can be said about units and package scripts without building a package.

use crate::run::{Outcome, status_of};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The highest exposure of the server's unit, in tenths.
const EXPOSURE: &str = "20";

/// systemd takes the units, the server's is as closed as promised, and shells take the scripts.
pub(crate) fn check(root: &Path) -> Outcome {
    for script in scripts(root)? {
        let mut shell = Command::new("sh");
        shell.arg("-n").arg(&script);
        status_of(shell, &format!("sh -n {}", script.display()))?;
    }
    let probe = Command::new("systemd-analyze").arg("--version").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("    units skipped: systemd-analyze is not installed here");
        return Ok(());
    }
    let units = ["corosync-qnetd", "corosync-qdevice"];
    let units = units.map(|name| root.join(format!("dist/{name}.service")));
    let mut security = Command::new("systemd-analyze");
    security
        .args(["security", "--offline=yes", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE}"))
        .arg(&units[0])
        .stdout(Stdio::null());
    status_of(
        security,
        "dist/corosync-qnetd.service: exposure above 2.0: systemd-analyze security",
    )?;
    verify(&units)
}

/// A program that is not installed is no fault of the unit.
fn verify(units: &[PathBuf]) -> Outcome {
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(units)
        .output()
        .map_err(|error| format!("systemd-analyze: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let faults: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("corosync-q") && !line.contains("is not executable"))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

fn scripts(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for folder in ["debian", "dist", "dist/container", "tests/packages"] {
        let entries = fs::read_dir(root.join(folder)).map_err(|e| format!("{folder}: {e}"))?;
        for entry in entries {
            let path = entry.map_err(|e| format!("{folder}: {e}"))?.path();
            let begin = fs::read(&path).unwrap_or_default();
            if begin.starts_with(b"#!/bin/sh") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
