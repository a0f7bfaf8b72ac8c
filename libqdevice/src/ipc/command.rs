use crate::base::Verbosity;

/// A command of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// The daemon itself.
    Status,
    /// The clusters of the server.
    List,
    /// Who is protected how. No daemon of C knows this one.
    Security,
    /// The last run of the heuristics commands. No daemon of C knows this one.
    Heuristics,
    /// End the daemon.
    Shutdown,
}

/// The line a tool sends, with its line feed.
///
/// Verbosity and cluster are sent with every command; a daemon ignores them where they mean nothing.
/// `limit` is the longest line in bytes.
pub fn command_line(
    command: Command,
    verbosity: Verbosity,
    cluster: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<u8>, NotSendable> {
    let mut line: Vec<u8> = match command {
        Command::Status => b"status ".into(),
        Command::List => b"list ".into(),
        Command::Security => b"security ".into(),
        Command::Heuristics => b"heuristics ".into(),
        Command::Shutdown => b"shutdown ".into(),
    };
    if verbosity.is_verbose() {
        line.extend(b"verbose ");
    }
    if let Some(name) = cluster {
        line.extend(b"cluster ");
        quote(name, &mut line)?;
        line.push(b' ');
    }
    line.push(b'\n');
    if line.len() > limit {
        Err(NotSendable::TooLong)
    } else {
        Ok(line)
    }
}

/// Why a command cannot be put into a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotSendable {
    /// The daemon would not read such a long line.
    #[error("command is too long")]
    TooLong,
    /// A line end ends a request, so no name can contain one.
    #[error("cluster name contains a line end")]
    LineEnd,
}

pub(super) fn quote(name: &[u8], line: &mut Vec<u8>) -> Result<(), NotSendable> {
    line.push(b'"');
    for &byte in name {
        match byte {
            b'\n' | b'\r' => return Err(NotSendable::LineEnd),
            b'"' | b'\\' => line.extend([b'\\', byte]),
            other => line.push(other),
        }
    }
    line.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ClusterName;
    use crate::ipc::QnetdRequest;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_a_blank_before_its_end_as_upstream_writes_it() {
        let line = |command, verbosity, cluster: Option<&str>| {
            command_line(command, verbosity, cluster.map(str::as_bytes), 4095)
        };
        assert_eq!(
            line(Command::Status, Verbosity::Brief, None),
            Ok(b"status \n".into())
        );
        assert_eq!(
            line(Command::List, Verbosity::Verbose, Some("a \"b\\")),
            Ok(b"list verbose cluster \"a \\\"b\\\\\" \n".into())
        );
        assert_eq!(
            line(Command::Shutdown, Verbosity::Brief, Some("")),
            Ok(b"shutdown cluster \"\" \n".into())
        );
    }

    #[test]
    fn a_line_over_the_limit_and_a_name_with_a_line_end_are_refused() {
        let list = |name: &[u8]| command_line(Command::List, Verbosity::Brief, Some(name), 21);
        assert!(list(b"1234").is_ok());
        assert_eq!(list(b"12345"), Err(NotSendable::TooLong));
        assert_eq!(list(b"a\nb"), Err(NotSendable::LineEnd));
    }

    proptest! {
        #[test]
        fn the_server_reads_the_name_that_was_quoted(name in "[^\r\n\0]{1,40}") {
            let line = command_line(Command::List, Verbosity::Brief, Some(name.as_bytes()), 4095);
            let parsed = QnetdRequest::parse(&line.unwrap());
            let cluster = Some(ClusterName::new(name));
            prop_assert_eq!(parsed, Ok(QnetdRequest::List { verbosity: Verbosity::Brief, cluster }));
        }
    }
}
