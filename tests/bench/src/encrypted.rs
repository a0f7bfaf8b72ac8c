//! Clients with TLS that all come at once, and one that was there before.

use crate::clock::{self, MILLISECOND, Micros, SECOND, number};
use crate::figures::Figures;
use crate::keys::{CLUSTER, Keys};
use crate::server::{Program, Server};
use anyhow::{Context as _, Result, ensure};
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

/// All connect at once and stay until the last one is answered within TLS.
pub(crate) fn storm(
    clients: usize,
    keys: &Keys,
    kind: &str,
    program: &Program,
    figures: &mut Figures,
) -> Result<()> {
    let server = Server::with_tls(program, keys)?;
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_verify(SslVerifyMode::NONE);
    context.set_certificate(&keys.cluster.certificate)?;
    context.set_private_key(&keys.cluster.key)?;
    let context = context.build();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (cpu, memory) = (server.cpu()?, server.memory()?);
    let (kept, took, longest) = runtime.block_on(come(clients, context, server.address))?;
    let count = number(clients as u64);
    let cpu = (server.cpu()? - cpu) * 1e3 / count;
    std::thread::park_timeout(Duration::from_millis(200));
    let memory = (server.memory()? - memory) / count;
    let mut note = |name: &str, value| {
        figures.add(&format!("TLS {kind}: {name}"), clients, program.name, value);
    };
    note("handshakes per second", count / clock::seconds(took));
    note("CPU per handshake (ms)", cpu);
    note("memory per client (KiB)", memory);
    note(
        "longest echo of one who is there (ms)",
        clock::seconds(longest) * 1e3,
    );
    drop(kept);
    Ok(())
}

async fn come(
    clients: usize,
    context: SslContext,
    address: SocketAddr,
) -> Result<(Vec<Client>, Micros, Micros)> {
    let (over, end) = watch::channel(());
    let (ready, mut is_ready) = watch::channel(false);
    let own = context.clone();
    // On a thread of its own, so that it does not wait for the others of its kind.
    let steady = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let steady = client(own, address).await?;
            ready.send_replace(true);
            ask_until(steady, end).await
        })
    });
    is_ready.wait_for(|ready| *ready).await?;
    let began = clock::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(client(context.clone(), address));
    }
    let mut served = Vec::new();
    let all = async {
        while let Some(done) = tasks.join_next().await {
            served.push(done??);
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(Duration::from_micros(300 * SECOND), all).await??;
    let took = clock::now() - began;
    drop(over);
    let longest = steady.join();
    let longest = longest.map_err(|_| anyhow::anyhow!("the steady client died"))??;
    Ok((served, took, longest))
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
async fn ask_until(mut client: Client, mut end: watch::Receiver<()>) -> Result<Micros> {
    let mut longest = 0;
    loop {
        let asked = clock::now();
        ask(&mut client, &Message::EchoRequest(Echo::new(2))).await?;
        longest = longest.max(clock::now() - asked);
        tokio::select! {
            _ = end.changed() => return Ok(longest),
            () = tokio::time::sleep(Duration::from_micros(10 * MILLISECOND)) => {}
        }
    }
}

const LIMIT: usize = 32_768;
