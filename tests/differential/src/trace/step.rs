use super::Frame;
use std::fmt;
use std::str::FromStr;

/// A place for a connection: `A1` for node 1 of cluster A, or any other word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(String);

impl Slot {
    /// The place with this name, a single word.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing that happens to both servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A connection is made; nothing is sent yet.
    Connect(Slot),
    /// Messages are sent in one go, or cut at these offsets into several segments.
    Send {
        /// From where.
        from: Slot,
        /// In this order.
        frames: Vec<Frame>,
        /// Offsets in bytes at which a new segment starts.
        cuts: Vec<usize>,
    },
    /// A pushed vote is confirmed, with the number each server has given it.
    Confirm(Slot, Which),
    /// The connection is ended.
    End(Slot, Ending),
    /// The local socket is asked.
    Ask(String),
    /// Everything is confirmed until nothing more happens; then the votes are judged.
    Settle,
}

/// Which of the pushed votes that are not confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that came first.
    Oldest,
    /// The one that came last; those before it never are.
    Newest,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client says that it has nothing more to send.
    Closed,
    /// The client closes in the middle of a message.
    Cut,
    /// The connection is reset.
    Reset,
}

impl Step {
    /// A single whole message.
    #[must_use]
    pub fn say(from: &Slot, frame: Frame) -> Self {
        Self::Send {
            from: from.clone(),
            frames: vec![frame],
            cuts: Vec::new(),
        }
    }

    /// The place it happens at, if it is one.
    #[must_use]
    pub const fn slot(&self) -> Option<&Slot> {
        match self {
            Self::Connect(slot)
            | Self::Send { from: slot, .. }
            | Self::Confirm(slot, _)
            | Self::End(slot, _) => Some(slot),
            Self::Ask(_) | Self::Settle => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(slot) => write!(f, "connect {slot}"),
            Self::Send { from, frames, cuts } => {
                write!(f, "{from}:")?;
                if !cuts.is_empty() {
                    let cuts: Vec<String> = cuts.iter().map(ToString::to_string).collect();
                    write!(f, " [{}]", cuts.join(","))?;
                }
                for (index, frame) in frames.iter().enumerate() {
                    let bar = if index == 0 { "" } else { " |" };
                    write!(f, "{bar} {frame}")?;
                }
                Ok(())
            }
            Self::Confirm(slot, Which::Oldest) => write!(f, "confirm {slot}"),
            Self::Confirm(slot, Which::Newest) => write!(f, "confirm-newest {slot}"),
            Self::End(slot, Ending::Closed) => write!(f, "close {slot}"),
            Self::End(slot, Ending::Cut) => write!(f, "cut {slot}"),
            Self::End(slot, Ending::Reset) => write!(f, "reset {slot}"),
            Self::Ask(line) => write!(f, "ask {line}"),
            Self::Settle => f.write_str("settle"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "settle" {
            return Ok(Self::Settle);
        }
        let (word, rest) = text.split_once(' ').ok_or("a step has two words")?;
        let slot = || Slot::new(rest);
        Ok(match word {
            "connect" => Self::Connect(slot()),
            "confirm" => Self::Confirm(slot(), Which::Oldest),
            "confirm-newest" => Self::Confirm(slot(), Which::Newest),
            "close" => Self::End(slot(), Ending::Closed),
            "cut" => Self::End(slot(), Ending::Cut),
            "reset" => Self::End(slot(), Ending::Reset),
            "ask" => Self::Ask(rest.to_owned()),
            _ => {
                let from = word
                    .strip_suffix(':')
                    .ok_or_else(|| format!("no step '{word}'"))?;
                read_send(Slot::new(from), rest)?
            }
        })
    }
}

fn read_send(from: Slot, text: &str) -> Result<Step, String> {
    let (cuts, text) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((cuts, rest)) => {
            let cuts = cuts.split(',').map(str::parse).collect::<Result<_, _>>();
            (cuts.map_err(|e| format!("offsets: {e}"))?, rest)
        }
        None => (Vec::new(), text),
    };
    let frames = text.split('|').map(str::parse).collect::<Result<_, _>>()?;
    Ok(Step::Send { from, frames, cuts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_survives_being_written_and_read_back() {
        for text in [
            "connect A1",
            "A1: preinit seq=1 cluster=A",
            "A1: [3,9] echo seq=1 | echo seq=2",
            "confirm A1",
            "confirm-newest A1",
            "close A1",
            "cut A1",
            "reset A1",
            "ask list verbose",
            "settle",
        ] {
            let step: Step = text.parse().unwrap();
            assert_eq!(step.to_string(), text);
        }
    }
}
