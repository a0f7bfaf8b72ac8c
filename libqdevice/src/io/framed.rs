//! Messages over a stream of bytes: frames in, a queue of frames out.
//!
//! Not here: tasks and channels. One task owns a [`Framed`] and waits on it beside whatever else it
//! waits on.

use crate::wire::{Deframer, Malformed, Message};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether the next message is wanted, or only what is queued is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing is read: the message before is still being answered.
    Off,
    /// The next message is wanted.
    On,
    /// The same, and if it has arrived already it comes before anything is sent: its answer can go with those to
    /// the messages before it.
    Gathering,
    /// The same by somebody who hangs up on what is no message, and does not wait for its end.
    Hasty,
}

/// The memory that a client takes with its next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Bytes that wait to be sent.
    pub queued: usize,
    /// Bytes in all until the message is answered: those, the message and an answer as long.
    pub total: usize,
}

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side has closed it.
    #[error("connection closed by the other side")]
    Closed,
    /// Reading failed.
    #[error("cannot read: {0}")]
    Read(#[source] io::Error),
    /// Writing failed.
    #[error("cannot write: {0}")]
    Write(#[source] io::Error),
}

/// A connection that speaks in messages.
#[derive(Debug)]
pub struct Framed<S> {
    stream: S,
    deframer: Deframer,
    /// What was read behind the last message; no memory while there is nothing.
    unread: Vec<u8>,
    outbox: VecDeque<Vec<u8>>,
    /// How much of the first frame in the outbox is sent.
    sent: usize,
    /// Bytes read since somebody asked.
    read: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    /// A connection whose other side may send messages of `receive_limit` bytes.
    #[must_use]
    pub fn new(stream: S, receive_limit: usize) -> Self {
        Self {
            stream,
            deframer: Deframer::new(receive_limit),
            unread: Vec::new(),
            outbox: VecDeque::new(),
            sent: 0,
            read: 0,
        }
    }

    /// The stream, and what was read from it behind the last message. What was still to be sent is lost.
    #[must_use]
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.unread)
    }

    /// Waits until everything in the queue is sent, and reads nothing.
    pub async fn send_all(&mut self) -> Result<(), LinkError> {
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// Changes how long the messages of the other side may be, from the next one on.
    pub fn set_receive_limit(&mut self, limit: usize) {
        self.deframer.set_limit(limit);
    }

    /// The message that is arriving and will be skipped, as soon as its header tells.
    #[must_use]
    pub fn skipping(&self) -> Option<Malformed> {
        self.deframer.skipping()
    }

    /// Puts an encoded message at the end of the queue. Nothing limits the queue here.
    pub fn queue(&mut self, frame: Vec<u8>) {
        self.outbox.push_back(frame);
    }

    /// How many messages are not sent completely.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.outbox.len()
    }

    /// How many bytes were read since the last call.
    pub const fn take_read(&mut self) -> usize {
        std::mem::replace(&mut self.read, 0)
    }

    /// Bytes of memory held by what is queued and by what was read and not taken yet.
    #[must_use]
    pub fn held(&self) -> usize {
        self.waiting() + self.unread.capacity() + self.deframer.held()
    }

    /// Bytes of memory held by what is queued.
    fn waiting(&self) -> usize {
        let memory = |frame: &Vec<u8>| frame.capacity() + PLACE;
        self.outbox.iter().map(memory).sum()
    }

    /// Sends as much of the queue as the stream takes without waiting.
    pub async fn send_some(&mut self) -> Result<(), LinkError> {
        poll_fn(|cx| match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Waits for the next message, and sends what is queued meanwhile.
    ///
    /// With [`Reading::Off`] it ends only with an error of sending. May be dropped and called again at
    /// any time without losing anything. Bytes behind a message stay unread until the next call.
    pub async fn next(
        &mut self,
        reading: Reading,
    ) -> Result<Result<Message, Malformed>, LinkError> {
        poll_fn(
            |cx| match ready!(self.poll_next(reading, &mut |_| true, cx))? {
                Some(message) => Poll::Ready(Ok(message)),
                None => Poll::Pending,
            },
        )
        .await
    }

    /// The same for one of many: before more than [`SHORT`] bytes of a message are stored, `room` is asked
    /// whether there is memory for it. When there is none, nothing more is read; the answer is none.
    pub async fn next_with_room(
        &mut self,
        reading: Reading,
        mut room: impl FnMut(Demand) -> bool,
    ) -> Result<Option<Result<Message, Malformed>>, LinkError> {
        poll_fn(|cx| self.poll_next(reading, &mut room, cx)).await
    }

    fn poll_next(
        &mut self,
        reading: Reading,
        room: &mut dyn FnMut(Demand) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Result<Message, Malformed>>, LinkError>> {
        if reading == Reading::Gathering {
            if let Some(frame) = self.take_unread() {
                return Poll::Ready(Ok(Some(frame)));
            }
        }
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        match reading {
            Reading::Off => Poll::Pending,
            Reading::On | Reading::Gathering | Reading::Hasty => {
                self.poll_receive(reading, room, cx)
            }
        }
    }

    /// Whether something was read behind the last message.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Ready when the queue is empty.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.outbox.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while let Some(first) = self.outbox.front() {
            let rest = &first[self.sent..];
            let stream = Pin::new(&mut self.stream);
            let written = if self.outbox.len() == 1 || rest.len() >= BATCH {
                ready!(stream.poll_write(cx, rest))
            } else {
                let batch = batch(&self.outbox, self.sent);
                ready!(stream.poll_write(cx, &batch))
            };
            match written.map_err(LinkError::Write)? {
                0 => return Poll::Ready(Err(LinkError::Closed)),
                len => self.forget_sent(len),
            }
        }
        // Most have nothing to send most of the time.
        self.outbox = VecDeque::new();
        Pin::new(&mut self.stream)
            .poll_flush(cx)
            .map_err(LinkError::Write)
    }

    /// `len` more bytes of the queue are sent.
    fn forget_sent(&mut self, len: usize) {
        self.sent += len;
        while let Some(first) = self.outbox.front() {
            if self.sent < first.len() {
                return;
            }
            self.sent -= first.len();
            self.outbox.pop_front();
        }
    }

    /// The next message of what was read already, if it is whole.
    fn take_unread(&mut self) -> Option<Result<Message, Malformed>> {
        let mut unread = self.unread.as_slice();
        let frame = self.deframer.next_frame(&mut unread);
        match unread.len() {
            0 => self.unread = Vec::new(),
            left => drop(self.unread.drain(..self.unread.len() - left)),
        }
        frame
    }

    fn poll_receive(
        &mut self,
        reading: Reading,
        room: &mut dyn FnMut(Demand) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Result<Message, Malformed>>, LinkError>> {
        loop {
            let frame = self.take_unread();
            if frame.is_some() {
                return Poll::Ready(Ok(frame));
            }
            if let (Reading::Hasty, Some(why)) = (reading, self.deframer.skipping()) {
                return Poll::Ready(Ok(Some(Err(why))));
            }
            if self.deframer.arriving() > SHORT && !room(self.demand()) {
                return Poll::Ready(Ok(None));
            }
            let mut chunk = [MaybeUninit::uninit(); CHUNK];
            let mut buffer = ReadBuf::uninit(&mut chunk);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            read.map_err(LinkError::Read)?;
            let mut arrived = buffer.filled();
            if arrived.is_empty() {
                return Poll::Ready(Err(LinkError::Closed));
            }
            self.read += arrived.len();
            // Most often it is one message, which then is stored nowhere.
            let frame = self.deframer.next_frame(&mut arrived);
            self.unread.extend_from_slice(arrived);
            if frame.is_some() {
                return Poll::Ready(Ok(frame));
            }
        }
    }

    /// What the message takes that is arriving.
    fn demand(&self) -> Demand {
        let queued = self.waiting();
        // It is there twice while it is decoded, and beside its answer while that is made.
        let message = self.deframer.arriving() + PLACE;
        Demand {
            queued,
            total: queued + 2 * message,
        }
    }
}

/// The queue from here on, as much as is worth one call of the system. Always the same bytes, or more
/// of them, until some of them are sent: TLS asks for that.
fn batch(outbox: &VecDeque<Vec<u8>>, sent: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BATCH);
    let mut skipped = sent;
    for frame in outbox {
        let room = BATCH - bytes.len();
        let frame = &frame[skipped..];
        bytes.extend_from_slice(&frame[..frame.len().min(room)]);
        skipped = 0;
        if bytes.len() == BATCH {
            break;
        }
    }
    bytes
}

