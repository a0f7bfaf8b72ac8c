use crate::buffers::Share;
use crate::handshakes::Handshake;
use crate::mailbox::Receiver;
use libqdevice::base::{Facts, Level, Repeats};
use libqdevice::io::framed::{Framed, LinkError, Reading};
use libqdevice::io::log::tell_of;
use libqdevice::io::os_error::Numbered;
use libqdevice::server::{Event, Identity, PeerId};
use libqdevice::tls::{Shown, Transport};
use libqdevice::wire::SendFault;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Sleep, sleep};

/// What the hub tells a connection. The end of the orders means: close.
#[derive(Debug)]
pub(crate) enum Order {
    /// Send an encoded message.
    Send(Vec<u8>),
    /// The last message is dealt with: read the next one.
    Proceed,
    /// The same after a rest: the client sends more than it may.
    ProceedAfter(Duration),
    /// Nothing more is plain text.
    StartTls(Box<Handshake>),
}

/// What a connection tells the hub, and how many bytes it was.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) event: Event,
    pub(crate) bytes: usize,
}

/// Why a conversation is over without an error.
enum Over {
    /// The hub has dropped the client.
    Dropped,
    /// What follows is TLS.
    StartTls(Box<Handshake>),
}

/// What happens next in a conversation.
enum Step {
    /// The hub wants something, or nothing more.
    Ordered(Option<Order>),
    /// The client has rested.
    Rested,
    /// The client has sent something, and the hub has it.
    Heard,
    /// The same, but the hub has no room for it yet.
    Held(Box<Report>),
    /// It is sending something for which there is no memory yet.
    Crowded,
}

/// One client: bytes to events, orders to bytes.
///
/// A message is read only after the one before has been dealt with and its answer has been offered to
/// the socket, or a few answers together if the messages came together. So a client may send as many
/// requests in advance as it likes, cannot crowd out others at the hub, and its queue grows only if it
/// does not read.
///
/// What is kept across an `await` takes its place as long as the client is connected, whether it waits
/// there or not. So whatever is large and rare is on the heap while it lasts.
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) address: String,
    pub(crate) orders: Receiver,
    pub(crate) hub: mpsc::Sender<Report>,
    /// How many messages may wait to be sent.
    pub(crate) max_queued: usize,
    /// What waits for it of the memory of all.
    pub(crate) buffers: Share,
}

impl Connection {
    /// Serves the client until it is gone or the hub drops it.
    pub(crate) fn run(
        mut self,
        stream: TcpStream,
        receive_limit: usize,
    ) -> impl Future<Output = ()> + Send {
        // An async function would have two places for each of its arguments.
        let mut framed = Framed::new(Transport::Plain(stream), receive_limit);
        async move {
            let mut reading = Reading::On;
            loop {
                match self.converse(&mut framed, reading).await {
                    Ok(Over::Dropped) => return,
                    Ok(Over::StartTls(handshake)) => {
                        let shaking = Box::pin(self.shake_hands(framed, *handshake));
                        let Some(encrypted) = shaking.await else {
                            return;
                        };
                        framed = Framed::new(encrypted, receive_limit);
                        // STARTTLS is dealt with, but the hub has not said so yet.
                        reading = Reading::Off;
                    }
                    Err(error) => {
                        self.tell_end(&error);
                        self.report(ending(self.peer, &error)).await;
                        return;
                    }
                }
            }
        }
    }

    async fn converse(
        &mut self,
        framed: &mut Framed<Transport>,
        mut reading: Reading,
    ) -> Result<Over, LinkError> {
        let mut overfull = false;
        let mut rest: Option<Pin<Box<Sleep>>> = None;
        loop {
            match self.step(framed, &mut rest, reading).await? {
                Step::Ordered(None) => return Ok(Over::Dropped),
                Step::Ordered(Some(first)) => {
                    let mut next = Some(first);
                    while let Some(order) = next {
                        match order {
                            Order::Send(frame) => framed.queue(frame),
                            Order::Proceed => reading = Reading::On,
                            Order::ProceedAfter(wait) => rest = Some(Box::pin(sleep(wait))),
                            Order::StartTls(handshake) => return Ok(Over::StartTls(handshake)),
                        }
                        next = self.orders.waiting();
                    }
                    let has_room = framed.queued() < TOGETHER.min(self.max_queued);
                    if reading == Reading::On && framed.has_unread() && has_room {
                        reading = Reading::Gathering;
                    } else {
                        framed.send_some().await?;
                    }
                    let is_with_hub = reading == Reading::Off && rest.is_none();
                    if is_with_hub {
                        self.buffers.keep_at_least(framed.held());
                    } else {
                        self.buffers.keep(framed.held());
                    }
                    if framed.queued() > self.max_queued && !overfull {
                        overfull = true;
                        let fault = SendFault::QueueFull;
                        let peer = self.peer;
                        self.report(Event::SendFailed { peer, fault }).await;
                    }
                }
                Step::Rested => {
                    // The client may have read meanwhile.
                    self.buffers.keep(framed.held());
                    rest = None;
                    reading = Reading::On;
                }
                Step::Heard => reading = Reading::Off,
                Step::Held(report) => {
                    reading = Reading::Off;
                    self.send(report).await;
                }
                Step::Crowded => {
                    self.tell_crowded();
                    reading = Reading::Off;
                    rest = Some(Box::pin(sleep(CROWDED)));
                }
            }
        }
    }

