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
            let shown = file.strip_prefix(root).unwrap_or(&file);
            if is_test(shown) {
                continue;
            }
            let text =
                std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]"))
                .count();
            if lines > LIMIT {
                wrong.push(format!(
                    "{}: {lines} lines before its tests, {LIMIT} at most",
                    shown.display()
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

/// Whether a file, named from the top of the workspace, is in the `tests` folder of a package.
fn is_test(file: &Path) -> bool {
    file.components()
        .skip(1)
        .any(|part| part.as_os_str() == "tests")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_package_are_tests_and_the_packages_below_tests_are_not() {
        assert!(is_test(Path::new("libqdevice/tests/decisions.rs")));
        assert!(is_test(Path::new("tests/bed/tests/all.rs")));
        assert!(!is_test(Path::new("tests/bed/src/bed.rs")));
    }
}
