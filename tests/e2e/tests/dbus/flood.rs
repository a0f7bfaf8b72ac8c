//! Thousands of events while nobody reads them.

use crate::bus::{Monitor, busctl, has_owner, start_bus, wait_for};
use crate::inside::is_inside;
use crate::{QNETD, boot, stage};
use e2e::report::What;
use e2e::stage::{Signal, Stage};
use libqdevice::base::{NodeId, RingId};
use libqdevice::wire::{Init, Message, PreInit};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How many clients come and go, twice. Each makes four events: its cluster appears, it connects, it is gone,
/// so is the cluster. `FLOOD_CLIENTS=2500` is ten thousand events for a monitor that does not read, and as
/// many for a bus that does not.
fn clients() -> u32 {
    let wanted = std::env::var("FLOOD_CLIENTS").ok();
    wanted.map_or(500, |number| number.parse().unwrap())
}

#[test]
fn whoever_does_not_read_thousands_of_events_costs_neither_time_nor_memory() {
    if !is_inside("flood::whoever_does_not_read_thousands_of_events_costs_neither_time_nor_memory")
    {
        return;
    }
    let bus = start_bus();
    let mut stage = stage();
    boot(&mut stage);
    wait_for("the name", || has_owner(QNETD));
    let mut seq = 100;
    let quiet = rounds(&mut stage, &mut seq, |round| round < 8);
    let before = memory(&stage);

    // A reader that does not read, then a bus that does not.
    let monitor = Monitor::start(QNETD);
    monitor.signal(Signal::STOP);
    let unread = flooded(&mut stage, &mut seq);
    let with_monitor = memory(&stage);
    bus.signal(Signal::STOP);
    let stuck = flooded(&mut stage, &mut seq);
    let with_bus = memory(&stage);
    bus.signal(Signal::CONT);
    drop(monitor);
    println!(
        "milliseconds from a new ring to its vote: quiet {quiet:.1}, monitor stopped {unread:.1}, bus \
         stopped {stuck:.1}; KiB of the arbiter: {before}, {with_monitor}, {with_bus}"
    );

    assert!(unread.max(stuck) < quiet.max(20.0) * 20.0, "a vote waits");
    assert!(
        with_monitor.max(with_bus) < before + 32 * 1024,
        "memory grows"
    );
    // What is shown is up to date as soon as the bus goes on.
    wait_for("an up-to-date tree", || {
        // Objects may go while it looks at them.
        let output = busctl(&["tree", "--list", QNETD]);
        let tree = String::from_utf8_lossy(&output.stdout);
        tree.contains("/cluster/loopback/node/2") && !tree.contains("/cluster/flood")
    });
    let sees = |node| {
        let path = format!("/org/corosync/Qnetd1/cluster/loopback/node/{node}");
        crate::property(QNETD, &path, "org.corosync.Qnetd1.Node", "Ring")
    };
    wait_for("the last ring", || sees(1) == format!("(ut) 1 {seq}"));
}

/// Rounds while clients come and go; the median of their times.
fn flooded(stage: &mut Stage, seq: &mut u64) -> f64 {
    let over = AtomicBool::new(false);
    let address = stage.address();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..clients() {
                come_and_go(address);
            }
            over.store(true, Relaxed);
        });
        rounds(stage, seq, |_| !over.load(Relaxed))
    })
}

/// Splits and heals the cluster; the median of the times from a new ring to the vote in it, for node 1.
fn rounds(stage: &mut Stage, seq: &mut u64, goes_on: impl Fn(u32) -> bool) -> f64 {
    let mut times = Vec::new();
    for round in 0.. {
        let ring = RingId::new(1, *seq + 4);
        if round % 2 == 0 {
            *seq += 4;
            stage.order(1, &format!("ring 1/{seq} sees 1")).unwrap();
            stage.order(2, &format!("ring 2/{seq} sees 2")).unwrap();
            stage.until_cast(&[1], ring, true).unwrap();
        } else {
            *seq += 4;
            for node in [1, 2] {
                stage
                    .order(node, &format!("ring 1/{seq} sees 1 2"))
                    .unwrap();
            }
            stage.until_cast(&[1, 2], ring, true).unwrap();
        }
        times.push(moment(stage, What::CastFor(ring)) - moment(stage, What::Forming(ring)));
        if !goes_on(round + 1) && round % 2 == 1 {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// When node 1 reported this first, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
fn moment(stage: &Stage, what: What) -> f64 {
    let mut history = stage.history().iter();
    let found = history.find(|(node, report)| *node == 1 && report.what == what);
    found.unwrap().1.micros as f64 / 1000.0
}

/// A client that is admitted and goes.
fn come_and_go(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    let name = Message::PreInit(PreInit::new(1, "flood"));
    let init = Message::Init(Init::ffsplit(2, NodeId(1), RingId::new(1, 4)));
    for message in [name, init] {
        stream.write_all(&message.encode(4096).unwrap()).unwrap();
        let mut header = [0; 6];
        stream.read_exact(&mut header).unwrap();
        let [.., a, b, c, d] = header;
        let length = u32::from_be_bytes([a, b, c, d]);
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body).unwrap();
    }
}

/// The resident memory of the arbiter, in KiB.
fn memory(stage: &Stage) -> u64 {
    let id = stage.arbiter_id().unwrap();
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
