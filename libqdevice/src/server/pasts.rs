use crate::base::{ClusterName, Time};
use crate::vote::Past;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What is known of clusters without a connected node, as long as one of their nodes may cast a vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Pasts {
    by_name: BTreeMap<ClusterName, (Time, Past)>,
    by_end: BTreeSet<(Time, ClusterName)>,
}

/// How many clusters are remembered at most. Beyond that those are forgotten that would be first.
const MAX: usize = 10_000;

impl Pasts {
    /// Those with names in this range.
    pub(super) fn range(
        &self,
        names: (Bound<&ClusterName>, Bound<&ClusterName>),
    ) -> impl Iterator<Item = (&ClusterName, &Past)> {
        let range = self.by_name.range::<ClusterName, _>(names);
        range.map(|(name, (_, past))| (name, past))
    }

    /// Remembers a cluster that all nodes have left, if there is something to remember.
    pub(super) fn keep(&mut self, now: Time, name: ClusterName, past: Past) {
        self.take(now, &name);
        while self.by_end.first().is_some_and(|(end, _)| *end <= now) || self.by_end.len() >= MAX {
            if let Some((_, ended)) = self.by_end.pop_first() {
                self.by_name.remove(&ended);
            }
        }
        if let Some(end) = past.ends().filter(|end| *end > now) {
            self.by_end.insert((end, name.clone()));
            self.by_name.insert(name, (end, past));
        }
    }

    /// What is known of a cluster that comes up.
    pub(super) fn take(&mut self, now: Time, name: &ClusterName) -> Past {
        let Some((end, past)) = self.by_name.remove(name) else {
            return Past::default();
        };
        self.by_end.remove(&(end, name.clone()));
        if end > now { past } else { Past::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{NodeId, RingId};
    use crate::vote::{Absent, Grant, Until};

    fn past(end: u64) -> Past {
        let end = Time::from_millis(end);
        let grant = Grant {
            ring: RingId::new(1, 8),
            nodes: [NodeId(1)].into(),
        };
        let until = Until {
            moved: end,
            apart: end,
        };
        Past {
            active: [NodeId(1)].into(),
            absent: [(NodeId(1), Absent { grant, until })].into(),
        }
    }

    #[test]
    fn a_cluster_is_remembered_once_and_as_long_as_a_vote_may_be_cast() {
        let (mut pasts, now) = (Pasts::default(), Time::default());
        pasts.keep(now, "a".into(), past(10));
        assert_eq!(pasts.take(Time::from_millis(9), &"a".into()), past(10));
        assert_eq!(pasts.take(now, &"a".into()), Past::default());
        pasts.keep(now, "a".into(), past(10));
        assert_eq!(
            pasts.take(Time::from_millis(10), &"a".into()),
            Past::default()
        );
    }

    #[test]
    fn nothing_is_kept_that_means_nothing() {
        let (mut pasts, now) = (Pasts::default(), Time::from_millis(5));
        pasts.keep(now, "a".into(), Past::default());
        pasts.keep(now, "b".into(), past(5));
        assert_eq!(pasts, Pasts::default());
        pasts.keep(now, "c".into(), past(6));
        pasts.keep(Time::from_millis(6), "d".into(), Past::default());
        assert_eq!(pasts, Pasts::default());
    }

    #[test]
    fn many_clusters_that_come_and_go_do_not_fill_the_memory() {
        let mut pasts = Pasts::default();
        for number in 0..MAX + 5 {
            let name = format!("{number:05}");
            pasts.keep(Time::default(), name.as_str().into(), past(10));
        }
        assert_eq!(pasts.by_name.len(), MAX);
        assert_eq!(pasts.by_end.len(), MAX);
    }
}
