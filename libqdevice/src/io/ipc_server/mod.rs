//! The daemons' end of the local socket: one line in, one answer out, then the connection is closed.
//!
//! Not here: what the lines mean. Whoever owns the state takes them as [`IpcEvent`]s.

mod conversation;
mod socket;

use super::accept::Pause;
use super::log::tell;
use crate::base::Level;
use crate::base::Time;
use crate::io::clock;
use crate::ipc::{Piece, Reply};
use conversation::converse;
use socket::SocketFile;
pub use socket::{IpcOptions, IpcSocket};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;

/// The local socket at work; it is closed and its file removed when this is dropped.
#[derive(Debug)]
pub struct Ipc {
    events: mpsc::Receiver<IpcEvent>,
    task: AbortHandle,
    _file: SocketFile,
}

impl Ipc {
    /// Serves on `listener`; `file` is removed in the end. Needs a runtime.
    fn start(listener: UnixListener, file: SocketFile, limits: Limits) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let task = tokio::spawn(accept(listener, limits, sender)).abort_handle();
        Self {
            events,
            task,
            _file: file,
        }
    }

    /// What happens next on the local socket. May be dropped and called again at any time.
    pub async fn next(&mut self) -> IpcEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The accepting task holds a sender and never ends by itself.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Ipc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the owner of the state hears from the local socket.
#[derive(Debug)]
pub enum IpcEvent {
    /// A tool has sent a line.
    Asked(Question),
    /// An answer that was given with [`Then::Shutdown`] is on its way, whole.
    ShutdownAnswered,
}

/// What comes after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing more.
    Close,
    /// [`IpcEvent::ShutdownAnswered`].
    Shutdown,
}

/// A line and the way back. Dropping it closes the tool's connection without an answer.
#[derive(Debug)]
pub struct Question {
    line: Vec<u8>,
    from: Option<u64>,
    asked: Time,
    answer: oneshot::Sender<Answer>,
}

/// What the owner of the state says.
#[derive(Debug)]
enum Answer {
    Whole(Reply, Then),
    Piece(Piece),
    Lines(mpsc::Receiver<String>),
}

impl Question {
    /// The line, with its line feed and whatever stands behind it.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Where the piece begins that is asked for; `None` if nothing was answered yet.
    #[must_use]
    pub const fn from(&self) -> Option<u64> {
        self.from
    }

    /// How long it has waited, in milliseconds.
    #[must_use]
    pub fn waited(&self) -> u64 {
        clock::now().since(self.asked)
    }

    /// Sends the answer and closes the connection.
    pub fn answer(self, reply: Reply, then: Then) {
        // The tool may have given up meanwhile.
        let _ = self.answer.send(Answer::Whole(reply, then));
    }

    /// Sends lines as they come, until there are no more or the tool hangs up.
    ///
    /// Few tools may do that at a time; it does not count among [`IpcOptions::max_clients`], so that
    /// those who only watch keep nobody from asking.
    pub fn answer_lines(self, lines: mpsc::Receiver<String>) {
        let _ = self.answer.send(Answer::Lines(lines));
    }

    /// Sends a piece of the answer. The same line is asked again, from where the next piece begins, when
    /// the tool has taken this one.
    pub fn answer_piece(self, piece: Piece) {
        let _ = self.answer.send(Answer::Piece(piece));
    }
}

/// How many tools at once, and how long lines and answers may be.
#[derive(Debug, Clone, Copy)]
struct Limits {
    clients: usize,
    receive: usize,
    send: usize,
}

async fn accept(listener: UnixListener, limits: Limits, events: mpsc::Sender<IpcEvent>) {
    let free = Arc::new(Semaphore::new(limits.clients));
    let watchers = Arc::new(Semaphore::new(WATCHERS));
    let mut pause = Pause::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause.begin("local IPC connection", &error);
                pause.over().await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            tell(
                Level::Error,
                &"Maximum IPC clients reached. Not accepting connection",
            );
            continue;
        };
        let places = Places {
            asking: permit,
            watching: Arc::clone(&watchers),
        };
        tokio::spawn(converse(stream, limits, places, events.clone()));
    }
}

/// A tool's place among those that ask, and where it finds one to watch.
#[derive(Debug)]
struct Places {
    asking: OwnedSemaphorePermit,
    watching: Arc<Semaphore>,
}

/// How many tools may watch at a time.
const WATCHERS: usize = 16;

