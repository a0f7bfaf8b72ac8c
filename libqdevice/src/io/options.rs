//! Command lines as C's `getopt` reads them, declared with clap.

use clap::builder::OsStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use std::ffi::OsString;

/// An option that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its letter.
    pub letter: char,
    /// Its value; empty for an option that takes none.
    pub value: OsString,
}

/// Why a command line is refused; the texts are those of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadOption {
    /// No option has this letter.
    #[error("invalid option -- '{0}'")]
    Unknown(char),
    /// The command line ends where the option's value should stand.
    #[error("option requires an argument -- '{0}'")]
    ValueMissing(char),
}

/// A program whose options are one letter each, and where other arguments are ignored.
#[must_use]
pub fn program(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new(REST)
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .hide(true),
        )
}

/// A program whose options are one letter each and end at the first operand, as for the shell's `getopts`.
#[must_use]
pub fn script(name: &'static str, about: &'static str) -> Command {
    program(name, about).mut_arg(REST, |rest| rest.trailing_var_arg(true))
}

/// An option without a value.
#[must_use]
pub fn flag(letter: &'static str, help: &'static str) -> Arg {
    // Appending, because counting does not remember where an occurrence stood.
    option(letter, help).num_args(0).default_missing_value("")
}

/// An option with a value called `name`.
#[must_use]
pub fn valued(letter: &'static str, name: &'static str, help: &'static str) -> Arg {
    option(letter, help)
        .num_args(1)
        .value_name(name)
        .allow_hyphen_values(true)
}

/// The options in the order in which they were given; `args` starts with the program's name.
pub fn parse(
    program: Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<Vec<Given>, BadOption> {
    parse_all(program, args).map(|(given, _)| given)
}

/// The options as from [`parse`], and the operands.
pub fn parse_all(
    program: Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<(Vec<Given>, Vec<OsString>), BadOption> {
    let matches = program
        .try_get_matches_from(args)
        .map_err(|error| bad_option(&error))?;
    let operands = matches.get_many::<OsString>(REST).unwrap_or_default();
    let operands = operands.cloned().collect();
    let mut given = Vec::new();
    for id in matches.ids().map(clap::Id::as_str).filter(|&id| id != REST) {
        let Some(letter) = id.chars().next() else {
            continue;
        };
        let values = matches.get_many::<OsString>(id).unwrap_or_default();
        let places = matches.indices_of(id).unwrap_or_default();
        given.extend(places.zip(values).map(|(at, value)| {
            (
                at,
                Given {
                    letter,
                    value: value.clone(),
                },
            )
        }));
    }
    given.sort_by_key(|&(at, _)| at);
    let given = given.into_iter().map(|(_, given)| given).collect();
    Ok((given, operands))
}

fn option(letter: &'static str, help: &'static str) -> Arg {
    Arg::new(letter)
        .short(letter.chars().next())
        .help(help)
        .action(ArgAction::Append)
        .value_parser(OsStringValueParser::new())
}

fn bad_option(error: &clap::Error) -> BadOption {
    // `-x`, `-l <name>` or `--long`: the letter is the second character, for `--long` a dash.
    let letter = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.chars().nth(1),
        _ => None,
    };
    let letter = letter.unwrap_or('?');
    if error.kind() == ErrorKind::InvalidValue {
        BadOption::ValueMissing(letter)
    } else {
        BadOption::Unknown(letter)
    }
}

/// The arguments that are no options.
const REST: &str = "rest";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Vec<(char, String)>, BadOption> {
        let program = program("prog", "")
            .arg(flag("4", ""))
            .arg(flag("d", ""))
            .arg(valued("l", "name", ""));
        let args = ["prog"].iter().chain(args).map(OsString::from);
        let given = parse(program, args)?;
        Ok(given
            .into_iter()
            .map(|g| (g.letter, g.value.into_string().unwrap()))
            .collect())
    }

    fn given(list: &[(char, &str)]) -> Vec<(char, String)> {
        list.iter()
            .map(|&(letter, value)| (letter, value.to_owned()))
            .collect()
    }

    #[test]
    fn options_come_in_the_order_of_the_command_line_repeated_ones_too() {
        let list = [('d', ""), ('l', "a"), ('4', ""), ('d', ""), ('l', "b")];
        assert_eq!(parsed(&["-d", "-l", "a", "-4d", "-lb"]), Ok(given(&list)));
    }

    #[test]
    fn letters_cluster_and_the_last_one_may_take_a_value() {
        assert_eq!(
            parsed(&["-dd4la"]),
            Ok(given(&[('d', ""), ('d', ""), ('4', ""), ('l', "a")]))
        );
        assert_eq!(parsed(&["-dl", "a"]), Ok(given(&[('d', ""), ('l', "a")])));
    }

    #[test]
    fn a_value_may_look_like_an_option_or_be_empty() {
        assert_eq!(parsed(&["-l", "-d"]), Ok(given(&[('l', "-d")])));
        assert_eq!(parsed(&["-l", "--"]), Ok(given(&[('l', "--")])));
        assert_eq!(parsed(&["-l", ""]), Ok(given(&[('l', "")])));
    }

    #[test]
    fn other_arguments_are_ignored_and_options_behind_them_are_not() {
        assert_eq!(parsed(&["x", "-d", "y"]), Ok(given(&[('d', "")])));
        assert_eq!(parsed(&["-", "-d"]), Ok(given(&[('d', "")])));
        assert_eq!(parsed(&["-d", "--", "-4"]), Ok(given(&[('d', "")])));
    }

    #[test]
    fn the_options_of_a_script_end_at_its_first_operand() {
        let script = || script("prog", "").arg(flag("d", ""));
        let parsed = |args: &[&str]| {
            let args = ["prog"].iter().chain(args).map(OsString::from);
            let (given, operands) = parse_all(script(), args).unwrap();
            (given.len(), operands)
        };
        assert_eq!(
            parsed(&["-d", "x", "-d"]),
            (1, vec!["x".into(), "-d".into()])
        );
        assert_eq!(parsed(&["-d", "--", "-d"]), (1, vec!["-d".into()]));
        assert_eq!(parsed(&["x", "--", "y"]).1, ["x", "--", "y"]);
    }

    #[test]
    fn what_is_wrong_is_told_as_the_c_library_tells_it() {
        let text = |args: &[&str]| parsed(args).unwrap_err().to_string();
        assert_eq!(text(&["-x"]), "invalid option -- 'x'");
        assert_eq!(text(&["-dx"]), "invalid option -- 'x'");
        assert_eq!(text(&["--help"]), "invalid option -- '-'");
        assert_eq!(text(&["-dl"]), "option requires an argument -- 'l'");
    }
}
