//! The two command line tools: one question to the daemon, and how its answer is shown.
//!
//! Without a new option they are the C tools to the byte. What is new asks for JSON, which no daemon of C
//! knows, and shows it as it is or in words.
//!
//! Not here: the two programs themselves, and anything that is asked.

mod answer;
mod command_line;
mod doctor;
mod explain;
#[cfg(test)]
mod fixture;
mod history;
mod listen;
mod metrics;
mod quorum;
mod screen;
mod table;
mod watch;
mod words;

use answer::{Failed, Source};
use command_line::{Form, Task, Wish};
use libqdevice::base::ClusterName;
use libqdevice::client::QdeviceSettings;
use libqdevice::io::clock;
use libqdevice::io::ipc_client::{AskError, ask, connect};
use libqdevice::io::os_error::Plain;
use libqdevice::ipc::{Command, QdeviceJson, QnetdJson, Status, command_line};
use libqdevice::report::{ClusterList, DeviceReport, Heading, History, QuorumView, WhatIf};
use libqdevice::server::QnetdSettings;
use screen::Screen;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

/// A tool, as far as it differs from the other one.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The program's name.
    pub name: &'static str,
    /// What stands behind the name in the usage line.
    pub usage: &'static str,
    /// Which daemon it asks.
    pub side: Side,
    /// What it says when the daemon cannot be reached; pcs looks for this text.
    pub unreachable: &'static str,
    /// Exit code when the daemon closes the connection without an answer.
    pub unanswered: u8,
    /// Asks the local votequorum, where there is one.
    pub quorum: Option<QuorumSource>,
}

/// Asks votequorum, or says in a line why not.
pub type QuorumSource = fn(Heading) -> Result<QuorumView, String>;

/// Which daemon a tool asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// corosync-qnetd.
    Server,
    /// corosync-qdevice.
    Node,
}

/// How a tool ends; scripts look at the numbers. [C: corosync-qnetd-tool.c, corosync-qdevice-tool.c]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done,
    Usage,
    Internal,
    Unreachable,
    Refused,
    Unanswered,
    /// Of what was found.
    Found(doctor::Severity),
}

/// `corosync-qnetd-tool`. [C: corosync-qnetd-tool.c]
pub const QNETD_TOOL: Tool = Tool {
    name: "corosync-qnetd-tool",
    usage: "[-Hhlsv] [-c cluster_name] [-p qnetd_ipc_socket_path]",
    side: Side::Server,
    unreachable: "Can't connect to qnetd socket (is QNetd running?)",
    unanswered: 2,
    quorum: None,
};

/// `corosync-qdevice-tool`. [C: corosync-qdevice-tool.c]
pub const QDEVICE_TOOL: Tool = Tool {
    name: "corosync-qdevice-tool",
    usage: "[-Hhsv] [-p qdevice_ipc_socket_path]",
    side: Side::Node,
    unreachable: "Can't connect to QDevice socket (is QDevice running?)",
    unanswered: 3,
    quorum: None,
};

impl Tool {
    /// Runs the tool; `args` starts with the program's name.
    #[must_use]
    pub fn run(self, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        let socket = match self.side {
            Side::Server => QnetdSettings::default().local_socket_file,
            Side::Node => QdeviceSettings::default().local_socket_file,
        };
        let exit = match self.wish(&socket, args) {
            Ok(Some(wish)) => self.fulfil(&wish),
            Ok(None) => self.show_usage(),
            Err(error) => {
                self.complain(&error);
                self.show_usage()
            }
        };
        self.code(exit)
    }

