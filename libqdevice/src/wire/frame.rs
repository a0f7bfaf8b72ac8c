//! A stream of bytes cut into messages. [C: msgio.c]
//!
//! Not here: any reading from a socket. Whoever reads hands over what has arrived.

use super::code::MsgType;
use super::decode::decode;
use super::error::Malformed;
use super::message::Message;
use super::tlv::HEADER_LEN;

/// Takes bytes as they arrive and gives out what they say, message by message.
///
/// Messages of unknown type and messages over the limit are passed over without being stored, and
/// reported when they end; the stream goes on behind them. What is stored of an unfinished message
/// is never more than twice what has arrived of it and never more than the limit. Between messages
/// nothing is stored.
///
/// ```
/// use libqdevice::wire::{Deframer, Echo, Message};
///
/// let request = Message::EchoRequest(Echo::new(7)).encode(32768).expect("14 bytes");
/// let (early, late) = request.split_at(3);
/// let mut deframer = Deframer::new(32768);
///
/// let mut unread = early;
/// assert_eq!(deframer.next_frame(&mut unread), None);
/// let mut unread = late;
/// assert_eq!(deframer.next_frame(&mut unread), Some(Ok(Message::EchoRequest(Echo::new(7)))));
/// assert_eq!(deframer.next_frame(&mut unread), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deframer {
    limit: usize,
    part: Part,
}

/// What of the current message has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    /// The first bytes of the header, less than all.
    Header { bytes: [u8; HEADER_LEN], len: usize },
    /// The header, and the first bytes of a body of `len`.
    Body {
        msg_type: MsgType,
        len: usize,
        bytes: Vec<u8>,
    },
    /// The header of a message that nobody will see, and all but `left` bytes of its body.
    Skipped { left: u64, why: Malformed },
}

impl Part {
    const NOTHING: Self = Self::Header {
        bytes: [0; HEADER_LEN],
        len: 0,
    };
}

impl Deframer {
    /// A stream from its first byte, whose messages may have `limit` bytes, header included.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            part: Part::NOTHING,
        }
    }

    /// Changes the limit. A message whose header has arrived completely keeps the old one.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes bytes off the front of `unread`, up to the end of one message at most.
    ///
    /// `None` means that all bytes are taken and the message is not complete. After `Some` the bytes
    /// behind the message are left in `unread`: behind a [`Message::StartTls`] they are not ours.
    pub fn next_frame(&mut self, unread: &mut &[u8]) -> Option<Result<Message, Malformed>> {
        self.take_header(unread);
        let frame = match &mut self.part {
            Part::Header { .. } => return None,
            Part::Body {
                msg_type,
                len,
                bytes,
            } => take_body(*msg_type, *len, bytes, unread)?,
            Part::Skipped { left, why } => Err(take_skipped(left, *why, unread)?),
        };
        self.part = Part::NOTHING;
        Some(frame)
    }

    /// Why the message that is arriving now will not be delivered, known before it has ended.
    ///
    /// A client hangs up on such a server and need not wait for the end.
    #[must_use]
    pub const fn skipping(&self) -> Option<Malformed> {
        match &self.part {
            Part::Skipped { why, .. } => Some(*why),
            Part::Header { .. } | Part::Body { .. } => None,
        }
    }

    /// How many bytes the body of the unfinished message will have, as its header says; none without one.
    #[must_use]
    pub const fn arriving(&self) -> usize {
        match &self.part {
            Part::Body { len, .. } => *len,
            Part::Header { .. } | Part::Skipped { .. } => 0,
        }
    }

    /// Bytes of memory held for the unfinished message.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.part {
            Part::Body { bytes, .. } => bytes.capacity(),
            Part::Header { .. } | Part::Skipped { .. } => 0,
        }
    }

    fn take_header(&mut self, unread: &mut &[u8]) {
        if let Part::Header { bytes, len } = &mut self.part {
            let taken = take(unread, HEADER_LEN - *len);
            bytes[*len..*len + taken.len()].copy_from_slice(taken);
            *len += taken.len();
            if *len == HEADER_LEN {
                self.part = judge(*bytes, self.limit);
            }
        }
    }
}

/// Takes what is there of a body of `len` bytes; `stored` is the beginning that came before.
fn take_body(
    msg_type: MsgType,
    len: usize,
    stored: &mut Vec<u8>,
    unread: &mut &[u8],
) -> Option<Result<Message, Malformed>> {
    let missing = len - stored.len();
    let taken = take(unread, missing);
    let whole = taken.len() == missing;
    if whole && stored.is_empty() {
        return Some(decode(msg_type, taken).map_err(Malformed::from));
    }
    store(stored, taken, len);
    whole.then(|| decode(msg_type, stored).map_err(Malformed::from))
}

fn take_skipped(left: &mut u64, why: Malformed, unread: &mut &[u8]) -> Option<Malformed> {
    *left -= take(unread, usize::try_from(*left).unwrap_or(usize::MAX)).len() as u64;
    (*left == 0).then_some(why)
}

