//! How long a vote may stand on the server's last answer.
//!
//! The server gives a node up one and a half of the heartbeats announced to it after the last message it
//! had from it, and gives the vote to others. [C: qnetd-client-dpd-timer.c, `dpd_interval_coefficient`]
//! The node does not know when that was. It knows when it sent what was answered, and the server cannot
//! have received that any earlier. So its vote ends by [`Lease::end`], and no later poll of votequorum
//! may make it last longer: see [`Lease::last_poll`].

use crate::base::{Millis, Time};

/// What a connection knows of the server's patience with this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Lease {
    /// The heartbeat that the server has confirmed last.
    confirmed: Millis,
    /// The shortest heartbeat the server may measure with.
    heartbeat: Millis,
    /// When that was sent which the server is known to have received.
    heard: Time,
    /// The number of the last echo request, and when it was sent if it is not answered yet. There is
    /// only one on its way: a second one would wait behind the first.
    echo: (u32, Option<Time>),
    /// When the last echo reply came.
    pub(super) answered: Option<Time>,
    /// A change of the heartbeat that the server has not answered yet.
    change: Option<Change>,
    /// The server does not want another heartbeat.
    refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Change {
    seq: u32,
    to: Millis,
    sent: Time,
}

/// What an echo reply is to the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EchoReply {
    /// Of the request on its way, which took this long, in milliseconds.
    Answer(u64),
    /// Of none.
    OutOfStep,
}

impl Lease {
    /// Begins with `heartbeat` as announced in a message that was sent at `heard` and is answered.
    pub(super) const fn new(heartbeat: Millis, heard: Time) -> Self {
        Self {
            confirmed: heartbeat,
            heartbeat,
            heard,
            echo: (0, None),
            answered: None,
            change: None,
            refused: false,
        }
    }

    /// The moment at which the vote has to be withdrawn.
    ///
    /// That is 1.4 heartbeats after the sending of what was answered last. The tenth of a heartbeat
    /// that is left until the server's limit is for clocks that do not run at the same rate (1 % of one
    /// and a half heartbeats), for a process that is not scheduled at once and for the poll itself.
    /// Below 2.5 s of heartbeat a tenth is too little for the latter: there it is 250 ms.
    pub(super) fn end(&self) -> Time {
        self.heard.after(length(self.heartbeat))
    }

    /// The moment after which votequorum must not be polled in favour: it keeps a vote for `timeout`
    /// after a poll by itself, even if this process is killed or frozen, and that may not be longer than
    /// the lease. `None` when the lease is shorter than that anyway.
    pub(super) fn last_poll(&self, timeout: Millis) -> Option<Time> {
        let spare = length(self.heartbeat).0.checked_sub(timeout.0)?;
        Some(self.heard.after(Millis(spare)))
    }

    /// The moment of the next echo request, if none is on its way. Echoes come more often than announced,
    /// so that the lease loses little to the time since the last one.
    pub(super) fn next_echo(&self) -> Option<Time> {
        let (_, sent) = self.echo;
        let every = Millis(
            (self.heartbeat.0 / 8)
                .clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
                .min(self.heartbeat.0 / 2)
                .max(1),
        );
        sent.is_none().then(|| self.heard.after(every))
    }

    /// Sends the next echo request; its number.
    pub(super) const fn ask(&mut self, now: Time) -> u32 {
        let seq = self.echo.0.wrapping_add(1);
        self.echo = (seq, Some(now));
        seq
    }

    /// An echo reply has come.
    pub(super) fn on_echo_reply(&mut self, seq: u32, now: Time) -> EchoReply {
        let (asked, Some(sent)) = self.echo else {
            return EchoReply::OutOfStep;
        };
        if asked != seq {
            return EchoReply::OutOfStep;
        }
        self.echo = (asked, None);
        self.heard = self.heard.max(sent);
        self.answered = Some(now);
        EchoReply::Answer(now.since(sent))
    }

    /// Whether the silence is the server's: this process was there to hear it.
    pub(super) fn is_server_silent(&self, now: Time) -> bool {
        let (_, sent) = self.echo;
        sent.is_some() && now.since(self.end()) < SHORT_NAP
    }

    /// Milliseconds since the sending of what was answered last.
    pub(super) const fn age(&self, now: Time) -> u64 {
        now.since(self.heard)
    }

    /// The heartbeat the server will have when it has read everything.
    pub(super) fn announced(&self) -> Millis {
        self.change.map_or(self.confirmed, |change| change.to)
    }

    /// Whether the heartbeat may be changed to a shorter one now: not before the last change is answered,
    /// and not when the server did not want it.
    pub(super) const fn may_shorten(&self) -> bool {
        self.change.is_none() && !self.refused
    }

    /// Another heartbeat is sent in a message with this number. A shorter one holds at once, a longer one
    /// when the server has confirmed it.
    pub(super) fn announce(&mut self, to: Millis, seq: u32, now: Time) {
        self.heartbeat = self.heartbeat.min(to);
        let sent = now;
        self.change = Some(Change { seq, to, sent });
    }

    /// The server has confirmed a heartbeat.
    pub(super) fn on_confirmed(&mut self, seq: Option<u32>) {
        if let Some(change) = self.change.filter(|change| Some(change.seq) == seq) {
            self.change = None;
            (self.confirmed, self.heartbeat) = (change.to, change.to);
            self.heard = self.heard.max(change.sent);
        }
    }

