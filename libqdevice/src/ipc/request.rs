use super::words::{Quoting, Words};
use super::{QdeviceJson, QnetdJson};
use crate::base::{ClusterName, Verbosity};

/// What a tool asks of the server. [C: qnetd-ipc.c, `qnetd_ipc_parse_line`]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QnetdRequest {
    /// The server itself.
    Status(Verbosity),
    /// The clusters and their nodes.
    List {
        /// How much to tell.
        verbosity: Verbosity,
        /// The one cluster that is wanted, if not all.
        cluster: Option<ClusterName>,
    },
    /// How the clients are protected; not in C.
    Security,
    /// Anything in JSON; not in C.
    Json(QnetdJson),
    /// End the daemon, after the answer.
    Shutdown,
}

impl QnetdRequest {
    /// Reads a line; what follows its end is ignored.
    ///
    /// Words that a command does not know are ignored without error, and so is what follows them.
    pub fn parse(line: &[u8]) -> Result<Self, RequestError> {
        let mut words = Words::of(line, Quoting::On);
        let command = words.next_word();
        if command.is_empty() {
            Err(RequestError::Empty)
        } else if command.eq_ignore_ascii_case(b"shutdown") {
            Ok(Self::Shutdown)
        } else if command.eq_ignore_ascii_case(b"status") {
            Ok(Self::Status(verbosity(&words.next_word())))
        } else if command.eq_ignore_ascii_case(b"list") {
            Ok(Self::parse_list(words))
        } else if command.eq_ignore_ascii_case(b"security") {
            Ok(Self::Security)
        } else if command.eq_ignore_ascii_case(b"json") {
            QnetdJson::parse(&mut words).map(Self::Json)
        } else {
            Err(RequestError::Unknown(command))
        }
    }

    fn parse_list(mut words: Words<'_>) -> Self {
        let (mut verbosity, mut cluster) = (Verbosity::Brief, None);
        loop {
            let word = words.next_word();
            if word.eq_ignore_ascii_case(b"verbose") {
                verbosity = Verbosity::Verbose;
            } else if word.eq_ignore_ascii_case(b"cluster") {
                let name = words.next_word();
                cluster = (!name.is_empty()).then(|| ClusterName::new(name));
            } else {
                return Self::List { verbosity, cluster };
            }
        }
    }
}

/// What a tool asks of the client. [C: qdevice-ipc.c, `qdevice_ipc_parse_line`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QdeviceRequest {
    /// The node and its connection to the server.
    Status(Verbosity),
    /// The last run of the heuristics commands; not in C.
    Heuristics,
    /// Anything in JSON; not in C.
    Json(QdeviceJson),
    /// End the daemon, after the answer.
    Shutdown,
}

impl QdeviceRequest {
    /// Reads a line; what follows its end is ignored.
    pub fn parse(line: &[u8]) -> Result<Self, RequestError> {
        let mut words = Words::of(line, Quoting::Off);
        let command = words.next_word();
        if command.is_empty() {
            Err(RequestError::Empty)
        } else if command.eq_ignore_ascii_case(b"shutdown") {
            Ok(Self::Shutdown)
        } else if command.eq_ignore_ascii_case(b"status") {
            Ok(Self::Status(verbosity(&words.next_word())))
        } else if command.eq_ignore_ascii_case(b"heuristics") {
            Ok(Self::Heuristics)
        } else if command.eq_ignore_ascii_case(b"json") {
            QdeviceJson::parse(&mut words).map(Self::Json)
        } else {
            Err(RequestError::Unknown(command))
        }
    }
}

/// Why a request is not served; the text is the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RequestError {
    /// There is no word in the line.
    #[error("No command specified")]
    Empty,
    /// No command has this name.
    #[error("Unknown command '{}'", String::from_utf8_lossy(.0))]
    Unknown(Vec<u8>),
    /// There is no such answer in JSON.
    #[error("No JSON for '{}'", String::from_utf8_lossy(.0))]
    NotInJson(Vec<u8>),
    /// The answer is about one cluster.
    #[error("No cluster name specified")]
    NoCluster,
    /// Parts of a cluster that cannot be read.
    #[error(
        "'{}' is no split: write the parts as node ids with commas, and / between parts, as in 1,2/3",
        String::from_utf8_lossy(.0)
    )]
    NoSplit(Vec<u8>),
    /// The line is longer than the daemon reads.
    #[error("Command too long")]
    TooLong,
}

