use super::Reason;
use crate::base::Time;
use std::mem::{Discriminant, discriminant};

/// The losses of the server that were told since it last admitted this node.
///
/// A server that fails in the same way at every attempt is told once a minute, so that it does not fill
/// the log. What an attempt to connect comes to is told each time: attempts are seconds apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Losses(Vec<(Discriminant<Reason>, Time)>);

impl Losses {
    /// Whether this loss is to be told.
    pub(super) fn is_news(&mut self, reason: &Reason, now: Time) -> bool {
        if *reason == Reason::ConnectTimeout {
            return true;
        }
        self.0.retain(|(_, told)| now.since(*told) < MINUTE);
        let kind = discriminant(reason);
        let is_news = self.0.iter().all(|(told, _)| *told != kind);
        if is_news {
            self.0.push((kind, now));
        }
        is_news
    }

    /// The server has admitted this node: the next loss is another one.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// In milliseconds.
const MINUTE: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::super::LinkFault;
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn a_loss_is_told_once_a_minute_until_the_server_has_admitted_this_node() {
        let closed = Reason::LinkLost(LinkFault::Closed);
        let reset = Reason::LinkLost(LinkFault::ReadFailed("reset".into()));
        let mut losses = Losses::default();
        assert!(losses.is_news(&closed, at(0)));
        assert!(!losses.is_news(&closed, at(10)));
        assert!(!losses.is_news(&reset, at(20)), "the same kind of fault");
        assert!(losses.is_news(&Reason::WrongSequence, at(30)));
        assert!(!losses.is_news(&closed, at(59_999)));
        assert!(losses.is_news(&closed, at(60_000)));
        losses.forget();
        assert!(losses.is_news(&closed, at(60_001)));
    }

    #[test]
    fn whatever_a_server_says_the_memory_for_it_stays_small() {
        let mut losses = Losses::default();
        for code in 0..=u16::MAX {
            losses.is_news(&Reason::ServerError(code), at(code.into()));
        }
        assert_eq!(losses.0.len(), 1);
    }

    #[test]
    fn every_attempt_to_connect_is_told() {
        let mut losses = Losses::default();
        assert!((0..9).all(|time| losses.is_news(&Reason::ConnectTimeout, at(time))));
    }
}
