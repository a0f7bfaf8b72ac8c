use crate::failure::Failure;
use chrono::Days;
use clap::Command;
use libqdevice::base::Fingerprint;
use libqdevice::certs::KeyKind;
use libqdevice::io::options::{
    BadOption, Given, flag, parse_with_operands, script, valued, valued_word, word,
};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish<Call> {
    /// The usage text of the scripts.
    Usage,
    /// Everything there is.
    Help,
    /// Work.
    Run(Call),
}

/// What `corosync-qnetd-certutil` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerOperation {
    Init,
    Sign,
    List,
    Check,
    Renew,
    Revoke,
}

/// What `corosync-qdevice-net-certutil` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeOperation {
    Init,
    Request,
    ImportSigned,
    ImportBundle,
    QuickStart,
    List,
    Check,
    Renew,
}

/// A call of either program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call<Operation> {
    pub(crate) operation: Operation,
    /// What is imported, signed or revoked; empty if not given.
    pub(crate) file: PathBuf,
    /// The cluster; empty if not given.
    pub(crate) name: OsString,
    /// Whether the group may write new files.
    pub(crate) group_writes: bool,
    /// The command that runs commands on other hosts.
    pub(crate) shell: OsString,
    /// The command that copies files between hosts.
    pub(crate) copy: OsString,
    /// The server and the nodes of a quick start.
    pub(crate) hosts: Vec<OsString>,
    /// The form of a list or of findings.
    pub(crate) form: Form,
    /// What new keys are.
    pub(crate) key_kind: Option<KeyKind>,
    /// How long new certificates last.
    pub(crate) days: Option<Days>,
    /// The certificate that is meant.
    pub(crate) fingerprint: Option<Fingerprint>,
}

pub(crate) type ServerCall = Call<ServerOperation>;
pub(crate) type NodeCall = Call<NodeOperation>;

/// For whom output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// People.
    Text,
    /// Programs.
    Json,
}

impl ServerCall {
    pub(crate) fn parse(args: &[OsString]) -> Result<Wish<Self>, Failure> {
        let operation_of = |given: &Given| {
            use ServerOperation::{Check, Init, List, Renew, Revoke, Sign};
            Some(match (given.letter, given.long.as_deref()) {
                ('i', _) => Init,
                ('s', _) => Sign,
                (_, Some("list")) => List,
                (_, Some("check")) => Check,
                (_, Some("renew")) => Renew,
                (_, Some("revoke")) => Revoke,
                _ => return None,
            })
        };
        read(server_command(), args, operation_of, Self::check)
    }

    /// Refuses options that mean nothing for this operation: whoever gives them expects something.
    fn check(&self) -> Result<(), Failure> {
        use ServerOperation::{Check, Init, List, Renew, Revoke, Sign};
        let operation = self.operation;
        let reads = matches!(operation, List | Check);
        only("json", self.form == Form::Json, reads, "--list and --check")?;
        only("key-type", self.key_kind.is_some(), operation == Init, "-i")?;
        let signs = matches!(operation, Sign | Renew);
        only("days", self.days.is_some(), signs, "-s and --renew")?;
        let is_given = self.fingerprint.is_some();
        only("fingerprint", is_given, operation == Revoke, "--revoke")
    }
}

impl NodeCall {
    pub(crate) fn parse(args: &[OsString]) -> Result<Wish<Self>, Failure> {
        let operation_of = |given: &Given| {
            use NodeOperation::{
                Check, ImportBundle, ImportSigned, Init, List, QuickStart, Renew, Request,
            };
            Some(match (given.letter, given.long.as_deref()) {
                ('i', _) => Init,
                ('r', _) => Request,
                ('M', _) => ImportSigned,
                ('m', _) => ImportBundle,
                ('Q', _) => QuickStart,
                (_, Some("list")) => List,
                (_, Some("check")) => Check,
                (_, Some("renew")) => Renew,
                _ => return None,
            })
        };
        read(node_command(), args, operation_of, Self::check)
    }

