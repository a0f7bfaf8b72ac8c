//! The votes of a bed as a table that follows them, below a text that grows; one line per change
//! where the output is no terminal.

use crate::clock::Moment;
use crate::standing::{Flag, Standing};
use crate::votes::{Present, Votes};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The screen of a demonstration.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    colours: bool,
    start: Moment,
    nodes: Vec<u32>,
    shown: Mutex<Shown>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Shown {
    rows: Vec<Row>,
    /// How many lines of a table stand at the bottom of the terminal.
    table: usize,
}

/// What the table says of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    total: u32,
    expected: u32,
    quorum: u32,
    device: Device,
    service: Service,
}

/// The arbiter's vote, as the node counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Absent,
    Silent,
    Refused,
    Given,
}

/// What applications on the node are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Down,
    Agreeing,
    Stopped,
    Running,
}

impl Screen {
    /// A screen for these nodes.
    #[must_use]
    pub fn new(nodes: &[u32]) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self {
            terminal,
            colours: terminal && std::env::var_os("NO_COLOR").is_none(),
            start: Moment::now(),
            nodes: nodes.to_vec(),
            shown: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Adds to the text.
    pub fn say(&self, text: &str) {
        let mut shown = self.lock();
        let mut output = erased(&mut shown);
        output.push_str(text);
        output.push('\n');
        self.draw(&mut shown, &mut output);
        print(&output);
    }

    /// Adds a heading to the text.
    pub fn title(&self, text: &str) {
        self.say(&format!("\n{}", self.coloured(BOLD, text)));
    }

    /// Leaves the table as it is now in the text.
    pub fn keep(&self) {
        self.lock().table = 0;
    }

    /// Follows the votes until the screen is closed.
    pub fn follow(&self, votes: &Votes) {
        while !self.closed.load(Ordering::Relaxed) {
            self.show(&votes.present());
            votes.wait_for_news(Duration::from_millis(100));
        }
    }

    /// Ends [`Self::follow`].
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn show(&self, present: &Present) {
        let rows: Vec<Row> = self.nodes.iter().map(|&id| row(present, id)).collect();
        let mut shown = self.lock();
        let before = std::mem::replace(&mut shown.rows, rows);
        let mut output = erased(&mut shown);
        if !self.terminal {
            let now = Moment::now().since(self.start).as_secs_f64();
            for (at, (id, row)) in self.nodes.iter().zip(&shown.rows).enumerate() {
                if before.get(at) != Some(row) {
                    writeln!(output, "{now:>7.2} s  node {id}  {}", row.line())
                        .expect("a String takes everything");
                }
            }
        }
        self.draw(&mut shown, &mut output);
        print(&output);
    }

    /// Puts the table at the bottom of the terminal.
    fn draw(&self, shown: &mut Shown, output: &mut String) {
        if !self.terminal || shown.rows.is_empty() {
            return;
        }
        let now = Moment::now().since(self.start).as_secs_f64();
        let mut lines = vec![
            String::new(),
            format!("  {now:>6.1} s    votes  needed  arbiter's vote  applications"),
        ];
        for (id, row) in self.nodes.iter().zip(&shown.rows) {
            let service = self.coloured(row.service.colour(), row.service.text());
            let [votes, needed, device] = row.cells();
            lines.push(format!(
                "    node {id:<4} {votes:>6}  {needed:>6}  {device:<14}  {service}"
            ));
        }
        shown.table = lines.len();
        for line in lines {
            output.push_str(&line);
            output.push('\n');
        }
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What takes the table off the terminal.
fn erased(shown: &mut Shown) -> String {
    match std::mem::take(&mut shown.table) {
        0 => String::new(),
        lines => format!("\x1b[{lines}A\r\x1b[J"),
    }
}

/// A closed output is no reason to leave a bed behind; the run goes on without it.
fn print(text: &str) {
    let mut output = std::io::stdout();
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}

fn row(present: &Present, id: u32) -> Row {
    let standing = present.node(id);
    Row {
        total: standing.total,
        expected: standing.expected,
        quorum: standing.quorum,
        device: device(&standing),
        service: service(&standing),
    }
}

fn device(standing: &Standing) -> Device {
    if !standing.has(Flag::Registered) {
        Device::Absent
    } else if !standing.has(Flag::Alive) {
        Device::Silent
    } else if standing.has(Flag::Cast) {
        Device::Given
    } else {
        Device::Refused
    }
}

fn service(standing: &Standing) -> Service {
    if standing.members.is_empty() {
        Service::Down
    } else if standing.syncing {
        Service::Agreeing
    } else if standing.has(Flag::Quorate) {
        Service::Running
    } else {
        Service::Stopped
    }
}

impl Row {
    /// Votes, votes needed and the arbiter's, as words of the table.
    fn cells(self) -> [String; 3] {
        match self.service {
            Service::Down => [(); 3].map(|()| "-".to_owned()),
            Service::Agreeing | Service::Stopped | Service::Running => [
                format!("{} of {}", self.total, self.expected),
                self.quorum.to_string(),
                self.device.text().to_owned(),
            ],
        }
    }

    fn line(self) -> String {
        if self.service == Service::Down {
            return "corosync does not run".to_owned();
        }
        format!(
            "{} of {} votes, needs {}; arbiter's vote: {}; applications: {}",
            self.total,
            self.expected,
            self.quorum,
            self.device.text(),
            self.service.text()
        )
    }
}

impl Device {
    const fn text(self) -> &'static str {
        match self {
            Self::Absent => "no device",
            Self::Silent => "silent",
            Self::Refused => "no",
            Self::Given => "yes",
        }
    }
}

impl Service {
    const fn text(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Agreeing => "wait, members change",
            Self::Stopped => "stopped, no quorum",
            Self::Running => "running",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Down | Self::Stopped => "31",
            Self::Agreeing => "33",
            Self::Running => "32",
        }
    }
}

const BOLD: &str = "1";

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::base::NodeId;

    #[test]
    fn a_node_with_the_arbiters_vote_runs() {
        let standing = Standing {
            members: vec![NodeId(1)],
            flags: Flag::Quorate as u32
                | Flag::Registered as u32
                | Flag::Alive as u32
                | Flag::Cast as u32,
            ..Standing::default()
        };
        assert_eq!(
            (device(&standing), service(&standing)),
            (Device::Given, Service::Running)
        );
    }

    #[test]
    fn a_node_without_corosync_is_down() {
        let standing = Standing::default();
        assert_eq!(
            (device(&standing), service(&standing)),
            (Device::Absent, Service::Down)
        );
        let row = row(&Present::default(), 1);
        assert_eq!(row.line(), "corosync does not run");
        assert_eq!(row.cells(), ["-"; 3]);
    }

    #[test]
    fn a_node_whose_device_is_refused_stops() {
        let standing = Standing {
            members: vec![NodeId(2)],
            flags: Flag::Registered as u32 | Flag::Alive as u32,
            ..Standing::default()
        };
        assert_eq!(
            (device(&standing), service(&standing)),
            (Device::Refused, Service::Stopped)
        );
    }
}
