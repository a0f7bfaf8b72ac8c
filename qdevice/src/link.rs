//! The connection to the server: one at a time, or none.
//!
//! Not here: when to connect and what to say. The [`Link`] is polled by the hub itself, so what it is
//! told to send leaves only when the hub waits for events again, and what it drops leaves never.

use crate::resolve::addresses;
use libqdevice::base::{Level, Millis, Time};
use libqdevice::client::{AddressFamily, Link as Event, LinkFault};
use libqdevice::io::clock;
use libqdevice::io::framed::{Framed, LinkError, Reading};
use libqdevice::io::log::tell;
use libqdevice::io::os_error::Numbered;
use libqdevice::io::tune;
use libqdevice::tls::{Connector, Expired, TlsFault, Transport};
use libqdevice::wire::{Message, SendFault};
use rustix::io::Errno;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name or address.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Which of its addresses are tried.
    pub(crate) family: AddressFamily,
    /// How long one attempt may take, all addresses together.
    pub(crate) patience: Millis,
}

/// How long messages may be, in bytes with the header, and how many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of a message received.
    pub(crate) receive: usize,
    /// Of a message sent.
    pub(crate) send: usize,
    /// Messages that may wait to be sent.
    pub(crate) queue: usize,
}

/// The connection to the server, or the attempt, or neither.
pub(crate) struct Link {
    target: Target,
    /// What a new connection begins with.
    initial: Limits,
    /// Our end of TLS; none when there is to be none.
    connector: Option<Connector>,
    /// The look-up of the server's name. It outlives the attempt that needed it, because a name server
    /// may take longer than any attempt.
    lookup: Option<JoinHandle<io::Result<Vec<SocketAddr>>>>,
    state: State,
}

enum State {
    Idle,
    /// The name is looked up; the attempt ends at this time.
    Resolving(Time),
    Connecting(Pin<Box<dyn Future<Output = Result<TcpStream, String>>>>),
    Up {
        framed: Framed<Transport>,
        limits: Limits,
    },
    Encrypting {
        handshake: Handshake,
        has_certificate: bool,
        limits: Limits,
    },
}

type Handshake = Pin<Box<dyn Future<Output = Result<(Transport, Option<Expired>), TlsFault>>>>;

impl Link {
    /// A link that does nothing yet.
    pub(crate) const fn new(target: Target, initial: Limits, connector: Option<Connector>) -> Self {
        Self {
            target,
            initial,
            connector,
            lookup: None,
            state: State::Idle,
        }
    }

    /// Begins an attempt; whatever was before is dropped.
    pub(crate) fn connect(&mut self) {
        let Target { host, port, .. } = self.target.clone();
        let family = self.target.family;
        self.lookup.get_or_insert_with(|| {
            tokio::spawn(async move { addresses(&host, port, family).await })
        });
        self.state = State::Resolving(clock::now().after(self.target.patience));
    }

    /// Takes another end of TLS, from the next connection on.
    pub(crate) fn renew(&mut self, connector: Connector) {
        self.connector = Some(connector);
    }

