//! What a fake node prints, a line each: `12345678 cast for 1/8`.

use libqdevice::base::RingId;
use std::fmt;
use std::str::FromStr;

/// Something that a node's corosync was told or has decided, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Microseconds on the monotonic clock, which all processes of a machine share.
    pub micros: u64,
    /// What.
    pub what: What,
}

/// See [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The device is registered.
    Registered,
    /// A new membership waits for a poll.
    Forming(RingId),
    /// The device was polled and casts its vote.
    CastFor(RingId),
    /// The device was polled and does not cast its vote.
    CastAgainst(RingId),
    /// A poll named another ring than the present one.
    Refused(RingId),
    /// The partition may go on.
    Quorate(RingId),
    /// The partition must not go on.
    Blocked(RingId),
    /// corosync answers no poll from now on.
    Frozen,
    /// The device is withdrawn.
    Left,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.micros)?;
        let ring = |ring: RingId| format!("{}/{}", ring.node, ring.seq);
        match self.what {
            What::Registered => write!(f, "registered"),
            What::Forming(at) => write!(f, "forming {}", ring(at)),
            What::CastFor(at) => write!(f, "cast for {}", ring(at)),
            What::CastAgainst(at) => write!(f, "cast against {}", ring(at)),
            What::Refused(at) => write!(f, "refused {}", ring(at)),
            What::Quorate(at) => write!(f, "quorate {}", ring(at)),
            What::Blocked(at) => write!(f, "blocked {}", ring(at)),
            What::Frozen => write!(f, "frozen"),
            What::Left => write!(f, "left"),
        }
    }
}

impl FromStr for Report {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let what = match words[..] {
            [_, "registered"] => What::Registered,
            [_, "forming", at] => What::Forming(ring(at)?),
            [_, "cast", "for", at] => What::CastFor(ring(at)?),
            [_, "cast", "against", at] => What::CastAgainst(ring(at)?),
            [_, "refused", at] => What::Refused(ring(at)?),
            [_, "quorate", at] => What::Quorate(ring(at)?),
            [_, "blocked", at] => What::Blocked(ring(at)?),
            [_, "frozen"] => What::Frozen,
            [_, "left"] => What::Left,
            _ => return Err(format!("not a report: {line}")),
        };
        let micros = words[0]
            .parse()
            .map_err(|_| format!("not a time: {line}"))?;
        Ok(Self { micros, what })
    }
}

/// Reads `NODE/SEQ`, both decimal.
pub fn ring(word: &str) -> Result<RingId, String> {
    let read = || {
        let (node, seq) = word.split_once('/')?;
        Some(RingId::new(node.parse().ok()?, seq.parse().ok()?))
    };
    read().ok_or_else(|| format!("not a ring (NODE/SEQ): {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_back() {
        let ring = RingId::new(2, 12);
        for what in [
            What::Registered,
            What::Forming(ring),
            What::CastFor(ring),
            What::CastAgainst(ring),
            What::Refused(ring),
            What::Quorate(ring),
            What::Blocked(ring),
            What::Frozen,
            What::Left,
        ] {
            let report = Report { micros: 7, what };
            assert_eq!(report.to_string().parse(), Ok(report));
        }
    }
}
