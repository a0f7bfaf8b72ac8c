use crate::table;
use libqdevice::report::{ClusterList, ServerReport};
use std::collections::VecDeque;

/// What is on the screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) state: &'a str,
    pub(super) events: &'a VecDeque<String>,
    pub(super) height: u16,
    pub(super) width: u16,
}

impl Frame<'_> {
    /// With what moves the cursor: every line is written over the one that was there.
    pub(super) fn drawn(self) -> String {
        let lines = self.lines().into_iter();
        let lines: String = lines.map(|line| line + "\x1b[K\r\n").collect();
        format!("\x1b[H{lines}\x1b[J")
    }

    /// The state, cut where the last events need room, and below it as many of those as fit.
    fn lines(self) -> Vec<String> {
        // The cursor takes the last line.
        let height = usize::from(self.height.max(10)) - 1;
        let state: Vec<&str> = self.state.lines().collect();
        let for_events = (height / 3).min(self.events.len());
        let room = height - if for_events == 0 { 0 } else { for_events + 1 };
        let mut lines: Vec<String> = if state.len() > room {
            let shown = room - 1;
            let hidden = format!("... and {} more lines", state.len() - shown);
            let shown = state[..shown].iter().map(|line| (*line).to_owned());
            shown.chain([hidden]).collect()
        } else {
            state.iter().map(|line| (*line).to_owned()).collect()
        };
        if for_events > 0 {
            lines.push(String::new());
            let left = height - lines.len();
            let begin = self.events.len().saturating_sub(left);
            lines.extend(self.events.range(begin..).cloned());
        }
        for line in &mut lines {
            *line = line.chars().take(self.width.into()).collect();
        }
        lines
    }
}

/// The server in a line, and its clusters.
pub(super) fn of_arbiter(status: &ServerReport, list: &ClusterList, width: u16) -> String {
    let clients = &status.clients;
    let unknown = clients.plain + clients.encrypted;
    let unknown = if unknown == 0 {
        String::new()
    } else {
        format!(", {unknown} without a certificate")
    };
    format!(
        "{}  {} clusters, {} clients{unknown}\n\n{}",
        status.listen,
        status.clusters,
        clients.connected,
        table::clusters(list, width)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn lines(width: u16, height: u16) -> Vec<String> {
        let state = of_arbiter(&fixture::server(), &fixture::list(), width);
        let event = "2026-11-25 12:03:04.125 vote-changed cluster=hospital-east node=3 old=ack \
                     new=nack reason=tie-breaker ring=3.2c winners=1,2";
        let events = VecDeque::from([event.to_owned()]);
        let frame = Frame {
            state: &state,
            events: &events,
            height,
            width,
        };
        frame.lines()
    }

    #[test]
    fn the_view_fits_into_80_and_into_200_columns() {
        for (width, captured) in [
            (80, include_str!("../../captured/watch-80.txt")),
            (200, include_str!("../../captured/watch-200.txt")),
        ] {
            assert_eq!(lines(width, 24).join("\n") + "\n", captured);
        }
    }

    #[test]
    fn a_low_screen_shows_less_of_both() {
        let lines = lines(80, 10);
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[6], "... and 3 more lines");
        assert!(lines[8].contains("vote-changed"));
    }

    #[test]
    fn a_frame_is_written_over_the_one_before() {
        let frame = Frame {
            state: "a\n",
            events: &VecDeque::new(),
            height: 24,
            width: 80,
        };
        assert_eq!(frame.drawn(), "\x1b[Ha\x1b[K\r\n\x1b[J");
    }
}
