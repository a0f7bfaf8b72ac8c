/// A heuristics command split into words. [C: process-list.c, dynar-simple-lex.c]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecLine {
    /// What to run.
    pub program: Vec<u8>,
    /// What it is given.
    pub arguments: Vec<Vec<u8>>,
}

impl ExecLine {
    /// Splits the value of an `exec_NAME` key; `None` when it names no program.
    ///
    /// Words are separated by white space. A backslash takes the next character as it is; in double
    /// quotes, which may stand inside a word, it does so only with `"` and `\`. Quotes that are never
    /// closed end with the line. There are no single quotes, variables, globs or comments.
    ///
    /// `""` is an empty argument; in the C program it ends the line.
    #[must_use]
    pub fn parse(command: &[u8]) -> Option<Self> {
        let mut words = split(command).into_iter();
        let program = words.next().filter(|program| !program.is_empty())?;
        Some(Self {
            program,
            arguments: words.collect(),
        })
    }
}

fn split(command: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<Vec<u8>>, false);
    let mut rest = command.iter().copied().map(without_line_break);
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            b'\\' => {
                // A backslash at the very end stands for nothing.
                let Some(next) = rest.next() else { break };
                let word = word.get_or_insert_default();
                if is_quoted && !matches!(next, b'"' | b'\\') {
                    word.push(b'\\');
                }
                word.push(next);
            }
            _ if is_space(byte) && !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

/// The C program hands commands to its worker line by line.
const fn without_line_break(byte: u8) -> u8 {
    match byte {
        b'\n' | b'\r' => b' ',
        _ => byte,
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0b' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(command: &str) -> Vec<String> {
        split(command.as_bytes())
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn the_line_measured_with_the_c_program_splits_alike_up_to_its_empty_argument() {
        assert_eq!(
            words(r#"h a\ b "c d\"e\f" x"y z"w \q "" after"#),
            ["h", "a b", r#"c d"e\f"#, "xy zw", "q", "", "after"]
        );
    }

    #[test]
    fn white_space_of_any_kind_and_number_separates() {
        assert_eq!(words(" \t a\x0b\x0cb  c "), ["a", "b", "c"]);
    }

    #[test]
    fn a_line_break_is_a_blank_wherever_it_stands() {
        assert_eq!(words("a\nb \"c\rd\" e\\\nf"), ["a", "b", "c d", "e f"]);
    }

    #[test]
    fn backslashes_outside_quotes_protect_and_disappear() {
        assert_eq!(words(r"\ab\\cd e\fg\ h i\"), [r"ab\cd", "efg h", "i"]);
        assert_eq!(words(r#"\"a b\""#), [r#""a"#, r#"b""#]);
        assert_eq!(words(r"a \"), ["a"]);
    }

    #[test]
    fn quotes_that_are_not_closed_end_with_the_line() {
        assert_eq!(words(r#"a "b  c"#), ["a", "b  c"]);
        assert_eq!(words(r#"a "b\"#), ["a", "b"]);
    }

    #[test]
    fn a_command_without_a_program_is_none() {
        for nothing in ["", "   ", "\t\n", "\"\"", "\"\" a", "\\"] {
            assert_eq!(ExecLine::parse(nothing.as_bytes()), None, "{nothing:?}");
        }
        let line = ExecLine::parse(b"/bin/ping -c1 host").unwrap();
        assert_eq!(line.program, b"/bin/ping");
        assert_eq!(line.arguments, [b"-c1".to_vec(), b"host".to_vec()]);
    }

    #[test]
    fn bytes_that_are_no_text_pass() {
        assert_eq!(
            split(b"/bin/\xff \xfe"),
            [b"/bin/\xff".to_vec(), b"\xfe".to_vec()]
        );
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_read_back(word in "[^\r\n]{0,20}") {
            let quoted: String = word
                .chars()
                .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
                .collect();
            prop_assert_eq!(words(&format!("x \"{quoted}\" y")), ["x", &word, "y"]);
        }

        #[test]
        fn any_bytes_split(command: Vec<u8>) {
            let length: usize = split(&command).iter().map(Vec::len).sum();
            prop_assert!(length <= command.len());
        }
    }
}
