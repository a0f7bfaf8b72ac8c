//! The command line, as upstream reads it.

use clap::Command;
use libqdevice::client::QdeviceSettings;
use libqdevice::io::log::{Debug, Place};
use libqdevice::io::options::{BadOption, Given, flag, parse, program, valued};
use libqdevice::io::socket_group;
use libqdevice::settings::{Settings, SettingsError, split};
use std::ffi::OsString;

/// Name of the program, in messages and in the log.
pub const NAME: &str = "corosync-qdevice";

/// What upstream prints on stdout when it is asked, or does not understand.
pub const USAGE: &str = "usage: corosync-qdevice [-dfh] [-S option=value[,option2=value2,...]]\n";

/// How the daemon is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What becomes of debug lines, whatever corosync.conf says; hidden leaves it to corosync.conf.
    pub debug: Debug,
    /// Whether the daemon stays in the foreground.
    pub place: Place,
    /// The advanced settings.
    pub settings: QdeviceSettings,
    /// The group of the local socket, looked up.
    pub group: Option<u32>,
}

/// Why a command line is refused; the text is the error message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An option that does not exist or lacks its value; the usage text follows.
    #[error(transparent)]
    Option(#[from] BadOption),
    /// A setting that does not exist or cannot have the value.
    #[error(transparent)]
    Setting(#[from] SettingsError),
    /// An argument of `-S` that is no text.
    #[error("Invalid value {0:?} for option -S")]
    NoText(OsString),
}

/// Reads the command line; `args` starts with the program's name. `None` if the usage is to be shown.
pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, Refused> {
    let (mut debug, mut place) = (0_u8, Place::Background);
    let (mut settings, mut group) = (QdeviceSettings::default(), None);
    for given in parse(&command(), args) {
        let Given { letter, value, .. } = given?;
        match letter {
            'd' => debug = debug.saturating_add(1),
            'f' => place = Place::Foreground,
            'S' => {
                let text = value.into_string().map_err(Refused::NoText)?;
                for (name, value) in split(&text) {
                    // No name of this daemon is deprecated.
                    settings.apply(&format!("{name}={value}"))?;
                    if name.eq_ignore_ascii_case("local_socket_gid") {
                        group = socket_group(settings.local_socket_gid.as_ref(), name, value)?;
                    }
                }
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Options {
        debug: Debug::of_count(debug),
        place,
        settings,
        group,
    }))
}

/// The options, for the parser, completions and manual page.
#[must_use]
pub fn command() -> Command {
    program(
        NAME,
        "Casts the vote of a quorum device in the local corosync.",
    )
    .arg(flag(
        "d",
        "Show debug messages; twice: as informational ones",
    ))
    .arg(flag("f", "Stay in the foreground and log to stderr too"))
    .arg(flag("h", "Show usage"))
    .arg(valued("S", "option=value", "Change advanced settings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(args: &[&str]) -> Result<Option<Options>, Refused> {
        read([NAME].iter().chain(args).map(OsString::from))
    }

    fn options(args: &[&str]) -> Options {
        wish(args).unwrap().unwrap()
    }

    #[test]
    fn without_options_the_daemon_goes_into_the_background_and_is_quiet() {
        let options = options(&[]);
        assert_eq!(
            (options.place, options.debug),
            (Place::Background, Debug::Hidden)
        );
        assert_eq!(options.settings, QdeviceSettings::default());
    }

    #[test]
    fn letters_can_stand_together_and_twice_debug_is_more() {
        assert_eq!(options(&["-fd"]).place, Place::Foreground);
        assert_eq!(options(&["-fd"]).debug, Debug::Shown);
        assert_eq!(options(&["-d", "-fd"]).debug, Debug::Raised);
    }

    #[test]
    fn settings_add_up() {
        let settings = options(&[
            "-S",
            "lock_file=/a,MAX_CS_TRY_AGAIN=3",
            "-Sipc_max_clients=0",
        ]);
        assert_eq!(settings.settings.lock_file, "/a");
        assert_eq!(settings.settings.max_cs_try_again, 3);
        assert_eq!(settings.settings.ipc_max_clients, 0);
    }

    #[test]
    fn what_is_wrong_is_said_in_upstreams_words() {
        let text = |args| wish(args).unwrap_err().to_string();
        assert_eq!(text(&["-x"]), "invalid option -- 'x'");
        assert_eq!(text(&["-S", "foo=1"]), "Unknown option 'foo'");
        assert_eq!(
            text(&["-S", "max_cs_try_again=0"]),
            "Invalid value '0' for option 'max_cs_try_again'"
        );
    }

    #[test]
    fn help_wins_and_other_arguments_are_ignored() {
        assert_eq!(wish(&["-f", "-h"]), Ok(None));
        assert!(matches!(wish(&["word", "-f"]), Ok(Some(_))));
    }
}
