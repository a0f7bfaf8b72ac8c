use super::words::{STATES, Shape};
use std::fmt::Write;

impl Shape {
    /// The text of a value; `None` if the bytes are no value of this shape.
    pub(super) fn show(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => {
                (bytes.len() == self.size()?).then(|| number(bytes).to_string())
            }
            Self::Named(first, names) => {
                let [byte] = *bytes else { return None };
                let index = byte.checked_sub(first)?;
                names.get(usize::from(index)).map(|&name| name.to_owned())
            }
            Self::Named16(names) => {
                let index = u16::from_be_bytes(bytes.try_into().ok()?);
                names
                    .get(usize::from(index))
                    .map(|&name| name.to_owned())
                    .or_else(|| Some(index.to_string()))
            }
            Self::Text => {
                let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._-".contains(b);
                bytes
                    .iter()
                    .all(plain)
                    .then(|| String::from_utf8_lossy(bytes).into_owned())
            }
            Self::Numbers => {
                let pairs = bytes.chunks_exact(2);
                let whole = pairs.remainder().is_empty();
                let numbers: Vec<String> = pairs.map(|pair| number(pair).to_string()).collect();
                whole.then(|| numbers.join(","))
            }
            Self::Ring => {
                let (node, seq) = (bytes.get(..4)?, bytes.get(4..)?);
                (seq.len() == 8).then(|| format!("{}.{}", number(node), number(seq)))
            }
            Self::TieBreaker => {
                let (mode, node) = bytes.split_first()?;
                let node = u32::from_be_bytes(node.try_into().ok()?);
                match (mode, node) {
                    (1, 0) => Some("lowest".into()),
                    (2, 0) => Some("highest".into()),
                    (3, node) => Some(format!("node{node}")),
                    _ => None,
                }
            }
            Self::Member => show_member(bytes),
        }
    }

    /// The bytes of a text; `None` if it is no value of this shape.
    pub(super) fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::U8 => Some(vec![text.parse().ok()?]),
            Self::U16 => Some(text.parse::<u16>().ok()?.to_be_bytes().into()),
            Self::U32 => Some(text.parse::<u32>().ok()?.to_be_bytes().into()),
            Self::U64 => Some(text.parse::<u64>().ok()?.to_be_bytes().into()),
            Self::Named(first, names) => Some(vec![first + position(names, text)?]),
            Self::Named16(names) => {
                let number = position(names, text).map(u16::from);
                let number = number.or_else(|| text.parse().ok())?;
                Some(number.to_be_bytes().into())
            }
            Self::Text => Some(text.into()),
            Self::Numbers if text.is_empty() => Some(Vec::new()),
            Self::Numbers => {
                let mut bytes = Vec::new();
                for word in text.split(',') {
                    bytes.extend(word.parse::<u16>().ok()?.to_be_bytes());
                }
                Some(bytes)
            }
            Self::Ring => {
                let (node, seq) = text.split_once('.')?;
                let mut bytes = Self::U32.read(node)?;
                bytes.extend(Self::U64.read(seq)?);
                Some(bytes)
            }
            Self::TieBreaker => match text {
                "lowest" => Some(vec![1, 0, 0, 0, 0]),
                "highest" => Some(vec![2, 0, 0, 0, 0]),
                node => {
                    let mut bytes = vec![3];
                    bytes.extend(Self::U32.read(node.strip_prefix("node")?)?);
                    Some(bytes)
                }
            },
            Self::Member => read_member(text),
        }
    }

    const fn size(self) -> Option<usize> {
        match self {
            Self::U8 => Some(1),
            Self::U16 => Some(2),
            Self::U32 => Some(4),
            Self::U64 => Some(8),
            Self::Named(..)
            | Self::Named16(_)
            | Self::Text
            | Self::Numbers
            | Self::Ring
            | Self::TieBreaker
            | Self::Member => None,
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
}

fn position(names: &[&str], text: &str) -> Option<u8> {
    let index = names.iter().position(|&name| name == text)?;
    u8::try_from(index).ok()
}

/// An entry as the stock client writes it: id, then data centre, then state.
fn show_member(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    let id = nested(&mut rest, 9, 4)?;
    let mut text = number(id).to_string();
    if let Some(data_center) = nested(&mut rest, 15, 4) {
        let _ = write!(text, "@{}", number(data_center));
    }
    if let Some(&[state]) = nested(&mut rest, 16, 1) {
        let name = STATES.get(usize::from(state.checked_sub(1)?))?;
        let _ = write!(text, ":{name}");
    }
    rest.is_empty().then_some(text)
}

/// Takes the option `kind` of `size` bytes off the front, if it stands there.
fn nested<'a>(rest: &mut &'a [u8], kind: u8, size: u8) -> Option<&'a [u8]> {
    let tail = rest.strip_prefix(&[0, kind, 0, size])?;
    let (value, tail) = tail.split_at_checked(usize::from(size))?;
    *rest = tail;
    Some(value)
}

fn read_member(text: &str) -> Option<Vec<u8>> {
    let (text, state) = match text.split_once(':') {
        Some((text, state)) => (text, Some(position(&STATES, state)? + 1)),
        None => (text, None),
    };
    let (id, data_center) = match text.split_once('@') {
        Some((id, data_center)) => (id, Some(data_center)),
        None => (text, None),
    };
    let mut bytes = vec![0, 9, 0, 4];
    bytes.extend(Shape::U32.read(id)?);
    if let Some(data_center) = data_center {
        bytes.extend([0, 15, 0, 4]);
        bytes.extend(Shape::U32.read(data_center)?);
    }
    if let Some(state) = state {
        bytes.extend([0, 16, 0, 1, state]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::words::OPTIONS;

    #[test]
    fn a_value_survives_being_written_and_read_back() {
        let samples: [(usize, &[u8]); 10] = [
            (0, &[0, 0, 1, 0]),
            (1, b"web-1"),
            (4, &[0, 1, 0, 17]),
            (11, &[0, 3]),
            (11, &[0, 9]),
            (13, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8]),
            (17, &[0, 9, 0, 4, 0, 0, 0, 7]),
            (
                17,
                &[
                    0, 9, 0, 4, 0, 0, 0, 7, 0, 15, 0, 4, 0, 0, 0, 2, 0, 16, 0, 1, 3,
                ],
            ),
            (19, &[4]),
            (21, &[3, 0, 0, 0, 2]),
        ];
        for (kind, bytes) in samples {
            let shape = OPTIONS[kind].1;
            let text = shape.show(bytes).unwrap();
            assert_eq!(shape.read(&text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_value_have_no_text() {
        for (kind, bytes) in [
            (0, &[1][..]),
            (1, b"two words"),
            (4, &[1]),
            (19, &[6]),
            (21, &[1, 0, 0, 0, 9]),
            (17, &[0, 9, 0, 4, 0]),
        ] {
            assert_eq!(OPTIONS[kind].1.show(bytes), None, "option {kind}");
        }
    }
}
