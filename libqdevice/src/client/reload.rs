//! What follows corosync.conf while the daemon runs, besides nodes and heuristics; and what does not.

use super::plan::PollTimeouts;
use super::{Client, CmapSnapshot, CmapValue, Notice, Timer, Turn};
use crate::base::{Algorithm, Millis};
use std::collections::BTreeMap;

/// The keys that are read once, when the daemon starts, as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StartKeys(BTreeMap<String, CmapValue>);

impl StartKeys {
    pub(super) fn from_cmap(cmap: &CmapSnapshot) -> Self {
        let found = STARTS.iter().flat_map(|start| cmap.starting_with(start));
        Self(
            found
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
        )
    }

    /// The keys that an algorithm cares for and that are not the same in `other`, in order.
    fn differing(&self, other: &Self, algorithm: Algorithm) -> Vec<String> {
        let mut keys: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter()
            .filter(|key| self.0.get(*key) != other.0.get(*key) && matters(key, algorithm))
            .cloned()
            .collect()
    }
}

/// How often a vote is cast that lasts for `timeout`.
pub(super) const fn cast_interval(timeout: Millis) -> Millis {
    Millis(timeout.0 / 2)
}

impl Client {
    /// corosync uses new timeouts from the next poll on, so the next poll has to come in time for the
    /// new one. [C: votequorum.c, `votequorum_refresh_config`; the C qdevice keeps its old interval]
    pub(super) fn follow_timeouts(&mut self, timeouts: PollTimeouts, turn: &Turn<'_>) {
        self.config.timeout = timeouts.normal;
        self.config.sync_timeout = timeouts.sync;
        self.config.cast_interval = cast_interval(timeouts.normal);
        if let Some(due) = self.deadlines.get(Timer::Cast) {
            let soonest = due.min(turn.now.after(self.config.cast_interval));
            self.deadlines.set(Timer::Cast, soonest);
        }
    }

    /// Says once what has changed and needs another start.
    pub(super) fn warn_of_start_keys(&mut self, now: StartKeys, turn: &mut Turn<'_>) {
        if now == self.start_keys_seen {
            return;
        }
        let algorithm = self.config.strategy.algorithm();
        let keys = self.config.start_keys.differing(&now, algorithm);
        self.start_keys_seen = now;
        if !keys.is_empty() {
            turn.tell(Notice::RestartNeeded { keys });
        }
    }
}

/// Keys and beginnings of keys.
const STARTS: [&str; 5] = [
    MODEL,
    VOTES,
    "quorum.device.net.",
    WAIT_FOR_ALL,
    "totem.cluster_name",
];

const MODEL: &str = "quorum.device.model";
const VOTES: &str = "quorum.device.votes";
const WAIT_FOR_ALL: &str = "quorum.wait_for_all";

