use libqdevice::base::{ClusterName, Time};
use libqdevice::io::clock::{heading, wall_moment};
use libqdevice::io::ipc_server::Then;
use libqdevice::ipc::{Pace, Piece, QnetdJson, QnetdRequest, Reply};
use libqdevice::report::{Certificate, ClusterReport};
use libqdevice::server::{Cursor, Server};

/// What a tool asks, and what only the driver knows to answer it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The line.
    pub(crate) line: &'a [u8],
    /// Where the piece of the answer begins that is asked for.
    pub(crate) from: Option<u64>,
    /// How long the question has waited, in milliseconds.
    pub(crate) waited: u64,
    /// When the daemon was started.
    pub(crate) started: Time,
    /// What TLS depends on.
    pub(crate) certificates: &'a [Certificate],
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The answer.
    Whole(Reply, Then),
    /// A part of it: the list of a large server takes too long to be made without looking up.
    Piece(Piece),
    /// What happens from now on.
    Events,
}

/// Answers a line of the tool.
pub(crate) fn answer(server: &Server, asked: Asked<'_>) -> Answer {
    let closing = |reply| Answer::Whole(reply, Then::Close);
    match QnetdRequest::parse(asked.line) {
        Ok(QnetdRequest::Status(verbosity)) => {
            let text = server.status(verbosity);
            closing(Reply::ok(text, "Can't get QNetd status"))
        }
        Ok(QnetdRequest::List {
            verbosity,
            cluster: Some(name),
        }) => {
            let list = server.list(verbosity, Some(&name));
            closing(Reply::ok(list, LIST_TOO_LONG))
        }
        Ok(QnetdRequest::List {
            verbosity,
            cluster: None,
        }) => {
            let from = Cursor::at(asked.from.unwrap_or_default());
            let (text, next) = server.list_page(verbosity, from, PAGE);
            let next = next.map(Cursor::number);
            let pace = Pace::Together(LIST_TOO_LONG);
            Answer::Piece(Piece { text, next, pace })
        }
        Ok(QnetdRequest::Security) => {
            closing(Reply::ok(server.security(), "Can't get QNetd security"))
        }
        Ok(QnetdRequest::Json(wish)) => answer_in_json(server, wish, asked),
        Ok(QnetdRequest::Shutdown) => {
            tracing::debug!("IPC client requested shutdown");
            Answer::Whole(Reply::done(), Then::Shutdown)
        }
        Err(error) => {
            tracing::debug!("IPC client: {error}");
            closing(Reply::from(error))
        }
    }
}

fn answer_in_json(server: &Server, wish: QnetdJson, asked: Asked<'_>) -> Answer {
    let reply = match wish {
        QnetdJson::Status => {
            let mut report = server.server_report(heading("qnetd-status"));
            report.started_at_ms = wall_moment(asked.started);
            report.event_loop_lag_ms = asked.waited;
            report.certificates = asked.certificates.to_vec();
            Reply::json(&report)
        }
        QnetdJson::Events => return Answer::Events,
        QnetdJson::List(name) => return list_in_json(server, name.as_ref(), asked.from),
        QnetdJson::History(name) => {
            match server.history(&name, heading("qnetd-history"), &wall_moment) {
                Some(history) => Reply::json(&history),
                None => Reply::error(&format!("Nothing is known of cluster {name}")),
            }
        }
        QnetdJson::WhatIf(name, split) => {
            let heading = heading("qnetd-what-if");
            match server.what_if(&name, &split.parts, &split.unreachable, heading) {
                Ok(answer) => Reply::json(&answer),
                Err(fault) => Reply::error(&fault.to_string()),
            }
        }
    };
    Answer::Whole(reply, Then::Close)
}

/// The list as one JSON text whose clusters come in pieces.
fn list_in_json(server: &Server, name: Option<&ClusterName>, from: Option<u64>) -> Answer {
    let (clusters, next) = match name {
        Some(name) => (
            server
                .cluster_report(name, &wall_moment)
                .into_iter()
                .collect(),
            None,
        ),
        None => server.cluster_page(Cursor::at(from.unwrap_or_default()), PAGE, &wall_moment),
    };
    match list_piece(&clusters, from.is_none(), next.is_none()) {
        Ok(text) => Answer::Piece(Piece {
            text,
            next: next.map(Cursor::number),
            pace: Pace::Streamed,
        }),
        Err(error) => Answer::Whole(Reply::error(&error.to_string()), Then::Close),
    }
}

fn list_piece(
    clusters: &[ClusterReport],
    is_first: bool,
    is_last: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    if is_first {
        serde_json::to_writer(&mut text, &heading("qnetd-list"))?;
        // The list becomes the last field of the heading.
        text.pop();
        text.extend(b",\"clusters\":[");
    }
    for (index, cluster) in clusters.iter().enumerate() {
        if index > 0 || !is_first {
            text.push(b',');
        }
        text.push(b'\n');
        serde_json::to_writer(&mut text, cluster)?;
    }
    if is_last {
        text.extend(b"\n]}\n");
    }
    Ok(text)
}

