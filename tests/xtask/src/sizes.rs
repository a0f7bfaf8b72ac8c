//! A file holds one idea: none grows beyond a limit, its tests not counted.

use crate::run::Outcome;
use std::path::{Path, PathBuf};

/// Lines of a file before its `#[cfg(test)]`.
const LIMIT: usize = 400;

/// Fails with one line per file that is too long.
pub(crate) fn check(root: &Path) -> Outcome {
    let mut wrong = Vec::new();
    for folder in [
        "libqdevice",
        "qnetd",
        "qdevice",
        "qnetd-tool",
        "qdevice-tool",
        "net-certutil",
        "tests",
    ] {
        for file in rust_files(&root.join(folder))? {
            let text =
                std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .count();
            if lines > LIMIT {
                let shown = file.strip_prefix(root).unwrap_or(&file).display();
                wrong.push(format!(
                    "{shown}: {lines} lines before its tests, {LIMIT} at most"
                ));
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// All `.rs` files below a folder, in order; none if the folder does not exist.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() || folder.ends_with("target") {
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry
                .map_err(|e| format!("{}: {e}", folder.display()))?
                .path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
