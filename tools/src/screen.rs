use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

/// What text is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Letters in a line.
    pub(super) width: u16,
    /// Lines.
    pub(super) height: u16,
    /// Whether words may have colours.
    pub(super) colours: Colours,
    /// Whether it is a terminal, which can be cleared.
    pub(super) is_terminal: bool,
}

/// Whether words may have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Off,
    On,
}

impl Screen {
    /// What stdout is. `COLUMNS` overrides the width of the terminal; what is none has 80 columns.
    pub(super) fn of_stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let given = std::env::var("COLUMNS").ok();
        Self {
            width: width(given.as_deref(), size.as_ref().map(|size| size.ws_col)),
            height: size.map_or(24, |size| size.ws_row),
            colours: colours(
                is_terminal,
                std::env::var_os("NO_COLOR"),
                std::env::var_os("TERM"),
            ),
            is_terminal,
        }
    }

    /// Gives words that say how good something is their colour.
    pub(super) fn paint(self, text: &str) -> String {
        if self.colours == Colours::Off {
            return text.to_owned();
        }
        let mut painted = String::with_capacity(text.len());
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let same = is_part(first);
            let end = rest
                .find(|letter| is_part(letter) != same)
                .unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            match colour(word) {
                Some(code) => painted.extend(["\x1b[", code, "m", word, "\x1b[0m"]),
                None => painted.push_str(word),
            }
            rest = behind;
        }
        painted
    }
}

fn colour(word: &str) -> Option<&'static str> {
    match word {
        "ACK" | "pass" | "connected" | "verified" | "quorate" | "member" => Some("32"),
        "NACK" | "fail" | "disconnected" | "connect-failed" | "blocked" | "dead" => Some("31"),
        "wait" | "connecting" | "plain" | "unsettled" | "nobody" => Some("33"),
        _ => None,
    }
}

fn width(given: Option<&str>, terminal: Option<u16>) -> u16 {
    let given = given.and_then(|columns| columns.parse().ok());
    let known = given.or(terminal).filter(|&columns| columns > 0);
    known.unwrap_or(80).max(40)
}

/// See no-color.org: whoever sets `NO_COLOR` to anything wants none.
fn colours(is_terminal: bool, no_color: Option<OsString>, term: Option<OsString>) -> Colours {
    let unwanted = no_color.is_some_and(|value| !value.is_empty());
    let is_dumb = term.is_none_or(|term| term == "dumb");
    if is_terminal && !unwanted && !is_dumb {
        Colours::On
    } else {
        Colours::Off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_those_who_do_not_mind_them() {
        let xterm = || Some(OsString::from("xterm"));
        assert_eq!(colours(true, None, xterm()), Colours::On);
        assert_eq!(colours(true, Some(OsString::new()), xterm()), Colours::On);
        assert_eq!(colours(false, None, xterm()), Colours::Off);
        assert_eq!(colours(true, Some("1".into()), xterm()), Colours::Off);
        assert_eq!(colours(true, None, Some("dumb".into())), Colours::Off);
    }

    #[test]
    fn the_width_is_that_of_the_user_then_that_of_the_terminal() {
        assert_eq!(width(Some("120"), Some(90)), 120);
        assert_eq!(width(Some("x"), Some(90)), 90);
        assert_eq!(width(None, Some(0)), 80);
        assert_eq!(width(Some("3"), None), 40);
    }

    #[test]
    fn only_whole_words_are_painted_and_nothing_else_changes() {
        let screen = |colours| Screen {
            width: 80,
            height: 24,
            colours,
            is_terminal: true,
        };
        let text = "NACK ACKNACK node-ACK  ACK\n";
        let painted = screen(Colours::On).paint(text);
        assert_eq!(
            painted,
            "\x1b[31mNACK\x1b[0m ACKNACK node-ACK  \x1b[32mACK\x1b[0m\n"
        );
        assert_eq!(screen(Colours::Off).paint(text), text);
    }
}
