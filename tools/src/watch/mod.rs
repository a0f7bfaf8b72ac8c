//! The live view: events as they come, and on a terminal the present state above them.

mod frame;
mod line;

use super::answer::{Failed, Source};
use super::command_line::{Form, Wish};
use super::screen::Screen;
use super::{Exit, LINE_MAX, Side, Tool, table};
use frame::Frame;
use libqdevice::ipc::{QdeviceJson, QnetdJson};
use libqdevice::report::{ClusterList, DeviceReport, ServerReport};
use line::{Lines, event};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

impl Tool {
    /// The answer to `--watch`; ends when the user or the daemon does.
    pub(super) fn watch(self, wish: &Wish) -> Exit {
        let screen = Screen::of_stdout();
        let watched = match wish.form {
            Form::Text | Form::Table if screen.is_terminal => self.live(wish, screen),
            Form::Json => Source::of(wish).pass_on(&self.events(), &mut io::stdout()),
            Form::Text | Form::Table => {
                let mut print = |text: &str| {
                    if let Some(shown) = event(text) {
                        writeln!(io::stdout(), "{shown}")?;
                    }
                    Ok(())
                };
                Source::of(wish).pass_on(&self.events(), &mut Lines::to(&mut print))
            }
        };
        match watched {
            Ok(()) => {
                self.complain(&"The daemon has ended");
                Exit::Unreachable
            }
            Err(fault) => self.failed(&fault),
        }
    }

    fn events(self) -> Vec<u8> {
        match self.side {
            // As short as it is, it fits.
            Side::Server => QnetdJson::Events.line(LINE_MAX).unwrap_or_default(),
            Side::Node => QdeviceJson::Events.line(),
        }
    }

    /// Draws the state at every event, and every second. A daemon that is gone is waited for, unless it
    /// was not there in the first place.
    fn live(self, wish: &Wish, screen: Screen) -> Result<(), Failed> {
        let mut last = VecDeque::new();
        let mut events = self.listen(wish);
        let mut state = self.state(wish, screen)?;
        let out = &mut io::stdout();
        loop {
            let screen = Screen::of_stdout();
            let frame = Frame {
                state: &state,
                events: &last,
                height: screen.height,
                width: screen.width,
            };
            let drawn = out.write_all(screen.paint(&frame.drawn()).as_bytes());
            if drawn.and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
            match events.recv_timeout(SECOND) {
                Ok(text) => {
                    last.extend(event(&text));
                    // What comes together is drawn together.
                    for _ in 0..EVENTS {
                        let Ok(text) = events.recv_timeout(MOMENT) else {
                            break;
                        };
                        last.extend(event(&text));
                    }
                    last.drain(..last.len().saturating_sub(EVENTS));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    wait();
                    events = self.listen(wish);
                }
            }
            state = match self.state(wish, screen) {
                Ok(state) => state,
                Err(fault) => format!("{}: {fault}\n", self.name),
            };
        }
    }

    /// The events, read by a thread; the channel ends with the connection.
    fn listen(self, wish: &Wish) -> Receiver<String> {
        let (sender, events) = channel();
        let (socket, line): (PathBuf, _) = (wish.socket.clone(), self.events());
        thread::spawn(move || {
            let mut pass = |text: &str| {
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                sender.send(text.to_owned()).map_err(gone)
            };
            // Why it ended is told by whoever asks for the state.
            let _ = Source::at(&socket).pass_on(&line, &mut Lines::to(&mut pass));
        });
        events
    }

    /// The state as a head line and a table.
    fn state(self, wish: &Wish, screen: Screen) -> Result<String, Failed> {
        let source = Source::of(wish);
        let line = |wish: QnetdJson| wish.line(LINE_MAX).map_err(Failed::NotSendable);
        match self.side {
            Side::Server => {
                let status: ServerReport = source.read(&line(QnetdJson::Status)?)?;
                let list: ClusterList = source.read(&line(QnetdJson::List(None))?)?;
                Ok(frame::of_arbiter(&status, &list, screen.width))
            }
            Side::Node => {
                let status: DeviceReport = source.read(&QdeviceJson::Status.line())?;
                Ok(table::node(&status, screen.width))
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: the daemon is gone"
)]
fn wait() {
    thread::sleep(SECOND);
}

/// The state is at most this old.
const SECOND: Duration = Duration::from_secs(1);

/// Events this close to each other come together.
const MOMENT: Duration = Duration::from_millis(50);

/// How many of the last events are kept to be shown.
const EVENTS: usize = 100;