    fn code(self, exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Internal => 2,
            Exit::Unreachable => 3,
            Exit::Refused => 4,
            Exit::Unanswered => self.unanswered,
            Exit::Found(severity) => severity as u8,
        })
    }

    fn fulfil(self, wish: &Wish) -> Exit {
        match (&wish.task, wish.form) {
            (Task::Plain(command), Form::Text) => self.ask_for_text(*command, wish),
            (Task::Doctor, _) => Self::examine(wish),
            (Task::Metrics, _) => self.show_metrics(wish),
            (Task::Watch, _) => self.watch(wish),
            (Task::Quorum, form) => self.show_quorum(form),
            (Task::MetricsListen(address), _) => self.serve_metrics(wish, *address),
            (_, Form::Json) => self.pass_json_on(wish),
            (_, Form::Text) => self.show(self.sentences(wish)),
            (_, Form::Table) => self.show(self.table(wish)),
        }
    }

    /// Looks for what is wrong with this node's device; not only the daemon is asked.
    fn examine(wish: &Wish) -> Exit {
        let findings = doctor::examine(&doctor::Places::default(), Source::of(wish));
        let shown = match wish.form {
            Form::Json => doctor::json(&findings, clock::heading("qdevice-doctor")),
            Form::Text | Form::Table => doctor::text(&findings),
        };
        let printed = print(&shown);
        if printed == Exit::Done {
            Exit::Found(doctor::worst(&findings))
        } else {
            printed
        }
    }

    /// As in C: the answer is the text.
    fn ask_for_text(self, command: Command, wish: &Wish) -> Exit {
        let daemon = match connect(&wish.socket) {
            Ok(daemon) => daemon,
            Err(error) => return self.cannot_connect(&error),
        };
        let cluster = wish.cluster.as_deref();
        let line = match command_line(command, wish.verbosity, cluster, LINE_MAX) {
            Ok(line) => line,
            Err(error) => {
                self.complain(&format_args!("Can't store command: {error}"));
                return Exit::Internal;
            }
        };
        let (out, err) = (&mut io::stdout().lock(), &mut io::stderr().lock());
        match ask(daemon, &line, out, err) {
            Ok(Status::Ok) => Exit::Done,
            Ok(Status::Error) => Exit::Refused,
            // The reader has had enough.
            Err(AskError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Err(error) => {
                let _ = writeln!(err, "{}: {error}", self.name);
                exit_of(&error)
            }
        }
    }

    fn pass_json_on(self, wish: &Wish) -> Exit {
        let out = &mut io::stdout().lock();
        let passed = self
            .line(wish)
            .and_then(|line| Source::of(wish).pass_on(&line, out));
        passed.map_or_else(|fault| self.failed(&fault), |()| Exit::Done)
    }

    /// What is asked, in JSON.
    fn line(self, wish: &Wish) -> Result<Vec<u8>, Failed> {
        let name = wish.cluster.clone().map(ClusterName::new);
        let named = name.clone().ok_or(Failed::NoCluster);
        let line = match (self.side, &wish.task) {
            (Side::Node, Task::Plain(Command::Heuristics)) => Ok(QdeviceJson::Heuristics.line()),
            (Side::Node, _) => Ok(QdeviceJson::Status.line()),
            (Side::Server, Task::Plain(Command::List)) => QnetdJson::List(name).line(LINE_MAX),
            (Side::Server, Task::History | Task::Explain) => {
                QnetdJson::History(named?).line(LINE_MAX)
            }
            (Side::Server, Task::WhatIf(split)) => {
                QnetdJson::WhatIf(named?, split.clone()).line(LINE_MAX)
            }
            (
                Side::Server,
                Task::Plain(_)
                | Task::Doctor
                | Task::Metrics
                | Task::MetricsListen(_)
                | Task::Quorum
                | Task::Watch,
            ) => QnetdJson::Status.line(LINE_MAX),
        };
        line.map_err(Failed::NotSendable)
    }

    fn show(self, text: Result<String, Failed>) -> Exit {
        match text {
            Ok(text) => print(&text),
            Err(fault) => self.failed(&fault),
        }
    }

    /// Tells in words what the daemon answers in JSON.
    fn sentences(self, wish: &Wish) -> Result<String, Failed> {
        match (self.side, &wish.task) {
            (Side::Node, Task::History) => self.device_history(wish),
            (Side::Server, Task::History) => self.history(wish),
            (Side::Server, Task::WhatIf(_)) => self.what_if(wish),
            (_, _) => self.explain(wish),
        }
    }

    /// Shows in a table what the daemon answers in JSON.
    fn table(self, wish: &Wish) -> Result<String, Failed> {
        let (screen, line) = (Screen::of_stdout(), self.line(wish)?);
        let (source, width) = (Source::of(wish), screen.width);
        let text = match (self.side, &wish.task) {
            (Side::Node, Task::Plain(Command::Heuristics)) => {
                table::heuristics(&source.read(&line)?, width)
            }
            (Side::Node, Task::History) => {
                let report: DeviceReport = source.read(&line)?;
                table::device_history(&report.history, width)
            }
            (Side::Node, _) => {
                let own = table::node(&source.read(&line)?, width);
                own + &self.quorum_beside(width)
            }
            (Side::Server, Task::History) => table::history(&source.read(&line)?, width),
            (Side::Server, Task::Plain(Command::List)) => {
                table::clusters(&source.read(&line)?, width)
            }
            (Side::Server, _) => table::arbiter(&source.read(&line)?, width),
        };
        Ok(screen.paint(&text))
    }

    fn explain(self, wish: &Wish) -> Result<String, Failed> {
        let source = Source::of(wish);
        if self.side == Side::Node {
            let report: DeviceReport = source.read(&QdeviceJson::Status.line())?;
            return Ok(explain::device(&report));
        }
        let history: History = source.read(&self.line(wish)?)?;
        let name = wish.cluster.clone().map(ClusterName::new);
        let line = QnetdJson::List(name).line(LINE_MAX);
        let list: ClusterList = source.read(&line.map_err(Failed::NotSendable)?)?;
        Ok(explain::cluster(list.clusters.first(), &history))
    }

    fn history(self, wish: &Wish) -> Result<String, Failed> {
        let history: History = Source::of(wish).read(&self.line(wish)?)?;
        Ok(history::of_cluster(&history))
    }

    fn device_history(self, wish: &Wish) -> Result<String, Failed> {
        let report: DeviceReport = Source::of(wish).read(&self.line(wish)?)?;
        Ok(history::of_device(&report.history))
    }

    fn what_if(self, wish: &Wish) -> Result<String, Failed> {
        let answer: WhatIf = Source::of(wish).read(&self.line(wish)?)?;
        Ok(explain::what_if(&answer))
    }

    /// A daemon that is down is a metric like others, so that the file for the collector is always
    /// written. Of one that has no JSON nothing is known but that it is up.
    fn show_metrics(self, wish: &Wish) -> Exit {
        print(&self.metrics(wish))
    }

    fn serve_metrics(self, wish: &Wish, address: SocketAddr) -> Exit {
        if let Err(error) = listen::serve(address, &|| self.metrics(wish), &mut io::stdout()) {
            self.complain(&format_args!("Can't serve on {address}: {}", Plain(&error)));
        }
        Exit::Internal
    }

    fn metrics(self, wish: &Wish) -> String {
        let source = Source::of(wish);
        let metrics = match self.side {
            Side::Server => Self::arbiter(source).map(|it| metrics::of_arbiter(&it)),
            Side::Node => Self::node(source).map(|it| metrics::of_node(&it)),
        };
        metrics.unwrap_or_else(|fault| {
            self.failed(&fault);
            match fault {
                Failed::NoJson => metrics::up(self.side),
                Failed::Connect(_)
                | Failed::Refused(_)
                | Failed::NoCluster
                | Failed::Ask(_)
                | Failed::NotSendable(_)
                | Failed::NotRead(_) => metrics::down(self.side),
            }
        })
    }

    fn arbiter(source: Source<'_>) -> Result<metrics::Arbiter, Failed> {
        let line = |wish: QnetdJson| wish.line(LINE_MAX).map_err(Failed::NotSendable);
        Ok(metrics::Arbiter {
            status: source.read(&line(QnetdJson::Status)?)?,
            list: source.read(&line(QnetdJson::List(None))?)?,
        })
    }

    fn node(source: Source<'_>) -> Result<metrics::Node, Failed> {
        Ok(metrics::Node {
            status: source.read(&QdeviceJson::Status.line())?,
            run: source.read(&QdeviceJson::Heuristics.line())?,
        })
    }

    fn show_usage(self) -> Exit {
        // Nobody is left to be told when stdout is closed.
        let _ = writeln!(io::stdout(), "usage: {} {}", self.name, self.usage);
        Exit::Usage
    }

    fn cannot_connect(self, error: &io::Error) -> Exit {
        self.complain(&format_args!("{}: {}", self.unreachable, Plain(error)));
        Exit::Unreachable
    }

    fn failed(self, fault: &Failed) -> Exit {
        match fault {
            Failed::Connect(error) => self.cannot_connect(error),
            Failed::Refused(text) => {
                let _ = write!(io::stderr(), "Error: {text}");
                Exit::Refused
            }
            Failed::Ask(AskError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Exit::Done
            }
            Failed::Ask(error) => {
                self.complain(error);
                exit_of(error)
            }
            Failed::NoJson => {
                self.complain(fault);
                Exit::Refused
            }
            Failed::NoCluster => {
                self.complain(fault);
                Exit::Usage
            }
            Failed::NotSendable(_) | Failed::NotRead(_) => {
                self.complain(fault);
                Exit::Internal
            }
        }
    }

    fn complain(self, what: &dyn Display) {
        let _ = writeln!(io::stderr(), "{}: {what}", self.name);
    }
}

/// C ends with success when the daemon says nothing at all; here that is an error.
const fn exit_of(error: &AskError) -> Exit {
    match error {
        AskError::NoAnswer => Exit::Unanswered,
        AskError::UnknownStatus => Exit::Unreachable,
        AskError::Send(_) | AskError::StatusTooLong | AskError::Read(_) | AskError::Write(_) => {
            Exit::Internal
        }
    }
}

fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(_) => Exit::Internal,
    }
}

/// Longest request. The daemons read one byte more by default, upstream's tools send no more.
const LINE_MAX: usize = 4095;
