//! The release tarball: what is committed, with every crate it needs, so that it builds without a network.
//!
//! The same commit gives the same bytes.

use crate::run::{Outcome, status_of};
use crate::version::{field, package_version, version};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A tarball that was made.
pub(crate) struct Tarball {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// As packages write it.
    pub(crate) version: String,
}

/// Makes the tarball of the last commit in `target/dist`.
pub(crate) fn make(root: &Path) -> Result<Tarball, String> {
    let version = version(root)?;
    let name = format!("corosync-qdevice-{}", package_version(&version));
    let folder = root.join("target/dist");
    let tree = folder.join(&name);
    remove(&tree)?;
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;

    let at = output(root, "git", &["log", "-1", "--format=%ct"])?;
    let date = output(root, "git", &["log", "-1", "--format=%cD"])?;
    shell(
        root,
        &format!("git archive --prefix={name}/ HEAD | tar -x -C target/dist"),
    )?;
    vendor(&tree)?;
    let crates = crates(&tree.join("vendor"))?;
    write(&tree.join("LICENSES-OF-CRATES.md"), &summary(&crates))?;
    fill_in(&tree, &version, &date)?;

    let path = folder.join(format!("{name}.tar.xz"));
    shell(
        &folder,
        &format!(
            "tar --sort=name --mtime=@{at} --owner=0 --group=0 --numeric-owner \
             --mode=u+rwX,go+rX,go-w --format=gnu -c {name} | xz -6 -T1 > {name}.tar.xz"
        ),
    )?;
    Ok(Tarball {
        path,
        version: package_version(&version),
    })
}

/// Puts the crates beside the source and tells cargo so.
fn vendor(tree: &Path) -> Outcome {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(tree)
        .args(["vendor", "--quiet", "--locked", "--versioned-dirs"])
        .stdout(Stdio::null());
    status_of(command, "cargo vendor")?;
    let config = tree.join(".cargo/config.toml");
    let text = fs::read_to_string(&config).map_err(|e| format!("{}: {e}", config.display()))?;
    write(&config, &format!("{text}{SOURCES}"))?;
    for folder in folders(&tree.join("vendor"))? {
        let is_foreign = folder
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("windows"));
        if is_foreign {
            empty(&folder)?;
        }
    }
    Ok(())
}

/// Leaves of a crate for another system only what cargo reads to pass it over.
fn empty(folder: &Path) -> Outcome {
    let checksum = folder.join(".cargo-checksum.json");
    let text = fs::read_to_string(&checksum).map_err(|e| format!("{}: {e}", checksum.display()))?;
    let package = text
        .rsplit_once("\"package\":")
        .ok_or_else(|| format!("{}: no checksum", checksum.display()))?
        .1
        .to_owned();
    for entry in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry
            .map_err(|e| format!("{}: {e}", folder.display()))?
            .path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            remove(&path)?;
        } else if name != "Cargo.toml" && !name.to_ascii_lowercase().starts_with("license") {
            fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    fs::create_dir(folder.join("src")).map_err(|e| format!("{}: {e}", folder.display()))?;
    write(&folder.join("src/lib.rs"), "")?;
    write(
        &checksum,
        &format!("{{\"files\":{{}},\"package\":{package}"),
    )
}

/// A crate in the tarball.
struct Crate {
    name: String,
    version: String,
    licence: String,
    checksum: String,
}

fn crates(vendor: &Path) -> Result<Vec<Crate>, String> {
    folders(vendor)?
        .into_iter()
        .map(|folder| {
            let read = |file: &str| {
                let path = folder.join(file);
                fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
            };
            let manifest = read("Cargo.toml")?;
            let word = |key| field(&manifest, "[package]", key).unwrap_or_else(|| "?".to_owned());
            let checksums = read(".cargo-checksum.json")?;
            let checksum = checksums.rsplit_once("\"package\":\"");
            Ok(Crate {
                name: word("name"),
                version: word("version"),
                licence: word("license"),
                checksum: checksum
                    .map_or("?", |(_, text)| text.trim_end_matches(['"', '}']))
                    .to_owned(),
            })
        })
        .collect()
}

fn summary(crates: &[Crate]) -> String {
    let mut text = String::from(
        "# Crates in this tarball\n\nAll come from crates.io; those for tests only and for other systems are among them.\n\n\
         | crate | version | licence | SHA-256 |\n|---|---|---|---|\n",
    );
    for Crate {
        name,
        version,
        licence,
        checksum,
    } in crates
    {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {version} | {licence} | {checksum} |");
    }
    text
}

/// Writes what depends on the version.
fn fill_in(tree: &Path, version: &str, date: &str) -> Outcome {
    let package = package_version(version);
    write(
        &tree.join("debian/changelog"),
        &format!(
            "corosync-qdevice ({package}-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n \
             -- {MAINTAINER}  {date}\n"
        ),
    )?;
    let spec = tree.join("rpm/corosync-qdevice.spec");
    let text = fs::read_to_string(spec.with_extension("spec.in")).unwrap_or_default();
    write(&spec, &text.replace("@VERSION@", &package))
}

const MAINTAINER: &str = "Corosync Qdevice maintainers <corosync-qdevice@packages.invalid>";

const SOURCES: &str = "
[source.crates-io]
replace-with = \"vendored-sources\"

[source.vendored-sources]
directory = \"vendor\"
";

fn folders(parent: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(parent).map_err(|e| format!("{}: {e}", parent.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Ok(folders)
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn shell(folder: &Path, script: &str) -> Outcome {
    let mut command = Command::new("bash");
    command
        .current_dir(folder)
        .args(["-c", &format!("set -o pipefail; {script}")]);
    status_of(command, script)
}

fn output(root: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .current_dir(root)
        .args(args)
        .output()
        .map_err(|error| format!("{program}: cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} {}: {}", args.join(" "), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