const LIST_TOO_LONG: &str = "Can't get QNetd cluster list";

/// Clusters of a list that are told before votes are looked at again.
const PAGE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::base::{NodeId, RingId};
    use libqdevice::report::{ClusterList, ServerReport};
    use libqdevice::server::{Action, Event, PeerId, QnetdSettings, ServerConfig};
    use libqdevice::wire::{Init, Message, PreInit};

    fn server(settings: QnetdSettings) -> Server {
        Server::new(ServerConfig {
            address: "*:5403".into(),
            settings,
            ..ServerConfig::default()
        })
    }

    fn ask(server: &Server, line: &str, from: Option<u64>) -> Answer {
        let asked = Asked {
            line: line.as_bytes(),
            from,
            waited: 3,
            started: Time::default(),
            certificates: &[],
        };
        answer(server, asked)
    }

    /// All pieces of an answer.
    fn told(server: &Server, line: &str) -> String {
        let (mut text, mut from) = (Vec::new(), None);
        loop {
            match ask(server, line, from) {
                Answer::Whole(reply, _) => {
                    return String::from_utf8(reply.encode(1 << 20).unwrap()).unwrap();
                }
                Answer::Events => unreachable!("nobody asks for them here"),
                Answer::Piece(piece) => {
                    text.extend(piece.text);
                    from = piece.next;
                    if from.is_none() {
                        return String::from_utf8(text).unwrap();
                    }
                }
            }
        }
    }

    /// A server with as many clusters of one node.
    fn with_clusters(clusters: u64) -> Server {
        let mut server = server(QnetdSettings::default());
        let mut out: Vec<Action> = Vec::new();
        for number in 0..clusters {
            let peer = PeerId(number);
            let mut handle = |event| server.handle(Time::default(), event, &mut out);
            handle(Event::Accepted {
                peer,
                address: "192.0.2.1:1".into(),
            });
            let preinit = PreInit::new(1, format!("c{number}").as_str());
            let init = Init::ffsplit(2, NodeId(1), RingId::new(1, 4));
            for message in [Message::PreInit(preinit), Message::Init(init)] {
                handle(Event::Received {
                    peer,
                    message: Ok(message),
                });
            }
        }
        server
    }

    #[test]
    fn the_status_has_the_tabs_that_scripts_look_for() {
        let text = told(&server(QnetdSettings::default()), "status\n");
        assert!(
            text.starts_with("OK\nQNetd address:\t\t\t*:5403\n"),
            "{text}"
        );
    }

    #[test]
    fn an_unknown_cluster_is_an_empty_success() {
        let server = server(QnetdSettings::default());
        assert_eq!(told(&server, "list cluster \"unknown\"\n"), "OK\n");
    }

    #[test]
    fn only_shutdown_shuts_down() {
        let server = server(QnetdSettings::default());
        assert_eq!(
            ask(&server, "shutdown\n", None),
            Answer::Whole(Reply::done(), Then::Shutdown)
        );
        assert_eq!(
            told(&server, "shut down\n"),
            "Error\nUnknown command 'shut'\n"
        );
    }

    #[test]
    fn a_list_in_pieces_is_the_list() {
        let server = with_clusters(50);
        let verbosity = libqdevice::base::Verbosity::Verbose;
        let whole = String::from_utf8(server.list(verbosity, None)).unwrap();
        assert_eq!(told(&server, "list verbose\n"), whole);
        let list: ClusterList = serde_json::from_str(&told(&server, "json list\n")).unwrap();
        assert_eq!(list.clusters.len(), 50);
        assert_eq!(list.clusters[49].name, "c49");
    }

    #[test]
    fn a_list_of_no_or_one_cluster_is_json_too() {
        for (clusters, line) in [(0, "json list\n"), (3, "json list cluster \"c1\"\n")] {
            let text = told(&with_clusters(clusters), line);
            let list: ClusterList = serde_json::from_str(&text).unwrap();
            assert_eq!(list.clusters.len(), usize::from(clusters == 3), "{text}");
        }
    }

    #[test]
    fn what_the_driver_knows_is_in_the_status() {
        let text = told(&with_clusters(2), "json status\n");
        let status: ServerReport =
            serde_json::from_str(text.strip_prefix("OK\n").unwrap()).unwrap();
        assert_eq!((status.event_loop_lag_ms, status.clusters), (3, 2));
        assert_eq!(status.heading.schema, 1);
    }

    #[test]
    fn what_is_not_known_is_refused_in_words() {
        let server = with_clusters(1);
        let refused = |line| told(&server, line);
        assert_eq!(
            refused("json history cluster \"x\"\n"),
            "Error\nNothing is known of cluster x\n"
        );
        assert_eq!(
            refused("json what-if cluster \"c0\" split 1/7\n"),
            "Error\nNode 7 is not configured in this cluster\n"
        );
    }
}
