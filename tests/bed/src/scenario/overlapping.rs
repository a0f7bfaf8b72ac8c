//! Every way in which the C programs let two halves serve at once, or nobody, with the times of corosync's
//! defaults. `--scenario overlap --pairing all --repeat 5 --others 2` measures them beside each other.

use super::lease::Fate;
use super::{Outcome, Scenario, Stage, isolation, lease, restart};
use crate::conf::Device;
use anyhow::Result;
use libqdevice::base::Algorithm;
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    let quick = [
        Scenario::new(
            "restart-lms",
            "qnetd is killed and started again in a split under lms and wait_for_all",
            |stage| restart::under_wait_for_all(stage, Device::default()),
        ),
        Scenario::new(
            "restart-keep",
            "two of four nodes are active, qnetd is killed and started again: they stay active",
            |stage| restart::of_an_active_half(stage, Device::default()),
        ),
    ];
    let long = [
        row(
            "overlap-cut",
            "ffsplit, in a split: the holder of the vote loses qnetd",
            |stage| isolation::steady_split(stage, Algorithm::FfSplit, defaults()),
        ),
        row(
            "overlap-killed",
            "ffsplit, in a split: the qdevice of the holder is killed",
            |stage| lease::holder(stage, Fate::Killed, defaults()),
        ),
        row(
            "overlap-frozen",
            "ffsplit, in a split: the qdevice of the holder hangs",
            |stage| lease::holder(stage, Fate::Frozen, defaults()),
        ),
        row(
            "overlap-isolated",
            "ffsplit: node 1 loses node 2 and qnetd at once",
            isolation::isolate,
        ),
        row(
            "overlap-lms",
            "lms, in a split: the holder of the vote loses qnetd",
            |stage| isolation::steady_split(stage, Algorithm::Lms, defaults()),
        ),
        row(
            "overlap-lms-wfa",
            "lms with wait_for_all, in a split: qnetd is killed and started again",
            |stage| restart::under_wait_for_all(stage, defaults()),
        ),
        row(
            "overlap-keep",
            "the half of node 3 is active: qnetd is killed and started again",
            |stage| restart::of_an_active_half(stage, defaults()),
        ),
    ];
    quick.into_iter().chain(long).collect()
}

fn row(
    name: &str,
    about: &'static str,
    play: impl Fn(&Stage<'_>) -> Result<Outcome> + Send + Sync + 'static,
) -> Scenario {
    Scenario::new(name, about, play).by_name_only()
}

/// Those of corosync.
fn defaults() -> Device {
    Device {
        timeout: Duration::from_secs(10),
        sync_timeout: Duration::from_secs(30),
        ..Device::default()
    }
}
