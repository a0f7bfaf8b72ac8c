//! Command lines as C's `getopt` reads them, declared with clap.
//!
//! clap judges a command line as a whole. The C programs take one option after the other, and the first
//! one that is wrong, or asks for the usage, ends them whatever stands behind it. So only the
//! declaration is clap's, for completions and manual pages.

use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// An option that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its letter; `-` when it has a long name only.
    pub letter: char,
    /// Its long name, when it was given by that.
    pub long: Option<String>,
    /// Its value; empty for an option that takes none.
    pub value: OsString,
}

/// Why a command line is refused; the texts are those of the C library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOption {
    /// No option has this letter.
    #[error("invalid option -- '{0}'")]
    Unknown(char),
    /// The command line ends where the option's value should stand.
    #[error("option requires an argument -- '{0}'")]
    ValueMissing(char),
    /// The same, for an option with a long name.
    #[error("option '--{0}' requires an argument")]
    WordValueMissing(String),
    /// An option with a long name takes no value, and one stands behind it.
    #[error("option '--{0}' doesn't allow an argument")]
    WordTakesNoValue(String),
}

/// A program whose options are one letter each, and where other arguments are ignored.
#[must_use]
pub fn program(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new(REST).num_args(0..).hide(true))
}

/// A program whose options are one letter each and end at the first operand, as for the shell's `getopts`.
#[must_use]
pub fn script(name: &'static str, about: &'static str) -> Command {
    program(name, about).mut_arg(REST, |rest| rest.trailing_var_arg(true))
}

/// An option without a value.
#[must_use]
pub fn flag(letter: &'static str, help: &'static str) -> Arg {
    option(letter, help).num_args(0)
}

/// An option with a value called `name`.
#[must_use]
pub fn valued(letter: &'static str, name: &'static str, help: &'static str) -> Arg {
    option(letter, help).num_args(1).value_name(name)
}

/// An option without a letter and without a value: those of C will never clash with it.
#[must_use]
pub fn word(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .action(ArgAction::Append)
        .num_args(0)
}

/// An option without a letter and with a value called `value`: `--name VALUE` or `--name=VALUE`.
#[must_use]
pub fn valued_word(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    word(name, help).num_args(1).value_name(value)
}

/// The options in the order in which they were given; `args` starts with the program's name.
///
/// What cannot be read is the last entry.
pub fn parse(
    program: &Command,
    args: impl IntoIterator<Item = OsString>,
) -> Vec<Result<Given, BadOption>> {
    parse_with_operands(program, args).0
}

/// The same, with the arguments that are no options.
pub fn parse_with_operands(
    program: &Command,
    args: impl IntoIterator<Item = OsString>,
) -> (Vec<Result<Given, BadOption>>, Vec<OsString>) {
    let mut args = args.into_iter().skip(1);
    let (mut given, mut operands) = (Vec::new(), Vec::new());
    while let Some(arg) = args.next().filter(|arg| arg != "--") {
        if let Some((long, value)) = word_of(program, &arg) {
            let option = read_word(program, long, value, &mut args);
            let is_bad = option.is_err();
            given.push(option);
            if is_bad {
                return (given, operands);
            }
            continue;
        }
        let Some(mut cluster) = cluster_of(&arg) else {
            operands.push(arg);
            if is_script(program) {
                break;
            }
            continue;
        };
        while let Some((&letter, rest)) = cluster.split_first() {
            let letter = char::from(letter);
            let (value, behind) = match takes_value(program, letter) {
                None => (Err(BadOption::Unknown(letter)), rest),
                Some(false) => (Ok(OsString::new()), rest),
                Some(true) if rest.is_empty() => {
                    (args.next().ok_or(BadOption::ValueMissing(letter)), rest)
                }
                Some(true) => (Ok(OsStr::from_bytes(rest).to_owned()), &[][..]),
            };
            let is_bad = value.is_err();
            given.push(value.map(|value| Given {
                letter,
                long: None,
                value,
            }));
            if is_bad {
                return (given, operands);
            }
            cluster = behind;
        }
    }
    operands.extend(args);
    (given, operands)
}

/// The letters of an argument that is no operand.
fn cluster_of(arg: &OsStr) -> Option<&[u8]> {
    let letters = arg.as_bytes().strip_prefix(b"-")?;
    (!letters.is_empty()).then_some(letters)
}

