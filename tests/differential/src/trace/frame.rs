use super::words::{MESSAGES, OPTIONS};
use std::fmt::{self, Write};
use std::str::FromStr;

/// One message as it goes over the wire; nothing in it need make sense.
///
/// Its text is the type's word and the options in their order: `node-list seq=7 list=membership
/// ring=1.8 sees=1 sees=2`. What has no word shows as number and hexadecimal: `type77`, `opt40=00ff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Number of its type.
    pub kind: u16,
    /// What follows the header.
    pub body: Vec<Piece>,
}

/// A part of a message's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A whole option.
    Option(u16, Vec<u8>),
    /// An option of that many zero bytes.
    Filler(u16, u16),
    /// Bytes that are no option.
    Raw(Vec<u8>),
    /// That many zero bytes, read as options or not.
    Zeros(u32),
}

impl Frame {
    /// A message of this type with these options.
    #[must_use]
    pub fn new(kind: u16, options: impl IntoIterator<Item = (u16, Vec<u8>)>) -> Self {
        let body = options
            .into_iter()
            .map(|(kind, value)| Piece::Option(kind, value))
            .collect();
        Self { kind, body }
    }

    /// The message of this type with this body, cut into its options; a rest that is none stays raw.
    #[must_use]
    pub fn decode(kind: u16, body: &[u8]) -> Self {
        let (mut rest, mut pieces) = (body, Vec::new());
        while let Some((option, value, tail)) = first_option(rest) {
            pieces.push(Piece::Option(option, value.into()));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Raw(rest.into()));
        }
        Self { kind, body: pieces }
    }

    /// The body's bytes.
    #[must_use]
    pub fn body_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.body {
            match piece {
                Piece::Option(kind, value) => {
                    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
                    bytes.extend(kind.to_be_bytes());
                    bytes.extend(len.to_be_bytes());
                    bytes.extend(&value[..usize::from(len)]);
                }
                Piece::Filler(kind, len) => {
                    bytes.extend(kind.to_be_bytes());
                    bytes.extend(len.to_be_bytes());
                    bytes.extend(std::iter::repeat_n(0, usize::from(*len)));
                }
                Piece::Raw(raw) => bytes.extend(raw),
                Piece::Zeros(count) => bytes.extend(std::iter::repeat_n(0, *count as usize)),
            }
        }
        bytes
    }

    /// The whole message, header first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body_bytes();
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(6 + body.len());
        bytes.extend(self.kind.to_be_bytes());
        bytes.extend(len.to_be_bytes());
        bytes.extend(body);
        bytes
    }

    /// The value of an option as both servers read it: the last one wins.
    #[must_use]
    pub fn value(&self, option: u16) -> Option<&[u8]> {
        self.values(option).last()
    }

    /// All values of an option, in order.
    pub fn values(&self, option: u16) -> impl Iterator<Item = &[u8]> {
        self.body.iter().filter_map(move |piece| match piece {
            Piece::Option(kind, value) if *kind == option => Some(value.as_slice()),
            Piece::Option(..) | Piece::Filler(..) | Piece::Raw(_) | Piece::Zeros(_) => None,
        })
    }

    /// The number in an option of at most four bytes.
    #[must_use]
    pub fn number(&self, option: u16) -> Option<u32> {
        let value = self.value(option)?;
        (value.len() <= 4).then(|| {
            value
                .iter()
                .fold(0, |sum, &byte| (sum << 8) | u32::from(byte))
        })
    }
}

/// The first option of a body, its value and what follows.
fn first_option(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(4)?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let len = u16::from_be_bytes([head[2], head[3]]);
    let (value, rest) = rest.split_at_checked(usize::from(len))?;
    Some((kind, value, rest))
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MESSAGES.get(usize::from(self.kind)) {
            Some(word) => f.write_str(word)?,
            None => write!(f, "type{}", self.kind)?,
        }
        self.body.iter().try_for_each(|piece| write!(f, " {piece}"))
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(kind, value) => {
                let named = OPTIONS
                    .get(usize::from(*kind))
                    .and_then(|(word, shape)| Some((word, shape.show(value)?)));
                match named {
                    Some((word, text)) => write!(f, "{word}={text}"),
                    None => write!(f, "opt{kind}={}", hex(value)),
                }
            }
            Self::Filler(kind, len) => write!(f, "opt{kind}*{len}"),
            Self::Raw(bytes) => write!(f, "raw={}", hex(bytes)),
            Self::Zeros(count) => write!(f, "zeros*{count}"),
        }
    }
}

impl FromStr for Frame {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let word = words.next().ok_or("a message has a type")?;
        let known = MESSAGES.iter().position(|&known| known == word);
        let kind = match known {
            Some(index) => u16::try_from(index).ok(),
            None => word.strip_prefix("type").and_then(|n| n.parse().ok()),
        };
        let kind = kind.ok_or_else(|| format!("unknown message '{word}'"))?;
        let body = words.map(Piece::from_str).collect::<Result<_, _>>()?;
        Ok(Self { kind, body })
    }
}

impl FromStr for Piece {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read_piece(text).ok_or_else(|| format!("'{text}' is no option"))
    }
}

fn read_piece(text: &str) -> Option<Piece> {
    if let Some((word, count)) = text.split_once('*') {
        return Some(match word {
            "zeros" => Piece::Zeros(count.parse().ok()?),
            option => Piece::Filler(
                option.strip_prefix("opt")?.parse().ok()?,
                count.parse().ok()?,
            ),
        });
    }
    let (word, value) = text.split_once('=')?;
    if word == "raw" {
        return Some(Piece::Raw(from_hex(value)?));
    }
    if let Some(index) = OPTIONS.iter().position(|(known, _)| *known == word) {
        let kind = u16::try_from(index).ok()?;
        return Some(Piece::Option(kind, OPTIONS[index].1.read(value)?));
    }
    let kind = word.strip_prefix("opt")?.parse().ok()?;
    Some(Piece::Option(kind, from_hex(value)?))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 != 0 {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_being_written_and_read_back() {
        for text in [
            "preinit seq=1 cluster=A",
            "init seq=2 messages= options=1,2 node=3 algorithm=ffsplit heartbeat=8000 tie=node3 ring=1.4",
            "node-list seq=7 list=membership ring=1.8 sees=1 sees=2@5:dead heuristics=pass",
            "type77",
            "echo opt40=00ff opt0=01 raw=000102 opt99*300 zeros*12",
        ] {
            let frame: Frame = text.parse().unwrap();
            assert_eq!(frame.to_string(), text);
        }
    }

    #[test]
    fn a_message_has_its_length_in_the_header() {
        let frame: Frame = "preinit seq=1 cluster=A".parse().unwrap();
        assert_eq!(
            hex(&frame.encode()),
            "00000000000d00000004000000010001000141"
        );
    }

    #[test]
    fn a_decoded_message_encodes_to_the_same_bytes() {
        let bytes = "0003000100000900020102ff";
        let body = from_hex(bytes).unwrap();
        let frame = Frame::decode(8, &body);
        assert_eq!(
            frame.to_string(),
            "echo opt3=00 opt9=0102 raw=ff".replace("opt3=00", "client-cert=0")
        );
        assert_eq!(frame.body_bytes(), body);
    }

    #[test]
    fn the_last_of_several_options_counts() {
        let frame: Frame = "echo seq=1 seq=2".parse().unwrap();
        assert_eq!(frame.number(0), Some(2));
    }
}
