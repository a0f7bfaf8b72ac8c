use crate::outside::Wish;
use libqdevice::base::{Heuristics, NodeList, Quorate, RingId};
use libqdevice::client::{ClientConfig, Notice};
use libqdevice::events::{DeviceLedger, Event, Source};
use libqdevice::outlets::Feed;
use tokio::sync::{mpsc, oneshot};

/// The hub's part in telling others what happens: it makes the events, and hears what others want.
///
/// Nothing here waits for anybody.
#[derive(Debug)]
pub(crate) struct Telling {
    ledger: DeviceLedger,
    feed: Feed,
    wishes: mpsc::Receiver<Wish>,
    news: mpsc::Receiver<Event>,
}

impl Telling {
    /// What is told of certificates comes from `news`.
    pub(crate) fn new(
        config: &ClientConfig,
        wishes: mpsc::Receiver<Wish>,
        news: mpsc::Receiver<Event>,
    ) -> Self {
        Self {
            ledger: DeviceLedger::new(config.cluster_name.clone(), config.node),
            feed: Feed::new(Source::Qdevice),
            wishes,
            news,
        }
    }

    /// Where the events can be read.
    pub(crate) const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Takes in what the client tells its operator.
    pub(crate) fn note(&mut self, notice: &Notice) {
        self.tell(|ledger, out| ledger.note(notice, out));
    }

    /// A run of the heuristics is over.
    pub(crate) fn heuristics(&mut self, result: Heuristics) {
        self.tell(|ledger, out| ledger.heuristics(result, out));
    }

    /// votequorum forms this ring.
    pub(crate) fn membership(&mut self, ring: RingId, nodes: &NodeList) {
        self.tell(|ledger, out| ledger.membership(ring, nodes, out));
    }

    /// votequorum has said this of the partition.
    pub(crate) fn quorum(&mut self, quorate: Quorate) {
        self.tell(|ledger, out| ledger.quorum(quorate, out));
    }

    fn tell(&mut self, note: impl FnOnce(&mut DeviceLedger, &mut Vec<Event>)) {
        let mut events = Vec::new();
        note(&mut self.ledger, &mut events);
        for event in events {
            self.feed.publish(event);
        }
    }

    /// The next time that somebody wants the heuristics to run, and where to answer. May be dropped and
    /// called again.
    pub(crate) async fn next(&mut self) -> oneshot::Sender<bool> {
        loop {
            tokio::select! {
                Some(wish) = self.wishes.recv() => match wish {
                    Wish::Picture(answer) => {
                        // Whoever has asked may have gone.
                        let _ = answer.send((self.ledger.picture().clone(), self.feed.sequence()));
                    }
                    Wish::RunHeuristics(answer) => return answer,
                },
                Some(event) = self.news.recv() => self.feed.publish(event),
                else => std::future::pending().await,
            }
        }
    }
}
