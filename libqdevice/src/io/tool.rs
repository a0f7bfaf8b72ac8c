//! What the two command line tools have in common: one request, its answer on stdout.

use super::ipc_client::{AskError, ask, connect};
use super::options::{BadOption, Given, flag, parse, program, valued, word};
use super::os_error::Plain;
use crate::base::Verbosity;
use crate::ipc::{Command, Status, command_line};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// A tool, as far as it differs from the other one.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The program's name.
    pub name: &'static str,
    /// What stands behind the name in the usage line.
    pub usage: &'static str,
    /// Whether it can list clusters.
    pub lists: bool,
    /// What it says when the daemon cannot be reached; pcs looks for this text.
    pub unreachable: &'static str,
    /// Exit code when the daemon closes the connection without an answer.
    pub unanswered: u8,
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
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    command: Command,
    verbosity: Verbosity,
    cluster: Option<Vec<u8>>,
    socket: PathBuf,
}

impl Tool {
    /// Runs the tool; `args` starts with the program's name, `socket` is where the daemon listens.
    #[must_use]
    pub fn run(self, socket: &str, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        let exit = match self.wish(socket, args) {
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
        })
    }

    /// Reads the command line; `None` if usage is to be shown.
    fn wish(
        self,
        socket: &str,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<Wish>, BadOption> {
        let mut command = None;
        let mut wish = Wish {
            command: Command::Status,
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
                '-' if long.as_deref() == Some(SECURITY) => command = Some(Command::Security),
                '-' if long.as_deref() == Some(HEURISTICS) => command = Some(Command::Heuristics),
                'H' => command = Some(Command::Shutdown),
                'l' => command = Some(Command::List),
                's' => command = Some(Command::Status),
                'v' => wish.verbosity = Verbosity::Verbose,
                'c' => wish.cluster = Some(value.as_bytes().to_vec()),
                'p' => wish.socket = value.into(),
                _ => return Ok(None),
            }
        }
        Ok(command.map(|command| Wish { command, ..wish }))
    }

    fn options(self) -> clap::Command {
        let common = program(self.name, "Asks the daemon over its local socket.")
            .arg(flag("H", "Shut the daemon down"))
            .arg(flag("h", "Show usage"))
            .arg(flag("s", "Show the status"))
            .arg(flag("v", "Tell more"))
            .arg(valued("p", "path", "Path of the daemon's local socket"));
        if !self.lists {
            return common.arg(word(
                HEURISTICS,
                "Show the last run of the heuristics commands",
            ));
        }
        common
            .arg(flag("l", "List clusters"))
            .arg(word(
                SECURITY,
                "Show who is known by a certificate and who is not",
            ))
            .arg(valued("c", "name", "List this cluster only"))
    }

    fn fulfil(self, wish: &Wish) -> Exit {
        let daemon = match connect(&wish.socket) {
            Ok(daemon) => daemon,
            Err(error) => {
                self.complain(&format_args!("{}: {}", self.unreachable, Plain(&error)));
                return Exit::Unreachable;
            }
        };
        let cluster = wish.cluster.as_deref();
        let line = match command_line(wish.command, wish.verbosity, cluster, LINE_MAX) {
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

    fn show_usage(self) -> Exit {
        // Nobody is left to be told when stdout is closed.
        let _ = writeln!(io::stdout(), "usage: {} {}", self.name, self.usage);
        Exit::Usage
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

/// The options for what no C daemon can tell: it answers with an error.
const SECURITY: &str = "security";
const HEURISTICS: &str = "heuristics";

/// Longest request. The daemons read one byte more by default, upstream's tools send no more.
const LINE_MAX: usize = 4095;

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Tool = Tool {
        name: "tool",
        usage: "[-x]",
        lists: true,
        unreachable: "no",
        unanswered: 2,
    };

    fn wish(args: &[&str]) -> Result<Option<Wish>, BadOption> {
        TOOL.wish("/default", ["tool"].iter().chain(args).map(OsString::from))
    }

    #[test]
    fn the_last_operation_wins_and_options_add_to_it() {
        let expected = Wish {
            command: Command::List,
            verbosity: Verbosity::Verbose,
            cluster: Some(b"one".to_vec()),
            socket: "/other".into(),
        };
        assert_eq!(wish(&["-svlc", "one", "-p", "/other"]), Ok(Some(expected)));
    }

    #[test]
    fn the_option_for_the_server_s_security_has_a_long_name_only() {
        let command = wish(&["--security"]).unwrap().unwrap().command;
        assert_eq!(command, Command::Security);
        let tool = Tool {
            lists: false,
            ..TOOL
        };
        let refused = tool.wish("/default", ["tool", "--security"].map(OsString::from));
        assert_eq!(refused, Err(BadOption::Unknown('-')));
    }

    #[test]
    fn the_option_for_the_heuristics_is_the_node_s() {
        let tool = Tool {
            lists: false,
            ..TOOL
        };
        let wish = tool.wish("/default", ["tool", "--heuristics"].map(OsString::from));
        assert_eq!(wish.unwrap().unwrap().command, Command::Heuristics);
        assert!(self::wish(&["--heuristics"]).is_err());
    }

    #[test]
    fn without_an_operation_usage_is_shown() {
        assert_eq!(wish(&["-v"]), Ok(None));
        assert_eq!(wish(&["-s", "-h"]), Ok(None));
    }

    #[test]
    fn a_tool_that_does_not_list_has_no_letters_for_it() {
        let tool = Tool {
            lists: false,
            ..TOOL
        };
        let refused = tool.wish("/default", ["tool", "-l"].map(OsString::from));
        assert_eq!(refused, Err(BadOption::Unknown('l')));
    }
}
