use libqdevice::base::{Algorithm, TlsSupport};
use libqdevice::io::log::{Debug, Place};
use libqdevice::io::options::{BadOption, Given, flag, parse, program, valued};
use libqdevice::io::socket_group;
use libqdevice::server::QnetdSettings;
use libqdevice::settings::{Deprecated, Settings, SettingsError, bool_word, number, split};
use libqdevice::wire::{MsgType, algorithm_number};
use std::ffi::OsString;
use std::fmt::Write;

/// The program's name, as it stands in front of its messages.
pub(crate) const NAME: &str = "corosync-qnetd";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    /// Where it listens: `-4`, `-6`, `-l`, `-p`.
    pub(crate) listen: Listen,
    /// `-s`.
    pub(crate) tls: TlsSupport,
    /// `-c`.
    pub(crate) client_cert_required: bool,
    /// `-m`; any number if `None`.
    pub(crate) max_clients: Option<u64>,
    /// `-f`.
    pub(crate) place: Place,
    /// `-d`.
    pub(crate) debug: Debug,
    /// `-S`.
    pub(crate) settings: QnetdSettings,
    /// The group of the local socket, looked up.
    pub(crate) group: Option<u32>,
}

/// Where the server listens for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) family: Family,
    /// The host as it was given; every address if `None`.
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
}

/// Which addresses are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Serve(Box<Cli>),
    ShowUsage,
    ShowVersion,
}

/// Why the command line is refused; the text is upstream's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The usage is shown, too.
    Option(BadOption),
    Value(String),
}

/// The options, for the parser, completions and manual page.
#[must_use]
pub fn command() -> clap::Command {
    program(NAME, "Arbiter of corosync clusters.")
        .arg(flag("4", "Use IPv4 only"))
        .arg(flag("6", "Use IPv6"))
        .arg(flag(
            "d",
            "Log debug lines; twice, send them to the system's log as info",
        ))
        .arg(flag("f", "Stay in the foreground and log to stderr, too"))
        .arg(flag("h", "Show usage"))
        .arg(flag("v", "Show version, algorithms and messages"))
        .arg(valued(
            "c",
            "on|off",
            "Whether clients with TLS need a certificate",
        ))
        .arg(valued("l", "address", "Address to listen on"))
        .arg(valued(
            "m",
            "number",
            "How many clients may be connected; 0 for any number",
        ))
        .arg(valued("p", "port", "TCP port to listen on"))
        .arg(valued(
            "S",
            "name=value",
            "Advanced settings, separated by commas",
        ))
        .arg(valued(
            "s",
            "on|off|req",
            "Whether TLS is offered, off or required",
        ))
}

/// Reads the command line; `args` starts with the program's name.
///
/// Settings of the past that were given are appended to `deprecated`, also when it is refused.
pub(crate) fn read(
    args: impl IntoIterator<Item = OsString>,
    deprecated: &mut Vec<Deprecated>,
) -> Result<Wish, Refusal> {
    let mut cli = Cli::default();
    for given in parse(&command(), args) {
        let Given { letter, value, .. } = given.map_err(Refusal::Option)?;
        match letter {
            'h' => return Ok(Wish::ShowUsage),
            'v' => return Ok(Wish::ShowVersion),
            _ => cli
                .take(letter, value, deprecated)
                .map_err(Refusal::Value)?,
        }
    }
    Ok(Wish::Serve(Box::new(cli)))
}

impl Default for Cli {
    fn default() -> Self {
        Self {
            listen: Listen {
                family: Family::Any,
                host: None,
                port: 5403,
            },
            tls: TlsSupport::Supported,
            client_cert_required: true,
            max_clients: None,
            place: Place::Background,
            debug: Debug::Hidden,
            settings: QnetdSettings::default(),
            group: None,
        }
    }
}

impl Cli {
    /// The address of the status text.
    pub(crate) fn address(&self) -> String {
        let Listen { host, port, .. } = &self.listen;
        format!("{}:{port}", host.as_deref().unwrap_or("*"))
    }

