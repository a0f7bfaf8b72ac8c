use super::{IpcEvent, Limits, Question, Then};
use crate::base::Level;
use crate::io::log::tell;
use crate::ipc::{Reply, RequestError};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Reads a line, has it answered, sends the answer.
pub(super) async fn converse(
    mut stream: UnixStream,
    limits: Limits,
    events: mpsc::Sender<IpcEvent>,
) {
    match timeout(PATIENCE, read_line(&mut stream, limits.receive)).await {
        Ok(Ok(Some(line))) => {
            let (answer, answered) = oneshot::channel();
            if events
                .send(IpcEvent::Asked(Question { line, answer }))
                .await
                .is_err()
            {
                return;
            }
            let Ok((reply, then)) = answered.await else {
                return;
            };
            if send(&mut stream, reply, limits.send).await && then == Then::Shutdown {
                // Fails only when the daemon is ending anyway.
                let _ = events.send(IpcEvent::ShutdownAnswered).await;
            }
        }
        Ok(Ok(None)) => {
            send(&mut stream, RequestError::TooLong.into(), limits.send).await;
            discard(stream).await;
        }
        Ok(Err(error)) => tracing::debug!("IPC client is gone: {error}"),
        Err(_) => tracing::debug!("IPC client sends nothing. Disconnecting it"),
    }
}

/// Sends an answer; whether it is out, whole.
async fn send(stream: &mut UnixStream, reply: Reply, limit: usize) -> bool {
    let Some(bytes) = reply.encode(limit) else {
        tell(
            Level::Error,
            &"Can't send ipc error to client (buffer too small)",
        );
        return false;
    };
    let sent = write_answer(stream, &bytes).await;
    if let Err(error) = &sent {
        tracing::debug!("Can't send message to IPC client. Disconnecting it: {error}");
    }
    sent.is_ok()
}

/// Reads what is left of a line that is too long: closing before that would destroy the answer.
async fn discard(mut stream: UnixStream) {
    let mut chunk = [0; 1024];
    let reading = async {
        stream.shutdown().await?;
        for _ in 0..DISCARDED_CHUNKS {
            if stream.read(&mut chunk).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    // Whoever goes on sending does not want the answer.
    let _ = timeout(PATIENCE, reading).await;
}

/// The line with its line feed and what came with it; `None` if it is longer than `limit`.
async fn read_line(stream: &mut UnixStream, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let (mut line, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        let len = stream.read(&mut chunk).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(&chunk[..len]);
        if line.iter().take(limit).any(|&byte| byte == b'\n') {
            return Ok(Some(line));
        }
        if line.len() >= limit {
            return Ok(None);
        }
    }
}

/// Fails when nothing of the answer is taken for a while; a slow reader may take all the time it needs.
async fn write_answer(stream: &mut UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let len = timeout(PATIENCE, stream.write(bytes)).await??;
        bytes = &bytes[len..];
    }
    Ok(())
}

/// How long a tool may take to send its line, and may leave an answer lying.
const PATIENCE: Duration = Duration::from_secs(10);

/// Enough for a line of a megabyte.
const DISCARDED_CHUNKS: usize = 1024;