    /// Sends what is queued, reads no further plain byte and begins the TLS handshake. What is sent
    /// before its end is lost.
    pub(crate) fn start_tls(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Idle);
        let State::Up { framed, limits } = state else {
            return;
        };
        let connector = self.connector.clone();
        let has_certificate = connector.as_ref().is_some_and(Connector::has_certificate);
        self.state = State::Encrypting {
            handshake: Box::pin(encrypt(framed, connector)),
            has_certificate,
            limits,
        };
    }

    /// Drops the connection or the attempt; nothing more is heard of it.
    pub(crate) fn hang_up(&mut self) {
        self.state = State::Idle;
    }

    /// Sends what is queued and this last message, as far as the connection takes it without waiting.
    pub(crate) async fn say_goodbye(&mut self, message: &Message) {
        if self.send(message).is_err() {
            return;
        }
        if let State::Up { framed, .. } = &mut self.state
            && let Err(error) = framed.send_some().await
        {
            tracing::debug!("Can't say goodbye to the server: {error}");
        }
    }

    /// Changes the limits of this connection.
    pub(crate) fn limit(&mut self, receive: u32, send: u32) {
        if let State::Up { framed, limits } = &mut self.state {
            (limits.receive, limits.send) = (length(receive), length(send));
            framed.set_receive_limit(limits.receive);
        }
    }

    /// Queues a message. Without a connection it is lost, as it would be on its way.
    pub(crate) fn send(&mut self, message: &Message) -> Result<(), SendFault> {
        let State::Up { framed, limits } = &mut self.state else {
            return Ok(());
        };
        if framed.queued() >= limits.queue {
            return Err(SendFault::QueueFull);
        }
        framed.queue(
            message
                .encode(limits.send)
                .map_err(|_| SendFault::TooLong)?,
        );
        Ok(())
    }

    /// What happens next; never anything while there is neither a connection nor an attempt.
    ///
    /// May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> Event {
        if let State::Resolving(end) = self.state {
            match self.found().await {
                Ok(found) => {
                    let attempt = async move { try_in_order(&found, end).await };
                    self.state = State::Connecting(Box::pin(attempt));
                }
                Err(reason) => return self.down(LinkFault::ConnectFailed(reason)),
            }
        }
        match &mut self.state {
            State::Idle | State::Resolving(_) => std::future::pending().await,
            State::Connecting(attempt) => match attempt.await {
                Ok(stream) => {
                    let framed = Framed::new(Transport::Plain(stream), self.initial.receive);
                    self.state = State::Up {
                        framed,
                        limits: self.initial,
                    };
                    Event::Up
                }
                Err(reason) => self.down(LinkFault::ConnectFailed(reason)),
            },
            State::Up { framed, .. } => match framed.next(Reading::Hasty).await {
                Ok(received) => Event::Received(received),
                Err(error) => self.down(fault_of(&error)),
            },
            State::Encrypting {
                handshake,
                has_certificate,
                limits,
            } => match handshake.await {
                Ok((transport, expired)) => {
                    if let Some(expired) = expired {
                        tell(Level::Warning, &expired);
                    }
                    let (has_certificate, limits) = (*has_certificate, *limits);
                    let framed = Framed::new(transport, limits.receive);
                    self.state = State::Up { framed, limits };
                    Event::TlsUp { has_certificate }
                }
                Err(fault) => self.down(LinkFault::TlsFailed(fault.to_string())),
            },
        }
    }

    /// What the look-up under way finds.
    async fn found(&mut self) -> Result<Vec<SocketAddr>, String> {
        let Some(lookup) = &mut self.lookup else {
            return std::future::pending().await;
        };
        let found = lookup.await;
        self.lookup = None;
        let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
        found.map_err(|error| format!("{}: {error}", self.target.host))
    }

    fn down(&mut self, fault: LinkFault) -> Event {
        self.state = State::Idle;
        Event::Down(fault)
    }
}

fn fault_of(error: &LinkError) -> LinkFault {
    match error {
        LinkError::Closed => LinkFault::Closed,
        LinkError::Read(error) => LinkFault::ReadFailed(Numbered(error).to_string()),
        LinkError::Write(error) => LinkFault::WriteFailed(Numbered(error).to_string()),
    }
}

async fn encrypt(
    mut framed: Framed<Transport>,
    connector: Option<Connector>,
) -> Result<(Transport, Option<Expired>), TlsFault> {
    let connector = connector.ok_or_else(|| TlsFault::internal("no certificates are loaded"))?;
    framed.send_all().await.map_err(TlsFault::internal)?;
    let (transport, start) = framed.into_parts();
    connector.connect(transport, start).await
}

/// Connects to the first address that answers.
///
/// Each gets its share of the time that is left, so that one that does not answer does not hide those
/// behind it. The last one has no limit here: whoever asked for the attempt ends it.
async fn try_in_order(addresses: &[SocketAddr], end: Time) -> Result<TcpStream, String> {
    let mut reason = String::new();
    for (tried, address) in addresses.iter().enumerate() {
        let attempt = connect_to(*address);
        let result = match addresses.len() - tried {
            1 => attempt.await,
            left => timeout(share(end, left), attempt)
                .await
                .unwrap_or_else(|_| Err(Errno::TIMEDOUT.into())),
        };
        match result {
            Ok(stream) => return Ok(stream),
            Err(error) => reason = Numbered(&error).to_string(),
        }
        tracing::debug!(peer = %address, "Can't connect to {address}. {reason}");
    }
    Err(reason)
}

