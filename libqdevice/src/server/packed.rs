use crate::base::{NodeId, RingId};
use std::collections::BTreeSet;

/// Numbers, nodes and rings as few bytes.
///
/// A number takes a byte for every seven bits. The ids of a cluster's nodes are near each other, and so
/// are its rings: of each its distance to the one before is kept.
#[derive(Debug, Default)]
pub(super) struct Packer {
    out: Vec<u8>,
    before: Before,
}

/// What a [`Packer`] has packed, in the same order. None where that has an end.
#[derive(Debug)]
pub(super) struct Unpacker<'a> {
    rest: &'a [u8],
    before: Before,
}

/// The last node and the last ring.
#[derive(Debug, Default)]
struct Before {
    node: u64,
    seq: u64,
}

impl Packer {
    pub(super) fn done(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return self.byte(low & LOW);
            }
            self.byte(low | MORE);
        }
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn node(&mut self, node: NodeId) {
        let node = u64::from(node.0);
        self.number(distance(self.before.node, node));
        self.before.node = node;
    }

    /// Some, behind their number.
    pub(super) fn nodes(&mut self, nodes: &BTreeSet<NodeId>) {
        self.count(nodes.len());
        for &node in nodes {
            self.node(node);
        }
    }

    pub(super) fn ring(&mut self, ring: RingId) {
        self.node(ring.node);
        self.number(distance(self.before.seq, ring.seq));
        self.before.seq = ring.seq;
    }
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self {
            rest: packed,
            before: Before::default(),
        }
    }

    /// How many bytes are left.
    pub(super) const fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & LOW) << shift;
            if byte & MORE == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(super) fn node(&mut self) -> Option<NodeId> {
        let node = moved(self.before.node, self.number()?);
        self.before.node = node;
        u32::try_from(node).ok().map(NodeId)
    }

    pub(super) fn ring(&mut self) -> Option<RingId> {
        let node = self.node()?;
        let seq = moved(self.before.seq, self.number()?);
        self.before.seq = seq;
        Some(RingId { node, seq })
    }

    /// As many as the number before them says.
    pub(super) fn list<T, L: FromIterator<T>>(
        &mut self,
        one: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<L> {
        let count = self.count()?;
        (0..count).map(|_| one(self)).collect()
    }
}

/// The way from one number to another: small ones are short, forth and back.
const fn distance(from: u64, to: u64) -> u64 {
    let forth = to.wrapping_sub(from);
    if forth >> (u64::BITS - 1) == 0 {
        forth << 1
    } else {
        (!forth << 1) | 1
    }
}

/// Where one arrives from a number after this distance.
const fn moved(from: u64, distance: u64) -> u64 {
    if distance & 1 == 0 {
        from.wrapping_add(distance >> 1)
    } else {
        from.wrapping_sub((distance >> 1) + 1)
    }
}

/// The bits of a byte that belong to a number.
const LOW: u8 = 0x7f;
/// Says that the number goes on.
const MORE: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_they_were_and_small_ones_are_short() {
        for (number, len) in [(0, 1), (127, 1), (128, 2), (1 << 32, 5), (u64::MAX, 10)] {
            let mut packer = Packer::default();
            packer.number(number);
            let bytes = packer.done();
            assert_eq!(bytes.len(), len);
            assert_eq!(Unpacker::new(&bytes).number(), Some(number));
        }
    }

    #[test]
    fn neighbours_are_a_byte_apart_however_large_they_are() {
        let nodes = [0xc0a8_0102, 0xc0a8_0101, 0xc0a8_0103, 0, u32::MAX];
        let mut packer = Packer::default();
        let mut lengths = Vec::new();
        for node in nodes {
            packer.node(NodeId(node));
            lengths.push(packer.out.len());
        }
        assert_eq!(lengths, [5, 6, 7, 12, 17]);
        let bytes = packer.done();
        let mut unpacker = Unpacker::new(&bytes);
        assert!(
            nodes
                .iter()
                .all(|&node| unpacker.node() == Some(NodeId(node)))
        );
    }

    #[test]
    fn all_ends_where_the_bytes_end() {
        assert_eq!(Unpacker::new(&[]).node(), None);
        assert_eq!(Unpacker::new(&[0x80]).number(), None);
        assert_eq!(Unpacker::new(&[0xff; 20]).number(), None);
        assert_eq!(
            Unpacker::new(&[9, 1]).list::<_, Vec<u8>>(Unpacker::byte),
            None
        );
    }
}
