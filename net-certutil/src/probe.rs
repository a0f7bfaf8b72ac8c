//! A connection to the server as a node makes it, up to the point where it would become a member.
//!
//! INIT is never sent: whatever the server thinks of the connection, no vote depends on it. That the
//! server accepts our certificate and our name shows in its answer to an echo, which it refuses because
//! INIT is missing; were the certificate wrong, it would end the connection in its place.

use libqdevice::base::{ClusterName, TlsSupport};
use libqdevice::io::framed::{Framed, LinkError, Reading};
use libqdevice::tls::{Connector, Expired, Transport};
use libqdevice::wire::{Echo, Message, Plain, PreInit, PreInitReply};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server and who comes to it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) cluster: ClusterName,
}

/// How far a connection got.
#[derive(Debug)]
pub(crate) enum Probed {
    /// The server has accepted everything.
    Accepted {
        address: SocketAddr,
        /// Whether it wants to see a certificate of ours.
        is_certificate_asked: bool,
        /// The date that was forgiven.
        expired: Option<Expired>,
    },
    /// The server does not use TLS.
    NoTls { address: SocketAddr },
}

/// Where a connection came to its end, and why.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The name has no address.
    Unknown(String),
    /// Nobody answers at its addresses.
    Unreachable(String),
    /// Who answers does not speak the protocol.
    NoServer(String),
    /// The handshake failed on our side or theirs.
    Handshake(String),
    /// The server does not accept us.
    Refused(String),
}

/// Makes the connection and ends it.
pub(crate) fn probe(target: &Target, connector: &Connector) -> Result<Probed, Fault> {
    let internal = |error: std::io::Error| Fault::Unreachable(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(internal)?;
    let outcome = runtime.block_on(meet(target, connector));
    // A name server that does not answer holds a thread; nobody waits for it.
    runtime.shutdown_background();
    outcome
}

async fn meet(target: &Target, connector: &Connector) -> Result<Probed, Fault> {
    let stream = connect(target).await?;
    let address = stream
        .peer_addr()
        .map_err(|error| Fault::Unreachable(error.to_string()))?;
    let mut framed = Framed::new(Transport::Plain(stream), LONGEST);
    let reply = in_time(greet(&mut framed, target)).await?;
    if reply.tls == Some(TlsSupport::Unsupported) {
        return Ok(Probed::NoTls { address });
    }
    let start = Message::StartTls(Plain { seq: Some(2) });
    queue(&mut framed, &start);
    in_time(async { framed.send_all().await.map_err(no_server) }).await?;
    let (transport, read) = framed.into_parts();
    let handshake = async {
        let done = connector.connect(transport, read).await;
        done.map_err(|fault| Fault::Handshake(fault.to_string()))
    };
    let (transport, expired) = in_time(handshake).await?;
    let mut framed = Framed::new(transport, LONGEST);
    in_time(ask(&mut framed)).await?;
    Ok(Probed::Accepted {
        address,
        is_certificate_asked: reply.client_cert_required.is_some_and(|asked| asked != 0),
        expired,
    })
}

/// The first address that answers.
async fn connect(target: &Target) -> Result<TcpStream, Fault> {
    let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
    let addresses = match timeout(PATIENCE, lookup).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(Fault::Unknown(error.to_string())),
        Err(_) => return Err(Fault::Unknown("no name server answers".to_owned())),
    };
    let mut reasons = Vec::new();
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => reasons.push(format!("{address}: {error}")),
            Err(_) => reasons.push(format!("{address}: no answer")),
        }
    }
    Err(Fault::Unreachable(reasons.join("; ")))
}

async fn greet(framed: &mut Framed<Transport>, target: &Target) -> Result<PreInitReply, Fault> {
    let greeting = Message::PreInit(PreInit::new(1, target.cluster.clone()));
    queue(framed, &greeting);
    match framed.next(Reading::On).await.map_err(no_server)? {
        Ok(Message::PreInitReply(reply)) => Ok(reply),
        Ok(_) | Err(_) => Err(Fault::NoServer(
            "the answer is none of the protocol".to_owned(),
        )),
    }
}

/// Whether the server goes on with us.
///
/// With TLS 1.3 it looks at our certificate after the handshake is done for us: what it says then is
/// waited for, before a word of ours makes it close a connection that still has something to read.
async fn ask(framed: &mut Framed<Transport>) -> Result<(), Fault> {
    if let Ok(Err(error)) = timeout(ALERT, framed.next(Reading::On)).await {
        return Err(refused(&error));
    }
    queue(framed, &Message::EchoRequest(Echo::new(3)));
    match framed.next(Reading::On).await {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&error)),
    }
}

fn queue(framed: &mut Framed<Transport>, message: &Message) {
    // Longer than any name of a cluster that a node can have; what is longer is not sent, and missed.
    if let Ok(frame) = message.encode(LONGEST) {
        framed.queue(frame);
    }
}

async fn in_time<T>(step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| {
        let seconds = PATIENCE.as_secs();
        Err(Fault::NoServer(format!(
            "no answer within {seconds} seconds"
        )))
    })
}

fn no_server(error: LinkError) -> Fault {
    Fault::NoServer(error.to_string())
}

fn refused(error: &LinkError) -> Fault {
    Fault::Refused(match error {
        LinkError::Closed => "the server ended the connection without a word".to_owned(),
        LinkError::Read(error) | LinkError::Write(error) => error.to_string(),
    })
}

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the server's verdict on our certificate is waited for; no harm is done if it comes later.
const ALERT: Duration = Duration::from_millis(300);

/// As the daemon has it at first.
const LONGEST: usize = 1 << 15;
