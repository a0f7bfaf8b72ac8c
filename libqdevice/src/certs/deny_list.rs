use crate::base::{Fingerprint, NoFingerprint};
use std::collections::BTreeSet;

/// Certificates that count no longer, whoever has signed them.
///
/// As text: one certificate a line, its fingerprint, a blank, and what people want to know of it. Lines
/// that start with `#` and empty ones are for people alone. The lines are kept as they are found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DenyList {
    denied: BTreeSet<Fingerprint>,
    text: String,
}

impl DenyList {
    /// Its file in the directory of the server's database.
    pub const FILE: &'static str = "revoked.txt";

    /// Reads a list.
    ///
    /// # Errors
    ///
    /// With the first line that is neither. Nothing of such a list counts: half of it would let in those
    /// that the other half turns away.
    pub fn parse(text: &[u8]) -> Result<Self, DenyFault> {
        let mut denied = BTreeSet::new();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let fault = |_| DenyFault { line: at + 1 };
            let line = line.trim_ascii_end();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let first = line.split(u8::is_ascii_whitespace).next();
            let first = std::str::from_utf8(first.unwrap_or_default());
            let first = first.map_err(|_| fault(NoFingerprint))?;
            denied.insert(first.parse().map_err(fault)?);
        }
        // People may write their comments in any encoding.
        let text = String::from_utf8_lossy(text).into_owned();
        Ok(Self { denied, text })
    }

    /// Whether the certificate counts no longer.
    #[must_use]
    pub fn contains(&self, certificate: &Fingerprint) -> bool {
        self.denied.contains(certificate)
    }

    /// Every certificate on the list.
    #[must_use]
    pub const fn fingerprints(&self) -> &BTreeSet<Fingerprint> {
        &self.denied
    }

    /// Adds a certificate at the end; `note` is for people. Says whether it was not there before.
    pub fn add(&mut self, certificate: Fingerprint, note: &str) -> bool {
        if !self.denied.insert(certificate) {
            return false;
        }
        if self.text.is_empty() {
            self.text.push_str(HEAD);
        } else if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let note = note.replace(char::is_control, " ");
        let line = format!("{certificate} {note}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        true
    }

    /// The list as it stands in its file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A line of the list that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} does not begin with the SHA-256 fingerprint of a certificate (64 lower-case hexadecimal digits)"
)]
pub struct DenyFault {
    /// Its number, from 1.
    pub line: usize,
}

/// What a new list begins with.
const HEAD: &str = "\
# Certificates that corosync-qnetd refuses: SHA-256 of the DER form, then a note.
# A running server follows changes of this file and closes the connections concerned.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn print(byte: u8) -> Fingerprint {
        Fingerprint([byte; 32])
    }

    #[test]
    fn a_list_has_comments_and_a_fingerprint_at_the_start_of_each_other_line() {
        let text = format!("# why\n\n{} alpha, 2026-11-25\r\n{}", print(1), print(0xab));
        let list = DenyList::parse(text.as_bytes()).unwrap();
        assert!(list.contains(&print(1)) && list.contains(&print(0xab)));
        assert!(!list.contains(&print(2)));
        assert_eq!(list.text(), text);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let good = print(0xab).to_string();
        for bad in [
            &good[1..],
            &format!(" {good}"),
            &good.to_uppercase(),
            "alpha",
        ] {
            let text = format!("#\n{good}\n{bad} note\n");
            let fault = DenyList::parse(text.as_bytes()).unwrap_err();
            assert_eq!(fault, DenyFault { line: 3 }, "{bad}");
        }
        assert_eq!(
            DenyList::parse(b"\xff\xfe"),
            Err(DenyFault { line: 1 }),
            "no text at all"
        );
    }

    #[test]
    fn what_is_added_is_read_again_and_what_was_there_stays() {
        let mut list = DenyList::parse(b"# mine").unwrap();
        assert!(list.add(print(1), "alpha\nserial 7"));
        assert!(!list.add(print(1), "again"));
        assert!(list.add(print(2), ""));
        let text = format!("# mine\n{} alpha serial 7\n{}\n", print(1), print(2));
        assert_eq!(list.text(), text);
        assert_eq!(DenyList::parse(text.as_bytes()), Ok(list));
    }

    #[test]
    fn a_new_list_says_what_it_is() {
        let mut list = DenyList::default();
        list.add(print(1), "alpha");
        assert!(list.text().starts_with("# Certificates that"));
        assert_eq!(DenyList::parse(list.text().as_bytes()), Ok(list));
    }
}
