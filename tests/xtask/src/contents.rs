//! What the packages have, by `dist/contents`: every manual page, completion or policy of today, and nothing that nobody
//! wanted. Nothing is compiled for it; empty files stand for the programs.

use crate::run::{Outcome, status_of};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The list of all packages, which the trials of real packages read, too.
const LIST: &str = "dist/contents";

/// `dist/install` puts what is listed, and what packages name besides is there.
pub(crate) fn check(root: &Path) -> Outcome {
    let folder = root.join("target/contents");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", folder.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let listed = read(&root.join(LIST))?;
    let listed: BTreeSet<String> = lines(&listed).map(str::to_owned).collect();
    stand_ins(&folder.join("build"), &listed)?;
    let mut installed = BTreeSet::new();
    for part in ["qnetd", "qdevice"] {
        let place = folder.join(part);
        let mut install = Command::new(root.join("dist/install"));
        install.arg(part).arg(&place).arg(folder.join("build"));
        status_of(install, &format!("dist/install {part}"))?;
        walk(part, &place, &place, &mut installed)?;
    }
    let mut wrong = differences(&listed, &installed);
    wrong.extend(missing(root)?);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

fn differences(listed: &BTreeSet<String>, installed: &BTreeSet<String>) -> Vec<String> {
    let gone = listed
        .difference(installed)
        .map(|line| format!("{LIST}: {line}: dist/install does not put it there"));
    let new = installed
        .difference(listed)
        .map(|line| format!("dist/install: {line}: a package has it; list it in {LIST}"));
    gone.chain(new).collect()
}

/// Empty files in place of what cargo and the packages build.
fn stand_ins(target: &Path, listed: &BTreeSet<String>) -> Outcome {
    let release = target.join("release");
    fs::create_dir_all(&release).map_err(|e| format!("{}: {e}", release.display()))?;
    for line in listed {
        let name = line.rsplit('/').next().unwrap_or_default();
        let file = if line.contains("bin/") {
            release.join(name)
        } else if line.contains("/pkgconfig/") {
            target.join(name)
        } else {
            continue;
        };
        fs::write(&file, "").map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

/// Adds `PART MODE PATH` for files, and for the folders of the configuration.
fn walk(part: &str, top: &Path, folder: &Path, found: &mut BTreeSet<String>) -> Outcome {
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let metadata = fs::symlink_metadata(&path).map_err(told)?;
        let shown = Path::new("/").join(path.strip_prefix(top).unwrap_or(&path));
        let mode = metadata.mode() & 0o7777;
        if !metadata.is_dir() {
            found.insert(format!("{part} {mode:o} {}", shown.display()));
            continue;
        }
        if shown.starts_with("/etc/corosync") && shown.components().count() > 3 {
            found.insert(format!("{part} {mode:o} {}/", shown.display()));
        }
        walk(part, top, &path, found)?;
    }
    Ok(())
}

/// What the packages take from the tree by name and is not there.
fn missing(root: &Path) -> Result<Vec<String>, String> {
    let mut named: Vec<(PathBuf, String)> = Vec::new();
    for entry in fs::read_dir(root.join("debian")).map_err(|e| format!("debian: {e}"))? {
        let path = entry.map_err(|e| format!("debian: {e}"))?.path();
        if path
            .extension()
            .is_some_and(|end| end == "docs" || end == "examples")
        {
            let text = read(&path)?;
            named.extend(lines(&text).map(|line| (path.clone(), line.to_owned())));
        }
    }
    let spec = root.join("rpm/corosync-qdevice.spec.in");
    for line in read(&spec)?.lines() {
        if let Some(files) = line
            .strip_prefix("%doc ")
            .or_else(|| line.strip_prefix("%license "))
        {
            named.extend(files.split(' ').map(|file| (spec.clone(), file.to_owned())));
        }
    }
    // The tarball has it, the tree has not.
    named.retain(|(_, file)| file != "LICENSES-OF-CRATES.md" && !root.join(file).exists());
    Ok(named
        .into_iter()
        .map(|(by, file)| format!("{}: {file} does not exist", by.display()))
        .collect())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_is_lost_and_what_is_not_listed_are_both_told() {
        let told = differences(
            &set(&["a 644 /x", "a 644 /y"]),
            &set(&["a 644 /y", "a 644 /z"]),
        );
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("/x: dist/install does not") && told[1].contains("/z: a package"));
    }
}