/// What one of `left` addresses may take of the time until `end`.
fn share(end: Time, left: usize) -> Duration {
    let left = u64::try_from(left).unwrap_or(u64::MAX);
    Duration::from_millis(end.since(clock::now()) / left)
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if let Err(error) = tune(&stream) {
        tracing::debug!(peer = %address, "Can't set TCP options for {address}: {error}");
    }
    Ok(stream)
}

fn length(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::certs::{Authority, Credential, DenyList, KeyKind, SERVER_NAME, generate_key};
    use libqdevice::tls::{Acceptor, ClientCertificate};
    use libqdevice::wire::{Echo, Malformed};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    const LIMITS: Limits = Limits {
        receive: 100,
        send: 100,
        queue: 2,
    };

    fn link(port: u16) -> Link {
        let family = AddressFamily::Any;
        Link::new(
            Target {
                host: "127.0.0.1".into(),
                port,
                family,
                patience: Millis(10_000),
            },
            LIMITS,
            None,
        )
    }

    async fn server() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    fn echo(seq: u32) -> Message {
        Message::EchoRequest(Echo::new(seq))
    }

    #[tokio::test]
    async fn a_link_comes_up_receives_and_ends_with_the_server() {
        let (listener, port) = server().await;
        let mut link = link(port);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        let (mut far, _) = listener.accept().await.unwrap();
        far.write_all(&echo(7).encode(100).unwrap()).await.unwrap();
        assert_eq!(link.next().await, Event::Received(Ok(echo(7))));
        drop(far);
        assert_eq!(link.next().await, Event::Down(LinkFault::Closed));
    }

    #[tokio::test]
    async fn a_slow_look_up_is_not_begun_again_by_the_next_attempt() {
        let (_listener, port) = server().await;
        let mut link = link(port);
        let (answer, answered) = tokio::sync::oneshot::channel();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        link.target.host = "unknown.invalid".into();
        link.lookup = Some(tokio::spawn(async move {
            answered.await.unwrap();
            Ok(vec![address])
        }));
        link.connect();
        link.hang_up();
        link.connect();
        answer.send(()).unwrap();
        assert_eq!(link.next().await, Event::Up);
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_told_with_its_reason() {
        let (listener, port) = server().await;
        drop(listener);
        let mut link = link(port);
        link.connect();
        let reason = "(111): Connection refused".to_owned();
        assert_eq!(
            link.next().await,
            Event::Down(LinkFault::ConnectFailed(reason))
        );
    }

    #[tokio::test]
    async fn an_address_that_refuses_and_one_that_is_silent_do_not_hide_the_next() {
        let (closed, _) = server().await;
        let refusing = closed.local_addr().unwrap();
        drop(closed);
        // With a queue of one that is full, Linux drops whatever asks to be let in.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let silent = socket.local_addr().unwrap();
        let _silent = socket.listen(0).unwrap();
        let _filling = connect_to(silent).await.unwrap();
        let (_listener, port) = server().await;
        let answering = SocketAddr::from(([127, 0, 0, 1], port));

        let end = clock::now().after(Millis(300));
        let stream = try_in_order(&[refusing, silent, answering], end)
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), answering);
        assert!(
            clock::now().since(end) < 10_000,
            "the silent one had its share only"
        );
    }

    /// Both ends of TLS for a server that anybody may connect to.
    fn ends() -> (Acceptor, Connector) {
        let key = || generate_key(KeyKind::P256).unwrap();
        let now = chrono::Utc::now();
        let authority = Authority::new(key(), now).unwrap();
        let key = key();
        let certificate = authority.certify_server(&key, now).unwrap();
        let anchors = [authority.certificate().to_owned()];
        let list = DenyList::default();
        let own = Credential { certificate, key };
        (
            Acceptor::new(&own, &anchors, list, ClientCertificate::NotAsked).unwrap(),
            Connector::new(None, &anchors, SERVER_NAME).unwrap(),
        )
    }

    #[tokio::test]
    async fn tls_begins_when_everything_before_it_is_sent() {
        let (listener, port) = server().await;
        let (acceptor, connector) = ends();
        let mut link = link(port);
        link.renew(connector);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        assert_eq!(link.send(&echo(1)), Ok(()));
        link.start_tls();
        let far = async {
            let (far, _) = listener.accept().await.unwrap();
            let mut framed = Framed::new(Transport::Plain(far), 100);
            assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(1)));
            let (far, start) = framed.into_parts();
            let (far, _) = acceptor.accept(far, start).await.unwrap();
            let mut framed = Framed::new(far, 100);
            framed.queue(echo(2).encode(100).unwrap());
            framed.send_all().await.unwrap();
            framed.next(Reading::On).await
        };
        let near = async {
            let has_certificate = false;
            assert_eq!(link.next().await, Event::TlsUp { has_certificate });
            assert_eq!(link.next().await, Event::Received(Ok(echo(2))));
            link.hang_up();
        };
        let (farewell, ()) = tokio::join!(far, near);
        assert!(matches!(farewell, Err(LinkError::Closed)), "{farewell:?}");
    }

    #[tokio::test]
    async fn a_server_that_goes_on_in_plain_text_is_given_up() {
        let (listener, port) = server().await;
        let mut link = link(port);
        link.renew(ends().1);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        link.start_tls();
        let (mut far, _) = listener.accept().await.unwrap();
        far.write_all(&echo(1).encode(100).unwrap()).await.unwrap();
        let ended = link.next().await;
        let Event::Down(LinkFault::TlsFailed(text)) = ended else {
            panic!("{ended:?}");
        };
        assert!(text.starts_with("the server does not speak TLS"), "{text}");
    }

    #[tokio::test]
    async fn messages_beyond_the_queue_or_the_limit_are_refused() {
        let (_listener, port) = server().await;
        let mut link = link(port);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        link.limit(100, 13);
        assert_eq!(link.send(&echo(1)), Err(SendFault::TooLong));
        link.limit(100, 14);
        assert_eq!(link.send(&echo(1)), Ok(()));
        assert_eq!(link.send(&echo(2)), Ok(()));
        assert_eq!(link.send(&echo(3)), Err(SendFault::QueueFull));
    }

    #[tokio::test]
    async fn a_limit_holds_for_one_connection() {
        let (listener, port) = server().await;
        let mut link = link(port);
        for limit in [10, 100] {
            link.connect();
            assert_eq!(link.next().await, Event::Up);
            link.limit(limit, 100);
            let (mut far, _) = listener.accept().await.unwrap();
            far.write_all(&echo(1).encode(100).unwrap()).await.unwrap();
            let received = if limit == 10 {
                Err(Malformed::TooLong(8))
            } else {
                Ok(echo(1))
            };
            assert_eq!(link.next().await, Event::Received(received));
        }
    }

    #[tokio::test]
    async fn a_goodbye_leaves_before_the_connection_is_dropped() {
        let (listener, port) = server().await;
        let mut link = link(port);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        let (mut far, _) = listener.accept().await.unwrap();
        assert_eq!(link.send(&echo(1)), Ok(()));
        link.say_goodbye(&echo(2)).await;
        link.hang_up();
        let mut received = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut far, &mut received)
            .await
            .unwrap();
        let bytes = |seq| echo(seq).encode(100).unwrap();
        assert_eq!(received, [bytes(1), bytes(2)].concat());
    }

    #[tokio::test]
    async fn what_was_queued_before_hanging_up_never_leaves() {
        let (listener, port) = server().await;
        let mut link = link(port);
        link.connect();
        assert_eq!(link.next().await, Event::Up);
        let (mut far, _) = listener.accept().await.unwrap();
        assert_eq!(link.send(&echo(1)), Ok(()));
        link.hang_up();
        let mut received = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut far, &mut received)
            .await
            .unwrap();
        assert_eq!(received, [0; 0]);
    }
}
