use super::failure::{Failure, Fault};
use super::tally::Tally;
use crate::bench::{Heard, Lane, Said};
use crate::judge::{Book, Docket, Held, LastManDocket, Manner, forbids};
use crate::trace::{Ending, Flavour, Frame, Piece, Slot, Step, Which};
use std::collections::{BTreeMap, BTreeSet};

/// A scenario that is being played.
#[derive(Debug)]
pub(super) struct Game<'a> {
    pub(super) lanes: &'a mut [Lane; 2],
    pub(super) flavour: Flavour,
    pub(super) twins: bool,
    /// Put before every cluster name, so that no two games meet.
    prefix: String,
    pub(super) book: Book,
    pub(super) dockets: [Docket; 2],
    pub(super) last_man: LastManDocket,
    pub(super) held: [BTreeMap<Slot, Held>; 2],
    /// The decision each pushed vote belongs to, by place and number, for the first server.
    pub(super) announced: BTreeMap<(Slot, u32), u64>,
    /// Clusters in which a confirmation of an earlier decision was taken for one of this (Q19).
    pub(super) outrun: BTreeSet<Vec<u8>>,
    /// Clusters in which the servers have said different votes since they were judged last, and what.
    pub(super) parted: BTreeMap<Vec<u8>, String>,
    /// Clusters in which the votes at rest differ or may differ again, and for what reason.
    pub(super) standing: BTreeMap<Vec<u8>, BTreeSet<&'static str>>,
    /// Whether they ever have, and the last votes in status texts may differ for good.
    pub(super) strayed: bool,
    pub(super) tally: Tally,
}

