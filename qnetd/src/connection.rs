use crate::buffers::Share;
use crate::handshakes::Handshake;
use crate::mailbox::Receiver;
use libqdevice::base::Level;
use libqdevice::io::framed::{Framed, LinkError, Reading};
use libqdevice::io::log::tell;
use libqdevice::io::os_error::Numbered;
use libqdevice::server::{Event, Identity, PeerId};
use libqdevice::tls::{Shown, Transport};
use libqdevice::wire::SendFault;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
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

/// One client: bytes to events, orders to bytes.
///
/// A message is read only after the one before has been dealt with and its answer has been offered to
/// the socket. So a client may send as many requests in advance as it likes, cannot crowd out others
/// at the hub, and its queue grows only if it does not read.
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) address: String,
    pub(crate) orders: Receiver,
    /// Orders that came during the TLS handshake.
    pub(crate) waiting: VecDeque<Order>,
    pub(crate) hub: mpsc::Sender<Report>,
    /// How many messages may wait to be sent.
    pub(crate) max_queued: usize,
    /// What waits for it of the memory of all.
    pub(crate) buffers: Share,
}

impl Connection {
    /// Serves the client until it is gone or the hub drops it.
    pub(crate) async fn run(mut self, stream: TcpStream, receive_limit: usize) {
        let mut framed = Framed::new(Transport::Plain(stream), receive_limit);
        let mut reading = Reading::On;
        loop {
            match self.converse(&mut framed, reading).await {
                Ok(Over::Dropped) => return,
                Ok(Over::StartTls(handshake)) => {
                    // On the heap while it lasts: whoever speaks plain text needs no room for it.
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
                    let peer = self.peer;
                    let other_side_knows = match &error {
                        LinkError::Closed => true,
                        LinkError::Read(error) | LinkError::Write(error) => matches!(
                            error.kind(),
                            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                        ),
                    };
                    self.report(if other_side_knows {
                        Event::Gone { peer }
                    } else {
                        Event::Lost { peer }
                    })
                    .await;
                    return;
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
            tokio::select! {
                biased;
                order = self.next_order() => {
                    if order.is_none() {
                        return Ok(Over::Dropped);
                    }
                    let mut next = order;
                    while let Some(order) = next {
                        match order {
                            Order::Send(frame) => framed.queue(frame),
                            Order::Proceed => reading = Reading::On,
                            Order::ProceedAfter(wait) => rest = Some(Box::pin(sleep(wait))),
                            Order::StartTls(handshake) => return Ok(Over::StartTls(handshake)),
                        }
                        next = self.waiting.pop_front().or_else(|| self.orders.waiting());
                    }
                    framed.send_some().await?;
                    let full = framed.queued() > self.max_queued || !self.buffers.fit(framed.held());
                    if full && !overfull {
                        overfull = true;
                        let fault = SendFault::QueueFull;
                        self.report(Event::SendFailed { peer: self.peer, fault }).await;
                    }
                }
                () = over(&mut rest), if rest.is_some() => {
                    rest = None;
                    reading = Reading::On;
                }
                message = framed.next(reading) => {
                    let message = message?;
                    reading = Reading::Off;
                    // Some of it may lie there for long, until the next message is taken.
                    self.buffers.fit(framed.held());
                    let bytes = framed.take_read();
                    let event = Event::Received { peer: self.peer, message };
                    let _ = self.hub.send(Report { event, bytes }).await;
                }
            }
        }
    }

    async fn next_order(&mut self) -> Option<Order> {
        match self.waiting.pop_front() {
            Some(order) => Some(order),
            None => self.orders.next().await,
        }
    }

    /// Does the handshake; what comes of it is none when the connection is over.
    async fn shake_hands(
        &mut self,
        framed: Framed<Transport>,
        handshake: Handshake,
    ) -> Option<Transport> {
        let peer = self.peer;
        let work = handshake.run(framed);
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                order = self.orders.next() => self.waiting.push_back(order?),
                done = &mut work => break done,
            }
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
            tell(Level::Warning, &format_args!("{remark} (client {address})"));
        }
        Identity { names, certificate }
    }

    async fn report(&self, event: Event) {
        // Without a hub the daemon is ending, and so is this task.
        let _ = self.hub.send(Report { event, bytes: 0 }).await;
    }

    fn tell_end(&self, error: &LinkError) {
        let address = &self.address;
        match error {
            LinkError::Closed => tracing::debug!("Client {address} closed connection"),
            LinkError::Read(error) => tell(
                Level::Error,
                &format_args!(
                    "Unhandled error when reading from client {address}. Disconnecting client {}",
                    Numbered(error)
                ),
            ),
            LinkError::Write(error) => tell(
                Level::Error,
                &format_args!(
                    "Unhandled error when sending to client {address}. Disconnecting client {}",
                    Numbered(error)
                ),
            ),
        }
    }
}

/// Waits for the end of a rest, if there is one.
async fn over(rest: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(rest) = rest {
        rest.as_mut().await;
    }
}
