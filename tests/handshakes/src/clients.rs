//! Clients that all come at once, and one that was there before.

use crate::server::{CLUSTER, Keys};
use anyhow::{Context as _, Result, ensure};
use libqdevice::base::Time;
use libqdevice::io::clock;
use libqdevice::io::framed::{Framed, Reading};
use libqdevice::tls::Transport;
use libqdevice::wire::{Echo, Message, Plain, PreInit};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_openssl::SslStream;

/// Clients with the certificate of their cluster.
pub(crate) struct Fleet {
    context: SslContext,
    count: u32,
}

/// How a fleet was served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// Until the last one was answered within TLS.
    pub(crate) took: Duration,
    /// The longest time that a client which is connected already waited for an answer meanwhile.
    pub(crate) longest_wait: Duration,
}

impl Fleet {
    pub(crate) fn of(keys: &Keys, count: u32) -> Result<Self> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_verify(SslVerifyMode::NONE);
        context.set_certificate(&keys.cluster.certificate)?;
        context.set_private_key(&keys.cluster.key)?;
        Ok(Self {
            context: context.build(),
            count,
        })
    }

    /// All connect at once and stay until the last one is served.
    pub(crate) async fn come(&self, address: SocketAddr) -> Result<Served> {
        let (over, end) = watch::channel(());
        let (ready, mut is_ready) = watch::channel(false);
        let context = self.context.clone();
        // On a thread of its own, so that it does not wait for the others of its kind.
        let steady = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let steady = client(context, address).await?;
                ready.send_replace(true);
                ask_until(steady, end).await
            })
        });
        is_ready.wait_for(|ready| *ready).await?;
        let began = clock::now();
        let mut tasks = JoinSet::new();
        for _ in 0..self.count {
            tasks.spawn(client(self.context.clone(), address));
        }
        let mut served = Vec::new();
        while let Some(done) = tasks.join_next().await {
            served.push(done??);
        }
        let took = since(began);
        drop(over);
        let steady = steady.join();
        let longest_wait = steady.map_err(|_| anyhow::anyhow!("the steady client died"))??;
        Ok(Served { took, longest_wait })
    }
}

type Client = Framed<SslStream<TcpStream>>;

/// A client that was answered within TLS, so that its certificate was looked at.
async fn client(context: SslContext, address: SocketAddr) -> Result<Client> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true)?;
    let mut plain = Framed::new(Transport::Plain(stream), LIMIT);
    let cluster = Some(CLUSTER.into());
    let preinit = PreInit {
        seq: Some(1),
        cluster,
    };
    ask(&mut plain, &Message::PreInit(preinit)).await?;
    plain.queue(Message::StartTls(Plain { seq: Some(2) }).encode(LIMIT)?);
    plain.send_all().await?;
    let (Transport::Plain(stream), start) = plain.into_parts() else {
        anyhow::bail!("TLS before its time");
    };
    ensure!(start.is_empty(), "the server speaks before its time");
    let mut stream = SslStream::new(Ssl::new(&context)?, stream)?;
    Pin::new(&mut stream).connect().await.context("handshake")?;
    let mut framed = Framed::new(stream, LIMIT);
    ask(&mut framed, &Message::EchoRequest(Echo::new(1))).await?;
    Ok(framed)
}

async fn ask<S>(framed: &mut Framed<S>, message: &Message) -> Result<Message>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    framed.queue(message.encode(LIMIT)?);
    let answer = framed.next(Reading::On).await?;
    answer.map_err(|malformed| anyhow::anyhow!("no message: {malformed:?}"))
}

/// Asks a hundred times a second; gives the longest time until an answer.
async fn ask_until(mut client: Client, mut end: watch::Receiver<()>) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    loop {
        let asked = clock::now();
        ask(&mut client, &Message::EchoRequest(Echo::new(2))).await?;
        longest = longest.max(since(asked));
        tokio::select! {
            _ = end.changed() => return Ok(longest),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
}

fn since(begin: Time) -> Duration {
    Duration::from_millis(clock::now().since(begin))
}

const LIMIT: usize = 32_768;