impl<'a> Game<'a> {
    pub(super) fn new(
        lanes: &'a mut [Lane; 2],
        flavour: Flavour,
        twins: bool,
        number: u32,
    ) -> Self {
        let second = if twins { Manner::Theirs } else { Manner::Right };
        Self {
            lanes,
            flavour,
            twins,
            prefix: format!("{number:08x}-"),
            book: Book::default(),
            dockets: [Docket::new(Manner::Theirs), Docket::new(second)],
            last_man: LastManDocket::default(),
            held: [BTreeMap::new(), BTreeMap::new()],
            announced: BTreeMap::new(),
            outrun: BTreeSet::new(),
            parted: BTreeMap::new(),
            standing: BTreeMap::new(),
            strayed: false,
            tally: Tally::default(),
        }
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Plays all steps and judges every cluster at the end.
    pub(super) fn play(&mut self, steps: &[Step]) -> Result<(), Box<Failure>> {
        for (at, step) in steps.iter().chain([&Step::Settle]).enumerate() {
            self.step(step).map_err(|fault| {
                Box::new(Failure {
                    at,
                    step: Some(step.clone()),
                    fault,
                })
            })?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Fault> {
        let step = &self.with_own_names(step);
        if forbids(&self.book, step, self.flavour.send_limit()) {
            self.tally.skipped += 1;
            return Ok(());
        }
        self.tally.steps += 1;
        match step {
            Step::Connect(slot) => self.connect(slot)?,
            Step::Send { from, frames, cuts } => self.send(from, frames, cuts)?,
            Step::Confirm(slot, which) => self.confirm(slot, *which)?,
            Step::End(slot, how) => self.end(slot, *how)?,
            Step::Ask(line) => return self.ask(line),
            Step::Settle => return self.settle(),
        }
        if self.parted.is_empty() {
            Ok(())
        } else {
            self.settle()
        }
    }

    fn connect(&mut self, slot: &Slot) -> Result<(), Fault> {
        for lane in self.lanes.iter_mut() {
            lane.connect(slot).map_err(|fault| (lane.name, fault))?;
        }
        self.book.connect(slot);
        self.exchange(slot, &[], |_| Ok(Vec::new()))
    }

    pub(super) fn send(
        &mut self,
        slot: &Slot,
        frames: &[Frame],
        cuts: &[usize],
    ) -> Result<(), Fault> {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        let mut segments = Vec::new();
        let mut start = 0;
        for &cut in cuts.iter().filter(|&&cut| cut < bytes.len()) {
            if cut > start {
                segments.push(&bytes[start..cut]);
                start = cut;
            }
        }
        segments.push(&bytes[start..]);
        for frame in frames.iter().filter(|frame| frame.kind == 15) {
            if let Some(seq) = frame.number(0) {
                self.notice_outrun(slot, seq);
            }
        }
        self.exchange(slot, frames, |lane| {
            lane.send(slot, &segments)?;
            Ok(Vec::new())
        })
    }

    /// Confirms on both servers, each with its own number; a server that waits for nothing is left alone.
    pub(super) fn confirm(&mut self, slot: &Slot, which: Which) -> Result<(), Fault> {
        let seqs = [0, 1].map(|side| self.lanes[side].take_unconfirmed(slot, which));
        if seqs == [None, None] {
            return Ok(());
        }
        if let Some(seq) = seqs[0] {
            self.notice_outrun(slot, seq);
        }
        let mut side = 0;
        self.exchange(slot, &[], |lane| {
            if let Some(seq) = seqs[side] {
                let reply = Frame::new(15, [(0, seq.to_be_bytes().to_vec())]);
                lane.send(slot, &[&reply.encode()])?;
            }
            side += 1;
            Ok(Vec::new())
        })
    }

    fn end(&mut self, slot: &Slot, how: Ending) -> Result<(), Fault> {
        self.exchange(slot, &[], |lane| lane.end(slot, how))
    }

    /// Does something on one connection of both servers, waits for all that follows, and compares.
    fn exchange(
        &mut self,
        slot: &Slot,
        frames: &[Frame],
        mut act: impl FnMut(&mut Lane) -> Result<Vec<Said>, crate::bench::Fault>,
    ) -> Result<(), Fault> {
        let before = self.book.clone();
        let mates = self.mates(slot);
        for frame in frames {
            self.book.send(slot, frame);
        }
        let mut heard = [Heard::new(), Heard::new()];
        for (lane, heard) in self.lanes.iter_mut().zip(&mut heard) {
            let said = act(lane).map_err(|fault| (lane.name, fault))?;
            if !said.is_empty() {
                heard.insert(slot.clone(), said);
            }
            lane.start_barrier([slot]);
        }
        for (lane, heard) in self.lanes.iter_mut().zip(&mut heard) {
            lane.finish_barrier([slot], heard)
                .map_err(|fault| (lane.name, fault))?;
        }
        let ended = |heard: &Heard| {
            heard
                .get(slot)
                .is_some_and(|said| said.ends_with(&[Said::Ended]))
        };
        if !says_nothing_of_nodes(frames) || heard.iter().any(ended) {
            self.barrier(&mates, &mut heard)?;
        }
        self.compare(slot, frames, &before, &heard)?;
        self.learn(slot, frames, &heard);
        self.check_safety(slot)
    }

    /// Waits until everything that was caused so far has arrived on these connections.
    fn barrier(&mut self, slots: &[Slot], heard: &mut [Heard; 2]) -> Result<(), Fault> {
        for lane in self.lanes.iter_mut() {
            lane.start_barrier(slots);
        }
        for (lane, heard) in self.lanes.iter_mut().zip(heard) {
            lane.finish_barrier(slots, heard)
                .map_err(|fault| (lane.name, fault))?;
        }
        Ok(())
    }

    /// Hears what may have been said where nothing was expected.
    pub(super) fn listen_everywhere(&mut self) -> Result<(), Fault> {
        let mut heard = [Heard::new(), Heard::new()];
        let slots = self.lanes[0].open();
        self.barrier(&slots, &mut heard)?;
        let before = self.book.clone();
        self.compare(&Slot::new("-"), &[], &before, &heard)
    }

    /// The other nodes of the same cluster.
    fn mates(&self, slot: &Slot) -> Vec<Slot> {
        let Some(cluster) = self.cluster_of(slot) else {
            return Vec::new();
        };
        self.book
            .members(&cluster)
            .into_iter()
            .map(|(mate, _)| mate.clone())
            .filter(|mate| mate != slot)
            .collect()
    }

    /// The cluster a place belongs or may come to belong to.
    pub(super) fn cluster_of(&self, slot: &Slot) -> Option<Vec<u8>> {
        let seat = self.book.seat(slot)?;
        let member = seat.member.as_ref().map(|member| member.cluster.clone());
        member.or_else(|| seat.name.clone())
    }

    /// The step with the cluster names of this game.
    fn with_own_names(&self, step: &Step) -> Step {
        let mut step = step.clone();
        if let Step::Send { frames, .. } = &mut step {
            for frame in frames {
                *frame = self.prefixed(frame);
            }
        }
        if let Step::Ask(line) = &mut step {
            *line = line.replace("cluster \"", &format!("cluster \"{}", self.prefix));
            *line = line.replace(&format!("\"{}\"", self.prefix), "\"\"");
        }
        step
    }

    fn prefixed(&self, frame: &Frame) -> Frame {
        let mut frame = frame.clone();
        if frame.kind == 0 {
            for piece in &mut frame.body {
                let Piece::Option(1, name) = piece else {
                    continue;
                };
                if (1..=64).contains(&name.len()) {
                    name.splice(0..0, self.prefix.bytes());
                }
            }
        }
        frame
    }
}

/// Whether these messages concern nobody but their sender, whatever an algorithm thinks of them.
fn says_nothing_of_nodes(frames: &[Frame]) -> bool {
    !frames.is_empty() && frames.iter().all(|frame| matches!(frame.kind, 0 | 6 | 8))
}
