//! A stand-in for corosync: it is told over stdin what happens in the cluster and prints what the
//! device does.

mod order;
mod votequorum;

pub use order::Order;

use crate::report::{Report, What};
use corosync_qdevice::corosync::{
    Corosync, CsError, Event, FollowFault, LeaveFault, MasterWins, Poll, RegisterFault, Service,
};
use libqdevice::base::NodeId;
use libqdevice::client::{CmapSnapshot, CmapValue, NodeVotes, VoteFacts};
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use tokio::sync::mpsc::UnboundedReceiver;
use votequorum::{Outcome, Votequorum};

/// A corosync that does as it is told.
#[derive(Debug)]
pub struct FakeCorosync {
    keys: BTreeMap<String, CmapValue>,
    votequorum: Votequorum,
    orders: UnboundedReceiver<Order>,
    events: VecDeque<Event>,
    frozen: bool,
    /// The answer to a vote that was cast once more; none comes any more if there is none.
    again: Option<Result<(), CsError>>,
}

impl FakeCorosync {
    /// A corosync with this configuration, not in any ring yet. It is lost when nobody can give it
    /// orders any more.
    #[must_use]
    pub fn new(
        keys: BTreeMap<String, CmapValue>,
        nodes: Vec<u32>,
        orders: UnboundedReceiver<Order>,
    ) -> Self {
        let mut this = Self {
            keys,
            votequorum: Votequorum::default(),
            orders,
            events: VecDeque::new(),
            frozen: false,
            again: Some(Ok(())),
        };
        this.set_nodes(nodes);
        this
    }

    fn set_nodes(&mut self, nodes: Vec<u32>) {
        self.keys.retain(|key, _| !key.starts_with("nodelist."));
        for (index, node) in nodes.iter().enumerate() {
            let key = |name| format!("nodelist.node.{index}.{name}");
            self.keys
                .insert(key("name"), CmapValue::from(format!("node{node}").as_str()));
            self.keys.insert(key("nodeid"), CmapValue::U32(*node));
        }
        if self.votequorum.nodes.is_empty() {
            self.votequorum = Votequorum::of(nodes);
        } else {
            self.votequorum.nodes = nodes;
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Ring { ring, members } => {
                let outcome = self.votequorum.form(ring, members);
                self.take(outcome);
            }
            Order::Quorum { quorate, members } => {
                let outcome = self.votequorum.declare(quorate, &members);
                self.take(outcome);
            }
            Order::Expected(votes) => self.events.push_back(Event::ExpectedVotes(votes)),
            Order::Nodes(nodes) => {
                self.set_nodes(nodes);
                let expected = self.votequorum.expected_votes();
                self.events.push_back(Event::Config(self.configuration()));
                self.events.push_back(Event::ExpectedVotes(expected));
            }
            Order::Set { key, value } => {
                self.keys.insert(key, CmapValue::from(value.as_str()));
                self.events.push_back(Event::Config(self.configuration()));
            }
            Order::Lose(service) => self.events.push_back(Event::Lost(service)),
            Order::Freeze => {
                self.frozen = true;
                report(What::Frozen);
            }
        }
    }

    fn take(&mut self, outcome: Outcome) {
        self.events.extend(outcome.events);
        outcome.reports.into_iter().for_each(report);
    }

    fn configuration(&self) -> CmapSnapshot {
        self.keys.clone().into_iter().collect()
    }
}

impl Corosync for FakeCorosync {
    async fn snapshot(&mut self) -> Result<CmapSnapshot, CsError> {
        Ok(self.configuration())
    }

    async fn follow_config(&mut self) -> Result<(), FollowFault> {
        Ok(())
    }

    async fn register(&mut self, _: &str) -> Result<u32, RegisterFault> {
        report(What::Registered);
        Ok(self.votequorum.expected_votes())
    }

    async fn set_master_wins(&mut self, _: MasterWins) -> Result<(), CsError> {
        Ok(())
    }

    async fn vote_facts(&mut self, nodes: Vec<NodeId>) -> VoteFacts {
        let one_each = NodeVotes {
            node_votes: 1,
            qdevice_votes: 1,
        };
        nodes.into_iter().map(|node| (node, Ok(one_each))).collect()
    }

    async fn cast(&mut self, poll: Poll) -> Result<(), CsError> {
        if self.frozen {
            return std::future::pending().await;
        }
        let (result, outcome) = self.votequorum.poll(poll);
        self.take(outcome);
        result
    }

    fn cast_again(&mut self, poll: Poll) {
        if self.frozen {
            self.again = None;
            // From now on an answer is owed.
            return report(What::Frozen);
        }
        let (result, outcome) = self.votequorum.poll(poll);
        self.take(outcome);
        self.again = Some(result);
    }

    async fn settle(&mut self) -> Result<(), CsError> {
        match self.again.replace(Ok(())) {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    async fn next_event(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match self.orders.recv().await {
                Some(order) => self.obey(order),
                None => return Event::Lost(Service::Votequorum),
            }
        }
    }

    async fn leave(&mut self) -> Vec<LeaveFault> {
        if self.frozen {
            return std::future::pending().await;
        }
        report(What::Left);
        Vec::new()
    }
}

fn report(what: What) {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000;
    let line = format!("{}\n", Report { micros, what });
    // Whoever no longer listens has closed stdin too, and that ends the node.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}
