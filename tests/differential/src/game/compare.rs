//! What both servers said, side by side.

use super::failure::Fault;
use super::play::Game;
use crate::bench::{Heard, Said};
use crate::judge::{Book, Exchange, mend, without_numbers, without_votes};
use crate::trace::{Frame, Slot};
use std::collections::BTreeSet;
use std::fmt::Write;

impl Game<'_> {
    /// Whether our server comes to the votes of a cluster in a way of its own, so that they are
    /// compared at rest only.
    fn decides_everything_anew(&self, cluster: &[u8]) -> bool {
        matches!(self.book.algorithm(cluster), Some(2 | 3))
    }

    /// Compares what both servers said; votes that differ are left to be judged at rest.
    pub(super) fn compare(
        &mut self,
        slot: &Slot,
        frames: &[Frame],
        before: &Book,
        heard: &[Heard; 2],
    ) -> Result<(), Fault> {
        let places: BTreeSet<&Slot> = heard[0].keys().chain(heard[1].keys()).collect();
        for place in places {
            let [theirs, ours] = [0, 1].map(|side| heard[side].get(place).map_or(&[][..], |s| s));
            self.tally.messages += theirs.len() as u64;
            if theirs == ours {
                continue;
            }
            let failed = || Fault::Words(side_by_side(place, theirs, ours));
            if self.twins {
                return Err(failed());
            }
            let mut mended = theirs.to_vec();
            let sent = if place == slot { frames } else { &[] };
            let names = mend(
                &Exchange {
                    slot: place,
                    sent,
                    before,
                },
                &mut mended,
            );
            if without_votes(&mended) != without_votes(ours) {
                return Err(failed());
            }
            for name in names {
                self.tally.name(name);
            }
            if without_numbers(&mended) != without_numbers(ours) {
                let cluster = before.member(place).map(|m| m.cluster.clone());
                let cluster = cluster
                    .or_else(|| self.cluster_of(place))
                    .unwrap_or_default();
                if self.decides_everything_anew(&cluster) {
                    self.strayed = true;
                    continue;
                }
                let text = side_by_side(place, theirs, ours);
                self.parted.entry(cluster).or_default().push_str(&text);
            }
        }
        Ok(())
    }
}

fn side_by_side(place: &Slot, theirs: &[Said], ours: &[Said]) -> String {
    let mut text = String::new();
    for (name, said) in [("theirs", theirs), ("ours", ours)] {
        for one in said {
            let _ = writeln!(text, "  {place} {name}: {one}");
        }
        if said.is_empty() {
            let _ = writeln!(text, "  {place} {name}: (nothing)");
        }
    }
    text
}