    fn take(
        &mut self,
        letter: char,
        value: OsString,
        deprecated: &mut Vec<Deprecated>,
    ) -> Result<(), String> {
        let text = value.into_string().map_err(|value| {
            format!(
                "value {} of option -{letter} is not UTF-8",
                value.to_string_lossy()
            )
        })?;
        match letter {
            '4' => self.listen.family = Family::V4,
            '6' => self.listen.family = Family::V6,
            'd' => self.debug = more(self.debug),
            'f' => self.place = Place::Foreground,
            'c' => {
                self.client_cert_required =
                    bool_word(&text).ok_or("client_cert_required should be on/yes/1, off/no/0")?;
            }
            'l' => self.listen.host = Some(text),
            'm' => self.max_clients = max_clients(&text)?,
            'p' => self.listen.port = port(&text)?,
            's' => self.tls = tls(&text)?,
            _ => {
                for (name, value) in split(&text) {
                    let old = self.set(name, value);
                    deprecated.extend(old.map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(())
    }

    /// One entry of `-S`.
    fn set(&mut self, name: &str, value: &str) -> Result<Vec<Deprecated>, SettingsError> {
        let old = self.settings.apply(&format!("{name}={value}"))?;
        if name.eq_ignore_ascii_case("local_socket_gid") {
            self.group = socket_group(self.settings.local_socket_gid.as_ref(), name, value)?;
        }
        Ok(old)
    }
}

fn more(debug: Debug) -> Debug {
    match debug {
        Debug::Hidden => Debug::Shown,
        Debug::Shown | Debug::Raised => Debug::Raised,
    }
}

fn max_clients(text: &str) -> Result<Option<u64>, String> {
    match number(text, 10).map(u64::try_from) {
        Some(Ok(0)) => Ok(None),
        Some(Ok(max)) => Ok(Some(max)),
        Some(Err(_)) | None => Err(format!("max clients value {text} is invalid")),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = number(text, 10).and_then(|port| u16::try_from(port).ok());
    port.filter(|&port| port > 0)
        .ok_or_else(|| "host port must be in range 1-65535".to_owned())
}

/// `required` is accepted because upstream's manual page says so.
fn tls(text: &str) -> Result<TlsSupport, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(TlsSupport::Supported),
        "off" => Ok(TlsSupport::Unsupported),
        "req" | "required" => Ok(TlsSupport::Required),
        _ => Err("tls must be one of on, off, req".to_owned()),
    }
}

/// The text of `-h`.
pub(crate) fn usage() -> String {
    format!(
        "usage: {NAME} [-46dfhv] [-l listen_addr] [-p listen_port] [-s tls]\n{:14}[-c \
         client_cert_required] [-m max_clients] [-S option=value[,option2=value2,...]]\n",
        ""
    )
}

/// The text of `-v`.
pub(crate) fn version() -> String {
    let mut text = format!(
        "Corosync Qdevice Network Daemon, version '{}'\n\nSupported algorithms: ",
        env!("CARGO_PKG_VERSION")
    );
    let algorithms =
        Algorithm::ALL.map(|algorithm| (algorithm.title(), algorithm_number(algorithm)));
    list(&mut text, algorithms);
    text.push_str("\nSupported message types: ");
    list(
        &mut text,
        MsgType::ALL
            .iter()
            .map(|msg_type| (msg_type.title(), msg_type.number())),
    );
    text.push('\n');
    text
}

fn list(text: &mut String, entries: impl IntoIterator<Item = (&'static str, u16)>) {
    let mut separator = "";
    for (name, number) in entries {
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{name} ({number})");
        separator = ", ";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    fn given(args: &[&str]) -> Result<Wish, Refusal> {
        let args = ["corosync-qnetd"].iter().chain(args).map(OsString::from);
        read(args, &mut Vec::new())
    }

    fn cli(args: &[&str]) -> Cli {
        match given(args) {
            Ok(Wish::Serve(cli)) => *cli,
            other => panic!("{other:?}"),
        }
    }

    fn refused(args: &[&str]) -> String {
        match given(args) {
            Err(Refusal::Value(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_option_reaches_its_field() {
        let cli = cli(&[
            "-6ddf",
            "-l",
            "::1",
            "-p",
            " +7",
            "-s",
            "OFF",
            "-c",
            "no",
            "-m",
            "3",
            "-S",
            "listen_backlog=4",
            "-S",
            "ipc_max_clients=5",
        ]);
        let listen = Listen {
            family: Family::V6,
            host: Some("::1".into()),
            port: 7,
        };
        assert_eq!(cli.listen, listen);
        assert_eq!(cli.address(), "::1:7");
        assert_eq!((cli.place, cli.debug), (Place::Foreground, Debug::Raised));
        assert_eq!(
            (cli.tls, cli.client_cert_required),
            (TlsSupport::Unsupported, false)
        );
        assert_eq!(cli.max_clients, Some(3));
        assert_eq!(
            (cli.settings.listen_backlog, cli.settings.ipc_max_clients),
            (4, 5)
        );
    }

    #[test]
    fn the_last_of_several_wins_and_words_are_ignored() {
        let cli = cli(&["-6", "word", "-4", "-p", "1", "-p2", "-m0"]);
        assert_eq!(
            cli.listen,
            Listen {
                family: Family::V4,
                host: None,
                port: 2
            }
        );
        assert_eq!(cli.address(), "*:2");
        assert_eq!(cli.max_clients, None);
    }

    #[test]
    fn the_first_option_that_is_wrong_is_named() {
        assert_eq!(
            refused(&["-p", "0", "-m", "x"]),
            "host port must be in range 1-65535"
        );
        assert_eq!(
            refused(&["-p", "65536"]),
            "host port must be in range 1-65535"
        );
        assert_eq!(refused(&["-m", "-1"]), "max clients value -1 is invalid");
        assert_eq!(refused(&["-s", "maybe"]), "tls must be one of on, off, req");
        assert_eq!(
            refused(&["-c", "2"]),
            "client_cert_required should be on/yes/1, off/no/0"
        );
        assert_eq!(refused(&["-S", "a=1"]), "Unknown option 'a'");
        let group = "local_socket_gid=no such group";
        let text = "Invalid value 'no such group' for option 'local_socket_gid'";
        assert_eq!(refused(&["-S", group]), text);
    }

    #[test]
    fn usage_and_version_come_when_their_turn_comes() {
        assert_eq!(given(&["-h", "-p", "0"]), Ok(Wish::ShowUsage));
        assert_eq!(given(&["-dv"]), Ok(Wish::ShowVersion));
        assert!(given(&["-p", "0", "-h"]).is_err());
        assert_eq!(
            given(&["-l"]),
            Err(Refusal::Option(BadOption::ValueMissing('l')))
        );
    }

    #[test]
    fn a_setting_of_the_past_is_remembered_even_when_a_later_one_is_refused() {
        let args = ["", "-S", "DPD_interval=9,unknown=1"].map(OsString::from);
        let mut deprecated = Vec::new();
        assert!(read(args, &mut deprecated).is_err());
        assert_eq!(deprecated, [Deprecated("DPD_interval".into())]);
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_by_name() {
        let host = OsString::from_vec(b"\xffhost".to_vec());
        let refused = read(["".into(), "-l".into(), host], &mut Vec::new());
        let text = "value \u{fffd}host of option -l is not UTF-8";
        assert_eq!(refused, Err(Refusal::Value(text.into())));
    }

    #[test]
    fn a_group_is_looked_up_when_its_turn_comes() {
        let group = "Local_Socket_GID=no such group,unknown=1";
        let text = "Invalid value 'no such group' for option 'Local_Socket_GID'";
        assert_eq!(refused(&["-S", group, "-p", "0"]), text);
        assert_eq!(cli(&["-S", "local_socket_gid=root"]).group, Some(0));
        let reset = "local_socket_gid=root,local_socket_gid=";
        assert_eq!(cli(&["-S", reset]).group, None);
    }

    #[test]
    fn required_means_req() {
        assert_eq!(cli(&["-s", "required"]).tls, TlsSupport::Required);
        assert_eq!(cli(&["-s", "Req"]).tls, TlsSupport::Required);
    }
}
