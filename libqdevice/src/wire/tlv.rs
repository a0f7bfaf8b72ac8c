//! Options: number, length, value. [C: tlv.c]
//!
//! Not here: which options a message has. The reader lends slices of the message and allocates
//! nothing; the writer never holds more than its limit.

use super::code::{MsgType, Numbered, OptType};
use super::error::{DecodeFault, TooLong};

/// Bytes of a message header: type and length.
pub(super) const HEADER_LEN: usize = 6;

/// Walks over the options of a body or of a nested value.
///
/// Yields number and value, or [`DecodeFault::Truncated`] once and then nothing more.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(u16, &'a [u8]), DecodeFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((number, value, rest)) = split_option(self.rest) else {
            self.rest = &[];
            return Some(Err(DecodeFault::Truncated));
        };
        self.rest = rest;
        Some(Ok((number, value)))
    }
}

fn split_option(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (number, bytes) = bytes.split_first_chunk()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let (value, rest) = bytes.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((u16::from_be_bytes(*number), value, rest))
}

/// The value of an option that we know, still as bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) opt: OptType,
    pub(super) bytes: &'a [u8],
}

impl<'a> Value<'a> {
    pub(super) fn u8(self) -> Result<u8, DecodeFault> {
        self.exactly().map(u8::from_be_bytes)
    }

    pub(super) fn u16(self) -> Result<u16, DecodeFault> {
        self.exactly().map(u16::from_be_bytes)
    }

    pub(super) fn u32(self) -> Result<u32, DecodeFault> {
        self.exactly().map(u32::from_be_bytes)
    }

    pub(super) fn u64(self) -> Result<u64, DecodeFault> {
        self.exactly().map(u64::from_be_bytes)
    }

    /// A u8 that stands for a word of the domain.
    pub(super) fn word<T: Numbered<u8>>(self) -> Result<T, DecodeFault> {
        T::of_number(self.u8()?).ok_or(self.invalid())
    }

    /// An array of u16, checked but not yet converted: most messages have no use for it.
    pub(super) fn numbers(self) -> Result<Numbers<'a>, DecodeFault> {
        if self.bytes.len() % 2 == 0 {
            Ok(Numbers(self.bytes))
        } else {
            Err(self.wrong_length())
        }
    }

    /// All bytes, if they are `N`.
    pub(super) fn exactly<const N: usize>(self) -> Result<[u8; N], DecodeFault> {
        self.bytes.try_into().map_err(|_| self.wrong_length())
    }

    pub(super) const fn invalid(self) -> DecodeFault {
        DecodeFault::InvalidValue(self.opt)
    }

    const fn wrong_length(self) -> DecodeFault {
        DecodeFault::WrongLength(self.opt)
    }
}

/// An array of u16 as it stands in a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    pub(super) fn to_vec(self) -> Vec<u16> {
        self.0
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    }
}