/// Bytes of a message for which there is always memory. Honest ones are shorter.
pub const SHORT: usize = 4096;

/// Bytes read at once. Most messages have a few dozen.
const CHUNK: usize = SHORT;

/// Bytes that a message takes beside its own: its place in the queue, and what the allocator has of it.
const PLACE: usize = 64;

/// Bytes written at once.
const BATCH: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Echo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn echo(seq: u32) -> Message {
        Message::EchoRequest(Echo::new(seq))
    }

    fn bytes(seq: u32) -> Vec<u8> {
        echo(seq).encode(100).unwrap()
    }

    #[tokio::test]
    async fn whoever_gathers_sends_before_it_waits_and_not_before() {
        let (ours, mut theirs) = duplex(1024);
        let mut framed = Framed::new(ours, 100);
        let (third, rest) = (&bytes(3)[..4], &bytes(3)[4..]);
        let all = [&bytes(1)[..], &bytes(2), third].concat();
        theirs.write_all(&all).await.unwrap();
        for seq in [1, 2] {
            let heard = framed.next(Reading::Gathering).await.unwrap();
            assert_eq!(heard, Ok(echo(seq)));
            framed.queue(bytes(10 + seq));
        }
        let client = async {
            let mut answers = vec![0; bytes(0).len() * 2];
            theirs.read_exact(&mut answers).await.unwrap();
            theirs.write_all(rest).await.unwrap();
            answers
        };
        let (answers, heard) = tokio::join!(client, framed.next(Reading::Gathering));
        assert_eq!(answers, [bytes(11), bytes(12)].concat());
        assert_eq!(heard.unwrap(), Ok(echo(3)));
    }

    #[tokio::test]
    async fn the_hasty_hear_of_what_is_no_message_before_it_ends() {
        let (ours, mut theirs) = duplex(1024);
        let mut framed = Framed::new(ours, 100);
        theirs.write_all(b"HTTP/1.1").await.unwrap();
        let heard = framed.next(Reading::Hasty).await.unwrap();
        assert_eq!(heard, Err(Malformed::UnknownType(0x4854)));
    }

    #[tokio::test]
    async fn messages_come_one_by_one_however_the_bytes_were_cut() {
        let (ours, mut theirs) = duplex(1024);
        let mut framed = Framed::new(ours, 100);
        let stream = [bytes(1), bytes(2), bytes(3)].concat();
        theirs.write_all(&stream[..30]).await.unwrap();
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(1)));
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(2)));
        theirs.write_all(&stream[30..]).await.unwrap();
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(3)));
        drop(theirs);
        assert!(matches!(
            framed.next(Reading::On).await,
            Err(LinkError::Closed)
        ));
    }

    #[tokio::test]
    async fn what_is_queued_is_sent_while_a_message_is_waited_for() {
        let (ours, mut theirs) = duplex(8);
        let mut framed = Framed::new(ours, 100);
        framed.queue(bytes(1));
        framed.queue(bytes(2));
        let client = async {
            let mut received = [0; 28];
            theirs.read_exact(&mut received).await.unwrap();
            theirs.write_all(&bytes(3)).await.unwrap();
            received.to_vec()
        };
        let (received, message) = tokio::join!(client, framed.next(Reading::On));
        assert_eq!(received, [bytes(1), bytes(2)].concat());
        assert_eq!(message.unwrap(), Ok(echo(3)));
        assert_eq!(framed.queued(), 0);
    }

    #[tokio::test]
    async fn a_receiver_that_does_not_read_leaves_messages_in_the_queue() {
        let (ours, mut theirs) = duplex(22);
        let mut framed = Framed::new(ours, 100);
        (1..=3).for_each(|seq| framed.queue(bytes(seq)));
        framed.send_some().await.unwrap();
        assert_eq!(framed.queued(), 2);

        let mut received = [0; 22];
        theirs.read_exact(&mut received).await.unwrap();
        framed.send_some().await.unwrap();
        assert_eq!(framed.queued(), 0);
        let mut rest = [0; 20];
        theirs.read_exact(&mut rest).await.unwrap();
        assert_eq!(
            [&received[..], &rest[..]].concat(),
            [bytes(1), bytes(2), bytes(3)].concat()
        );
    }

    #[tokio::test]
    async fn short_and_long_messages_arrive_as_they_were_queued_however_little_is_taken_at_once() {
        let (ours, mut theirs) = duplex(1000);
        let mut framed = Framed::new(ours, 100);
        let messages: Vec<Vec<u8>> = [14, 9000, 20_000, 14, 40_000, 7000, 12_000]
            .iter()
            .zip(0u8..)
            .map(|(&len, fill)| vec![fill; len])
            .collect();
        let client = async {
            let mut received = vec![0; messages.concat().len()];
            theirs.read_exact(&mut received).await.unwrap();
            received
        };
        for message in &messages {
            framed.queue(message.clone());
        }
        let (received, sent) = tokio::join!(client, framed.send_all());
        sent.unwrap();
        assert!(received == messages.concat());
        assert_eq!(framed.queued(), 0);
    }

    #[tokio::test]
    async fn what_follows_the_last_message_goes_to_whoever_takes_the_stream() {
        let (ours, mut theirs) = duplex(1024);
        let mut framed = Framed::new(ours, 100);
        let hello = b"\x16\x03\x01";
        theirs
            .write_all(&[&bytes(1)[..], hello].concat())
            .await
            .unwrap();
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(1)));
        framed.queue(bytes(2));
        framed.send_all().await.unwrap();
        let (_stream, start) = framed.into_parts();
        assert_eq!(start, hello);
        let mut received = [0; 14];
        theirs.read_exact(&mut received).await.unwrap();
        assert_eq!(received[..], bytes(2));
    }

    #[tokio::test]
    async fn a_long_message_is_stored_only_when_there_is_room_for_it_and_its_answer() {
        let (ours, mut theirs) = duplex(100_000);
        let mut framed = Framed::new(ours, 40_000);
        // An option that nobody knows, of thirty kilobytes.
        let option = [&[0x7f, 0xff, 0x75, 0x30][..], &vec![0; 30_000]];
        let long = Message::EchoRequest(Echo::received(None, option.concat()));
        let stream = [bytes(1), long.encode(40_000).unwrap()].concat();
        theirs.write_all(&stream).await.unwrap();
        let mut demands = Vec::new();
        let mut ask = |demand| {
            demands.push(demand);
            false
        };
        let first = framed.next_with_room(Reading::On, &mut ask).await;
        assert_eq!(first.unwrap(), Some(Ok(echo(1))));
        let none = framed.next_with_room(Reading::On, &mut ask).await;
        assert!(none.unwrap().is_none() && framed.held() <= 2 * SHORT);
        assert!(matches!(
            demands[..],
            [Demand {
                total: 60_000..,
                ..
            }]
        ));
        let whole = framed.next_with_room(Reading::On, |_| true).await;
        assert_eq!(whole.unwrap(), Some(Ok(long)));
    }

    #[tokio::test]
    async fn nothing_is_read_while_reading_is_off() {
        let (ours, mut theirs) = duplex(1024);
        let mut framed = Framed::new(ours, 100);
        theirs.write_all(&bytes(1)).await.unwrap();
        tokio::select! {
            biased;
            _ = framed.next(Reading::Off) => panic!("a message was read"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(echo(1)));
    }
}
