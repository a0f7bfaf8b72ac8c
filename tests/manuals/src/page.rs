use crate::bus::members;
use crate::programs::{programs, takes_value, value_of};
use crate::roff::{literal, sentence, text, variable};
use clap::{Arg, Command};
use libqdevice::client::QdeviceSettings;
use libqdevice::server::QnetdSettings;
use libqdevice::settings::Settings;

/// Every page: its file name and its text.
pub(crate) fn all() -> Result<Vec<(&'static str, String)>, String> {
    let page = |&(name, source): &(&'static str, &str)| {
        filled(name, source)
            .map(|text| (name, text))
            .map_err(|why| format!("tests/manuals/pages/{name}: {why}"))
    };
    SOURCES.iter().map(page).collect()
}

macro_rules! sources {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../pages/", $name)))),+] };
}

/// The pages without what comes from tables.
///
/// A line `@SYNOPSIS@`, `@OPTIONS@`, `@MEMBERS@`, `@QNETD SETTINGS@` or `@QDEVICE SETTINGS@` stands for that. Behind
/// `@OPTIONS@` a line like `@-c@` or `@--json@` begins what is to be added to the description of that
/// option; `@END@` ends the last of them.
const SOURCES: &[(&str, &str)] = sources![
    "corosync-qnetd.8",
    "corosync-qdevice.8",
    "corosync-qnetd-tool.8",
    "corosync-qdevice-tool.8",
    "corosync-qnetd-certutil.8",
    "corosync-qdevice-net-certutil.8",
    "corosync-qnetd-settings.5",
    "corosync-qdevice-settings.5",
    "org.corosync.Qnetd1.7",
    "org.corosync.Qdevice1.7",
];

fn filled(name: &str, source: &str) -> Result<String, String> {
    let program = programs()
        .into_iter()
        .find(|program| name.strip_suffix(".8") == Some(program.get_name()));
    let of_program = || program.as_ref().ok_or("no program has this name");
    let mut page = HEAD.to_owned();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        match line
            .strip_prefix('@')
            .and_then(|line| line.strip_suffix('@'))
        {
            None => page.extend([line, "\n"]),
            Some("SYNOPSIS") => page += &synopsis(of_program()?),
            Some("OPTIONS") => {
                let added: Vec<&str> = lines.by_ref().take_while(|line| *line != "@END@").collect();
                page += &options(of_program()?, &added)?;
            }
            Some("MEMBERS") => page += &members(interfaces(name)),
            Some("QNETD SETTINGS") => page += &settings::<QnetdSettings>(),
            Some("QDEVICE SETTINGS") => page += &settings::<QdeviceSettings>(),
            Some(other) => return Err(format!("@{other}@ stands for nothing")),
        }
    }
    Ok(page)
}

/// The introspection file of a page.
fn interfaces(name: &str) -> &'static str {
    if name.contains("Qnetd1") {
        include_str!("../../../dbus/org.corosync.Qnetd1.xml")
    } else {
        include_str!("../../../dbus/org.corosync.Qdevice1.xml")
    }
}

/// For whoever finds a mistake.
const HEAD: &str =
    ".\\\" Written by `cargo xtask man` from tests/manuals/pages and the programs: change those.\n";

/// Letters without a value first, together, as everybody does.
fn synopsis(program: &Command) -> String {
    let (mut letters, mut others) = (String::new(), String::new());
    for option in options_of(program) {
        match option.get_short() {
            Some(letter) if !takes_value(option) => letters.push(letter),
            _ => others.extend(["\n[", &usage(option), "]"]),
        }
    }
    let letters = literal(&format!("-{letters}"));
    format!("{}\n[{letters}]{others}\n", literal(program.get_name()))
}

fn options(program: &Command, added: &[&str]) -> Result<String, String> {
    let mut text = String::new();
    let mut added = sections(added)?;
    for option in options_of(program) {
        let help = option.get_help().map(ToString::to_string);
        let help = sentence(&help.unwrap_or_default());
        text.extend([".TP\n", &usage(option), "\n", &help, "\n"]);
        let name = typed(option);
        if let Some(at) = added.iter().position(|(of, _)| *of == name) {
            text += &added.swap_remove(at).1;
        }
    }
    match added.first() {
        Some((of, _)) => Err(format!("there is no option {of}")),
        None => Ok(text),
    }
}

/// What is added to options: which one, and the lines.
fn sections<'a>(lines: &[&'a str]) -> Result<Vec<(&'a str, String)>, String> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in lines {
        let begin = line
            .strip_prefix('@')
            .and_then(|line| line.strip_suffix('@'));
        match (begin, sections.last_mut()) {
            (Some(option), _) => sections.push((option, String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => return Err(format!("'{line}' belongs to no option")),
        }
    }
    Ok(sections)
}

/// The options that are shown.
fn options_of(program: &Command) -> impl Iterator<Item = &Arg> {
    program
        .get_arguments()
        .filter(|option| !option.is_hide_set())
}

/// As it is typed: `-c` or `--json`.
fn typed(option: &Arg) -> String {
    match (option.get_short(), option.get_long()) {
        (Some(letter), _) => format!("-{letter}"),
        (None, Some(word)) => format!("--{word}"),
        (None, None) => String::new(),
    }
}

/// The option and its value.
fn usage(option: &Arg) -> String {
    let value = value_of(option).filter(|_| takes_value(option));
    let value = value.map(|value| format!(" {}", variable(&value)));
    literal(&typed(option)) + &value.unwrap_or_default()
}

fn settings<S: Settings + Default>() -> String {
    let defaults = S::default();
    let row = |spec: &libqdevice::settings::Spec<S>| {
        let default = match (spec.show)(&defaults) {
            empty if empty.is_empty() => "empty".to_owned(),
            default => literal(&default),
        };
        let values = match (spec.values)() {
            any if any.is_empty() => String::new(),
            values => format!(" Values: {}.", text(&values)),
        };
        let (name, help) = (literal(spec.name), sentence(spec.help));
        format!(".TP\n{name}\n{help}{values} Default: {default}.\n")
    };
    let rows: String = S::TABLE.iter().map(row).collect();
    let names: Vec<String> = S::DEPRECATED.iter().map(|name| literal(name)).collect();
    if names.is_empty() {
        return rows;
    }
    format!(
        "{rows}.PP\nAccepted, without any effect: {}.\n",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tools::QNETD_TOOL;

    #[test]
    fn a_page_that_speaks_of_an_option_that_is_gone_is_refused() {
        let program = QNETD_TOOL.options();
        let error = options(&program, &["@--gone@", "More."]).unwrap_err();
        assert_eq!(error, "there is no option --gone");
    }

    #[test]
    fn what_is_added_to_an_option_follows_its_help() {
        let program = QNETD_TOOL.options();
        let text = options(&program, &["@-l@", "More."]).unwrap();
        assert!(
            text.contains("\\fB\\-l\\fR\nList clusters.\nMore.\n"),
            "{text}"
        );
    }
}
