//! Errors of the system in the words of upstream's log.

use std::fmt;
use std::io;

/// An error of the system as upstream's log shows it: `(13): Permission denied`; one without a number
/// as it is.
#[derive(Debug)]
pub struct Numbered<'a>(pub &'a io::Error);

impl fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(number) => write!(f, "({number}): {}", Plain(self.0)),
            None => write!(f, "({})", self.0),
        }
    }
}

/// An error of the system as C's `strerror` tells it: `Permission denied`.
#[derive(Debug)]
pub struct Plain<'a>(pub &'a io::Error);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match text.find(" (os error ") {
            Some(end) => f.write_str(&text[..end]),
            None => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_has_its_number_in_front() {
        let error = io::Error::from_raw_os_error(13);
        assert_eq!(Numbered(&error).to_string(), "(13): Permission denied");
        assert_eq!(Plain(&error).to_string(), "Permission denied");
    }

    #[test]
    fn an_error_of_our_own_keeps_its_text() {
        assert_eq!(Plain(&io::Error::other("odd")).to_string(), "odd");
        assert_eq!(Numbered(&io::Error::other("odd")).to_string(), "(odd)");
    }
}
