//! The end of the talk: everything is confirmed, the votes are compared and judged.

use super::failure::Fault;
use super::play::Game;
use crate::bench::Lane;
use crate::judge::{Docket, Held, Manner, Member, leaves_unknowns, torn_apart};
use crate::trace::{Frame, Slot, Which};
use std::collections::BTreeSet;
use std::fmt::Write;

/// No scenario needs more confirmations to come to rest.
const ROUNDS: usize = 64;

impl Game<'_> {
    /// Confirms until nobody waits, then judges every cluster.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        self.listen_everywhere()?;
        for _ in 0..ROUNDS {
            let waiting: Vec<Slot> = self
                .lanes
                .iter()
                .flat_map(Lane::open)
                .filter(|slot| self.lanes.iter().any(|lane| lane.owes(slot)))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            if waiting.is_empty() && !self.remind()? {
                return self.judge_all();
            }
            for slot in waiting {
                self.confirm(&slot, Which::Oldest)?;
            }
        }
        Err(Fault::Invariant(format!(
            "votes are still being pushed after {ROUNDS} rounds of confirmations"
        )))
    }

    /// Nodes that the C server has told to wait ask for their vote, as if its timers had run out; says
    /// whether that has changed anything.
    fn remind(&mut self) -> Result<bool, Fault> {
        let waits = |slot: &Slot, member: &Member| {
            let held = self.held[0].get(slot).copied().unwrap_or_default();
            member.algorithm == 3 && !member.membership.is_empty() && held == Held::Nothing
        };
        let mut waiting = Vec::new();
        for cluster in self.book.clusters() {
            let members = self.book.members(&cluster).into_iter();
            waiting.extend(
                members
                    .filter(|(slot, member)| waits(slot, member))
                    .map(|(slot, _)| slot.clone()),
            );
        }
        let before = self.held.clone();
        for slot in waiting {
            let question = Frame::new(12, [(0, vec![0, 0, 255, 255])]);
            self.send(&slot, &[question], &[])?;
        }
        Ok(self.held != before)
    }

    fn judge_all(&mut self) -> Result<(), Fault> {
        for cluster in self.book.clusters() {
            self.tally.judged += 1;
            match self.book.algorithm(&cluster) {
                Some(1) => self.judge(&cluster)?,
                Some(2 | 3) => self.judge_last_man(&cluster)?,
                _ if self.holds_the_same(&cluster) => {}
                _ => return Err(Fault::Votes(self.show(&cluster))),
            }
        }
        self.strayed |= !self.parted.is_empty();
        self.parted.clear();
        self.dockets.iter_mut().for_each(Docket::judged);
        Ok(())
    }

    fn judge(&mut self, cluster: &[u8]) -> Result<(), Fault> {
        let wronged =
            [0, 1].map(|side| self.dockets[side].wronged(&self.book, &self.held[side], cluster));
        if !wronged[1].is_empty() && self.dockets[1].manner() == Manner::Right {
            let text = format!("ours: wrong votes at nodes {:?}\n", wronged[1]);
            return Err(Fault::Invariant(text + &self.show(cluster)));
        }
        let same = self.holds_the_same(cluster);
        let wrong = self.twins && !wronged[0].is_empty();
        let parted = self.parted.contains_key(cluster);
        let names = if same && !wrong && !parted {
            BTreeSet::new()
        } else {
            let names = self.explain(cluster, &wronged[0]);
            if names.is_empty() {
                return Err(Fault::Votes(self.show(cluster)));
            }
            names
        };
        let known = self.standing.get(cluster) == Some(&names);
        // A server that has chosen another partition may do so again for no other reason.
        let [theirs, ours] = [0, 1].map(|side| self.dockets[side].active(cluster));
        if same && theirs == ours {
            self.standing.remove(cluster);
        } else if !names.is_empty() {
            self.standing.insert(cluster.to_vec(), names.clone());
        }
        if parted || !known {
            for name in names {
                self.tally.name(name);
            }
        }
        Ok(())
    }

    /// The same for lms and 2nodelms, in which a node of the C server is judged alone.
    fn judge_last_man(&mut self, cluster: &[u8]) -> Result<(), Fault> {
        let [theirs, ours] = &self.held;
        let wronged = self.last_man.wronged(&self.book, ours, cluster);
        if !wronged.is_empty() && !self.twins {
            let text = format!("ours: wrong votes at nodes {wronged:?}\n");
            return Err(Fault::Invariant(text + &self.show(cluster)));
        }
        let unlike = self.last_man.unlike_model(&self.book, theirs, cluster);
        let same = self.holds_the_same(cluster);
        if same && (!self.twins || unlike.is_empty()) {
            return Ok(());
        }
        if !unlike.is_empty() {
            let text = format!("theirs: unlike its model at nodes {unlike:?}\n");
            return Err(Fault::Votes(text + &self.show(cluster)));
        }
        self.tally.name(self.last_man.explain(&self.book, cluster));
        Ok(())
    }

    fn holds_the_same(&self, cluster: &[u8]) -> bool {
        self.book.members(cluster).iter().all(|(slot, member)| {
            let held = [0, 1].map(|side| self.held[side].get(*slot).copied().unwrap_or_default());
            // A node that has moved on to a ring the servers refused to hear of ignores all votes.
            held[0] == held[1] || !self.book.is_up_to_date(slot, member)
        })
    }

    /// The rules of the C server to which its votes are owed; none if it is not known.
    fn explain(&self, cluster: &[u8], wronged: &[u32]) -> BTreeSet<&'static str> {
        if self.outrun.contains(cluster) {
            return ["Q19"].into();
        }
        if self.dockets[0].has_put_off(cluster) {
            return ["Q21"].into();
        }
        if self.twins || !wronged.is_empty() {
            return BTreeSet::new();
        }
        let blamed = self.dockets[0].blamed(cluster);
        if blamed.is_empty() {
            self.standing.get(cluster).cloned().unwrap_or_default()
        } else {
            blamed
        }
    }

    /// No server may let two parts of a cluster cast at any time; ours never does.
    pub(super) fn check_safety(&mut self, slot: &Slot) -> Result<(), Fault> {
        let Some(cluster) = self.cluster_of(slot) else {
            return Ok(());
        };
        if self
            .book
            .members(&cluster)
            .iter()
            .any(|(_, member)| member.algorithm == 0)
        {
            return Ok(());
        }
        if torn_apart(&self.book, &self.held[0], &cluster).is_some() {
            self.tally.name("theirs: two partitions cast");
        }
        match torn_apart(&self.book, &self.held[1], &cluster) {
            Some((one, other)) if !self.twins => {
                let text = format!("ours: nodes {one} and {other} cast against each other\n");
                Err(Fault::Invariant(text + &self.show(&cluster)))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ask(&mut self, line: &str) -> Result<(), Fault> {
        let mut texts = Vec::new();
        for lane in self.lanes.iter_mut() {
            texts.push(lane.ask(line).map_err(|fault| (lane.name, fault))?);
        }
        if self.strayed {
            texts = texts.iter().map(|text| without_vote_lines(text)).collect();
        }
        if texts[0] == texts[1] {
            return Ok(());
        }
        Err(Fault::Text(format!(
            "theirs:\n{}\nours:\n{}",
            texts[0], texts[1]
        )))
    }

    /// Ends all connections; nodes without a configuration send one before (see the list of what is left
    /// out of lockstep).
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        for slot in self.lanes[0].open() {
            if !leaves_unknowns_anywhere(self, &slot) {
                continue;
            }
            for (other, node) in self.unconfigured(&slot) {
                let mut entry = vec![0, 9, 0, 4];
                entry.extend(node.to_be_bytes());
                let seq = vec![0, 0, 0, 1];
                let list = Frame::new(10, [(0, seq), (18, vec![0]), (17, entry)]);
                for lane in self.lanes.iter_mut() {
                    lane.send(&other, &[&list.encode()])
                        .map_err(|fault| (lane.name, fault))?;
                    lane.start_barrier([&other]);
                    lane.finish_barrier([&other], &mut std::collections::BTreeMap::new())
                        .map_err(|fault| (lane.name, fault))?;
                }
            }
        }
        for lane in self.lanes.iter_mut() {
            lane.clear().map_err(|fault| (lane.name, fault))?;
        }
        Ok(())
    }

    fn unconfigured(&self, slot: &Slot) -> Vec<(Slot, u32)> {
        let Some(member) = self.book.member(slot) else {
            return Vec::new();
        };
        self.book
            .members(&member.cluster)
            .into_iter()
            .filter(|(_, member)| member.config.is_empty())
            .map(|(slot, member)| (slot.clone(), member.node))
            .collect()
    }

    /// Who holds what, for reports.
    fn show(&self, cluster: &[u8]) -> String {
        let mut text = String::new();
        for (slot, member) in self.book.members(cluster) {
            let held = [0, 1].map(|side| self.held[side].get(slot).copied().unwrap_or_default());
            let _ = writeln!(
                text,
                "  {slot}: node {} ring {} sees {:?}: theirs {}, ours {}",
                member.node,
                member.ring_seq(),
                member.membership,
                word(held[0]),
                word(held[1]),
            );
        }
        text.extend(self.parted.get(cluster).map(String::as_str));
        for (side, name) in ["theirs", "ours"].into_iter().enumerate() {
            let expected = self.dockets[side].expects(cluster);
            let _ = match expected.or_else(|| self.last_man.expects(cluster)) {
                Some(winners) => writeln!(text, "  {name} should give the vote to {winners:?}"),
                None => writeln!(text, "  {name} has nothing to decide on"),
            };
        }
        text
    }
}

/// Whether nodes without a configuration are left in the cluster of this place.
fn leaves_unknowns_anywhere(game: &Game<'_>, slot: &Slot) -> bool {
    leaves_unknowns(&game.book, slot) || !game.unconfigured(slot).is_empty()
}

fn without_vote_lines(text: &str) -> String {
    let kept = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("Vote:"));
    kept.collect::<Vec<_>>().join("\n")
}

const fn word(held: Held) -> &'static str {
    match held {
        Held::Nothing => "nothing",
        Held::Ack => "ACK",
        Held::Nack => "NACK",
    }
}
