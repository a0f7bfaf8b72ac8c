use super::{Answer, IpcEvent, Limits, Places, Question, Then};
use crate::base::Level;
use crate::io::clock;
use crate::io::log::tell;
use crate::ipc::{Pace, Piece, Reply, RequestError};
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
    places: Places,
    events: mpsc::Sender<IpcEvent>,
) {
    match timeout(PATIENCE, read_line(&mut stream, limits.receive)).await {
        Ok(Ok(Some(line))) => {
            let answered = have_answered(&mut stream, line, limits.send, places, &events).await;
            if answered == Some(Then::Shutdown) {
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

/// Has a line answered, piece by piece if need be; what comes after the answer, if that is out, whole.
async fn have_answered(
    stream: &mut UnixStream,
    line: Vec<u8>,
    limit: usize,
    places: Places,
    events: &mpsc::Sender<IpcEvent>,
) -> Option<Then> {
    let (mut from, mut collected) = (None, Vec::new());
    loop {
        let (answer, answered) = oneshot::channel();
        let question = Question {
            line: line.clone(),
            from,
            asked: clock::now(),
            answer,
        };
        events.send(IpcEvent::Asked(question)).await.ok()?;
        let Piece { text, next, pace } = match answered.await.ok()? {
            Answer::Whole(reply, then) => {
                return send(stream, reply, limit).await.then_some(then);
            }
            Answer::Piece(piece) => piece,
            Answer::Lines(lines) => {
                let Ok(place) = places.watching.try_acquire() else {
                    let full = Reply::error("Too many tools are watching already");
                    return send(stream, full, limit).await.then_some(Then::Close);
                };
                drop(places.asking);
                follow(stream, lines).await;
                drop(place);
                return Some(Then::Close);
            }
        };
        match pace {
            Pace::Streamed => {
                let head: &[u8] = if from.is_none() { b"OK\n" } else { b"" };
                if !pass_on(stream, &[head, &text].concat()).await {
                    return None;
                }
            }
            Pace::Together(if_too_long) => {
                collected.extend(text);
                // What is too long anyway needs no more pieces.
                if next.is_none() || collected.len() > limit {
                    let reply = Reply::ok(collected, if_too_long);
                    return send(stream, reply, limit).await.then_some(Then::Close);
                }
            }
        }
        next?;
        from = next;
    }
}

/// Sends lines until there are no more, or nobody reads them.
async fn follow(stream: &mut UnixStream, mut lines: mpsc::Receiver<String>) {
    if !pass_on(stream, b"OK\n").await {
        return;
    }
    let mut more = [0; 64];
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { return };
                if !pass_on(stream, format!("{line}\n").as_bytes()).await {
                    return;
                }
            }
            // Whoever watches has nothing more to say but that it goes.
            read = stream.read(&mut more) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
        }
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
    pass_on(stream, &bytes).await
}

/// Sends a part of an answer; whether it is out.
async fn pass_on(stream: &mut UnixStream, bytes: &[u8]) -> bool {
    let sent = write_answer(stream, bytes).await;
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
