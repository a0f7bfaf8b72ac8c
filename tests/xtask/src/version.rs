//! The version stands in one place: `[workspace.package]` of the top `Cargo.toml`.

use crate::run::Outcome;
use std::fs;
use std::path::Path;

/// The version of everything here.
pub(crate) fn version(root: &Path) -> Result<String, String> {
    let manifest = read(&root.join("Cargo.toml"))?;
    field(&manifest, "[workspace.package]", "version")
        .ok_or_else(|| "Cargo.toml: [workspace.package] has no version".to_owned())
}

/// As Debian and rpm write it: what comes before a release is less than the release.
pub(crate) fn package_version(version: &str) -> String {
    version.replacen('-', "~", 1)
}

/// Fails if the version stands anywhere else.
pub(crate) fn check(root: &Path) -> Outcome {
    let version = version(root)?;
    let mut wrong = Vec::new();
    let manifest = read(&root.join("Cargo.toml"))?;
    for member in members(&manifest) {
        let name = format!("{member}/Cargo.toml");
        if field(&read(&root.join(&name))?, "[package]", "version").is_some() {
            wrong.push(format!("{name}: write version.workspace = true"));
        }
    }
    for folder in ["debian", "dist", "rpm"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = entry.map_err(|e| format!("{folder}: {e}"))?.path();
            // What the C packages of before 4 left is named with the first version that has cleaned up.
            let is_cleaning = path.extension().is_some_and(|end| end == "maintscript");
            let text = fs::read_to_string(&path).unwrap_or_default();
            if !is_cleaning && text.contains(&package_version(&version)) {
                let place = path.strip_prefix(root).unwrap_or(&path).display();
                wrong.push(format!(
                    "{place}: `cargo xtask dist` puts the version there"
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

/// The text of `key = "text"` in a section of a manifest.
pub(crate) fn field(manifest: &str, section: &str, key: &str) -> Option<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let (name, value) = line.split_once('=')?;
            let quoted = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            (name.trim() == key).then(|| quoted.to_owned())
        })
}

fn members(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| !line.starts_with("members"))
        .skip(1)
        .take_while(|line| !line.starts_with(']'))
        .map(|line| line.trim().trim_matches(['"', ',']).to_owned())
        .collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_its_section_only() {
        let manifest = "[a]\nversion = \"1\"\n[b]\nname = \"x\"\nversion = \"2\"\n";
        assert_eq!(field(manifest, "[b]", "version").as_deref(), Some("2"));
        assert_eq!(field(manifest, "[a]", "name"), None);
        let inherited = "[package]\nversion.workspace = true\n";
        assert_eq!(field(inherited, "[package]", "version"), None);
    }

    #[test]
    fn what_comes_before_a_release_is_less_for_packages_too() {
        assert_eq!(package_version("4.0.0-alpha.1"), "4.0.0~alpha.1");
        assert_eq!(package_version("4.0.0"), "4.0.0");
    }
}
