//! What votequorum says on one node at one moment.

use libqdevice::base::NodeId;
use std::fmt;
use std::str::FromStr;

/// A node's answer, from `votequorum_getinfo` and the notifications of votequorum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The ring, as `corosync-quorumtool` prints it.
    pub ring: String,
    /// The members of that ring.
    pub members: Vec<NodeId>,
    /// Whether the members are still being agreed on. Until that is over, applications are told
    /// nothing and the other fields are those of the time before.
    pub syncing: bool,
    /// Votes that would be there if everybody was.
    pub expected: u32,
    /// Votes that are there.
    pub total: u32,
    /// Votes that are needed.
    pub quorum: u32,
    /// Bits of [`Flag`].
    pub flags: u32,
}

/// The flags of votequorum that matter here. [C: votequorum.h]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// This node's partition has quorum.
    Quorate = 2,
    /// A device has been registered.
    Registered = 64,
    /// The device speaks.
    Alive = 128,
    /// The device gives its vote.
    Cast = 256,
    /// The device's partition wins whatever its size.
    MasterWins = 512,
}

const FLAGS: [(Flag, &str); 5] = [
    (Flag::Quorate, "quorate"),
    (Flag::Registered, "registered"),
    (Flag::Alive, "alive"),
    (Flag::Cast, "cast"),
    (Flag::MasterWins, "master-wins"),
];

impl Standing {
    /// Whether a flag is set.
    #[must_use]
    pub const fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u32 != 0
    }

    /// Whether applications on this node are told that they may work.
    #[must_use]
    pub const fn in_service(&self) -> bool {
        self.has(Flag::Quorate) && !self.syncing
    }
}

/// One line of `key=value` words.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        let flags = FLAGS.iter().filter(|(flag, _)| self.has(*flag));
        let flags: Vec<&str> = flags.map(|(_, name)| *name).collect();
        write!(
            f,
            "ring={} members={} syncing={} expected={} total={} quorum={} flags={}",
            self.ring,
            members.join(","),
            self.syncing,
            self.expected,
            self.total,
            self.quorum,
            flags.join(",")
        )
    }
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut standing = Self::default();
        for word in line.split_whitespace() {
            let wrong = || format!("unknown word {word} in the standing {line}");
            let (key, value) = word.split_once('=').ok_or_else(wrong)?;
            let number = || value.parse().map_err(|_| wrong());
            match key {
                "ring" => value.clone_into(&mut standing.ring),
                "members" => {
                    let ids = value.split(',').filter(|id| !id.is_empty());
                    let ids: Result<_, _> = ids.map(|id| id.parse().map(NodeId)).collect();
                    standing.members = ids.map_err(|_| wrong())?;
                }
                "syncing" => standing.syncing = value.parse().map_err(|_| wrong())?,
                "expected" => standing.expected = number()?,
                "total" => standing.total = number()?,
                "quorum" => standing.quorum = number()?,
                "flags" => standing.flags = read_flags(value).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
        Ok(standing)
    }
}

fn read_flags(text: &str) -> Option<u32> {
    let mut bits = 0;
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let (flag, _) = FLAGS.iter().find(|(_, name)| *name == word)?;
        bits |= *flag as u32;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_reads_back() {
        let standing = Standing {
            ring: "1.1c".into(),
            members: vec![NodeId(1), NodeId(3)],
            syncing: true,
            expected: 3,
            total: 2,
            quorum: 2,
            flags: Flag::Quorate as u32 | Flag::Cast as u32,
        };
        let line = standing.to_string();
        assert_eq!(
            line,
            "ring=1.1c members=1,3 syncing=true expected=3 total=2 quorum=2 flags=quorate,cast"
        );
        assert_eq!(line.parse(), Ok(standing));
        let empty = Standing::default();
        assert_eq!(empty.to_string().parse(), Ok(empty));
    }

    #[test]
    fn a_node_that_is_syncing_is_not_in_service() {
        let mut standing = Standing {
            flags: Flag::Quorate as u32,
            ..Standing::default()
        };
        assert!(standing.in_service());
        standing.syncing = true;
        assert!(!standing.in_service());
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!("ring=1.1 colour=red".parse::<Standing>().is_err());
        assert!("flags=loud".parse::<Standing>().is_err());
    }
}