    /// The server refuses a heartbeat; whether one was asked for.
    pub(super) fn on_refused(&mut self, seq: Option<u32>) -> bool {
        let Some(change) = self.change else {
            return false;
        };
        self.refused = true;
        if Some(change.seq) == seq {
            self.change = None;
            self.heartbeat = self.confirmed;
        }
        true
    }
}

/// How long a lease with this heartbeat is.
fn length(heartbeat: Millis) -> Millis {
    let tenths = |tenths: u64| u64::from(heartbeat.0) * tenths / 10;
    let margin = tenths(15).saturating_sub(MARGIN).max(tenths(15) * 5 / 6);
    Millis(u32::try_from(tenths(14).min(margin)).unwrap_or(u32::MAX))
}

/// The least time between the end of a lease and the server's limit, in milliseconds, with heartbeats of
/// a second or more.
const MARGIN: u64 = 250;

/// A process that comes this late to the end of a lease, in milliseconds, was still there to hear the server.
const SHORT_NAP: u64 = 500;

/// Between two echo requests, in milliseconds. More of them would tell no more, and a C server with
/// thousands of nodes is slow to answer them.
const SHORTEST_PAUSE: u32 = 1_000;
const LONGEST_PAUSE: u32 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn lease(heartbeat: u32) -> Lease {
        Lease::new(Millis(heartbeat), at(0))
    }

    #[test]
    fn a_lease_ends_before_a_server_with_a_fast_clock_gives_the_node_up() {
        for heartbeat in (1_000..20_000).chain([60_000, 120_000]) {
            let end = lease(heartbeat).end().as_millis();
            let limit = u64::from(heartbeat) * 3 / 2;
            assert!(limit - end >= 250, "{heartbeat}");
            assert!(limit * 99 / 100 - end >= 200, "{heartbeat}");
            assert!(end <= u64::from(heartbeat) * 14 / 10, "{heartbeat}");
        }
        assert_eq!(lease(8_000).end(), at(11_200));
        assert_eq!(lease(2_000).end(), at(2_750));
    }

    #[test]
    fn no_heartbeat_is_too_short_or_too_long_to_count_with() {
        for heartbeat in [0, 1, 3, 200, u32::MAX] {
            let lease = lease(heartbeat);
            let (next, end) = (lease.next_echo().unwrap(), lease.end());
            assert!(
                next > at(0) && (next <= end || heartbeat < 3),
                "{heartbeat}"
            );
        }
    }

    #[test]
    fn with_the_timeouts_of_a_cluster_a_killed_process_loses_its_vote_within_its_lease() {
        for timeout in [1_250, 2_000, 5_000, 10_000, 30_000, 150_000] {
            let lease = lease(timeout / 5 * 4);
            let last = lease.last_poll(Millis(timeout)).unwrap();
            assert_eq!(last.after(Millis(timeout)), lease.end(), "{timeout}");
        }
        assert_eq!(lease(8_000).last_poll(Millis(10_000)), Some(at(1_200)));
        assert_eq!(lease(2_000).last_poll(Millis(10_000)), None);
    }

    #[test]
    fn what_is_answered_counts_from_its_sending() {
        let mut lease = lease(8_000);
        let seq = lease.ask(at(1_000));
        assert_eq!(lease.next_echo(), None, "one at a time");
        assert_eq!(
            lease.on_echo_reply(seq, at(9_000)),
            EchoReply::Answer(8_000)
        );
        assert_eq!(lease.end(), at(12_200));
        assert_eq!(lease.next_echo(), Some(at(2_000)), "long due");
        assert_eq!(lease.on_echo_reply(seq, at(9_001)), EchoReply::OutOfStep);
    }

    #[test]
    fn a_shorter_heartbeat_holds_when_it_is_sent_and_a_longer_one_when_it_is_confirmed() {
        let mut lease = lease(8_000);
        lease.announce(Millis(2_000), 5, at(100));
        assert_eq!(lease.end(), at(2_750));
        lease.on_confirmed(Some(5));
        assert_eq!(lease.end(), at(2_850), "the server had that message too");
        lease.announce(Millis(8_000), 6, at(1_000));
        assert_eq!(lease.end(), at(2_850));
        lease.on_confirmed(Some(5));
        assert_eq!(lease.end(), at(2_850));
        lease.on_confirmed(Some(6));
        assert_eq!(lease.end(), at(12_200));
    }

    #[test]
    fn a_change_overtaken_by_another_leaves_the_shortest_in_force() {
        let mut lease = lease(8_000);
        lease.announce(Millis(2_000), 5, at(0));
        lease.announce(Millis(8_000), 6, at(0));
        lease.on_confirmed(Some(5));
        assert_eq!((lease.end(), lease.announced()), (at(2_750), Millis(8_000)));
        lease.on_confirmed(Some(6));
        assert_eq!(lease.end(), at(11_200));
    }

    #[test]
    fn a_refused_heartbeat_leaves_the_old_one_and_is_not_asked_for_again() {
        let mut lease = lease(8_000);
        assert!(!lease.on_refused(Some(5)), "nothing was asked for");
        lease.announce(Millis(2_000), 5, at(0));
        assert!(lease.on_refused(Some(5)));
        assert_eq!(lease.end(), at(11_200));
        assert!(!lease.may_shorten());
    }
}
