//! What votequorum says, beside what the daemon says.

use super::command_line::Form;
use super::screen::Screen;
use super::{Exit, Tool, print, table};
use libqdevice::io::clock;
use libqdevice::report::QuorumView;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

impl Tool {
    /// The answer to `--quorum`.
    pub(super) fn show_quorum(self, form: Form) -> Exit {
        let view = match self.quorum_view() {
            Ok(view) => view,
            Err(why) => {
                self.complain(&why);
                return Exit::Unreachable;
            }
        };
        if form == Form::Json {
            return match serde_json::to_string(&view) {
                Ok(text) => print(&(text + "\n")),
                Err(_) => Exit::Internal,
            };
        }
        let screen = Screen::of_stdout();
        print(&screen.paint(&table::quorum(&view, screen.width)))
    }

    /// What stands below the table of the node; nothing where no votequorum can be asked.
    pub(super) fn quorum_beside(self, width: u16) -> String {
        if self.quorum.is_none() {
            return String::new();
        }
        match self.quorum_view() {
            Ok(view) => format!("\n{}", table::quorum(&view, width)),
            Err(why) => format!("\nvotequorum: {why}\n"),
        }
    }

    /// A corosync that hangs must not make the tool hang.
    fn quorum_view(self) -> Result<QuorumView, String> {
        let Some(ask) = self.quorum else {
            return Err("There is no votequorum to be asked".to_owned());
        };
        let heading = clock::heading("qdevice-quorum");
        let (sender, answer) = channel();
        // The thread ends with the process; nobody may be left to hear it.
        thread::spawn(move || drop(sender.send(ask(heading))));
        let late = |_| "votequorum does not answer".to_owned();
        answer.recv_timeout(PATIENCE).map_err(late)?
    }
}

/// How long votequorum may take.
const PATIENCE: Duration = Duration::from_secs(5);
