//! What must be true at every step, and what at rest.

use crate::world::World;
use libqdevice::base::{Algorithm, RingId, Vote};
use std::collections::BTreeSet;

impl World {
    /// No two connected nodes cast ACK in different rings, and the server has done nothing that may lead
    /// there.
    pub(crate) fn check_safety(&self) -> Result<(), String> {
        if let Some(misdeed) = self.misdeed {
            return self.fail(misdeed);
        }
        let casting = self.nodes.iter().filter(|node| {
            let open = node.link.is_some_and(|peer| self.links[&peer].server_open);
            open && node.casts == Some(Vote::Ack)
        });
        let rings: BTreeSet<RingId> = casting.map(|node| node.ring).collect();
        if rings.len() > 1 {
            self.fail(&format!("several rings cast ACK: {rings:?}"))
        } else {
            Ok(())
        }
    }

    /// Everything is delivered, so the vote is where it belongs.
    pub(crate) fn check_rest(&self) -> Result<(), String> {
        match self.algorithm {
            Algorithm::FfSplit => self.check_fifty_fifty(),
            Algorithm::Lms | Algorithm::TwoNodeLms => self.check_last_man(),
            Algorithm::Test => unreachable!("it gives everybody the vote"),
        }
    }

    /// One partition has the vote if anybody is online, the right one, and all of it.
    fn check_last_man(&self) -> Result<(), String> {
        let nobody = BTreeSet::new();
        if self.chronicle.is_withheld() {
            // Whoever has the vote keeps it, and nobody gets it: safety is looked at in every step.
            return Ok(());
        }
        let winners = self.chronicle.winners();
        if winners.is_none() && self.nodes.iter().any(|node| node.online) {
            return self.fail("at rest the nodes are not settled");
        }
        let winners = winners.unwrap_or(&nobody);
        for node in self.nodes.iter().filter(|node| node.online) {
            let deserved = if winners.contains(&node.id) {
                Vote::Ack
            } else {
                Vote::Nack
            };
            if node.casts != Some(deserved) {
                let (id, casts) = (node.id, node.casts);
                return self.fail(&format!(
                    "at rest node {id} casts {casts:?}, the vote belongs to {winners:?}"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn fail(&self, what: &str) -> Result<(), String> {
        let last = self.trace.len().saturating_sub(60);
        Err(format!("{what}\n{}", self.trace[last..].join("\n")))
    }
}
