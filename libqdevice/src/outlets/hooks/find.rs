use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The hooks there are, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hooks: Vec<PathBuf>,
    /// What is not run, and why.
    pub(super) refused: Vec<String>,
}

/// Looks for hooks: `path` itself, or the programs in it if it is a directory. Nothing there is no hook.
///
/// All must be `owner`'s and nobody else may write them, or anybody could have things done as the daemon.
pub(super) fn hooks(path: &Path, owner: u32) -> Found {
    let mut found = Found::default();
    match look(path, owner) {
        Ok(Some(Kind::Program)) => found.hooks.push(path.to_owned()),
        Ok(Some(Kind::Directory)) => match entries(path) {
            Ok(entries) => entries.iter().for_each(|entry| found.take(entry, owner)),
            Err(error) => found.refused.push(unreadable(path, &error)),
        },
        Ok(Some(Kind::Other)) => found.refused.push(format!(
            "Hook {} is not run: it is no program. chmod 755 {}",
            path.display(),
            path.display()
        )),
        Ok(None) => {}
        Err(refused) => found.refused.push(refused),
    }
    if found.hooks.len() > MOST {
        let text = format!("Only the first {MOST} hooks of {} are run", path.display());
        found.refused.push(text);
        found.hooks.truncate(MOST);
    }
    found
}

impl Found {
    fn take(&mut self, entry: &Path, owner: u32) {
        match look(entry, owner) {
            Ok(Some(Kind::Program)) => self.hooks.push(entry.to_owned()),
            // A note, or something that waits to be made a hook.
            Ok(Some(Kind::Other | Kind::Directory) | None) => {}
            Err(refused) => self.refused.push(refused),
        }
    }
}

enum Kind {
    Program,
    Directory,
    Other,
}

/// What is there, symbolic links followed.
fn look(path: &Path, owner: u32) -> Result<Option<Kind>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let kind = if metadata.is_dir() {
        Kind::Directory
    } else if metadata.is_file() && metadata.mode() & 0o111 != 0 {
        Kind::Program
    } else {
        return Ok(Some(Kind::Other));
    };
    if is_trusted(&metadata, owner) {
        return Ok(Some(kind));
    }
    let path = path.display();
    Err(format!(
        "Hooks of {path} are not run: it must be owned by root, and nobody else may write it. \
         chown root:root {path}; chmod go-w {path}"
    ))
}

fn is_trusted(metadata: &Metadata, owner: u32) -> bool {
    metadata.uid() == owner && metadata.mode() & 0o022 == 0
}

/// The files of a directory by name, without hidden ones and what editors and packages leave.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left = [
            "~",
            ".dpkg-old",
            ".dpkg-new",
            ".dpkg-dist",
            ".rpmnew",
            ".rpmsave",
        ];
        if !name.starts_with('.') && !left.iter().any(|end| name.ends_with(end)) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("Hooks of {} are not run: {error}", path.display())
}

/// Hooks that run at once.
const MOST: usize = 16;
