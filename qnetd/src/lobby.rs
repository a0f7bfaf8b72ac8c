use libqdevice::base::{Facts, Level, Repeats};
use libqdevice::events::RejectReason;
use libqdevice::io::log::tell_of;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections there may be, and how many of one address that are not admitted.
///
/// Every connection takes a descriptor. Those that say nothing are given up after minutes only, so an
/// address that opens one after the other would keep out everybody else; and without a free descriptor no
/// tool could ask what is wrong.
#[derive(Debug)]
pub(crate) struct Lobby {
    places: usize,
    waiting: Waiting,
}

/// A connection's place among those that are not admitted; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    waiting: Waiting,
    from: IpAddr,
}

/// How many wait, by where they come from.
type Waiting = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

impl Lobby {
    /// For a daemon that may open so many files.
    pub(crate) fn new(descriptors: usize) -> Self {
        Self {
            places: descriptors - RESERVED.min(descriptors / 8),
            waiting: Waiting::default(),
        }
    }

    /// A place for a newcomer beside those that are connected, if there is one. If not, the log says so.
    pub(crate) fn enter(&self, connected: usize, address: IpAddr) -> Option<Place> {
        let from = neighbourhood(address);
        // Whole fleets may come through one address: it may have half of all places.
        let share = (self.places / 2).max(1);
        let (why, limit) = {
            let mut waiting = lock(&self.waiting);
            let own = waiting.get(&from).copied().unwrap_or_default();
            if connected >= self.places {
                ("no descriptor is left for clients", self.places)
            } else if own >= share {
                ("too many of its address say nothing", share)
            } else {
                waiting.insert(from, own + 1);
                return Some(Place {
                    waiting: Arc::clone(&self.waiting),
                    from,
                });
            }
        };
        // No address: whoever has many of them shall not fill the log with them either.
        let facts = Facts {
            reason: Some(RejectReason::TooManyClients.as_str()),
            repeats: Repeats::Counted,
            ..Facts::default()
        };
        let text = format_args!(
            "Closing the connection of {address}: {why} (limit {limit}, from the limit of open files)"
        );
        tell_of(Level::Error, &facts, &text);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        if let Some(own) = waiting.get_mut(&self.from) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.from);
            }
        }
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
    // Counting cannot panic half-way.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An IPv6 network of 64 bits counts as one address: one host has all of it.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Descriptors for tools and for the daemon itself.
const RESERVED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_may_have_half_of_the_places_and_gets_them_back() {
        let lobby = Lobby::new(1064);
        let enter = |from: &str| lobby.enter(0, address(from));
        let mut places: Vec<_> = std::iter::from_fn(|| enter("192.0.2.1")).collect();
        assert_eq!(places.len(), 500);
        assert!(enter("::ffff:192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some());
        places.pop();
        assert!(enter("192.0.2.1").is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let lobby = Lobby::new(4);
        let _first = lobby.enter(0, address("2001:db8::1")).unwrap();
        let _second = lobby.enter(0, address("2001:db8::2")).unwrap();
        assert!(lobby.enter(0, address("2001:db8::3")).is_none());
        assert!(lobby.enter(0, address("2001:db8:0:1::3")).is_some());
    }

    #[test]
    fn descriptors_are_kept_for_tools() {
        let lobby = Lobby::new(1024);
        assert!(lobby.enter(959, address("192.0.2.1")).is_some());
        assert!(lobby.enter(960, address("192.0.2.1")).is_none());
    }
}