    fn check(&self) -> Result<(), Failure> {
        use NodeOperation::{Check, List, Renew, Request};
        let operation = self.operation;
        let reads = matches!(operation, List | Check);
        only("json", self.form == Form::Json, reads, "--list and --check")?;
        let makes_key = matches!(operation, Request | Renew);
        let is_given = self.key_kind.is_some();
        only("key-type", is_given, makes_key, "-r and --renew")
    }
}

/// The command line of `corosync-qnetd-certutil`, for the parser, completions and manual page.
#[must_use]
pub fn server_command() -> Command {
    let program = script("corosync-qnetd-certutil", "Certificates of a server.")
        .arg(flag(
            "i",
            "Initialize the authority and the server's certificate",
        ))
        .arg(flag("s", "Sign a cluster's request"))
        .arg(flag("h", "Show usage"))
        .arg(flag("G", "Do not let the group write new files"))
        .arg(valued("c", "certificate", "The request"))
        .arg(valued("n", "cluster_name", "Name of the cluster"))
        .arg(word("revoke", "Turn certificates away from now on"))
        .arg(valued_word(
            "days",
            "days",
            "How long the certificate lasts",
        ))
        .arg(valued_word("fingerprint", "sha256", "The certificate"));
    with_common_words(program)
}

/// The command line of `corosync-qdevice-net-certutil`.
#[must_use]
pub fn node_command() -> Command {
    let program = script(
        "corosync-qdevice-net-certutil",
        "Certificates of a cluster's nodes.",
    )
    .arg(flag("i", "Initialize the node's database"))
    .arg(flag("m", "Import the cluster's certificate and key"))
    .arg(flag(
        "M",
        "Import the signed certificate, export it with its key",
    ))
    .arg(flag("r", "Make a request for the cluster's certificate"))
    .arg(flag("Q", "Quick start: all of it, over ssh"))
    .arg(flag("h", "Show usage"))
    .arg(valued("c", "certificate", "The file to import"))
    .arg(valued("S", "ssh_command", "Command to use in place of ssh"))
    .arg(valued("C", "scp_command", "Command to use in place of scp"))
    .arg(valued("n", "cluster_name", "Name of the cluster"));
    with_common_words(program)
}

fn with_common_words(program: Command) -> Command {
    program
        .arg(word("help", "Show everything"))
        .arg(word("list", "List the certificates"))
        .arg(word("check", "Look for what is wrong"))
        .arg(word("renew", "Renew a certificate"))
        .arg(word("json", "List or check in JSON"))
        .arg(valued_word("key-type", "type", "What new keys are"))
}

fn only(option: &str, is_given: bool, may_be: bool, of: &str) -> Result<(), Failure> {
    if is_given && !may_be {
        return Err(Failure::call(format!("Option --{option} belongs to {of}")));
    }
    Ok(())
}

/// The call; usage where it is asked for, and where no operation is.
///
/// The scripts read from left to right and stop at the first thing that ends them: usage asked for
/// before a mistake is shown, after it is not. Of several operations the last one counts.
fn read<Operation>(
    program: Command,
    args: &[OsString],
    operation_of: impl Fn(&Given) -> Option<Operation>,
    check: impl Fn(&Call<Operation>) -> Result<(), Failure>,
) -> Result<Wish<Call<Operation>>, Failure> {
    let called = [OsString::new()];
    let (options, hosts) = parse_with_operands(&program, called.iter().chain(args).cloned());
    let mut given = Vec::new();
    for option in options {
        match option {
            Ok(Given { letter: 'h', .. }) => return Ok(Wish::Usage),
            Ok(option) if option.long.as_deref() == Some("help") => return Ok(Wish::Help),
            Ok(option) => given.push(option),
            Err(bad) => return Err(Failure::state(complaint(&program, &bad))),
        }
    }
    let Some(operation) = given.iter().rev().find_map(operation_of) else {
        return Ok(Wish::Usage);
    };
    let mut call = Call {
        operation,
        file: PathBuf::new(),
        name: OsString::new(),
        group_writes: true,
        shell: "ssh".into(),
        copy: "scp".into(),
        hosts,
        form: Form::Text,
        key_kind: None,
        days: None,
        fingerprint: None,
    };
    for option in given {
        call.take(option)?;
    }
    check(&call)?;
    Ok(Wish::Run(call))
}

