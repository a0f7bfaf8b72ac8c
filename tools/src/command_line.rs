use super::{Side, Tool};
use libqdevice::base::Verbosity;
use libqdevice::io::options::{BadOption, Given, flag, parse, program, valued, valued_word, word};
use libqdevice::ipc::{Command, RequestError, Split};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) task: Task,
    pub(super) form: Form,
    pub(super) verbosity: Verbosity,
    pub(super) cluster: Option<Vec<u8>>,
    pub(super) socket: PathBuf,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// A question that has a text for an answer.
    Plain(Command),
    /// Show what was decided.
    History,
    /// Say who has the vote and why.
    Explain,
    /// Say who would have it.
    WhatIf(Split),
    /// Show what happens, until the end.
    Watch,
    /// Show what votequorum says.
    Quorum,
    /// Show metrics.
    Metrics,
    /// Look for what is wrong with this node's device.
    Doctor,
    /// Serve metrics over HTTP.
    MetricsListen(SocketAddr),
}

/// How the answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In words, or in those of the C tool.
    Text,
    /// As the daemon gave it.
    Json,
    /// In a table.
    Table,
}

/// Why a command line cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadWish {
    #[error(transparent)]
    Option(#[from] BadOption),
    #[error(transparent)]
    Split(#[from] RequestError),
    #[error("There is no JSON for this; it goes with {0}")]
    NoJson(&'static str),
    #[error("There is no table for this; it goes with {0}")]
    NoTable(&'static str),
    #[error("Name the cluster: -c NAME")]
    NoCluster,
    #[error(
        "'{0}' is no address of this machine alone: give one like 127.0.0.1:9643 or [::1]:9643. Metrics \
         are served without encryption and to everybody"
    )]
    NoLoopback(String),
}

impl Tool {
    /// Reads the command line; `None` if usage is to be shown.
    pub(super) fn wish(
        self,
        socket: &str,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<Wish>, BadWish> {
        let mut chosen = Chosen::default();
        let mut wish = Wish {
            task: Task::Explain,
            form: Form::Text,
            verbosity: Verbosity::Brief,
            cluster: None,
            socket: socket.into(),
        };
        for given in parse(&self.options(), args) {
            let Given {
                letter,
                long,
                value,
            } = given?;
            match letter {
                '-' => match long.as_deref().unwrap_or_default() {
                    JSON => wish.form = Form::Json,
                    TABLE => wish.form = Form::Table,
                    WITHOUT => chosen.without = Some(value),
                    WHAT_IF => chosen.what = Some(What::IfSplit(value)),
                    SECURITY => chosen.plain(Command::Security),
                    HEURISTICS => chosen.plain(Command::Heuristics),
                    HISTORY => chosen.what = Some(What::Task(Task::History)),
                    WATCH => chosen.what = Some(What::Task(Task::Watch)),
                    DOCTOR => chosen.what = Some(What::Task(Task::Doctor)),
                    QUORUM => chosen.what = Some(What::Task(Task::Quorum)),
                    METRICS => chosen.what = Some(What::Task(Task::Metrics)),
                    METRICS_LISTEN => {
                        let task = Task::MetricsListen(loopback(&value.to_string_lossy())?);
                        chosen.what = Some(What::Task(task));
                    }
                    EXPLAIN => chosen.what = Some(What::Task(Task::Explain)),
                    _ => return Ok(None),
                },
                'H' => chosen.plain(Command::Shutdown),
                'l' => chosen.plain(Command::List),
                's' => chosen.plain(Command::Status),
                'v' => wish.verbosity = Verbosity::Verbose,
                'c' => wish.cluster = Some(value.as_bytes().to_vec()),
                'p' => wish.socket = value.into(),
                _ => return Ok(None),
            }
        }
        let Some(task) = chosen.task()? else {
            return Ok(None);
        };
        self.check(Wish { task, ..wish }).map(Some)
    }

    /// Whether the parts of a wish go together.
    fn check(self, wish: Wish) -> Result<Wish, BadWish> {
        let is_about_cluster = match wish.task {
            Task::Plain(Command::Security | Command::Shutdown) if wish.form == Form::Json => {
                return Err(BadWish::NoJson(match self.side {
                    Side::Server => "-s, -l, --history, --explain and --what-if",
                    Side::Node => "-s, --heuristics, --quorum, --history, --explain and --doctor",
                }));
            }
            Task::Plain(Command::Security | Command::Shutdown)
            | Task::Explain
            | Task::WhatIf(_)
            | Task::Metrics
            | Task::Doctor
            | Task::MetricsListen(_)
                if wish.form == Form::Table =>
            {
                return Err(BadWish::NoTable(match self.side {
                    Side::Server => "-s, -l and --history",
                    Side::Node => "-s, --heuristics, --quorum and --history",
                }));
            }
            Task::Plain(_)
            | Task::Doctor
            | Task::Metrics
            | Task::MetricsListen(_)
            | Task::Quorum
            | Task::Watch => false,
            Task::History | Task::Explain | Task::WhatIf(_) => self.side == Side::Server,
        };
        if is_about_cluster && wish.cluster.is_none() {
            return Err(BadWish::NoCluster);
        }
        Ok(wish)
    }

    /// The command line, as completions and manual pages show it too.
    #[must_use]
    pub fn options(self) -> clap::Command {
        let common = program(self.name, "Asks the daemon over its local socket.")
            .arg(flag("H", "Shut the daemon down"))
            .arg(flag("h", "Show usage"))
            .arg(flag("s", "Show the status"))
            .arg(flag("v", "Tell more"))
            .arg(valued("p", "path", "Path of the daemon's local socket"))
            .arg(word(
                JSON,
                "Show it in JSON, as docs/json-schema.json describes it",
            ))
            .arg(word(TABLE, "Show it in a table"))
            .arg(word(
                WATCH,
                "Show what happens until interrupted: live on a terminal, a line for each event \
                 otherwise",
            ))
            .arg(word(EXPLAIN, "Say in sentences who has the vote and why"))
            .arg(word(HISTORY, "Show what was decided, and what followed"))
            .arg(word(METRICS, "Show metrics as OpenMetrics text"))
            .arg(valued_word(
                METRICS_LISTEN,
                "address",
                "Serve metrics over HTTP on an address of this machine, like 127.0.0.1:9643",
            ));
        match self.side {
            Side::Node => common
                .arg(word(
                    DOCTOR,
                    "Look for what is wrong with this node's device, and say what to do",
                ))
                .arg(word(
                    HEURISTICS,
                    "Show the last run of the heuristics commands",
                ))
                .arg(word(
                    QUORUM,
                    "Show what votequorum says: votes, quorum, and the flags of every node's device",
                )),
            Side::Server => common
                .arg(flag("l", "List clusters"))
                .arg(word(
                    SECURITY,
                    "Show who is known by a certificate and who is not",
                ))
                .arg(valued("c", "name", "The cluster that is meant"))
                .arg(valued_word(
                    WHAT_IF,
                    "parts",
                    "Say who would have the vote if the cluster were split into parts like 1,2/3,4",
                ))
                .arg(valued_word(
                    WITHOUT,
                    "nodes",
                    "With --what-if: these nodes do not reach the server",
                )),
        }
    }
}

/// An address that only this machine can reach.
fn loopback(text: &str) -> Result<SocketAddr, BadWish> {
    let address: Option<SocketAddr> = text.parse().ok();
    let own = address.filter(|address| address.ip().is_loopback());
    own.ok_or_else(|| BadWish::NoLoopback(text.to_owned()))
}

/// The last operation wins, as in C.
#[derive(Debug, Default)]
struct Chosen {
    what: Option<What>,
    without: Option<OsString>,
}

#[derive(Debug)]
enum What {
    Task(Task),
    IfSplit(OsString),
}

impl Chosen {
    fn plain(&mut self, command: Command) {
        self.what = Some(What::Task(Task::Plain(command)));
    }

    fn task(self) -> Result<Option<Task>, BadWish> {
        Ok(match self.what {
            Some(What::Task(task)) => Some(task),
            Some(What::IfSplit(parts)) => {
                let without = self.without.unwrap_or_default();
                let split = Split::parse(parts.as_bytes(), without.as_bytes())?;
                Some(Task::WhatIf(split))
            }
            None => None,
        })
    }
}

/// The options for what no C daemon can tell: it answers with an error.
const SECURITY: &str = "security";
const HEURISTICS: &str = "heuristics";
const JSON: &str = "json";
const DOCTOR: &str = "doctor";
const HISTORY: &str = "history";
const EXPLAIN: &str = "explain";
const WHAT_IF: &str = "what-if";
const WITHOUT: &str = "without";
const WATCH: &str = "watch";
const QUORUM: &str = "quorum";
const TABLE: &str = "table";
const METRICS: &str = "metrics";
const METRICS_LISTEN: &str = "metrics-listen";

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Tool = Tool {
        name: "tool",
        usage: "[-x]",
        side: Side::Server,
        unreachable: "no",
        unanswered: 2,
        quorum: None,
    };

    const NODE: Tool = Tool {
        side: Side::Node,
        ..TOOL
    };

    fn of(tool: Tool, args: &[&str]) -> Result<Option<Wish>, BadWish> {
        tool.wish("/default", ["tool"].iter().chain(args).map(OsString::from))
    }

    fn wish(args: &[&str]) -> Result<Option<Wish>, BadWish> {
        of(TOOL, args)
    }

    #[test]
    fn the_last_operation_wins_and_options_add_to_it() {
        let expected = Wish {
            task: Task::Plain(Command::List),
            form: Form::Text,
            verbosity: Verbosity::Verbose,
            cluster: Some(b"one".to_vec()),
            socket: "/other".into(),
        };
        assert_eq!(wish(&["-svlc", "one", "-p", "/other"]), Ok(Some(expected)));
    }

    #[test]
    fn the_option_for_the_server_s_security_has_a_long_name_only() {
        let task = wish(&["--security"]).unwrap().unwrap().task;
        assert_eq!(task, Task::Plain(Command::Security));
        let refused = of(NODE, &["--security"]);
        assert_eq!(refused, Err(BadOption::Unknown('-').into()));
    }

    #[test]
    fn the_option_for_the_heuristics_is_the_node_s() {
        let task = of(NODE, &["--heuristics"]).unwrap().unwrap().task;
        assert_eq!(task, Task::Plain(Command::Heuristics));
        assert!(wish(&["--heuristics"]).is_err());
    }

    #[test]
    fn without_an_operation_usage_is_shown() {
        for args in [&["-v"][..], &["-s", "-h"], &["--json"]] {
            assert_eq!(wish(args), Ok(None));
        }
    }

    #[test]
    fn a_tool_that_does_not_list_has_no_letters_for_it() {
        assert_eq!(of(NODE, &["-l"]), Err(BadOption::Unknown('l').into()));
    }

    #[test]
    fn what_is_about_a_cluster_needs_its_name_on_the_server_only() {
        for option in ["--history", "--explain", "--what-if=1/2"] {
            assert_eq!(wish(&[option]), Err(BadWish::NoCluster));
            assert!(wish(&[option, "-c", "K"]).is_ok());
        }
        assert!(of(NODE, &["--explain"]).is_ok());
    }

    #[test]
    fn json_goes_with_what_has_some() {
        assert!(wish(&["-l", "--json"]).is_ok());
        assert!(matches!(
            wish(&["--security", "--json"]),
            Err(BadWish::NoJson(_))
        ));
        assert!(matches!(wish(&["-H", "--json"]), Err(BadWish::NoJson(_))));
    }

    #[test]
    fn metrics_are_served_to_this_machine_only() {
        for (address, is_served) in [
            ("127.0.0.1:9643", true),
            ("[::1]:0", true),
            ("0.0.0.0:9643", false),
            ("192.0.2.1:1", false),
            ("localhost", false),
        ] {
            let wish = wish(&["--metrics-listen", address]);
            assert_eq!(wish.is_ok(), is_served, "{address}: {wish:?}");
        }
    }

    #[test]
    fn a_split_that_cannot_be_read_is_refused_before_anybody_is_asked() {
        assert!(matches!(
            wish(&["--what-if", "1,1", "-c", "K"]),
            Err(BadWish::Split(_))
        ));
    }
}
