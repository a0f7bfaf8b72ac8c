use super::Debug;
use super::line::Line;
use crate::base::Level;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The system's log by its old protocol.
///
/// The socket is opened when the first line needs it and again after an error, so that the log daemon
/// may start later and may be restarted.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    ident: &'static str,
    debug: Debug,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(super) fn new(ident: &'static str, debug: Debug) -> Self {
        Self {
            path: "/dev/log".into(),
            ident,
            debug,
            socket: None,
        }
    }

    /// Whether a log daemon listens at present.
    pub(super) fn is_heard(&mut self) -> bool {
        if self.socket.is_none() {
            self.socket = connect(&self.path).ok();
        }
        self.socket.is_some()
    }

    pub(super) fn write(&mut self, lines: &[Line]) {
        for line in lines {
            let datagram = format!(
                "<{}>{} {}[{}]: {}",
                FACILITY_DAEMON | priority(line.level, self.debug),
                line.stamp(),
                self.ident,
                std::process::id(),
                line.text
            );
            if self.send(datagram.as_bytes()).is_err() {
                self.socket = None;
                let _ = self.send(datagram.as_bytes());
            }
            if self.socket.is_none() {
                // Without a log daemon they have no reader.
                return;
            }
        }
    }

    fn send(&mut self, datagram: &[u8]) -> io::Result<usize> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.path)?,
        };
        self.socket.insert(socket).send(datagram)
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// The severity of syslog(3).
const fn priority(level: Level, debug: Debug) -> u8 {
    match (level, debug) {
        (Level::Crit, _) => 2,
        (Level::Error, _) => 3,
        (Level::Warning, _) => 4,
        (Level::Notice, _) => 5,
        (Level::Info, _) | (Level::Debug, Debug::Raised) => 6,
        (Level::Debug, Debug::Hidden | Debug::Shown) => 7,
    }
}

const FACILITY_DAEMON: u8 = 3 << 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::test_dir::TestDir;

    fn received(daemon: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let len = daemon.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    #[test]
    fn a_line_has_priority_time_ident_and_pid_and_survives_a_restart_of_the_daemon() {
        let dir = TestDir::new();
        let path = dir.path().join("log");
        let mut syslog = Syslog {
            path: path.clone(),
            ..Syslog::new("prog", Debug::Shown)
        };
        for _ in 0..2 {
            let daemon = UnixDatagram::bind(&path).unwrap();
            let line = Line::new(Level::Crit, "text");
            syslog.write(std::slice::from_ref(&line));
            let tail = format!("{} prog[{}]: text", line.stamp(), std::process::id());
            assert_eq!(received(&daemon), format!("<26>{tail}"));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_log_daemon_that_is_not_there_costs_the_line_and_nothing_else() {
        let dir = TestDir::new();
        let path = dir.path().join("log");
        let mut syslog = Syslog {
            path: path.clone(),
            ..Syslog::new("prog", Debug::Shown)
        };
        syslog.write(&[Line::new(Level::Info, "lost")]);
        assert!(!syslog.is_heard());
        let daemon = UnixDatagram::bind(&path).unwrap();
        assert!(syslog.is_heard());
        syslog.write(&[Line::new(Level::Info, "found")]);
        assert!(received(&daemon).ends_with("found"));
    }

    #[test]
    fn debug_twice_raises_debug_lines_to_info_and_no_others() {
        assert_eq!(priority(Level::Debug, Debug::Shown), 7);
        assert_eq!(priority(Level::Debug, Debug::Raised), 6);
        assert_eq!(priority(Level::Error, Debug::Raised), 3);
    }
}
