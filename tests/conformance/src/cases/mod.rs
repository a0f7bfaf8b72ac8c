//! The table.

mod decoding;
mod ffsplit;
mod ffsplit_rounds;
mod ffsplit_score;
mod ffsplit_words;
mod framing;
mod handshake;
mod init;
mod init_refusals;
mod limits;
mod requests;
mod silence;

use crate::case::Case;
use std::collections::BTreeMap;

/// All cases, in reading order.
pub fn all() -> impl Iterator<Item = &'static Case> {
    let tables = [
        framing::CASES,
        decoding::CASES,
        handshake::CASES,
        init::CASES,
        init_refusals::CASES,
        requests::CASES,
        ffsplit::CASES,
        ffsplit_score::CASES,
        ffsplit_rounds::CASES,
        limits::CASES,
        silence::CASES,
    ];
    tables.into_iter().flatten()
}

/// The cases that match `filter`, by the options that their server needs; those without come first.
#[must_use]
pub fn by_server(filter: &str) -> BTreeMap<&'static [&'static str], Vec<&'static Case>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for case in all().filter(|case| case.matches(filter)) {
        groups.entry(case.server).or_default().push(case);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Dialect;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_case_has_a_rule_and_a_sentence() {
        let mut names = BTreeSet::new();
        for case in all() {
            assert!(names.insert(case.name), "{} twice", case.name);
            assert!(
                !case.rule.is_empty() && !case.shows.is_empty(),
                "{}",
                case.name
            );
        }
    }

    #[test]
    fn a_difference_is_met_by_both_kinds_of_server() {
        for case in all() {
            let [theirs, ours] = [Dialect::Theirs, Dialect::Ours].map(|d| case.script(d));
            assert_eq!(theirs.differences(), ours.differences(), "{}", case.name);
            if !theirs.differences().is_empty() {
                assert_ne!(theirs.steps, ours.steps, "{} does not differ", case.name);
            }
        }
    }
}
