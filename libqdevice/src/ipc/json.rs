use super::command::quote;
use super::request::RequestError;
use super::words::Words;
use super::{NotSendable, Split};
use crate::base::ClusterName;

/// What a tool wants of the server in JSON. No daemon of C knows any of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum QnetdJson {
    /// The server itself.
    Status,
    /// The clusters, or the one with this name.
    List(Option<ClusterName>),
    /// What was decided about a cluster.
    History(ClusterName),
    /// What would be decided if a cluster were split.
    WhatIf(ClusterName, Split),
    /// What happens from now on, a line each, until the tool hangs up.
    Events,
}

/// What a tool wants of the client in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QdeviceJson {
    /// The node, its server and its vote.
    Status,
    /// The last run of the heuristics commands.
    Heuristics,
    /// What happens from now on, a line each, until the tool hangs up.
    Events,
}

impl QnetdJson {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, RequestError> {
        let subject = words.next_word();
        let (mut cluster, mut split, mut without) = (None, None, Vec::new());
        loop {
            let word = words.next_word();
            match word.as_slice() {
                b"cluster" => cluster = Some(words.next_word()),
                b"split" => split = Some(words.next_word()),
                b"without" => without = words.next_word(),
                // As everywhere in this protocol, what is not known is skipped with what follows it.
                _ => break,
            }
        }
        let cluster = cluster
            .filter(|name| !name.is_empty())
            .map(ClusterName::new);
        let named = cluster.clone().ok_or(RequestError::NoCluster);
        match subject.as_slice() {
            b"status" => Ok(Self::Status),
            b"events" => Ok(Self::Events),
            b"list" => Ok(Self::List(cluster)),
            b"history" => Ok(Self::History(named?)),
            b"what-if" => {
                let parts = split.unwrap_or_default();
                Ok(Self::WhatIf(named?, Split::parse(&parts, &without)?))
            }
            _ => Err(RequestError::NotInJson(subject)),
        }
    }

    /// The line a tool sends, with its line feed; at most `limit` bytes.
    pub fn line(&self, limit: usize) -> Result<Vec<u8>, NotSendable> {
        let mut line = b"json ".to_vec();
        match self {
            Self::Status => line.extend(b"status "),
            Self::Events => line.extend(b"events "),
            Self::List(None) => line.extend(b"list "),
            Self::List(Some(name)) => {
                line.extend(b"list ");
                named(name, &mut line)?;
            }
            Self::History(name) => {
                line.extend(b"history ");
                named(name, &mut line)?;
            }
            Self::WhatIf(name, split) => {
                line.extend(b"what-if ");
                named(name, &mut line)?;
                line.extend(format!("split {} ", split.parts_text()).into_bytes());
                if !split.unreachable.is_empty() {
                    line.extend(format!("without {} ", split.unreachable_text()).into_bytes());
                }
            }
        }
        line.push(b'\n');
        if line.len() > limit {
            return Err(NotSendable::TooLong);
        }
        Ok(line)
    }
}

fn named(name: &ClusterName, line: &mut Vec<u8>) -> Result<(), NotSendable> {
    line.extend(b"cluster ");
    quote(name.as_bytes(), line)?;
    line.push(b' ');
    Ok(())
}

impl QdeviceJson {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, RequestError> {
        let subject = words.next_word();
        match subject.as_slice() {
            b"status" => Ok(Self::Status),
            b"heuristics" => Ok(Self::Heuristics),
            b"events" => Ok(Self::Events),
            _ => Err(RequestError::NotInJson(subject)),
        }
    }

    /// The line a tool sends, with its line feed.
    #[must_use]
    pub fn line(self) -> Vec<u8> {
        match self {
            Self::Status => b"json status \n".to_vec(),
            Self::Heuristics => b"json heuristics \n".to_vec(),
            Self::Events => b"json events \n".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{QdeviceRequest, QnetdRequest};
    use super::*;

    #[test]
    fn what_a_tool_asks_is_what_the_daemon_reads() {
        let cluster = ClusterName::from("a \"b\\");
        let split = Split::parse(b"1,2/3", b"2").unwrap();
        let all = [
            QnetdJson::Status,
            QnetdJson::Events,
            QnetdJson::List(None),
            QnetdJson::List(Some(cluster.clone())),
            QnetdJson::History(cluster.clone()),
            QnetdJson::WhatIf(cluster, split),
        ];
        for asked in all {
            let line = asked.line(4096).unwrap();
            assert_eq!(QnetdRequest::parse(&line), Ok(QnetdRequest::Json(asked)));
        }
        for asked in [
            QdeviceJson::Status,
            QdeviceJson::Heuristics,
            QdeviceJson::Events,
        ] {
            let read = QdeviceRequest::parse(&asked.line());
            assert_eq!(read, Ok(QdeviceRequest::Json(asked)));
        }
    }

    #[test]
    fn what_is_not_there_in_json_is_refused_by_name() {
        let refused = |line: &[u8]| QnetdRequest::parse(line).unwrap_err().to_string();
        assert_eq!(refused(b"json weather\n"), "No JSON for 'weather'");
        assert_eq!(refused(b"json\n"), "No JSON for ''");
        assert_eq!(refused(b"json history\n"), "No cluster name specified");
        assert_eq!(
            refused(b"json what-if cluster a split 1,x\n"),
            "'1,x' is no split: write the parts as node ids with commas, and / between parts, as in 1,2/3"
        );
    }
}
