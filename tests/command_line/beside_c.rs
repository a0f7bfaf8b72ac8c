//! What a daemon does with a command line, ours beside the C one of the same name.
//!
//! Included by the tests of both daemons. Nothing is started: behind what is looked at stands an option
//! that both refuse, and options are taken from left to right. Who names that one has accepted the rest.

use libqdevice::settings::Spec;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a program ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    /// Everything is accepted.
    Accepted,
    /// Everything is accepted, with this remark.
    AcceptedWith(&'static str),
    /// This complaint.
    Refused(&'static str),
    /// The usage.
    Usage,
    /// This complaint, then the usage.
    UsageAfter(&'static str),
    /// The version.
    Version,
}

/// Two programs of one name.
pub(crate) struct Programs {
    pub(crate) name: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    /// The texts of `-h` and `-v`, the number of the version replaced by `N`.
    pub(crate) usage: &'static str,
    pub(crate) version: &'static str,
}

/// Stdout, stderr, exit code.
type Told = (String, String, Option<i32>);

impl Programs {
    /// Both programs end this way.
    pub(crate) fn both(&self, args: &[&str], ends: Ends) {
        self.ours(args, ends);
        if self.is_c_installed() {
            self.theirs(args, ends);
        }
    }

    /// Ours ends this way, which is a difference.
    pub(crate) fn ours(&self, args: &[&str], ends: Ends) {
        assert_eq!(
            self.run(self.ours, args, ends),
            self.expected(ends),
            "{args:?}"
        );
    }

    /// The C program ends this way.
    pub(crate) fn theirs(&self, args: &[&str], ends: Ends) {
        assert_eq!(
            self.run(self.theirs, args, ends),
            self.expected(ends),
            "{args:?} of the C program"
        );
    }

    pub(crate) fn is_c_installed(&self) -> bool {
        let installed = Path::new(self.theirs).is_file();
        if !installed {
            println!("only half of the test: {} is not installed", self.theirs);
        }
        installed
    }

    /// Whether the C program is new enough for a setting.
    pub(crate) fn c_knows(&self, setting: &str) -> bool {
        let args = ["-S", setting, "-S", "stop"];
        self.is_c_installed()
            && self.run(self.theirs, &args, Ends::Usage).1
                == self.complaint("Unknown option 'stop'")
    }

    fn run(&self, program: &str, args: &[&str], ends: Ends) -> Told {
        let mut command = Command::new(program);
        command.arg0(self.name).args(args).stdin(Stdio::null());
        if let Ends::Accepted | Ends::AcceptedWith(_) = ends {
            command.args(["-S", "stop=here"]);
        }
        let output = command.output().unwrap();
        let mut stdout = String::from_utf8(output.stdout).unwrap();
        if let Ends::Version = ends {
            stdout = with_number_masked(&stdout);
        }
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (stdout, stderr, output.status.code())
    }

    fn expected(&self, ends: Ends) -> Told {
        let stop = self.complaint("Unknown option 'stop'");
        let (stdout, stderr) = match ends {
            Ends::Accepted => ("", stop),
            Ends::AcceptedWith(remark) => ("", self.complaint(remark) + &stop),
            Ends::Refused(text) => ("", self.complaint(text)),
            Ends::Usage => (self.usage, String::new()),
            Ends::UsageAfter(text) => (self.usage, self.complaint(text)),
            Ends::Version => (self.version, String::new()),
        };
        (stdout.to_owned(), stderr, Some(1))
    }

    fn complaint(&self, text: &str) -> String {
        format!("{}: {text}\n", self.name)
    }
}

fn with_number_masked(version: &str) -> String {
    match version.split('\'').nth(1) {
        Some(number) => version.replacen(number, "N", 1),
        None => version.to_owned(),
    }
}

/// What a setting of `-S` can be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// A whole number: one too small, the least, the greatest, one too great.
    Number(&'static str, &'static str, &'static str, &'static str),
    /// A number from 1 to 1000, with decimals.
    Factor,
    /// On or off.
    Switch,
    /// On, off or `model`.
    SwitchOrModel,
    /// Any text: whether it is of use turns out later.
    Text,
    /// Permissions, in octal. The C programs know it from 3.0.4.
    Umask,
    /// A group, by name or number. The C programs know it from 3.0.4.
    Group,
    /// When a vote passes on.
    Handover,
}

/// Greatest numbers and the ones behind them.
pub(crate) const INT: (&str, &str) = ("2147483647", "2147483648");
pub(crate) const U32: (&str, &str) = ("4294967295", "4294967296");
pub(crate) const LLONG: (&str, &str) = ("9223372036854775807", "9223372036854775808");

/// A number from `least` on, where `below` is one too small.
pub(crate) const fn from(
    below: &'static str,
    least: &'static str,
    (most, above): (&'static str, &'static str),
) -> Takes {
    Takes::Number(below, least, most, above)
}

impl Takes {
    fn good(self) -> Vec<&'static str> {
        let (on_and_off, forms): (_, &[_]) = (
            ["yes", "on", "1", "no", "off", "0", "YES", "On", "nO", "OFF"],
            &["1048576", " \t1048576", "+1048576", "001048576"],
        );
        match self {
            Self::Number(_, least, most, _) => [&[least, most], forms].concat(),
            Self::Factor => vec![
                "1", "1000", "1.5", " 1.5", "+2", "1e3", "1.", "10E-1", "999.999",
            ],
            Self::Switch => on_and_off.to_vec(),
            Self::SwitchOrModel => [&on_and_off[..], &["model", "Model"]].concat(),
            Self::Text => vec!["", "text", " a text ", "a=b", "/no/such/path"],
            Self::Umask => vec!["", "0", "777", "007", "+22", " 7"],
            Self::Group => vec!["", "-1", "0", "4294967295", "root", " +4"],
            Self::Handover => vec!["safe", "c", "Safe", "C"],
        }
    }

    fn bad(self) -> Vec<&'static str> {
        let no_numbers = [
            "", " ", "x", "4096 ", "4096x", "0x1000", "4096.5", "--1", "+-1", "-",
        ];
        let huge = ["-9223372036854775809", "99999999999999999999"];
        let no_words = ["", "true", "2", "01", " on", "on ", "y", "-1"];
        match self {
            Self::Number(below, _, _, above) => {
                [&[below, above], &no_numbers[..], &huge[..]].concat()
            }
            Self::Factor => vec![
                "0", "0.999", "1000.1", "1001", "-1", "", "x", "1.5 ", "1.5x", "1;5", "nan", "inf",
                "1e400", "e3",
            ],
            Self::Switch => [&no_words[..], &["model"]].concat(),
            Self::SwitchOrModel => [&no_words[..], &["models", "net"]].concat(),
            Self::Text => Vec::new(),
            Self::Umask => vec!["1000", "8", "-1", "rwx", "7 ", "0x7"],
            Self::Group => vec!["no such group", "-2", "4294967296", "root ", "ROOT"],
            Self::Handover => vec!["", "on", "fast", " safe", "c "],
        }
    }

    /// The least and the greatest number.
    pub(crate) const fn range(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Number(_, least, most, _) => Some([least, most]),
            Self::Factor => Some(["1", "1000"]),
            Self::Switch
            | Self::SwitchOrModel
            | Self::Text
            | Self::Umask
            | Self::Group
            | Self::Handover => None,
        }
    }

    const fn is_new(self) -> bool {
        matches!(self, Self::Umask | Self::Group)
    }
}