/// The long name that an argument is, if the program has it, and the value behind its `=`.
fn word_of<'a>(program: &'a Command, arg: &'a OsStr) -> Option<(&'a str, Option<&'a OsStr>)> {
    let bytes = arg.as_bytes().strip_prefix(b"--")?;
    let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
        None => (bytes, None),
    };
    let mut names = program.get_arguments().filter_map(Arg::get_long);
    let name = names.find(|known| known.as_bytes() == name)?;
    Some((name, value))
}

/// An option by its long name, whose value may be the next argument.
fn read_word(
    program: &Command,
    name: &str,
    value: Option<&OsStr>,
    rest: &mut impl Iterator<Item = OsString>,
) -> Result<Given, BadOption> {
    let option = program
        .get_arguments()
        .find(|option| option.get_long() == Some(name));
    let takes_value = option
        .and_then(Arg::get_num_args)
        .is_some_and(|count| count.takes_values());
    let value = match (takes_value, value) {
        (true, Some(value)) => value.to_owned(),
        (true, None) => rest
            .next()
            .ok_or_else(|| BadOption::WordValueMissing(name.to_owned()))?,
        (false, Some(_)) => return Err(BadOption::WordTakesNoValue(name.to_owned())),
        (false, None) => OsString::new(),
    };
    Ok(Given {
        letter: '-',
        long: Some(name.to_owned()),
        value,
    })
}

fn is_script(program: &Command) -> bool {
    program
        .get_arguments()
        .any(|argument| argument.get_id() == REST && argument.is_trailing_var_arg_set())
}

/// Whether the option takes a value; `None` if there is no such option.
fn takes_value(program: &Command, letter: char) -> Option<bool> {
    let option = program
        .get_arguments()
        .find(|option| option.get_short() == Some(letter))?;
    option.get_num_args().map(|count| count.takes_values())
}

fn option(letter: &'static str, help: &'static str) -> Arg {
    Arg::new(letter)
        .short(letter.chars().next())
        .help(help)
        .action(ArgAction::Append)
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
        let pair = |given: Given| (given.letter, given.value.into_string().unwrap());
        let given = parse(&program, args).into_iter();
        given.map(|given| given.map(pair)).collect()
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
            let (given, operands) = parse_with_operands(&script(), args);
            assert!(given.iter().all(Result::is_ok));
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
    fn what_stands_before_a_bad_option_is_read_first() {
        let program = program("prog", "").arg(flag("d", ""));
        let given = parse(&program, ["prog", "-dxd", "-d"].map(OsString::from));
        let (letter, value) = ('d', OsString::new());
        let read = Ok(Given {
            letter,
            long: None,
            value,
        });
        assert_eq!(given, [read, Err(BadOption::Unknown('x'))]);
    }

    #[test]
    fn a_long_name_is_read_as_a_whole_and_only_where_there_is_one() {
        let program = program("prog", "").arg(flag("d", "")).arg(word("all", ""));
        let parsed = |args: &[&str]| {
            let given = parse(&program, ["prog"].iter().chain(args).map(OsString::from));
            let given: Result<Vec<_>, _> = given.into_iter().collect();
            given.map(|given| {
                given
                    .into_iter()
                    .map(|one| (one.letter, one.long))
                    .collect()
            })
        };
        let all = || Some("all".to_owned());
        assert_eq!(
            parsed(&["-d", "--all"]),
            Ok(vec![('d', None), ('-', all())])
        );
        assert_eq!(parsed(&["--al"]), Err(BadOption::Unknown('-')));
        assert_eq!(parsed(&["--", "--all"]), Ok(vec![]));
    }

    #[test]
    fn a_long_name_may_take_a_value_from_either_place() {
        let program = program("prog", "")
            .arg(word("all", ""))
            .arg(valued_word("days", "n", ""));
        let parsed = |args: &[&str]| {
            let given = parse(&program, ["prog"].iter().chain(args).map(OsString::from));
            let mut given = given.into_iter().map(|one| one.map(|one| one.value));
            given.next().unwrap()
        };
        assert_eq!(parsed(&["--days", "7"]), Ok("7".into()));
        assert_eq!(parsed(&["--days=7"]), Ok("7".into()));
        assert_eq!(parsed(&["--days="]), Ok("".into()));
        let text = |args: &[&str]| parsed(args).unwrap_err().to_string();
        assert_eq!(text(&["--days"]), "option '--days' requires an argument");
        assert_eq!(
            text(&["--all=x"]),
            "option '--all' doesn't allow an argument"
        );
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