fn verbosity(word: &[u8]) -> Verbosity {
    if word.eq_ignore_ascii_case(b"verbose") {
        Verbosity::Verbose
    } else {
        Verbosity::Brief
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(verbosity: Verbosity, cluster: Option<&str>) -> QnetdRequest {
        QnetdRequest::List {
            verbosity,
            cluster: cluster.map(ClusterName::from),
        }
    }

    #[test]
    fn keywords_are_read_in_any_case_and_cluster_names_as_they_are() {
        let parsed = QnetdRequest::parse(b"LIST Cluster \"Al\\\"pha\" VERBOSE \n");
        assert_eq!(parsed, Ok(list(Verbosity::Verbose, Some("Al\"pha"))));
    }

    #[test]
    fn the_last_cluster_name_of_a_list_wins_and_an_empty_one_means_all() {
        let parse = QnetdRequest::parse;
        assert_eq!(
            parse(b"list cluster a cluster b\n"),
            Ok(list(Verbosity::Brief, Some("b")))
        );
        assert_eq!(
            parse(b"list cluster a cluster \"\"\n"),
            Ok(list(Verbosity::Brief, None))
        );
        assert_eq!(parse(b"list cluster\n"), Ok(list(Verbosity::Brief, None)));
    }

    #[test]
    fn an_unknown_word_ends_a_list_and_hides_what_follows() {
        let parsed = QnetdRequest::parse(b"list verbose x cluster a\n");
        assert_eq!(parsed, Ok(list(Verbosity::Verbose, None)));
    }

    #[test]
    fn of_a_status_only_the_second_word_counts() {
        let status = |verbosity| Ok(QnetdRequest::Status(verbosity));
        assert_eq!(QnetdRequest::parse(b"status\n"), status(Verbosity::Brief));
        assert_eq!(
            QnetdRequest::parse(b"\"sta\"tus verbose x\n"),
            status(Verbosity::Verbose)
        );
        assert_eq!(
            QnetdRequest::parse(b"status x verbose\n"),
            status(Verbosity::Brief)
        );
    }

    #[test]
    fn the_client_knows_status_and_shutdown_and_does_not_quote() {
        let status = |verbosity| Ok(QdeviceRequest::Status(verbosity));
        assert_eq!(
            QdeviceRequest::parse(b"Status Verbose \r\n"),
            status(Verbosity::Verbose)
        );
        assert_eq!(
            QdeviceRequest::parse(b"status x verbose\n"),
            status(Verbosity::Brief)
        );
        assert_eq!(
            QdeviceRequest::parse(b"shutdown\n"),
            Ok(QdeviceRequest::Shutdown)
        );
        assert_eq!(
            QdeviceRequest::parse(b"heuristics \n"),
            Ok(QdeviceRequest::Heuristics)
        );
        let quoted = QdeviceRequest::parse(b"\"status\"\n").unwrap_err();
        assert_eq!(quoted.to_string(), "Unknown command '\"status\"'");
        assert_eq!(
            QdeviceRequest::parse(b"list\n"),
            Err(RequestError::Unknown("list".into()))
        );
    }

    #[test]
    fn a_line_without_a_known_command_is_answered_with_its_first_word() {
        let parse = |line: &[u8]| QnetdRequest::parse(line).unwrap_err().to_string();
        assert_eq!(parse(b" \n"), "No command specified");
        assert_eq!(parse(b"\"a b\" status\n"), "Unknown command 'a b'");
    }

    #[test]
    fn text_behind_the_line_end_is_no_second_command() {
        assert_eq!(
            QnetdRequest::parse(b"shutdown\nstatus\n"),
            Ok(QnetdRequest::Shutdown)
        );
        assert_eq!(
            QnetdRequest::parse(b"\nshutdown\n"),
            Err(RequestError::Empty)
        );
    }
}
