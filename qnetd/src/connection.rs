use crate::hub::Inbound;
use libqdevice::base::Level;
use libqdevice::io::framed::{Framed, LinkError, Reading};
use libqdevice::io::log::tell;
use libqdevice::io::os_error::Numbered;
use libqdevice::server::{Event, PeerId};
use libqdevice::wire::SendFault;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// What the hub tells a connection. The end of the orders means: close.
#[derive(Debug)]
pub(crate) enum Order {
    /// Send an encoded message.
    Send(Vec<u8>),
    /// The last message is dealt with: read the next one.
    Proceed,
}

/// One client: bytes to events, orders to bytes.
///
/// A message is read only after the one before has been dealt with and its answer has been offered to
/// the socket. So a client may send as many requests in advance as it likes, cannot crowd out others
/// at the hub, and its queue grows only if it does not read.
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) address: String,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) hub: mpsc::Sender<Inbound>,
    /// How many messages may wait to be sent.
    pub(crate) max_queued: usize,
}

impl Connection {
    /// Serves the client until it is gone or the hub drops it.
    pub(crate) async fn run(mut self, stream: TcpStream, receive_limit: usize) {
        let mut framed = Framed::new(stream, receive_limit);
        let ended = self.converse(&mut framed).await;
        if let Err(error) = ended {
            self.tell_end(&error);
            self.report(Event::Gone { peer: self.peer }).await;
        }
    }

    async fn converse(&mut self, framed: &mut Framed<TcpStream>) -> Result<(), LinkError> {
        let mut reading = Reading::On;
        let mut overfull = false;
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some(order) = order else { return Ok(()) };
                    obey(order, framed, &mut reading);
                    while let Ok(order) = self.orders.try_recv() {
                        obey(order, framed, &mut reading);
                    }
                    framed.send_some().await?;
                    if framed.queued() > self.max_queued && !overfull {
                        overfull = true;
                        let fault = SendFault::QueueFull;
                        self.report(Event::SendFailed { peer: self.peer, fault }).await;
                    }
                }
                message = framed.next(reading) => {
                    let message = message?;
                    reading = Reading::Off;
                    self.report(Event::Received { peer: self.peer, message }).await;
                }
            }
        }
    }

    async fn report(&self, event: Event) {
        // Without a hub the daemon is ending, and so is this task.
        let _ = self.hub.send(Inbound::Peer(event)).await;
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

fn obey(order: Order, framed: &mut Framed<TcpStream>, reading: &mut Reading) {
    match order {
        Order::Send(frame) => framed.queue(frame),
        Order::Proceed => *reading = Reading::On,
    }
}