/// A command line and how it ends.
pub(crate) type Row = (&'static [&'static str], Ends);

/// What both daemons do with lists of settings.
const LISTS: &[Row] = &[
    (&["-S", ""], Ends::Accepted),
    (&["-S", ","], Ends::Accepted),
    (&["-S", "="], Ends::Accepted),
    (&["-S", ",unknown=1"], Ends::Accepted),
    (&["-S", "=1,unknown=1"], Ends::Accepted),
    (&["-S", "ipc_max_clients=1,"], Ends::Accepted),
    (&["-S", "ipc_max_clients=1,,unknown=1"], Ends::Accepted),
    (&["-dfSipc_max_clients=1"], Ends::Accepted),
    (&["-S", "lock_file"], Ends::Accepted),
    (
        &["-S", "Unknown=1"],
        Ends::Refused("Unknown option 'Unknown'"),
    ),
    (&["-S", "lock_file=1", "-S", "unknown=1"], UNKNOWN),
    (&["-S", "unknown=1", "-x"], UNKNOWN),
    (&["-S", "unknown=1", "-h"], UNKNOWN),
];

const UNKNOWN: Ends = Ends::Refused("Unknown option 'unknown'");

/// Every command line of a daemon, and those that the two have in common.
pub(crate) fn compare_options(programs: &Programs, options: &[Row]) {
    for &(args, ends) in options.iter().chain(LISTS) {
        programs.both(args, ends);
    }
    println!("{} command lines", options.len() + LISTS.len());
}

/// Settings that no C program has.
pub(crate) const OURS: &[&str] = &[
    "max_cluster_requests",
    "max_address_requests",
    "max_buffered_size",
    "net_adaptive_heartbeat",
    "net_adaptive_heartbeat_interval",
    "vote_handover",
    "dbus",
    "state_file",
    "event_hook",
    "event_hook_user",
    "event_hook_timeout",
];

/// Every value of every setting. A setting of the daemon's table that is not looked at is a failure.
pub(crate) fn compare_settings<S: 'static>(
    programs: &Programs,
    settings: &[(&str, Takes)],
    table: &[Spec<S>],
) {
    let known: Vec<&str> = table.iter().map(|spec| spec.name).collect();
    let looked_at: Vec<&str> = settings.iter().map(|&(name, _)| name).collect();
    assert_eq!(looked_at, known, "a setting without its row");
    let mut compared = 0;
    for &(name, takes) in settings {
        let (good, bad) = (takes.good(), takes.bad());
        let is_ours = OURS.contains(&name);
        let is_known_to_c =
            programs.is_c_installed() && !is_ours && (!takes.is_new() || programs.c_knows(name));
        if is_ours && programs.is_c_installed() {
            assert!(!programs.c_knows(name), "{name} is C's too");
        }
        let assert = |args: &[&str], ends| {
            programs.ours(args, ends);
            if is_known_to_c {
                programs.theirs(args, ends);
            }
        };
        // The complaint would name the one that is not accepted.
        let entries = good.iter().map(|value| format!("{name}={value}"));
        let list: Vec<String> = entries
            .chain([name.to_uppercase() + "=" + good[1]])
            .collect();
        assert(&["-S", &list.join(",")], Ends::Accepted);
        for value in &bad {
            let complaint = format!("Invalid value '{value}' for option '{name}'");
            let entry = format!("{name}={value}");
            assert(&["-S", &entry], Ends::Refused(complaint.leak()));
        }
        compared += good.len() + bad.len();
    }
    println!(
        "{}: {compared} values of {} settings",
        programs.name,
        settings.len()
    );
}
