//! The end of a connection, or of the daemon. [C: qdevice-model-net.c, `qdevice_model_net_post_poll_loop`]

use super::phase::Phase;
use super::reason::Next;
use super::{Action, Client, Notice, Reason, Timer, Turn};
use crate::base::{Deadlines, Millis};

impl Client {
    /// Withdraws the vote, then drops the connection, then connects again or ends.
    ///
    /// The order matters: corosync has the new vote before the server can see that this node is gone
    /// and give the vote away.
    pub(super) fn disconnect(&mut self, reason: Reason, turn: &mut Turn<'_>) {
        let (next, hint) = (reason.next(), reason.hint());
        turn.tell(Notice::Ended(reason));
        if let Some(hint) = hint {
            turn.tell(Notice::Hint(hint));
        }
        self.deadlines.clear(Timer::Connect);
        self.deadlines.clear(Timer::Echo);
        self.heuristics.forget_connect();
        self.resume(self.config.strategy.vote_when_disconnected(), turn);
        let was_connecting = matches!(self.phase, Phase::Connecting(_));
        if was_connecting || self.phase.has_link() {
            turn.act(Action::HangUp);
        }
        match next {
            // The attempt has taken its time already.
            Next::Retry if was_connecting => self.connect(turn),
            Next::Retry => self.back_off(turn),
            Next::Exit { ok } => {
                self.phase = Phase::Ended;
                self.deadlines = Deadlines::default();
                turn.act(Action::Exit { ok });
            }
        }
    }

    /// Nodes that lost their server at the same moment come back at different ones.
    fn back_off(&mut self, turn: &mut Turn<'_>) {
        let delay = Millis(self.dice.below(nine_tenths(self.config.cast_interval.0)));
        turn.tell(Notice::Sleeping(delay));
        self.deadlines.set(Timer::Backoff, turn.now.after(delay));
        self.phase = Phase::Backoff;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "nine tenths of a u32 fit into a u32"
)]
const fn nine_tenths(number: u32) -> u32 {
    (number as u64 * 9 / 10) as u32
}