/// Builds one message and remembers when it has become too long.
///
/// Every method takes the option as the message has it: `None` writes nothing.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl Writer {
    /// A message of at most `limit` bytes, header included.
    pub(super) fn new(msg_type: MsgType, limit: usize) -> Self {
        let mut writer = Self {
            bytes: Vec::new(),
            limit,
            too_long: false,
        };
        writer.append(&[&msg_type.number().to_be_bytes(), &[0; 4]]);
        writer
    }

    pub(super) fn u8(&mut self, opt: OptType, value: Option<u8>) {
        self.bytes(opt, value.map(u8::to_be_bytes));
    }

    pub(super) fn u16(&mut self, opt: OptType, value: Option<u16>) {
        self.bytes(opt, value.map(u16::to_be_bytes));
    }

    pub(super) fn u32(&mut self, opt: OptType, value: Option<u32>) {
        self.bytes(opt, value.map(u32::to_be_bytes));
    }

    pub(super) fn u64(&mut self, opt: OptType, value: Option<u64>) {
        self.bytes(opt, value.map(u64::to_be_bytes));
    }

    pub(super) fn word(&mut self, opt: OptType, value: Option<impl Numbered<u8>>) {
        self.u8(opt, value.map(Numbered::to_number));
    }

    pub(super) fn numbers(&mut self, opt: OptType, value: Option<&[u16]>) {
        let value = value.map(|numbers| {
            numbers
                .iter()
                .flat_map(|n| n.to_be_bytes())
                .collect::<Vec<u8>>()
        });
        self.bytes(opt, value);
    }

    pub(super) fn bytes(&mut self, opt: OptType, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.parts(opt, &[value.as_ref()]);
        }
    }

    /// Writes an option whose value is the concatenation of `parts`.
    pub(super) fn parts(&mut self, opt: OptType, parts: &[&[u8]]) {
        let Ok(length) = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()) else {
            self.too_long = true;
            return;
        };
        self.append(&[&opt.number().to_be_bytes(), &length.to_be_bytes()]);
        self.append(parts);
    }

    /// Writes an option whose value is what `write` writes.
    pub(super) fn nested(&mut self, opt: OptType, write: impl FnOnce(&mut Self)) {
        self.append(&[&opt.number().to_be_bytes(), &[0; 2]]);
        let start = self.bytes.len();
        write(self);
        match u16::try_from(self.bytes.len() - start) {
            _ if self.too_long => {}
            Ok(length) => self.bytes[start - 2..start].copy_from_slice(&length.to_be_bytes()),
            Err(_) => self.too_long = true,
        }
    }

    /// Writes bytes that are options already.
    pub(super) fn raw(&mut self, options: &[u8]) {
        self.append(&[options]);
    }

    /// The finished message, its length filled in.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, TooLong> {
        if self.too_long {
            return Err(TooLong);
        }
        let body = u32::try_from(self.bytes.len() - HEADER_LEN).map_err(|_| TooLong)?;
        self.bytes[2..HEADER_LEN].copy_from_slice(&body.to_be_bytes());
        Ok(self.bytes)
    }

    fn append(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.too_long |= part.len() > self.limit - self.bytes.len();
            if !self.too_long {
                self.bytes.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(bytes: &[u8]) -> Vec<Result<(u16, &[u8]), DecodeFault>> {
        Reader::new(bytes).collect()
    }

    #[test]
    fn options_come_in_order_with_their_values() {
        assert_eq!(
            options(&[0, 1, 0, 2, b'h', b'a', 0, 9, 0, 0]),
            [Ok((1, b"ha".as_slice())), Ok((9, b"".as_slice()))]
        );
    }

    #[test]
    fn one_to_three_stray_bytes_are_a_truncated_option() {
        for stray in 1..=3 {
            let bytes = [&[0, 1, 0, 0][..], &vec![0; stray]].concat();
            assert_eq!(
                options(&bytes),
                [Ok((1, b"".as_slice())), Err(DecodeFault::Truncated)],
                "{stray} bytes"
            );
        }
    }

    #[test]
    fn an_option_longer_than_the_rest_is_truncated_and_ends_the_walk() {
        assert_eq!(options(&[0, 1, 0, 2, b'x']), [Err(DecodeFault::Truncated)]);
        assert_eq!(
            options(&[0, 1, 0xff, 0xff, 0, 1, 0, 0]),
            [Err(DecodeFault::Truncated)]
        );
    }

    #[test]
    fn a_value_of_another_size_is_a_wrong_length() {
        let value = Value {
            opt: OptType::NodeId,
            bytes: &[0, 0, 1],
        };
        assert_eq!(value.u32(), Err(DecodeFault::WrongLength(OptType::NodeId)));
        assert!(value.numbers().is_err());
    }

    #[test]
    fn a_message_may_fill_the_limit_and_not_a_byte_more() {
        let write = |limit| {
            let mut writer = Writer::new(MsgType::PreInit, limit);
            writer.bytes(OptType::ClusterName, Some(b"abc"));
            writer.finish()
        };
        assert_eq!(
            write(13),
            Ok(vec![0, 0, 0, 0, 0, 7, 0, 1, 0, 3, b'a', b'b', b'c'])
        );
        for limit in 0..13 {
            assert_eq!(write(limit), Err(TooLong), "limit {limit}");
        }
    }

    #[test]
    fn an_option_that_did_not_fit_is_not_made_good_by_a_shorter_one() {
        let mut writer = Writer::new(MsgType::PreInit, 14);
        writer.bytes(OptType::ClusterName, Some(b"too long"));
        writer.u8(OptType::Vote, Some(1));
        assert_eq!(writer.finish(), Err(TooLong));
    }

    #[test]
    fn a_value_longer_than_its_length_field_is_too_long() {
        let mut writer = Writer::new(MsgType::PreInit, usize::MAX);
        writer.bytes(OptType::ClusterName, Some(vec![0; 65536]));
        assert_eq!(writer.finish(), Err(TooLong));
    }
}
