use libqdevice::base::{Dice, Time};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Who may have how much of the daemon's time.
///
/// Every client has an allowance that no honest one uses up. What it sends beyond that is taken from an
/// allowance it shares with its cluster, or before it is admitted, with its address. When that is used
/// up as well, its next message is read later; nothing is lost and nobody is disconnected. So neither a
/// cluster that floods nor an address can make others wait, and the honest members of the same cluster
/// do not wait either.
#[derive(Debug)]
pub(crate) struct Quota {
    /// Messages a second.
    cluster: u64,
    address: u64,
    /// Those who use more than the allowance of a client; all others need no entry.
    shared: BTreeMap<Purse, Account>,
    dice: Dice,
}

/// Who pays for what a client sends beyond its own allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purse {
    /// The cluster with this number.
    Cluster(u64),
    /// The address it comes from.
    Address(IpAddr),
}

/// What is left of an allowance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// Thousandths of messages used up; zero after a while without any.
    used: u64,
    at: Time,
}

impl Quota {
    /// A cluster, and an address without a cluster, may send so many messages a second; any number if 0.
    pub(crate) fn new(cluster: u64, address: u64) -> Self {
        Self {
            cluster,
            address,
            shared: BTreeMap::new(),
            dice: Dice::new(0),
        }
    }

    /// A client has sent a message of this many bytes; how long its next one has to wait.
    pub(crate) fn charge(
        &mut self,
        now: Time,
        own: &mut Account,
        purse: impl FnOnce() -> Purse,
        bytes: usize,
    ) -> Option<Duration> {
        // A long message counts as several.
        let cost = 1 + bytes as u64 / ONE_MESSAGE;
        own.charge(now, cost, OWN_RATE, OWN_BURST)?;
        let purse = purse();
        let rate = match purse {
            Purse::Cluster(_) => self.cluster,
            Purse::Address(_) => self.address,
        };
        if rate == 0 {
            return None;
        }
        if self.shared.len() >= SHARED_MAX {
            // Those who have paid their debts.
            let idle = |account: &Account| now.since(account.at) > IDLE;
            self.shared.retain(|_, account| !idle(account));
        }
        let account = self.shared.entry(purse).or_default();
        let wait = account.charge(now, cost, rate, rate.saturating_mul(BURST))?;
        let wait = wait.clamp(1, LONGEST);
        // Or many who wait as long as anybody may would all be back in the same moment, before everybody else.
        let earlier = self.dice.below(u32::try_from(wait / 4).unwrap_or_default());
        Some(Duration::from_millis(wait - u64::from(earlier)))
    }
}

impl Account {
    /// Takes `cost` messages; how many milliseconds until the allowance is not overdrawn, if it is.
    fn charge(&mut self, now: Time, cost: u64, rate: u64, burst: u64) -> Option<u64> {
        let earned = now.since(self.at).saturating_mul(rate);
        let most = burst.saturating_mul(1000);
        self.at = now;
        self.used = self.used.saturating_sub(earned);
        if self.used < most {
            self.used += cost * 1000;
            return None;
        }
        // A debt never grows beyond what is paid in the longest wait.
        self.used = (self.used + cost * 1000).min(most + rate * LONGEST);
        Some((self.used - most) / rate)
    }
}

/// Messages a second of one client, and how many at once. A node sends one or two.
const OWN_RATE: u64 = 20;
const OWN_BURST: u64 = 200;

/// Bytes that are as dear as a message: to move those of a long one delays others about as much.
const ONE_MESSAGE: u64 = 256;

/// How many seconds' worth may come at once from a cluster or an address.
const BURST: u64 = 2;

/// Milliseconds that a message waits at most.
const LONGEST: u64 = 1000;

/// Accounts that are kept before those at rest are forgotten.
const SHARED_MAX: usize = 1024;

/// Milliseconds after which an account is at rest.
const IDLE: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::base::Millis;

    const CLUSTER: Purse = Purse::Cluster(1);

    /// Messages a client gets through in ten seconds when it sends without a pause.
    fn flood(quota: &mut Quota, own: &mut Account, bytes: usize) -> u64 {
        let (mut now, end) = (Time::from_millis(1_000_000), Time::from_millis(1_010_000));
        let mut sent = 0;
        while now < end {
            sent += 1;
            if let Some(wait) = quota.charge(now, own, || CLUSTER, bytes) {
                now = now.after(Millis(u32::try_from(wait.as_millis()).unwrap()));
            }
        }
        sent
    }

    #[test]
    fn a_flood_is_cut_to_the_allowance_of_its_cluster() {
        let mut quota = Quota::new(500, 500);
        let sent = flood(&mut quota, &mut Account::default(), 14);
        assert!((6000..6500).contains(&sent), "{sent}");
        let mut quota = Quota::new(500, 500);
        let sent = flood(&mut quota, &mut Account::default(), 30_000);
        assert!((50..75).contains(&sent), "{sent}");
    }

    #[test]
    fn many_who_flood_do_not_come_back_in_the_same_moment() {
        let mut quota = Quota::new(500, 500);
        let mut clients = vec![(Account::default(), 1_000_000); 100];
        for now in 1_000_000..1_010_000 {
            let mut turns = 0;
            for (own, next) in clients.iter_mut().filter(|(_, next)| *next <= now) {
                turns += 1;
                let wait = quota.charge(Time::from_millis(now), own, || CLUSTER, 30_000);
                *next = now + wait.map_or(1, |wait| u64::try_from(wait.as_millis()).unwrap());
            }
            assert!(now < 1_002_000 || turns <= 6, "{turns} at {now}");
        }
    }

    #[test]
    fn honest_members_of_a_flooding_cluster_do_not_wait() {
        let mut quota = Quota::new(500, 500);
        flood(&mut quota, &mut Account::default(), 14);
        let mut honest = Account::default();
        for second in 0..100 {
            let now = Time::from_millis(1_010_000 + second * 1000);
            assert_eq!(quota.charge(now, &mut honest, || CLUSTER, 14), None);
        }
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let mut quota = Quota::new(0, 0);
        let (mut own, now) = (Account::default(), Time::from_millis(1000));
        assert!((0..100_000).all(|_| quota.charge(now, &mut own, || CLUSTER, 14).is_none()));
    }

    #[test]
    fn accounts_at_rest_are_forgotten() {
        let mut quota = Quota::new(500, 500);
        for number in 0..10 * SHARED_MAX as u64 {
            let mut own = Account::default();
            let now = Time::from_millis(1_000_000 + number * 1000);
            for _ in 0..=OWN_BURST {
                quota.charge(now, &mut own, || Purse::Cluster(number), 14);
            }
        }
        assert!(quota.shared.len() <= SHARED_MAX);
    }
}