/// Lines that may wait for the owner of the state.
const EVENTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::test_dir::TestDir;
    use crate::ipc::Pace;
    use std::path::Path;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    fn server(path: &Path, max_clients: u64) -> Ipc {
        let options = IpcOptions {
            path: path.to_owned(),
            umask: None,
            group: None,
            backlog: 10,
            max_clients,
            max_receive: 1024,
            max_send: 1024,
        };
        IpcSocket::bind(&options).unwrap().serve().unwrap()
    }

    async fn asked(ipc: &mut Ipc) -> Question {
        match ipc.next().await {
            IpcEvent::Asked(question) => question,
            IpcEvent::ShutdownAnswered => panic!("nobody asked for a shutdown"),
        }
    }

    async fn rest_of(mut tool: UnixStream) -> String {
        let mut text = String::new();
        tool.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_line_is_answered_and_the_connection_closed() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 10);
        let mut tool = UnixStream::connect(&path).await.unwrap();
        tool.write_all(b"sta").await.unwrap();
        tool.write_all(b"tus\nmore").await.unwrap();
        let question = asked(&mut ipc).await;
        assert!(question.line().starts_with(b"status\n"));
        question.answer(Reply::ok("Text\n", ""), Then::Close);
        assert_eq!(rest_of(tool).await, "OK\nText\n");
    }

    #[tokio::test]
    async fn a_shutdown_is_reported_when_its_answer_is_out() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 10);
        let mut tool = UnixStream::connect(&path).await.unwrap();
        tool.write_all(b"shutdown\n").await.unwrap();
        asked(&mut ipc).await.answer(Reply::done(), Then::Shutdown);
        assert!(matches!(ipc.next().await, IpcEvent::ShutdownAnswered));
        drop(ipc);
        assert_eq!(rest_of(tool).await, "OK\n");
        assert!(!path.exists());
    }

    /// Answers a tool with pieces and gives what it has read.
    async fn told_in_pieces(pace: Pace, pieces: &[&str]) -> String {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 10);
        let mut tool = UnixStream::connect(&path).await.unwrap();
        tool.write_all(b"list\n").await.unwrap();
        for (number, text) in (0..).zip(pieces) {
            let question = asked(&mut ipc).await;
            assert_eq!(question.from(), (number > 0).then_some(number));
            let is_last = usize::try_from(number + 1).unwrap() == pieces.len();
            let next = (!is_last).then_some(number + 1);
            let text = text.as_bytes().to_vec();
            question.answer_piece(Piece { text, next, pace });
        }
        rest_of(tool).await
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_asked_for_again_until_the_last_one() {
        for pace in [Pace::Streamed, Pace::Together("too long")] {
            assert_eq!(told_in_pieces(pace, &["a", "b", "c"]).await, "OK\nabc");
        }
    }

    #[tokio::test]
    async fn pieces_that_are_sent_together_keep_to_the_limit_and_streamed_ones_need_not() {
        let half = "x".repeat(600);
        let streamed = told_in_pieces(Pace::Streamed, &[&half, &half]).await;
        assert_eq!(streamed.len(), 1203);
        let together = told_in_pieces(Pace::Together("too long"), &[&half, &half]).await;
        assert_eq!(together, "Error\ntoo long\n");
    }

    #[tokio::test]
    async fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 10);
        let mut tool = UnixStream::connect(&path).await.unwrap();
        tool.write_all(&[vec![b'x'; 1023], b"\n".to_vec()].concat())
            .await
            .unwrap();
        assert_eq!(asked(&mut ipc).await.line().len(), 1024);

        let mut tool = UnixStream::connect(&path).await.unwrap();
        tool.write_all(&[vec![b'x'; 1024], b"\n".to_vec()].concat())
            .await
            .unwrap();
        assert_eq!(rest_of(tool).await, "Error\nCommand too long\n");
    }

    #[tokio::test]
    async fn one_tool_too_many_is_closed_at_once_and_a_place_becomes_free_again() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 1);
        let mut first = UnixStream::connect(&path).await.unwrap();
        first.write_all(b"status\n").await.unwrap();
        let question = asked(&mut ipc).await;
        assert_eq!(rest_of(UnixStream::connect(&path).await.unwrap()).await, "");

        question.answer(Reply::done(), Then::Close);
        assert_eq!(rest_of(first).await, "OK\n");
        let mut third = UnixStream::connect(&path).await.unwrap();
        third.write_all(b"status\n").await.unwrap();
        asked(&mut ipc).await;
    }

    #[tokio::test]
    async fn lines_come_as_they_are_made_and_take_no_place_of_those_who_ask() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 1);
        let mut watcher = UnixStream::connect(&path).await.unwrap();
        watcher.write_all(b"json events\n").await.unwrap();
        let (lines, coming) = mpsc::channel(1);
        asked(&mut ipc).await.answer_lines(coming);
        lines.send("one".to_owned()).await.unwrap();
        let mut read = [0; 7];
        watcher.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"OK\none\n");

        let mut second = UnixStream::connect(&path).await.unwrap();
        second.write_all(b"status\n").await.unwrap();
        asked(&mut ipc).await.answer(Reply::done(), Then::Close);
        assert_eq!(rest_of(second).await, "OK\n");

        lines.send("two".to_owned()).await.unwrap();
        drop(lines);
        assert_eq!(rest_of(watcher).await, "two\n");
    }

    #[tokio::test]
    async fn a_watcher_that_hangs_up_ends_its_lines() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let mut ipc = server(&path, 1);
        let mut watcher = UnixStream::connect(&path).await.unwrap();
        watcher.write_all(b"json events\n").await.unwrap();
        let (lines, coming) = mpsc::channel(1);
        asked(&mut ipc).await.answer_lines(coming);
        drop(watcher);
        lines.closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_says_nothing_does_not_keep_its_place() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let _ipc = server(&path, 1);
        let silent = UnixStream::connect(&path).await.unwrap();
        assert_eq!(rest_of(silent).await, "");
    }
}