impl<Operation> Call<Operation> {
    /// An option that goes with the operation.
    fn take(&mut self, given: Given) -> Result<(), Failure> {
        let Given {
            letter,
            long,
            value,
        } = given;
        match (letter, long.as_deref()) {
            ('G', _) => self.group_writes = false,
            ('c', _) => self.file = value.into(),
            ('n', _) => self.name = value,
            ('S', _) => self.shell = value,
            ('C', _) => self.copy = value,
            (_, Some("json")) => self.form = Form::Json,
            (_, Some("key-type")) => self.key_kind = Some(key_kind(&value)?),
            (_, Some("days")) => self.days = Some(days(&value)?),
            (_, Some("fingerprint")) => self.fingerprint = Some(fingerprint(&value)?),
            _ => {}
        }
        Ok(())
    }
}

/// In the words of the shell's `getopts` where the scripts can say it too.
fn complaint(program: &Command, bad: &BadOption) -> String {
    match bad {
        // They know no long names.
        BadOption::Unknown('-') => {
            let name = program.get_name();
            format!("Invalid option: --\n{name} --help shows the long options there are")
        }
        BadOption::Unknown(letter) => format!("Invalid option: -{letter}"),
        BadOption::ValueMissing(letter) => format!("Option -{letter} requires an argument."),
        BadOption::WordValueMissing(name) => format!("Option --{name} requires an argument."),
        BadOption::WordTakesNoValue(name) => format!("Option --{name} takes no argument."),
    }
}

fn key_kind(value: &OsStr) -> Result<KeyKind, Failure> {
    let kind = value.to_str().and_then(KeyKind::named);
    kind.ok_or_else(|| {
        let names = KeyKind::NAMES.map(|(name, _)| name).join(", ");
        Failure::call(format!("The key type must be one of {names}"))
    })
}

fn days(value: &OsStr) -> Result<Days, Failure> {
    let number: Option<u64> = value.to_str().and_then(|text| text.parse().ok());
    let number = number.filter(|days| (1..=MOST_DAYS).contains(days));
    number
        .map(Days::new)
        .ok_or_else(|| Failure::call(format!("The days must be a number from 1 to {MOST_DAYS}")))
}

/// A hundred years, as without the option.
const MOST_DAYS: u64 = 36525;

/// As we show it, or as `openssl` and `certutil` do: in capitals, with colons.
fn fingerprint(value: &OsStr) -> Result<Fingerprint, Failure> {
    let text = value.to_string_lossy().replace(':', "").to_lowercase();
    text.parse().map_err(|_| {
        Failure::call("The fingerprint must be the SHA-256 of a certificate, as --list shows it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(args: &[&str]) -> Result<Wish<ServerCall>, Failure> {
        ServerCall::parse(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_fingerprint_is_taken_in_capitals_and_with_colons() {
        let written = "AB:".repeat(31) + "AB";
        let call = server(&["--revoke", "--fingerprint", &written]).unwrap();
        let Wish::Run(call) = call else {
            panic!("{call:?}");
        };
        assert_eq!(call.fingerprint, Some(Fingerprint([0xab; 32])));
    }

    #[test]
    fn an_option_without_meaning_is_refused_with_the_operation_it_belongs_to() {
        for (args, expected) in [
            (
                &["-s", "--key-type", "p256"][..],
                "Option --key-type belongs to -i",
            ),
            (
                &["-i", "--days", "1"],
                "Option --days belongs to -s and --renew",
            ),
            (
                &["-i", "--json"],
                "Option --json belongs to --list and --check",
            ),
            (
                &["-i", "--key-type", "dsa"],
                "The key type must be one of rsa3072, rsa2048, rsa4096, p256",
            ),
            (
                &["--renew", "--days", "0"],
                "The days must be a number from 1 to 36525",
            ),
        ] {
            assert_eq!(server(args), Err(Failure::call(expected)), "{args:?}");
        }
    }
}