/// Two of the keys are for one algorithm each; to the others only corosync reads them, and at once.
fn matters(key: &str, algorithm: Algorithm) -> bool {
    match key {
        VOTES => algorithm == Algorithm::FfSplit,
        WAIT_FOR_ALL => algorithm == Algorithm::Lms,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::harness::{Bench, RING, cluster_config, config, vote_info};
    use super::super::{ClientConfig, ClusterConfig, ConfigFault, Corosync, VoteFacts};
    use super::*;
    use crate::base::Vote;
    use crate::vote::Strategy;

    fn reload(bench: &mut Bench, config: ClusterConfig) {
        let facts = VoteFacts::default();
        let config = Ok(config);
        bench.corosync(Corosync::Reloaded { config, facts });
    }

    fn with_timeout(millis: u32) -> ClusterConfig {
        let timeouts = PollTimeouts {
            normal: Millis(millis),
            sync: Millis(3 * millis),
        };
        ClusterConfig {
            timeouts: Ok(timeouts),
            ..cluster_config()
        }
    }

    fn with_keys(keys: &[(&str, &str)]) -> ClusterConfig {
        ClusterConfig {
            start_keys: keys_of(keys),
            ..cluster_config()
        }
    }

    fn keys_of(keys: &[(&str, &str)]) -> StartKeys {
        StartKeys::from_cmap(&keys.iter().copied().collect())
    }

    #[test]
    fn a_shorter_timeout_never_lets_the_vote_lapse() {
        let mut bench = Bench::voting();
        bench.wait(1_000);
        reload(&mut bench, with_timeout(2_000));
        bench.done();
        bench.wait(999);
        assert_eq!(bench.cast(), []);
        for _ in 0..3 {
            bench.wait(1);
            assert_eq!(bench.cast(), [(RING, true)]);
            bench.wait(999);
            assert_eq!(bench.cast(), []);
        }
    }

    #[test]
    fn a_longer_timeout_holds_from_the_next_poll_on() {
        let mut bench = Bench::running();
        bench.receive(vote_info(1, Vote::Nack, RING));
        bench.wait_with_server(1_000);
        reload(&mut bench, with_timeout(60_000));
        bench.done();
        bench.wait_with_server(4_000);
        assert_eq!(bench.cast(), [(RING, false)]);
        bench.wait_with_server(29_999);
        assert_eq!(bench.cast(), []);
        bench.wait_with_server(1);
        assert_eq!(bench.cast(), [(RING, false)]);
        assert_eq!(bench.client.config().sync_timeout, Millis(180_000));
    }

    #[test]
    fn a_timeout_that_cannot_be_used_leaves_the_old_one() {
        let mut bench = Bench::voting();
        let fault = ConfigFault::TimeoutTooShort(Millis(4));
        reload(
            &mut bench,
            ClusterConfig {
                timeouts: Err(fault.clone()),
                heuristics: Err(fault.clone()),
                ..cluster_config()
            },
        );
        assert_eq!(
            bench.told(),
            [Notice::ConfigRefused(fault), Notice::TimeoutsKept]
        );
        assert_eq!(bench.client.config().cast_interval, Millis(5_000));
    }

    #[test]
    fn what_needs_another_start_is_said_once_in_one_line() {
        let (host, port) = ("quorum.device.net.host", "quorum.device.net.port");
        let mut bench = Bench::asking(ClientConfig {
            start_keys: keys_of(&[(host, "a"), (port, "5403")]),
            ..config()
        });
        reload(&mut bench, with_keys(&[(host, "b")]));
        reload(&mut bench, with_keys(&[(host, "b")]));
        let told: Vec<String> = bench.told().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "Changes of quorum.device.net.host, quorum.device.net.port take effect when \
                 corosync-qdevice is started again"
            ]
        );
        reload(&mut bench, with_keys(&[(host, "a"), (port, "5403")]));
        assert_eq!(bench.told(), [], "all is as it was at the start");
        reload(&mut bench, with_keys(&[(host, "b"), (port, "5403")]));
        assert_eq!(bench.told().len(), 1);
    }

    #[test]
    fn a_key_for_another_algorithm_needs_no_start() {
        for (algorithm, key) in [
            (Algorithm::FfSplit, VOTES),
            (Algorithm::Lms, WAIT_FOR_ALL),
            (Algorithm::FfSplit, MODEL),
            (Algorithm::TwoNodeLms, "totem.cluster_name"),
        ] {
            for one in Algorithm::ALL {
                let mut bench = Bench::voting();
                bench.client.config.strategy = Strategy::of(one);
                reload(&mut bench, with_keys(&[(key, "x")]));
                let told = !bench.told().is_empty();
                let for_all = ![VOTES, WAIT_FOR_ALL].contains(&key);
                assert_eq!(told, for_all || one == algorithm, "{key} {one:?}");
            }
        }
    }

    #[test]
    fn other_keys_are_not_looked_at() {
        let keys = [
            ("quorum.device.timeout", "1"),
            ("quorum.device.heuristics.mode", "on"),
            ("totem.token", "1"),
            ("nodelist.node.0.name", "a"),
        ];
        assert_eq!(keys_of(&keys), StartKeys::default());
    }
}