/// What the rest of the message is. An unknown type is noticed before a length, so that it is
/// answered as what it is.
fn judge(header: [u8; HEADER_LEN], limit: usize) -> Part {
    let [t0, t1, length @ ..] = header;
    let (number, length) = (u16::from_be_bytes([t0, t1]), u32::from_be_bytes(length));
    let skipped = |why| Part::Skipped {
        left: length.into(),
        why,
    };
    let Some(msg_type) = MsgType::from_number(number) else {
        return skipped(Malformed::UnknownType(number));
    };
    let whole = usize::try_from(length)
        .ok()
        .and_then(|len| len.checked_add(HEADER_LEN));
    match whole {
        Some(whole) if whole <= limit => Part::Body {
            msg_type,
            len: whole - HEADER_LEN,
            bytes: Vec::new(),
        },
        _ => skipped(Malformed::TooLong(length)),
    }
}

fn take<'a>(unread: &mut &'a [u8], at_most: usize) -> &'a [u8] {
    let (taken, rest) = unread.split_at(at_most.min(unread.len()));
    *unread = rest;
    taken
}

/// Appends to a body that will have `len` bytes; memory follows what arrives, not what was announced.
fn store(body: &mut Vec<u8>, arrived: &[u8], len: usize) {
    let needed = body.len() + arrived.len();
    if needed > body.capacity() {
        let roomy = needed.max(body.capacity().saturating_mul(2)).min(len);
        body.reserve_exact(roomy - body.len());
    }
    body.extend_from_slice(arrived);
}

#[cfg(test)]
mod tests {
    use super::super::error::{DecodeError, DecodeFault};
    use super::super::message::{Echo, Plain};
    use super::super::strategies::{ROOMY, message};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    type Frame = Result<Message, Malformed>;

    /// Feeds all of `bytes` and collects what comes out.
    fn feed(deframer: &mut Deframer, mut bytes: &[u8]) -> Vec<Frame> {
        std::iter::from_fn(|| deframer.next_frame(&mut bytes)).collect()
    }

    fn echo(seq: u32) -> Message {
        Message::EchoRequest(Echo::new(seq))
    }

    fn bytes_of(message: &Message) -> Vec<u8> {
        message.encode(ROOMY).unwrap()
    }

    /// A message with a body of zeros: an option of a wrong length, if anybody looks at it.
    fn zeros(number: u16, len: u32) -> Vec<u8> {
        let body = vec![0; usize::try_from(len).unwrap()];
        [&number.to_be_bytes()[..], &len.to_be_bytes(), &body].concat()
    }

    /// A message of `len` bytes in all, made long by an option that nobody knows.
    fn long_echo(len: usize) -> Vec<u8> {
        let value = vec![7; len - 10];
        let body = [
            &[0, 99][..],
            &u16::try_from(value.len()).unwrap().to_be_bytes(),
            &value,
        ]
        .concat();
        bytes_of(&Message::EchoRequest(Echo::received(None, body)))
    }

    #[test]
    fn a_message_may_have_as_many_bytes_as_the_limit_and_not_one_more() {
        assert_eq!(feed(&mut Deframer::new(50), &long_echo(50)).len(), 1);
        assert!(feed(&mut Deframer::new(50), &long_echo(50))[0].is_ok());
        assert_eq!(
            feed(&mut Deframer::new(50), &long_echo(51)),
            [Err(Malformed::TooLong(45))]
        );
    }

    #[test]
    fn what_is_skipped_is_reported_once_at_its_end_and_the_stream_goes_on() {
        let mut deframer = Deframer::new(50);
        for (bytes, why) in [
            (zeros(18, 3000), Malformed::UnknownType(18)),
            (zeros(8, 3000), Malformed::TooLong(3000)),
        ] {
            let (last, all_but_last) = bytes.split_last().unwrap();
            assert_eq!(feed(&mut deframer, all_but_last), []);
            assert_eq!(deframer.skipping(), Some(why));
            let rest = [&[*last][..], &bytes_of(&echo(1))].concat();
            assert_eq!(feed(&mut deframer, &rest), [Err(why), Ok(echo(1))]);
            assert_eq!(deframer.skipping(), None);
        }
    }

    #[test]
    fn an_unknown_type_is_noticed_before_a_length() {
        assert_eq!(
            feed(&mut Deframer::new(50), &zeros(18, 51)),
            [Err(Malformed::UnknownType(18))]
        );
    }

    #[test]
    fn an_unknown_type_without_a_body_is_an_unknown_type() {
        assert_eq!(
            feed(&mut Deframer::new(50), &zeros(0xffff, 0)),
            [Err(Malformed::UnknownType(0xffff))]
        );
    }

