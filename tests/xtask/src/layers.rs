//! Which module of libqdevice may speak of which other. The picture stands in ARCHITECTURE.md.

use crate::run::Outcome;
use crate::sizes::rust_files;
use std::path::Path;

/// A module and what it may name with `crate::`.
const LAYERS: [(&str, &[&str]); 13] = [
    ("base", &[]),
    ("wire", &["base"]),
    ("vote", &["base"]),
    ("settings", &["base"]),
    ("ipc", &["base"]),
    ("report", &["base", "vote"]),
    ("server", &["base", "wire", "vote", "settings", "report"]),
    ("client", &["base", "wire", "vote", "settings", "report"]),
    ("events", &["base", "wire", "vote", "server", "client"]),
    ("certs", &["base"]),
    ("io", &["base", "wire", "report", "ipc", "settings"]),
    ("tls", &["base", "wire", "events", "report", "io", "certs"]),
    ("outlets", &["base", "events", "settings", "io"]),
];

/// Fails with one line per module named where it must not be.
pub(crate) fn check(root: &Path) -> Outcome {
    let mut wrong = Vec::new();
    let source = root.join("libqdevice/src");
    for (module, allowed) in LAYERS {
        for file in rust_files(&source.join(module))? {
            let text =
                std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            for (number, named) in named_modules(&text) {
                if named != module && !allowed.contains(&named) {
                    let shown = file.strip_prefix(root).unwrap_or(&file).display();
                    wrong.push(format!("{shown}:{number}: {module} must not use {named}"));
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// Every `crate::NAME` outside comments, with its line number.
fn named_modules(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, prefix) in code.match_indices("crate::") {
            let rest = &code[at + prefix.len()..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            if !rest[..end].is_empty() && !rest[end..].starts_with('!') {
                found.push((number + 1, &rest[..end]));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_module_is_found_in_code_but_not_in_comments_or_macros() {
        let text = "use crate::wire::Message;\n// crate::io\nfn f(t: crate::base::Time) { crate::settings!{} }";
        assert_eq!(named_modules(text), [(1, "wire"), (3, "base")]);
    }
}
