use crate::connection::Order;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The hub's end of the orders to one connection. Dropping it tells the connection to close.
#[derive(Debug)]
pub(crate) struct Sender(Arc<Mailbox>);

/// The connection's end.
#[derive(Debug)]
pub(crate) struct Receiver(Arc<Mailbox>);

/// More orders wait than may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Orders under way.
///
/// There are as many of these as clients and most are empty: a channel of tokio's would take a
/// kilobyte for each.
#[derive(Debug)]
struct Mailbox {
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    orders: VecDeque<Order>,
    /// One of the two ends is gone.
    closed: bool,
    waiting: Option<Waker>,
}

/// Both ends; `max` orders may wait.
pub(crate) fn mailbox(max: usize) -> (Sender, Receiver) {
    let mailbox = Arc::new(Mailbox {
        max,
        state: Mutex::default(),
    });
    (Sender(Arc::clone(&mailbox)), Receiver(mailbox))
}

impl Sender {
    /// Gives an order. One for a connection that has ended is forgotten.
    ///
    /// # Errors
    ///
    /// The connection has not run for long.
    pub(crate) fn give(&self, order: Order) -> Result<(), Full> {
        let mut state = self.0.lock();
        if state.closed {
            return Ok(());
        }
        if state.orders.len() >= self.0.max {
            return Err(Full);
        }
        state.orders.push_back(order);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
        Ok(())
    }
}

impl Receiver {
    /// The next order; none when there will be no more. May be dropped and called again at any time.
    pub(crate) async fn next(&mut self) -> Option<Order> {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            match state.take() {
                Some(order) => Poll::Ready(Some(order)),
                None if state.closed => Poll::Ready(None),
                None => {
                    state.waiting = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Waits until there will be no more orders than those that wait. May be dropped and called again.
    pub(crate) async fn dropped(&mut self) {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            if state.closed {
                return Poll::Ready(());
            }
            state.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The next order if one is waiting.
    pub(crate) fn waiting(&mut self) -> Option<Order> {
        self.0.lock().take()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.orders.clear();
    }
}

impl Mailbox {
    /// The lock; a panic under it cannot leave the orders in a bad state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Order> {
        let order = self.orders.pop_front();
        if self.orders.is_empty() {
            // Most are empty most of the time.
            self.orders = VecDeque::new();
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_proceed(order: Option<&Order>) -> bool {
        matches!(order, Some(Order::Proceed))
    }

    #[tokio::test]
    async fn an_order_wakes_who_waits_for_it() {
        let (sender, mut receiver) = mailbox(1);
        let waiting = tokio::spawn(async move { receiver.next().await });
        tokio::task::yield_now().await;
        assert_eq!(sender.give(Order::Proceed), Ok(()));
        assert!(is_proceed(waiting.await.unwrap().as_ref()));
    }

    #[tokio::test]
    async fn orders_that_wait_are_taken_before_the_end_is_told() {
        let (sender, mut receiver) = mailbox(2);
        assert_eq!(sender.give(Order::Proceed), Ok(()));
        drop(sender);
        assert!(is_proceed(receiver.next().await.as_ref()));
        assert!(receiver.next().await.is_none());
    }

    #[test]
    fn no_more_orders_wait_than_may_and_none_for_who_is_gone() {
        let (sender, receiver) = mailbox(1);
        assert_eq!(sender.give(Order::Proceed), Ok(()));
        assert_eq!(sender.give(Order::Proceed), Err(Full));
        drop(receiver);
        assert_eq!(sender.give(Order::Proceed), Ok(()));
    }
}
