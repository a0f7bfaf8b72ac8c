/// Cuts the command of an `exec_NAME` key into its arguments. [C: process-list.c, `parse_cmd`; corosync-qdevice(8)]
///
/// Blanks separate, whichever of the six they are. Double quotes keep blanks together, also in the middle of
/// an argument; a backslash takes the next character as it is, inside quotes only a quote or a backslash.
/// There is nothing else of a shell: no single quotes, variables, wildcards or operators. The last quotes need
/// not be closed. Unlike in C an empty pair of quotes is an empty argument and not the end of the command.
#[must_use]
pub fn split_command(command: &[u8]) -> Vec<Vec<u8>> {
    let mut arguments = Vec::new();
    // None between two arguments.
    let mut argument: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = command.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quoted) {
            (b'"', _) => {
                quoted = !quoted;
                argument.get_or_insert_default();
            }
            (b'\\', false) => argument.get_or_insert_default().extend(bytes.next()),
            (b'\\', true) => {
                let literal = argument.get_or_insert_default();
                match bytes.next() {
                    Some(escaped @ (b'"' | b'\\')) => literal.push(escaped),
                    other => {
                        literal.push(b'\\');
                        literal.extend(other);
                    }
                }
            }
            (blank, false) if is_blank(blank) => arguments.extend(argument.take()),
            (plain, _) => argument.get_or_insert_default().push(plain),
        }
    }
    arguments.extend(argument);
    arguments
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\x0c' | b'\n' | b'\r' | b'\t' | b'\x0b')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(command: &str) -> Vec<String> {
        let arguments = split_command(command.as_bytes()).into_iter();
        arguments
            .map(|argument| String::from_utf8(argument).unwrap())
            .collect()
    }

    #[test]
    fn quotes_and_backslashes_work_as_in_the_c_program() {
        let words = split("h a\\ b \"c d\\\"e\\f\" x\"y z\"w \\q");
        assert_eq!(words, ["h", "a b", "c d\"e\\f", "xy zw", "q"]);
    }

    #[test]
    fn every_blank_separates_and_many_are_one() {
        assert_eq!(split(" \t/bin/a\x0b b\x0c\r\nc "), ["/bin/a", "b", "c"]);
    }

    #[test]
    fn an_empty_argument_is_one_and_ends_nothing() {
        assert_eq!(split("h \"\" after"), ["h", "", "after"]);
        assert_eq!(split("\"\""), [""]);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_command() {
        assert_eq!(split("h \"a b"), ["h", "a b"]);
        assert_eq!(split("h a\\"), ["h", "a"]);
        assert_eq!(split("h \"a\\"), ["h", "a\\"]);
    }

    #[test]
    fn nothing_but_blanks_is_no_command() {
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split(" \t "), [""; 0]);
    }

    #[test]
    fn what_a_shell_would_do_beyond_that_is_not_done() {
        assert_eq!(split("a '$b c' *|d"), ["a", "'$b", "c'", "*|d"]);
    }

    proptest! {
        #[test]
        fn words_that_are_quoted_come_back(words in prop::collection::vec("[ a-z\"\\\\\t]{0,6}", 0..6)) {
            let quote = |word: &String| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
            let command = words.iter().map(quote).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&command), words);
        }
    }
}
