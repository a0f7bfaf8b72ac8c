use super::command_line::Wish;
use libqdevice::io::ipc_client::{AskError, ask, connect};
use libqdevice::ipc::{NotSendable, Status};
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::path::Path;

/// Where answers in JSON come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    socket: &'a Path,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Nobody listens.
    #[error("{0}")]
    Connect(io::Error),
    /// The daemon has answered with an error.
    #[error("{0}")]
    Refused(String),
    /// The daemon does not know what JSON is.
    #[error("This daemon has no JSON: it is the C program, or older than this tool")]
    NoJson,
    /// The question is about one cluster.
    #[error("Name the cluster: -c NAME")]
    NoCluster,
    /// The answer broke off.
    #[error("{0}")]
    Ask(AskError),
    /// The question cannot be put into a line.
    #[error("Can't store command: {0}")]
    NotSendable(NotSendable),
    /// The answer is not what it should be.
    #[error("Can't read the daemon's answer: {0}")]
    NotRead(serde_json::Error),
}

impl<'a> Source<'a> {
    pub(super) fn of(wish: &'a Wish) -> Self {
        Self::at(&wish.socket)
    }

    /// A daemon behind a socket.
    pub(super) const fn at(socket: &'a Path) -> Self {
        Self { socket }
    }

    /// Asks, and passes the answer on as it comes.
    pub(super) fn pass_on(self, line: &[u8], out: &mut dyn Write) -> Result<(), Failed> {
        let daemon = connect(self.socket).map_err(Failed::Connect)?;
        let mut refused = Vec::new();
        match ask(daemon, line, out, &mut refused).map_err(Failed::Ask)? {
            Status::Ok => Ok(()),
            Status::Error => Err(refusal(&refused)),
        }
    }

    /// Asks, and reads the answer.
    pub(super) fn read<T: DeserializeOwned>(self, line: &[u8]) -> Result<T, Failed> {
        let mut text = Vec::new();
        self.pass_on(line, &mut text)?;
        serde_json::from_slice(&text).map_err(Failed::NotRead)
    }
}

fn refusal(text: &[u8]) -> Failed {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    if text.starts_with("Unknown command 'json'") {
        Failed::NoJson
    } else {
        Failed::Refused(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_of_c_is_told_from_one_that_refuses() {
        let refused = |text: &str| refusal(text.as_bytes());
        assert!(matches!(
            refused("Error: Unknown command 'json'\n"),
            Failed::NoJson
        ));
        assert!(matches!(
            refused("Error: No JSON for 'x'\n"),
            Failed::Refused(text) if text == "No JSON for 'x'\n"
        ));
    }
}
