/// Whether a request may quote. [C: dynar-simple-lex.h, `dynar_simple_lex_type`]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Backslashes and quotes are characters like any other: qdevice.
    Off,
    /// `a\ b`, `"a b"` and `a" "b` are one word: qnetd.
    On,
}

/// Cuts a request into words. [C: dynar-simple-lex.c]
///
/// A line feed or a carriage return ends the request wherever it stands, inside quotes too. A word
/// ends at a NUL, whatever follows up to the next blank is lost. The end is the empty word, again and
/// again; an empty pair of quotes cannot be told from it.
#[derive(Debug)]
pub(super) struct Words<'a> {
    rest: &'a [u8],
    quoting: Quoting,
}

impl<'a> Words<'a> {
    pub(super) fn of(request: &'a [u8], quoting: Quoting) -> Self {
        let line = request.split(|byte| matches!(byte, b'\n' | b'\r')).next();
        Self {
            rest: line.unwrap_or_default(),
            quoting,
        }
    }

    /// The next word without its quotes and backslashes.
    pub(super) fn next_word(&mut self) -> Vec<u8> {
        let start = self
            .rest
            .iter()
            .position(|&byte| !is_blank(byte))
            .unwrap_or(self.rest.len());
        self.rest = &self.rest[start..];
        let mut word = match self.quoting {
            Quoting::Off => self.plain_word(),
            Quoting::On => self.quoted_word(),
        };
        if let Some(end) = word.iter().position(|&byte| byte == 0) {
            word.truncate(end);
        }
        word
    }

    fn plain_word(&mut self) -> Vec<u8> {
        let end = self
            .rest
            .iter()
            .position(|&byte| is_blank(byte))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_vec()
    }

    fn quoted_word(&mut self) -> Vec<u8> {
        let mut word = Vec::new();
        while let Some((&byte, rest)) = self.rest.split_first() {
            if is_blank(byte) {
                break;
            }
            self.rest = rest;
            match byte {
                b'\\' => word.extend(self.next_byte()),
                b'"' => self.quoted_part(&mut word),
                other => word.push(other),
            }
        }
        word
    }

    /// Appends what stands between here and the closing quote, or the end if there is none.
    fn quoted_part(&mut self, word: &mut Vec<u8>) {
        while let Some(byte) = self.next_byte() {
            match byte {
                b'"' => return,
                b'\\' => match self.next_byte() {
                    Some(escaped @ (b'"' | b'\\')) => word.push(escaped),
                    Some(other) => word.extend([b'\\', other]),
                    None => return,
                },
                other => word.push(other),
            }
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0b' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(request: &str, quoting: Quoting) -> Vec<String> {
        let mut words = Words::of(request.as_bytes(), quoting);
        std::iter::repeat_with(|| String::from_utf8(words.next_word()).unwrap())
            .take_while(|word| !word.is_empty())
            .collect()
    }

    #[test]
    fn blanks_separate_words_and_a_line_end_ends_the_request() {
        for quoting in [Quoting::Off, Quoting::On] {
            assert_eq!(words(" a\tb\x0b\x0cc  d\ne", quoting), ["a", "b", "c", "d"]);
            assert_eq!(words("a\rb", quoting), ["a"]);
            assert_eq!(words("", quoting), [""; 0]);
        }
    }

    #[test]
    fn a_word_ends_at_a_nul() {
        for quoting in [Quoting::Off, Quoting::On] {
            assert_eq!(words("a\0b c", quoting), ["a", "c"]);
        }
    }

    #[test]
    fn without_quoting_quotes_and_backslashes_are_letters() {
        assert_eq!(words(r#""a b" \c"#, Quoting::Off), ["\"a", "b\"", "\\c"]);
    }

    #[test]
    fn a_backslash_outside_quotes_takes_the_next_character_as_it_is() {
        assert_eq!(words(r#"a\ b \"c \\d"#, Quoting::On), ["a b", "\"c", "\\d"]);
        assert_eq!(words("a\\\nb", Quoting::On), ["a"]);
        assert_eq!(words("a\\", Quoting::On), ["a"]);
    }

    #[test]
    fn quoted_parts_join_the_word_they_stand_in() {
        assert_eq!(
            words(r#""sta"tus x" y "z"#, Quoting::On),
            ["status", "x y z"]
        );
    }

    #[test]
    fn inside_quotes_only_quotes_and_backslashes_can_be_escaped() {
        assert_eq!(words(r#""a\"b\\c\d""#, Quoting::On), ["a\"b\\c\\d"]);
    }

    #[test]
    fn a_missing_closing_quote_ends_with_the_line() {
        assert_eq!(words("\"a b\nc\"", Quoting::On), ["a b"]);
        assert_eq!(words("\"a b\\", Quoting::On), ["a b"]);
    }

    #[test]
    fn an_empty_pair_of_quotes_looks_like_the_end() {
        let mut words = Words::of(b"\"\" a", Quoting::On);
        assert_eq!(words.next_word(), b"");
        assert_eq!(words.next_word(), b"a");
        assert_eq!(words.next_word(), b"");
        assert_eq!(words.next_word(), b"");
    }
}
