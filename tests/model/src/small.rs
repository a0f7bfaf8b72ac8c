//! Small worlds as a system whose every state can be visited.

use crate::checker::System;
use crate::world::{Node, START, Size, State, Step};
use libqdevice::base::Algorithm;
use sim::invariants::{Acting, Checked, Part, at_rest, one_partition};
use std::collections::{BTreeMap, BTreeSet};

impl System for Size {
    type State = State;
    type Step = Step;

    /// All nodes are connected and have their votes.
    fn first(&self) -> State {
        let mut state = State::before_the_start(self);
        for node in 0..self.count() {
            state.start(self, node).expect("nothing has gone wrong yet");
            settle(&mut state, self);
        }
        state
    }

    fn steps(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut pending = false;
        let together = state.nodes.iter().all(|own| own.at == state.nodes[0].at);
        let open = !together || state.now <= START + self.window;
        for (node, own) in state.nodes.iter().enumerate() {
            for step in [Step::Up(node), Step::Down(node)] {
                if is_pending(own, step) {
                    pending = true;
                    steps.push(step);
                }
            }
            if !open {
                continue;
            }
            if own.at + 1 < self.rings.len() {
                steps.push(Step::Enter(node));
            }
            troubles_of(state, node, &mut steps);
        }
        if open && state.left.restarts > 0 {
            steps.push(Step::Restart);
        }
        // Memberships change and messages arrive in no time, compared with deadlines.
        let due = state.next_deadline();
        let end = START + self.window + self.patience;
        if !pending && together && due.is_some_and(|due| due <= end) {
            steps.push(Step::Wait);
        } else if !pending && together {
            // The end: what could still go wrong has had its chance at every earlier moment.
            steps.clear();
        }
        steps
    }

    fn take(&self, state: &State, step: Step) -> Result<State, String> {
        let mut next = state.clone();
        next.apply(self, step)
            .and_then(|()| self.check(&next))
            .map_err(|violation| violation.to_string())?;
        Ok(next)
    }

    fn rest(&self, state: &State) -> Result<(), String> {
        let troubled = |own: &Node| own.is_cut || own.is_stopped || own.client.is_none();
        if state.nodes.iter().any(troubled) {
            return Ok(());
        }
        let mut parts: BTreeMap<_, (BTreeSet<u32>, usize)> = BTreeMap::new();
        for (own, id) in state.nodes.iter().zip(1..) {
            let part = parts.entry(own.votequorum.ring).or_default();
            part.0.insert(id);
            part.1 += usize::from(own.votequorum.cast && !own.votequorum.syncing);
        }
        let parts: Vec<Part> = parts
            .into_values()
            .map(|(nodes, casting)| Part { nodes, casting })
            .collect();
        at_rest(self.algorithm, self.count(), None, &parts)
            .map_err(|violation| violation.to_string())
    }
}

impl Size {
    fn check(&self, state: &State) -> Checked {
        if self.algorithm == Algorithm::Test {
            return Ok(());
        }
        let acting: Vec<Acting> = state
            .nodes
            .iter()
            .zip(1..)
            .filter(|(own, _)| {
                let votequorum = &own.votequorum;
                let whole = votequorum
                    .members
                    .iter()
                    .all(|&index| state.nodes[index].votequorum.ring.seq <= votequorum.ring.seq);
                votequorum.quorate && !votequorum.syncing && whole
            })
            .map(|(own, node)| Acting {
                node,
                ring: own.votequorum.ring,
            })
            .collect();
        one_partition(&acting)
    }
}

fn troubles_of(state: &State, node: usize, steps: &mut Vec<Step>) {
    let (own, left) = (&state.nodes[node], &state.left);
    let runs = own.client.is_some() && !own.is_stopped;
    if left.resets > 0 && runs && own.link.is_some() && !own.is_cut {
        steps.push(Step::Reset(node));
    }
    if left.cuts > 0 && !own.is_cut {
        steps.push(Step::Cut(node));
    }
    if left.kills > 0 && runs {
        steps.push(Step::Kill(node));
    }
    if left.stops > 0 && runs {
        steps.push(Step::Stop(node));
    }
    if own.client.is_none() && own.votequorum.registered {
        steps.push(Step::Start(node));
    }
}

fn is_pending(own: &Node, step: Step) -> bool {
    if own.is_cut {
        return false;
    }
    match step {
        Step::Up(_) => {
            let link = own.orphans.front().or(own.link.as_ref());
            link.is_some_and(|link| !link.up.is_empty())
        }
        Step::Down(_) => {
            let waits = own.link.as_ref().is_some_and(|link| !link.down.is_empty());
            waits && !own.is_stopped
        }
        _ => false,
    }
}

/// Delivers everything, always what is first.
fn settle(state: &mut State, size: &Size) {
    loop {
        let all = (0..size.count()).flat_map(|node| [Step::Up(node), Step::Down(node)]);
        let mut pending = all.filter(|&step| {
            let (Step::Up(node) | Step::Down(node)) = step else {
                return false;
            };
            is_pending(&state.nodes[node], step)
        });
        let Some(step) = pending.next() else { return };
        state.apply(size, step).expect("nothing has gone wrong yet");
    }
}
