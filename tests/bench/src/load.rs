//! A fleet and a server: it comes, it beats, clusters split, a tool lists them, the server restarts.

use crate::clock::{self, MILLISECOND, Micros, SECOND, number};
use crate::figures::{Figures, percentile};
use crate::fleet::{Fleet, OnLoss};
use crate::member::FIRST_RING;
use crate::server::{Program, Server};
use anyhow::{Context as _, Result};
use libqdevice::base::{RingId, Vote};

/// How much of it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) clients: usize,
    /// How long heartbeats are counted.
    pub(crate) steady: Micros,
    /// Clusters that split, one after the other.
    pub(crate) splits: usize,
}

impl Load {
    /// One program, once: all come at once, and the server has a long backlog.
    pub(crate) fn measure(self, program: &Program, figures: &mut Figures) -> Result<()> {
        let server = Server::plain(program, BACKLOG)?;
        let mut note = |name: &str, value| figures.add(name, self.clients, program.name, value);
        let mut fleet = Fleet::new(server.address, self.clients / 2, OnLoss::Wait)?;
        storm(&mut fleet, &server, "storm", &mut note)?;
        fleet.beat(SECOND);
        fleet.go_on(SECOND)?;
        steady(&mut fleet, &server, self.steady, &mut note)?;
        splits(&mut fleet, self.splits.min(self.clients / 2), &mut note)?;
        listing(&mut fleet, &server, "list verbose", &mut note)?;
        if program.name == "ours" {
            listing(&mut fleet, &server, "json list", &mut note)?;
        }
        let port = server.port();
        drop(server);
        fleet.go_on(100 * MILLISECOND)?;
        restart(&mut fleet, program, port, &mut note)
    }

    /// They come as real clients do, to a server with default settings.
    pub(crate) fn real_storm(self, program: &Program, figures: &mut Figures) -> Result<()> {
        let server = Server::plain(program, "")?;
        let mut note = |name: &str, value| figures.add(name, self.clients, program.name, value);
        let mut fleet = Fleet::new(server.address, self.clients / 2, OnLoss::Retry)?;
        storm(&mut fleet, &server, "default settings", &mut note)
    }
}

/// The server is started again; the clients come back as qdevice does, after random rests.
fn restart(
    fleet: &mut Fleet,
    program: &Program,
    port: u16,
    note: &mut impl FnMut(&str, f64),
) -> Result<()> {
    let server = Server::plain_again(program, BACKLOG, port)?;
    let begin = clock::now();
    let all = fleet.members.len();
    fleet.until(STORM_PATIENCE, "after a restart", |fleet| {
        Ok(fleet.served() == all)
    })?;
    let took = clock::seconds(clock::now() - begin);
    note("restart: time to the last vote (s)", took);
    note("restart: memory (MiB)", server.memory()? / 1024.0);
    Ok(())
}

fn storm(
    fleet: &mut Fleet,
    server: &Server,
    name: &str,
    note: &mut impl FnMut(&str, f64),
) -> Result<()> {
    let (cpu, memory, begin) = (server.cpu()?, server.memory()?, clock::now());
    let all = fleet.members.len();
    fleet.come(1);
    fleet.until(STORM_PATIENCE, name, |fleet| Ok(fleet.served() == all))?;
    let took = clock::seconds(clock::now() - begin);
    note(&format!("{name}: time to the last first vote (s)"), took);
    let cpu = (server.cpu()? - cpu) * 1e6 / number(all as u64);
    note(&format!("{name}: CPU per client (us)"), cpu);
    // Answers to the last votes.
    fleet.go_on(200 * MILLISECOND)?;
    let each = (server.memory()? - memory) / number(all as u64);
    note(&format!("{name}: memory per client (KiB)"), each);
    note(
        &format!("{name}: connections that failed"),
        number(fleet.lost),
    );
    Ok(())
}

