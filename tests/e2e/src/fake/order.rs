use crate::report::ring;
use corosync_qdevice::corosync::Service;
use libqdevice::base::{Quorate, RingId};
use std::str::FromStr;

/// A line of stdin: what happens to the cluster as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// `ring 1/8 sees 1 2`: a new membership.
    Ring {
        /// Its name.
        ring: RingId,
        /// Its nodes.
        members: Vec<u32>,
    },
    /// `quorum yes 1 2`: votequorum says so, whatever the votes are.
    Quorum {
        /// Whether the partition may go on.
        quorate: Quorate,
        /// The members named.
        members: Vec<u32>,
    },
    /// `expected 3`: another number of expected votes.
    Expected(u32),
    /// `nodes 1 2 3`: a reload with another node list.
    Nodes(Vec<u32>),
    /// `set KEY VALUE`: a reload with another value of a key that holds text.
    Set {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// `lose votequorum` or `lose cmap`: corosync is gone.
    Lose(Service),
    /// `freeze`: from now on no poll is answered.
    Freeze,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match &words[..] {
            ["ring", name, "sees", members @ ..] => Ok(Self::Ring {
                ring: ring(name)?,
                members: numbers(members)?,
            }),
            ["quorum", "yes", members @ ..] => Ok(Self::Quorum {
                quorate: Quorate::Yes,
                members: numbers(members)?,
            }),
            ["quorum", "no", members @ ..] => Ok(Self::Quorum {
                quorate: Quorate::No,
                members: numbers(members)?,
            }),
            ["expected", votes] => Ok(Self::Expected(number(votes)?)),
            ["nodes", nodes @ ..] => Ok(Self::Nodes(numbers(nodes)?)),
            ["set", key, value @ ..] => Ok(Self::Set {
                key: (*key).to_owned(),
                value: value.join(" "),
            }),
            ["lose", "votequorum"] => Ok(Self::Lose(Service::Votequorum)),
            ["lose", "cmap"] => Ok(Self::Lose(Service::Cmap)),
            ["freeze"] => Ok(Self::Freeze),
            _ => Err(format!("not an order: {line}")),
        }
    }
}

fn numbers(words: &[&str]) -> Result<Vec<u32>, String> {
    words.iter().map(|word| number(word)).collect()
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("not a number: {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_word_by_word() {
        let ring = RingId::new(1, 8);
        assert_eq!(
            "ring 1/8 sees 1 2".parse(),
            Ok(Order::Ring {
                ring,
                members: vec![1, 2]
            })
        );
        let quorate = Quorate::No;
        assert_eq!(
            "quorum no 1".parse(),
            Ok(Order::Quorum {
                quorate,
                members: vec![1]
            })
        );
        assert_eq!("lose cmap".parse(), Ok(Order::Lose(Service::Cmap)));
        assert_eq!(
            "ring 1 sees 2".parse::<Order>().unwrap_err(),
            "not a ring (NODE/SEQ): 1"
        );
        assert!("rings 1/8".parse::<Order>().is_err());
    }
}
