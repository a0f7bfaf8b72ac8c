use libqdevice::io::ipc_server::Then;
use libqdevice::ipc::{QnetdRequest, Reply};
use libqdevice::server::Server;

/// Answers a line of the tool.
pub(crate) fn answer(server: &Server, line: &[u8]) -> (Reply, Then) {
    match QnetdRequest::parse(line) {
        Ok(QnetdRequest::Status(verbosity)) => (
            Reply::ok(server.status(verbosity), "Can't get QNetd status"),
            Then::Close,
        ),
        Ok(QnetdRequest::List { verbosity, cluster }) => {
            let list = server.list(verbosity, cluster.as_ref());
            (Reply::ok(list, "Can't get QNetd cluster list"), Then::Close)
        }
        Ok(QnetdRequest::Security) => {
            let text = server.security();
            (Reply::ok(text, "Can't get QNetd security"), Then::Close)
        }
        Ok(QnetdRequest::Shutdown) => {
            tracing::debug!("IPC client requested shutdown");
            (Reply::done(), Then::Shutdown)
        }
        Err(error) => {
            tracing::debug!("IPC client: {error}");
            (Reply::from(error), Then::Close)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::server::{QnetdSettings, ServerConfig};

    fn server(settings: QnetdSettings) -> Server {
        Server::new(ServerConfig {
            address: "*:5403".into(),
            settings,
            ..ServerConfig::default()
        })
    }

    #[test]
    fn the_status_has_the_tabs_that_scripts_look_for() {
        let (reply, then) = answer(&server(QnetdSettings::default()), b"status\n");
        let text = String::from_utf8(reply.encode(4096).unwrap()).unwrap();
        assert!(
            text.starts_with("OK\nQNetd address:\t\t\t*:5403\n"),
            "{text}"
        );
        assert_eq!(then, Then::Close);
    }

    #[test]
    fn an_unknown_cluster_is_an_empty_success() {
        let server = server(QnetdSettings::default());
        let (reply, _) = answer(&server, b"list cluster \"unknown\"\n");
        assert_eq!(reply.encode(4096).unwrap(), b"OK\n");
    }

    #[test]
    fn only_shutdown_shuts_down() {
        let server = server(QnetdSettings::default());
        assert_eq!(
            answer(&server, b"shutdown\n"),
            (Reply::done(), Then::Shutdown)
        );
        let (reply, then) = answer(&server, b"shut down\n");
        assert_eq!(
            reply.encode(4096).unwrap(),
            b"Error\nUnknown command 'shut'\n"
        );
        assert_eq!(then, Then::Close);
    }
}
