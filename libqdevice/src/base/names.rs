use std::fmt;

/// The name under which the nodes of one cluster meet on a server: `totem.cluster_name`.
///
/// Raw bytes, compared byte by byte: the protocol sets no encoding and no limit but the message size.
/// Use [`ClusterName::is_printable`] before a name is shown between other text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClusterName(Vec<u8>);

impl ClusterName {
    /// A name made of exactly these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as they stand on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether no control character and no NUL is in the name, so that it can neither forge a line of
    /// output nor steer a terminal. Bytes that are not UTF-8 count as printable.
    #[must_use]
    pub fn is_printable(&self) -> bool {
        !String::from_utf8_lossy(&self.0)
            .chars()
            .any(char::is_control)
    }
}

impl From<&str> for ClusterName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for ClusterName {
    /// Bytes that are not UTF-8 show as the replacement character, control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in String::from_utf8_lossy(&self.0).chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_line_break_is_not_printable_and_shows_escaped() {
        let name = ClusterName::new(*b"a\nCluster \"B\":");
        assert!(!name.is_printable());
        assert_eq!(name.to_string(), "a\\nCluster \"B\":");
    }

    #[test]
    fn names_in_any_encoding_are_printable_and_control_characters_of_unicode_are_not() {
        assert!(ClusterName::from("K\u{f6}ln \"1\"").is_printable());
        assert!(ClusterName::new(*b"K\xf6ln").is_printable());
        assert!(!ClusterName::from("\u{9b}31m").is_printable());
        assert!(!ClusterName::from("\u{7f}").is_printable());
    }

    #[test]
    fn names_differ_behind_a_nul_too() {
        assert_ne!(ClusterName::new(*b"A"), ClusterName::new(*b"A\0x"));
    }
}
