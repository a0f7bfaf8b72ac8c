//! What follows from a step: who was accepted, what had to be decided, who holds which vote.

use super::play::Game;
use crate::bench::{Heard, Said};
use crate::judge::{Happening, follow};
use crate::trace::{Flavour, Frame, Slot};

impl Game<'_> {
    /// Enters what was accepted, what follows from it, and the votes.
    pub(super) fn learn(&mut self, slot: &Slot, frames: &[Frame], heard: &[Heard; 2]) {
        let answers: Vec<Frame> = heard[0]
            .get(slot)
            .into_iter()
            .flatten()
            .filter_map(Said::frame)
            .filter(|frame| frame.kind != 14)
            .collect();
        let kap = self.flavour == Flavour::KeepActive;
        for (frame, answer) in frames.iter().zip(&answers) {
            if let Some(happening) = self.book.answered(slot, frame, answer, kap) {
                self.note(&happening);
            }
        }
        let ended = |said: &Vec<Said>| said.last() == Some(&Said::Ended);
        if heard[0].get(slot).is_some_and(ended) {
            self.ended(slot);
        }
        for (side, heard) in heard.iter().enumerate() {
            for (place, said) in heard {
                follow(&self.book, &mut self.held[side], place, said);
            }
        }
        for (place, said) in &heard[0] {
            let Some(member) = self.book.member(place) else {
                continue;
            };
            let decision = self.dockets[0].count(&member.cluster);
            for frame in said.iter().filter_map(Said::frame).filter(|f| f.kind == 14) {
                let seq = frame.number(0).unwrap_or_default();
                self.announced.insert((place.clone(), seq), decision);
            }
        }
    }

    fn ended(&mut self, slot: &Slot) {
        for held in &mut self.held {
            held.remove(slot);
        }
        self.announced.retain(|(place, _), _| place != slot);
        if let Some(happening) = self.book.end(slot) {
            self.note(&happening);
        }
    }

    fn note(&mut self, happening: &Happening) {
        let before = self.dockets[0].count(&happening.cluster);
        for docket in &mut self.dockets {
            docket.note(&self.book, happening);
        }
        self.last_man.note(&self.book, happening);
        if self.dockets[0].count(&happening.cluster) != before {
            self.outrun.remove(&happening.cluster);
            if self.twins {
                for name in self.dockets[0].blamed(&happening.cluster) {
                    self.tally.name(name);
                }
            }
        }
    }

    /// Q19: the last pushed vote to a node is confirmed after a later decision, which has not told the
    /// node anything yet.
    pub(super) fn notice_outrun(&mut self, slot: &Slot, seq: u32) {
        let Some(member) = self.book.member(slot) else {
            return;
        };
        let last = self
            .announced
            .range((slot.clone(), 0)..=(slot.clone(), u32::MAX))
            .next_back();
        let earlier = |decision: u64| decision < self.dockets[0].count(&member.cluster);
        if last.is_some_and(|(&(_, last), &decision)| last == seq && earlier(decision)) {
            self.outrun.insert(member.cluster.clone());
        }
    }
}
