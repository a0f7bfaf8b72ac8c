use crate::outside::Wish;
use libqdevice::base::Level;
use libqdevice::events::{self, ServerLedger, Source, VoteWord, event_facts};
use libqdevice::io::clock;
use libqdevice::io::log::tell_of;
use libqdevice::outlets::Feed;
use libqdevice::server::{Event, Notice, Server};
use tokio::sync::mpsc;

/// The hub's part in telling others what happens: it makes the events, and hears what others want.
///
/// Nothing here waits for anybody.
#[derive(Debug)]
pub(crate) struct Telling {
    ledger: ServerLedger,
    feed: Feed,
    wishes: mpsc::Receiver<Wish>,
    news: mpsc::Receiver<events::Event>,
}

impl Telling {
    /// What is told of certificates comes from `news`.
    pub(crate) fn new(wishes: mpsc::Receiver<Wish>, news: mpsc::Receiver<events::Event>) -> Self {
        Self {
            ledger: ServerLedger::default(),
            feed: Feed::new(Source::Qnetd),
            wishes,
            news,
        }
    }

    /// Where the events can be read.
    pub(crate) const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Takes in what the server tells its operator.
    pub(crate) fn note(&mut self, notice: &Notice) {
        let mut events = Vec::new();
        self.ledger.note(clock::now(), notice, &mut events);
        for event in events {
            write(&event, notice);
            self.feed.publish(event);
        }
    }

    /// The next thing that others want of the server to do; questions are answered. May be dropped and called
    /// again.
    pub(crate) async fn next(&mut self, server: &Server) -> Event {
        loop {
            tokio::select! {
                Some(wish) = self.wishes.recv() => {
                    if let Some(event) = self.grant(wish, server) {
                        return event;
                    }
                }
                Some(news) = self.news.recv() => self.feed.publish(news),
                else => std::future::pending().await,
            }
        }
    }

    fn grant(&self, wish: Wish, server: &Server) -> Option<Event> {
        match wish {
            Wish::Picture(answer) => {
                // Whoever has asked may have gone.
                let _ = answer.send((self.ledger.picture().clone(), self.feed.sequence()));
                None
            }
            Wish::Disconnect {
                cluster,
                node,
                answer,
            } => {
                let is_connected = self.ledger.picture().node(&cluster, node).is_some();
                let _ = answer.send(is_connected);
                is_connected.then_some(Event::Dismissed { cluster, node })
            }
            Wish::Presence {
                cluster,
                node,
                answer,
            } => {
                let _ = answer.send(server.presence(&cluster, node));
                None
            }
        }
    }
}

/// That a node is refused the vote is in the log. Who gets it is there in the arbiter's decision, once for all
/// nodes: a line for each would cost a third more when thousands come back at once.
fn write(event: &events::Event, notice: &Notice) {
    let events::Event::VoteChanged { old, new, .. } = event else {
        return;
    };
    let level = match (old, new) {
        (_, VoteWord::Nack) | (VoteWord::Nack, VoteWord::Ack) => Level::Info,
        (_, VoteWord::Ack | VoteWord::None | VoteWord::AskLater | VoteWord::WaitForReply) => {
            Level::Debug
        }
    };
    let peer = notice.party().map(|party| party.address.as_str());
    let facts = event_facts(event, peer);
    match peer {
        Some(peer) => tell_of(level, &facts, &format_args!("{event} (client {peer})")),
        None => tell_of(level, &facts, event),
    }
}