    /// Waits for what comes next.
    async fn step(
        &mut self,
        framed: &mut Framed<Transport>,
        rest: &mut Option<Pin<Box<Sleep>>>,
        reading: Reading,
    ) -> Result<Step, LinkError> {
        Ok(tokio::select! {
            biased;
            order = self.orders.next() => Step::Ordered(order),
            () = over(rest), if rest.is_some() => Step::Rested,
            message = framed.next_with_room(reading, |demand| self.buffers.take(demand)) => {
                let Some(message) = message? else {
                    return Ok(Step::Crowded);
                };
                // What follows it may lie there for long, until the next message is taken.
                self.buffers.keep_at_least(framed.held());
                let bytes = framed.take_read();
                let event = Event::Received { peer: self.peer, message };
                match self.hub.try_send(Report { event, bytes }) {
                    Err(TrySendError::Full(report)) => Step::Held(Box::new(report)),
                    // Without a hub the daemon is ending, and so is this task.
                    Ok(()) | Err(TrySendError::Closed(_)) => Step::Heard,
                }
            }
        })
    }

    /// Does the handshake; what comes of it is none when the connection is over.
    async fn shake_hands(
        &mut self,
        framed: Framed<Transport>,
        handshake: Handshake,
    ) -> Option<Transport> {
        let peer = self.peer;
        let done = tokio::select! {
            biased;
            () = self.orders.dropped() => return None,
            done = handshake.run(framed) => done,
        };
        match done {
            Ok((encrypted, shown)) => {
                let identity = shown.map(|shown| self.identity(shown));
                self.report(Event::TlsUp { peer, identity }).await;
                Some(encrypted)
            }
            Err(fault) => {
                let reason = fault.to_string();
                self.report(Event::TlsFailed { peer, reason }).await;
                None
            }
        }
    }

    fn identity(&self, shown: Shown) -> Identity {
        let Shown {
            names,
            certificate,
            lifetime,
        } = shown;
        if let Some(remark) = lifetime.remark() {
            let address = &self.address;
            tell_of(
                Level::Warning,
                &self.failure("certificate-expiring"),
                &format_args!("{remark} (client {address})"),
            );
        }
        Identity { names, certificate }
    }

    fn report(&self, event: Event) -> impl Future<Output = ()> {
        self.send(Box::new(Report { event, bytes: 0 }))
    }

    /// Waits until the hub has room.
    fn send(&self, report: Box<Report>) -> impl Future<Output = ()> {
        let hub = self.hub.clone();
        Box::pin(async move {
            let _ = hub.send(*report).await;
        })
    }

    /// What the client can bring about as often as it likes.
    fn failure(&self, reason: &'static str) -> Facts<'_> {
        Facts {
            peer: Some(&self.address),
            reason: Some(reason),
            repeats: Repeats::Counted,
            ..Facts::default()
        }
    }

    fn tell_crowded(&self) {
        let address = &self.address;
        tell_of(
            Level::Warning,
            &self.failure("no-memory"),
            &format_args!(
                "No memory is left for a long message of client {address}: it is read later (max_buffered_size)"
            ),
        );
    }

    fn tell_end(&self, error: &LinkError) {
        let address = &self.address;
        match error {
            LinkError::Closed => {
                tracing::debug!(peer = %address, "Client {address} closed connection");
            }
            LinkError::Read(error) => tell_of(
                Level::Error,
                &self.failure("read-failed"),
                &format_args!(
                    "Unhandled error when reading from client {address}. Disconnecting client {}",
                    Numbered(error)
                ),
            ),
            LinkError::Write(error) => tell_of(
                Level::Error,
                &self.failure("write-failed"),
                &format_args!(
                    "Unhandled error when sending to client {address}. Disconnecting client {}",
                    Numbered(error)
                ),
            ),
        }
    }
}

/// How many answers to messages that came together are sent together.
const TOGETHER: usize = 8;

/// What the end of a connection is to the server.
fn ending(peer: PeerId, error: &LinkError) -> Event {
    let other_side_knows = match error {
        LinkError::Closed => true,
        LinkError::Read(error) | LinkError::Write(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
    };
    if other_side_knows {
        Event::Gone { peer }
    } else {
        Event::Lost { peer }
    }
}

/// Waits for the end of a rest, if there is one.
async fn over(rest: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(rest) = rest {
        rest.as_mut().await;
    }
}

/// After this a client for whose message there was no memory is looked at again.
const CROWDED: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffers::Buffers;
    use crate::mailbox::mailbox;
    use libqdevice::io::framed::Demand;
    use libqdevice::wire::{Echo, Message};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test(start_paused = true)]
    async fn a_client_without_room_for_its_message_is_read_when_others_have_left_some() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (near, accepted) = tokio::join!(near, listener.accept());
        let (_orders, receiver) = mailbox(8);
        let (hub, mut heard) = mpsc::channel(8);
        let all = Buffers::new(100_000);
        let mut others = all.share();
        assert!(others.take(Demand {
            queued: 0,
            total: 50_000
        }));
        let connection = Connection {
            peer: PeerId(1),
            address: String::new(),
            orders: receiver,
            hub,
            max_queued: 8,
            buffers: all.share(),
        };
        tokio::spawn(connection.run(accepted.unwrap().0, 40_000));
        // An option that nobody knows, of thirty kilobytes.
        let option = [&[0x7f, 0xff, 0x75, 0x30][..], &vec![0; 30_000]];
        let long = Message::EchoRequest(Echo::received(None, option.concat()));
        let bytes = long.encode(40_000).unwrap();
        near.unwrap().write_all(&bytes).await.unwrap();
        tokio::select! {
            () = sleep(Duration::from_secs(5)) => {}
            report = heard.recv() => panic!("{report:?}"),
        }
        drop(others);
        let Some(Report { event, .. }) = heard.recv().await else {
            panic!("nothing is heard");
        };
        let (peer, message) = (PeerId(1), Ok(long));
        assert_eq!(event, Event::Received { peer, message });
    }
}
