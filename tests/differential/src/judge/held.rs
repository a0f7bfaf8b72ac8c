use super::Book;
use crate::bench::Said;
use crate::trace::Slot;
use std::collections::BTreeMap;

/// What a node casts, as the stock client follows the server's words. [C: qdevice-net-msg-received.c]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Held {
    /// It does not cast.
    #[default]
    Nothing,
    /// It casts for.
    Ack,
    /// It casts against.
    Nack,
}

/// Follows what a server has said to one place.
pub fn follow(book: &Book, held: &mut BTreeMap<Slot, Held>, slot: &Slot, said: &[Said]) {
    let Some(seat) = book.seat(slot) else {
        held.remove(slot);
        return;
    };
    for frame in said.iter().filter_map(Said::frame) {
        if !matches!(frame.kind, 11 | 13 | 14 | 17) || frame.value(13) != seat.sent_ring.as_deref()
        {
            continue;
        }
        let vote = match frame.number(19) {
            Some(1) => Held::Ack,
            Some(2) => Held::Nack,
            Some(3 | 4) => Held::Nothing,
            _ => continue,
        };
        held.insert(slot.clone(), vote);
    }
}

/// Two nodes of a cluster that cast for in memberships that share no node.
#[must_use]
pub fn torn_apart(book: &Book, held: &BTreeMap<Slot, Held>, cluster: &[u8]) -> Option<(u32, u32)> {
    let members = book.members(cluster);
    let casting: Vec<_> = members
        .into_iter()
        .filter(|(slot, member)| {
            held.get(slot) == Some(&Held::Ack) && !member.membership.is_empty()
        })
        .map(|(_, member)| member)
        .collect();
    for (index, one) in casting.iter().enumerate() {
        for other in &casting[index + 1..] {
            if !one
                .membership
                .iter()
                .any(|id| other.membership.contains(id))
            {
                return Some((one.node, other.node));
            }
        }
    }
    None
}