    #[test]
    fn a_known_type_without_a_body_ends_with_its_header() {
        let empty = Malformed::Undecodable(DecodeError {
            seq: None,
            fault: DecodeFault::Empty,
        });
        assert_eq!(feed(&mut Deframer::new(6), &zeros(2, 0)), [Err(empty)]);
    }

    #[test]
    fn under_a_limit_shorter_than_a_header_every_message_is_too_long() {
        let mut deframer = Deframer::new(5);
        assert_eq!(
            feed(&mut deframer, &zeros(2, 0)),
            [Err(Malformed::TooLong(0))]
        );
        assert_eq!(
            feed(&mut deframer, &zeros(2, 1)),
            [Err(Malformed::TooLong(1))]
        );
    }

    #[test]
    fn a_caller_that_stops_has_the_unread_bytes() {
        let starttls = Message::StartTls(Plain { seq: Some(3) });
        let bytes = [bytes_of(&starttls), vec![0x16, 3, 1, 0, 200]].concat();
        let mut deframer = Deframer::new(ROOMY);
        let mut unread = bytes.as_slice();
        assert_eq!(deframer.next_frame(&mut unread), Some(Ok(starttls)));
        assert_eq!(unread, [0x16, 3, 1, 0, 200]);
        assert_eq!(deframer, Deframer::new(ROOMY));
    }

    #[test]
    fn a_client_hello_is_a_long_message_of_unknown_type() {
        let mut deframer = Deframer::new(ROOMY);
        assert_eq!(feed(&mut deframer, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]), []);
        assert_eq!(deframer.skipping(), Some(Malformed::UnknownType(0x1603)));
    }

    #[test]
    fn a_new_limit_holds_from_the_next_header() {
        let mut deframer = Deframer::new(50);
        let bytes = long_echo(50);
        assert_eq!(feed(&mut deframer, &bytes[..6]), []);
        deframer.set_limit(20);
        assert!(feed(&mut deframer, &bytes[6..])[0].is_ok());
        assert_eq!(feed(&mut deframer, &bytes), [Err(Malformed::TooLong(44))]);
        deframer.set_limit(50);
        assert!(feed(&mut deframer, &bytes)[0].is_ok());
    }

    #[test]
    fn an_announced_length_takes_no_memory_until_the_bytes_are_there() {
        let mut deframer = Deframer::new(ROOMY);
        let bytes = long_echo(ROOMY);
        assert_eq!(feed(&mut deframer, &bytes[..6]), []);
        assert_eq!((deframer.held(), deframer.arriving()), (0, ROOMY - 6));
        for (arrived, byte) in bytes[6..bytes.len() - 1].iter().enumerate() {
            assert_eq!(feed(&mut deframer, &[*byte]), []);
            assert!(deframer.held() <= 2 * (arrived + 1) && deframer.held() <= ROOMY - 6);
        }
        assert_eq!(feed(&mut deframer, &bytes[bytes.len() - 1..]).len(), 1);
        assert_eq!((deframer.held(), deframer.arriving()), (0, 0));
    }

    #[test]
    fn a_skipped_message_takes_no_memory() {
        let mut deframer = Deframer::new(ROOMY);
        let bytes = zeros(8, 100_000);
        for piece in bytes[..100_000].chunks(1000) {
            assert_eq!(feed(&mut deframer, piece), []);
            assert_eq!(deframer.held(), 0);
        }
    }

    /// A stream of good messages, unknown ones, long ones and broken ones.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            6 => message().prop_map(|m| bytes_of(&m)),
            1 => (18_u16.., 0_u32..300).prop_map(|(number, len)| zeros(number, len)),
            1 => (0_u16..18, 0_u32..600).prop_map(|(number, len)| zeros(number, len)),
        ];
        vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_segmentation_of_a_stream_gives_the_same_frames(
            stream in stream(),
            cuts in vec(any::<prop::sample::Index>(), 0..30),
            limit in 16_usize..500,
        ) {
            let whole = feed(&mut Deframer::new(limit), &stream);
            let mut bytewise = Deframer::new(limit);
            let by_byte: Vec<_> = stream.iter().flat_map(|&b| feed(&mut bytewise, &[b])).collect();
            prop_assert_eq!(&whole, &by_byte);

            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut deframer = Deframer::new(limit);
            let by_piece: Vec<_> =
                cuts.windows(2).flat_map(|w| feed(&mut deframer, &stream[w[0]..w[1]])).collect();
            prop_assert_eq!(&whole, &by_piece);
        }

        #[test]
        fn any_bytes_neither_panic_nor_take_memory_beyond_the_limit(
            pieces in vec(vec(prop_oneof![3 => 0_u8..20, 1 => any::<u8>()], 0..64), 0..40),
            limit in 0_usize..2000,
        ) {
            let mut deframer = Deframer::new(limit);
            let mut arrived = 0;
            for piece in pieces {
                feed(&mut deframer, &piece);
                arrived += piece.len();
                prop_assert!(deframer.held() <= limit.min(2 * arrived));
            }
        }
    }
}
