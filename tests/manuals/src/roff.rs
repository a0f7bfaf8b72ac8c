/// Text as it has to stand in a page: hyphens that are copied with a command, and no line that begins
/// with a request.
pub(crate) fn text(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = escaped.lines().map(|line| {
        let is_request = line.starts_with(['.', '\'']);
        format!("{}{line}", if is_request { "\\&" } else { "" })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What is typed as it stands.
pub(crate) fn literal(word: &str) -> String {
    format!("\\fB{}\\fR", text(word))
}

/// What something else is typed for.
pub(crate) fn variable(word: &str) -> String {
    format!("\\fI{}\\fR", text(word))
}

/// One sentence, with its full stop.
pub(crate) fn sentence(words: &str) -> String {
    let end = if words.ends_with('.') { "" } else { "." };
    format!("{}{end}", text(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_text_is_never_a_request_and_its_hyphens_can_be_copied() {
        assert_eq!(text(".so a-b\n'c\\d"), "\\&.so a\\-b\n\\&'c\\ed");
    }

    #[test]
    fn a_sentence_ends_once() {
        assert_eq!([sentence("One."), sentence("Two")], ["One.", "Two."]);
    }
}
