//! How things begin to go wrong, and how they come right again.

use crate::node::Stimulus;
use crate::plan::What;
use crate::votequorum::Votequorum;
use crate::world::{Event, World};
use libqdevice::base::RingId;

impl World {
    pub(crate) fn begin_fault(&mut self, number: usize) {
        let fault = self.plan.faults[number].clone();
        self.note(|| format!("--- fault {number} begins: {:?}", fault.what));
        let mut ends = self.now + fault.lasts;
        if ends > self.plan.calm {
            if matches!(fault.what, What::Partition(_)) {
                ends = u64::MAX;
            } else {
                ends = self.plan.calm.max(self.now);
            }
        }
        if ends != u64::MAX {
            self.plan_at(ends, Event::FaultEnds(number));
        }
        match fault.what {
            What::Partition(parts) => {
                for (node, part) in self.nodes.iter_mut().zip(parts) {
                    node.part = part;
                }
                self.topology_changed();
            }
            What::Cut { node, up, down } => {
                self.nodes[node].cuts.0 += u32::from(up);
                self.nodes[node].cuts.1 += u32::from(down);
            }
            What::Slow { node, millis } => self.nodes[node].slow += millis,
            What::Reset(node) => self.reset(node),
            What::Vanish(node) => self.vanish(node),
            What::StopDevice(node) => self.nodes[node].device.stopped += 1,
            What::KillDevice(node) => {
                self.nodes[node].device.unwanted += 1;
                self.lose_device(node);
            }
            What::EndDevice(node) => {
                self.nodes[node].device.unwanted += 1;
                self.stimulate(node, Stimulus::Shutdown);
            }
            What::StopServer => self.arbiter.stopped += 1,
            What::KillServer => self.lose_server(true),
            What::CrashServer => {
                self.arbiter.dark += 1;
                self.lose_server(false);
            }
            What::SuspendServer => self.arbiter.suspended += 1,
            What::Suspend(node) => {
                self.nodes[node].suspended += 1;
                self.topology_changed();
            }
            What::Crash(node) => self.crash(node),
            What::Busy(node) => self.nodes[node].busy += 1,
            What::Unwell(node) => self.nodes[node].unwell += 1,
        }
    }

    pub(crate) fn end_fault(&mut self, number: usize) {
        let fault = self.plan.faults[number].clone();
        self.note(|| format!("--- fault {number} ends: {:?}", fault.what));
        match fault.what {
            What::Partition(parts) => {
                // A later partition has come instead.
                let stands = self.nodes.iter().map(|node| node.part).eq(parts);
                if stands {
                    self.nodes.iter_mut().for_each(|node| node.part = 0);
                    self.topology_changed();
                }
            }
            What::Cut { node, up, down } => {
                self.nodes[node].cuts.0 -= u32::from(up);
                self.nodes[node].cuts.1 -= u32::from(down);
                self.unblock();
            }
            What::Slow { node, millis } => self.nodes[node].slow -= millis,
            What::Reset(_) | What::Vanish(_) => {}
            What::StopDevice(node) => {
                self.nodes[node].device.stopped -= 1;
                self.resume_device(node);
            }
            What::KillDevice(node) | What::EndDevice(node) => {
                self.nodes[node].device.unwanted -= 1;
                self.start_device(node);
            }
            What::StopServer => {
                self.arbiter.stopped -= 1;
                self.resume_server();
            }
            What::KillServer => self.start_server(),
            What::CrashServer => {
                self.arbiter.dark -= 1;
                self.start_server();
                self.unblock();
            }
            What::SuspendServer => {
                self.arbiter.suspended -= 1;
                self.resume_server();
                self.unblock();
            }
            What::Suspend(node) => self.wake(node, fault.at),
            What::Crash(node) => self.boot(node),
            What::Busy(node) => self.nodes[node].busy -= 1,
            What::Unwell(node) => self.nodes[node].unwell -= 1,
        }
    }

    /// corosync's clock has stood still meanwhile; qdevice's has not.
    fn wake(&mut self, node: usize, since: u64) {
        let keeps = self.keeps_votes();
        let own = &mut self.nodes[node];
        own.suspended -= 1;
        if keeps || own.device.stopped > 0 || own.device.client.is_none() {
            own.overslept = Some(own.votequorum.ring);
        }
        if let Some(timer) = own.votequorum.timer {
            let timer = timer + (self.now - since);
            own.votequorum.timer = Some(timer);
            self.plan_at(timer, Event::DeviceGivenUp(node));
        }
        self.resume_device(node);
        self.released(node);
        self.topology_changed();
        self.unblock();
    }

    /// Nobody hears of it: the connection is simply not there any more.
    fn crash(&mut self, node: usize) {
        let own = &mut self.nodes[node];
        own.powered = false;
        let device = &mut own.device;
        device.client = None;
        device.incarnation += 1;
        device.inbox.clear();
        device.attempt = 0;
        if let Some(link) = device
            .link
            .take()
            .and_then(|number| self.links.get_mut(&number))
        {
            link.client_open = false;
            link.up.queue.clear();
        }
        self.topology_changed();
    }

    fn boot(&mut self, node: usize) {
        if self.nodes[node].powered {
            return;
        }
        self.rings += 4;
        let ring = RingId::new(self.nodes[node].id, self.rings);
        let plan = &self.plan;
        let (algorithm, nodes) = (plan.algorithm, plan.nodes);
        let own = &mut self.nodes[node];
        own.powered = true;
        own.votequorum = Votequorum::booted(algorithm, nodes, plan.wait_for_all, node, ring);
        let delay = self.rng.between(100, 2_000);
        self.plan_in(delay, Event::StartDevice(node));
        self.topology_changed();
        self.unblock();
    }
}
