use super::RequestError;
use serde::Serialize;

/// A daemon's answer. [C: qnetd-ipc.c, qdevice-ipc.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    status: Status,
    text: Vec<u8>,
    if_too_long: &'static str,
}

/// The first line of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The text that follows is what was asked for.
    Ok,
    /// The text that follows says why not.
    Error,
}

impl Reply {
    /// The text that was asked for; `if_too_long` is the error sent when it exceeds the limit.
    pub fn ok(text: impl Into<Vec<u8>>, if_too_long: &'static str) -> Self {
        Self {
            status: Status::Ok,
            text: text.into(),
            if_too_long,
        }
    }

    /// A report as one line of JSON.
    pub fn json(report: &impl Serialize) -> Self {
        match serde_json::to_vec(report) {
            Ok(mut text) => {
                text.push(b'\n');
                Self::ok(text, "The answer is too long (ipc_max_send_size)")
            }
            Err(error) => Self::error(&error.to_string()),
        }
    }

    /// A success with nothing to say.
    #[must_use]
    pub const fn done() -> Self {
        Self {
            status: Status::Ok,
            text: Vec::new(),
            if_too_long: "",
        }
    }

    /// A refusal with its reason.
    #[must_use]
    pub fn error(reason: &str) -> Self {
        Self {
            status: Status::Error,
            text: format!("{reason}\n").into(),
            if_too_long: "",
        }
    }

    /// The answer as it is sent, at most `limit` bytes; `None` if not even an error fits.
    #[must_use]
    pub fn encode(self, limit: usize) -> Option<Vec<u8>> {
        let head: &[u8] = match self.status {
            Status::Ok => b"OK\n",
            Status::Error => b"Error\n",
        };
        let len = self.text.len();
        if head.len() + len <= limit {
            // Long lists are not copied: whoever waits for another answer would wait for that.
            let mut bytes = self.text;
            bytes.splice(0..0, head.iter().copied());
            return Some(bytes);
        }
        match self.status {
            Status::Ok if len > limit => Self::error(self.if_too_long).encode(limit),
            Status::Ok => Self::error("Internal IPC buffer too small").encode(limit),
            Status::Error => None,
        }
    }
}

/// A piece of an answer that is made piece by piece, so that whoever makes it has time for others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The bytes.
    pub text: Vec<u8>,
    /// Where the next piece begins; `None` behind the last one.
    pub next: Option<u64>,
    /// How it is sent.
    pub pace: Pace,
}

/// How an answer made of pieces is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Each piece at once: the answer may have any length.
    Streamed,
    /// All together as [`Reply::ok`], within the limit for answers; this is its error.
    Together(&'static str),
}

impl From<RequestError> for Reply {
    fn from(error: RequestError) -> Self {
        Self::error(&error.to_string())
    }
}

impl Status {
    /// Reads the first line of an answer, given without its line feed.
    ///
    /// Case does not matter and carriage returns are skipped.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let word: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'\r').collect();
        if word.eq_ignore_ascii_case(b"OK") {
            Some(Self::Ok)
        } else if word.eq_ignore_ascii_case(b"Error") {
            Some(Self::Error)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_line_and_a_text() {
        let encode = |reply: Reply| reply.encode(1024).unwrap();
        assert_eq!(encode(Reply::ok("TLS:\n", "")), b"OK\nTLS:\n");
        assert_eq!(encode(Reply::done()), b"OK\n");
        assert_eq!(
            encode(RequestError::Empty.into()),
            b"Error\nNo command specified\n"
        );
    }

    #[test]
    fn a_text_that_is_too_long_becomes_an_error_with_one_of_two_reasons() {
        let encode = |size: usize| {
            Reply::ok(vec![b'x'; size], "Can't get it")
                .encode(1024)
                .unwrap()
        };
        assert_eq!(encode(1021).len(), 1024);
        assert_eq!(encode(1022), b"Error\nInternal IPC buffer too small\n");
        assert_eq!(encode(1025), b"Error\nCan't get it\n");
    }

    #[test]
    fn an_error_that_is_too_long_cannot_be_sent() {
        let error = RequestError::Unknown(vec![b'x'; 1024]);
        assert_eq!(Reply::from(error).encode(1024), None);
    }

    #[test]
    fn a_status_line_is_read_in_any_case_and_with_carriage_returns() {
        assert_eq!(Status::parse(b"ok\r"), Some(Status::Ok));
        assert_eq!(Status::parse(b"ERROR"), Some(Status::Error));
        assert_eq!(Status::parse(b"OK "), None);
        assert_eq!(Status::parse(b""), None);
    }
}