fn steady(
    fleet: &mut Fleet,
    server: &Server,
    duration: Micros,
    note: &mut impl FnMut(&str, f64),
) -> Result<()> {
    fleet.echoes.clear();
    fleet.late = 0;
    let cpu = server.cpu()?;
    fleet.go_on(duration)?;
    let cpu = server.cpu()? - cpu;
    let count = number(fleet.echoes.len() as u64);
    note("steady: CPU per 10000 echoes (s)", cpu * 1e4 / count);
    note("steady: echo p50 (ms)", percentile(&mut fleet.echoes, 50));
    note("steady: echo p99 (ms)", percentile(&mut fleet.echoes, 99));
    note("steady: echo max (ms)", percentile(&mut fleet.echoes, 100));
    note("steady: echoes that were late", number(fleet.late));
    Ok(())
}

/// Clusters split and heal, one after the other, while all others beat.
fn splits(fleet: &mut Fleet, count: usize, note: &mut impl FnMut(&str, f64)) -> Result<()> {
    let (mut nacks, mut acks) = (Vec::new(), Vec::new());
    let clusters = fleet.members.len() / 2;
    for round in 0..count {
        let first = round * clusters / count.max(1) * 2;
        let seq = FIRST_RING + 4 + 8 * (round as u64);
        fleet.votes.clear();
        let begin = clock::now();
        fleet.members[first].report(RingId::new(1, seq), &[1])?;
        fleet.members[first + 1].report(RingId::new(2, seq), &[2])?;
        let mut heard = [None, None];
        fleet.until(60 * SECOND, "a split", |fleet| {
            for voted in fleet.votes.drain(..).filter(|voted| voted.ring == seq) {
                match (voted.member == first, voted.vote) {
                    (true, Vote::Ack) => heard[0] = Some(voted.at),
                    (false, Vote::Nack) => heard[1] = Some(voted.at),
                    _ => {}
                }
            }
            Ok(heard.iter().all(Option::is_some))
        })?;
        let [ack, nack] = heard.map(|at| at.map(|at| at - begin));
        acks.push(ack.context("an ACK")?);
        nacks.push(nack.context("a NACK")?);
        heal(fleet, first, seq + 4)?;
        fleet.go_on(10 * MILLISECOND)?;
    }
    note("split: NACK p50 (ms)", percentile(&mut nacks, 50));
    note("split: NACK p99 (ms)", percentile(&mut nacks, 99));
    note("split: ACK p50 (ms)", percentile(&mut acks, 50));
    note("split: ACK p99 (ms)", percentile(&mut acks, 99));
    Ok(())
}

fn heal(fleet: &mut Fleet, first: usize, seq: u64) -> Result<()> {
    let ring = RingId::new(1, seq);
    fleet.members[first].report(ring, &[1, 2])?;
    fleet.members[first + 1].report(ring, &[1, 2])?;
    let mut have = [false, false];
    fleet.until(60 * SECOND, "healing", |fleet| {
        for voted in fleet.votes.drain(..).filter(|voted| voted.ring == seq) {
            have[usize::from(voted.member != first)] |= voted.vote == Vote::Ack;
        }
        Ok(have == [true, true])
    })
}

/// A tool asks for all clusters while everybody beats.
pub(crate) fn listing(
    fleet: &mut Fleet,
    server: &Server,
    line: &'static str,
    note: &mut impl FnMut(&str, f64),
) -> Result<()> {
    let question = server.question();
    fleet.echoes.clear();
    let asking = std::thread::spawn(move || question.ask(line));
    fleet.until(STORM_PATIENCE, line, |_| Ok(asking.is_finished()))?;
    let answered = asking.join();
    let answered = answered.map_err(|_| anyhow::anyhow!("the tool died"))??;
    // Echoes that waited for the answer.
    fleet.go_on(50 * MILLISECOND)?;
    note(&format!("{line}: time (s)"), clock::seconds(answered.took));
    note(&format!("{line}: lines"), number(answered.lines as u64));
    let worst = percentile(&mut fleet.echoes, 100);
    note(&format!("{line}: longest echo meanwhile (ms)"), worst);
    Ok(())
}

/// For the C program, which would measure the kernel's patience with its default of 10, and with that of 1.5
/// disconnects 10,000 clients that it does not come round to, until it crashes.
const BACKLOG: &str = "listen_backlog=4096,dpd_interval_coefficient=60";

/// The C program needs minutes for what ours does in seconds.
const STORM_PATIENCE: Micros = 300 * SECOND;
