//! Every crate may be used under a licence that `deny.toml` allows, and comes from crates.io or from here.
//!
//! `cargo deny` says the same and more, where it is installed; this needs nothing but cargo.

use crate::run::Outcome;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Fails with one line per crate that may not be used.
pub(crate) fn check(root: &Path) -> Outcome {
    let deny = fs::read_to_string(root.join("deny.toml")).map_err(|e| format!("deny.toml: {e}"))?;
    let allowed = allowed(&deny);
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["tree", "--locked", "--workspace", "--all-features"])
        .args(["-e", "normal,build,dev", "--target", "all"])
        .args(["--prefix", "none", "-f", "{p}|{l}|"])
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stdout);
    let mut wrong: Vec<String> = told
        .lines()
        .filter_map(|line| fault(line, &allowed, &root.display().to_string()))
        .collect();
    wrong.sort();
    wrong.dedup();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// What is wrong with a line `NAME VERSION (WHERE)|LICENCE|`.
fn fault(line: &str, allowed: &[String], here: &str) -> Option<String> {
    let mut parts = line.split('|');
    let (name, licence) = (parts.next()?, parts.next()?);
    let place = name.split_once('(').map(|(_, place)| place);
    if place.is_some_and(|place| !place.starts_with(here) && !place.starts_with("proc-macro")) {
        return Some(format!("{name}: not from crates.io"));
    }
    let is_fine = is_allowed(&licence.replace('/', " OR "), allowed);
    (!is_fine).then(|| format!("{name}: licence {licence:?} is not allowed by deny.toml"))
}

/// Whether an SPDX expression can be satisfied.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let all_of = |part: &str| {
        split(part, " AND ").iter().all(|term| {
            let term = term.trim();
            match term
                .strip_prefix('(')
                .and_then(|term| term.strip_suffix(')'))
            {
                Some(inner) => is_allowed(inner, allowed),
                None => allowed.iter().any(|licence| licence == term),
            }
        })
    };
    split(expression, " OR ").into_iter().any(all_of)
}

/// Splits where no parenthesis is open.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(separator) {
        let before = &text[..at];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

fn allowed(deny: &str) -> Vec<String> {
    let line = deny
        .lines()
        .find_map(|line| line.strip_prefix("allow = ["))
        .unwrap_or_default();
    line.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(expression: &str) -> bool {
        is_allowed(
            expression,
            &allowed("allow = [\"MIT\", \"X WITH Y\", \"U\"]"),
        )
    }

    #[test]
    fn one_of_several_licences_is_enough_and_all_of_joined_ones_are_needed() {
        assert!(fine("MIT") && fine("GPL OR MIT") && fine("X WITH Y OR GPL"));
        assert!(fine("(GPL OR MIT) AND U"));
        assert!(!fine("GPL") && !fine("MIT AND GPL") && !fine("(GPL OR MIT) AND V") && !fine(""));
    }

    #[test]
    fn a_crate_from_elsewhere_is_named() {
        let allowed = ["MIT".to_owned()];
        assert_eq!(fault("a v1 (proc-macro)|MIT|", &allowed, "/here"), None);
        assert_eq!(fault("a v1 (/here/a)|MIT| (*)", &allowed, "/here"), None);
        assert!(fault("a v1 (https://x/y#1)|MIT|", &allowed, "/here").is_some());
    }
}
