//! An administrator asks our tool on a node what is wrong.

use super::{Outcome, Scenario, Stage};
use crate::bed::Bed;
use crate::conf::{Conf, Device};
use crate::program::Side;
use crate::reports;
use anyhow::{Result, ensure};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario::new(
        "doctor",
        "the doctor warns of a cluster without TLS, and finds that its server is gone",
        doctor,
    )]
}

fn doctor(stage: &Stage<'_>) -> Result<Outcome> {
    stage.with_bed(Conf::of_nodes(2, Device::default()), |bed, _| {
        bed.start_qnetd(&[])?;
        bed.start_cluster()?;
        bed.wait_for_all_votes()?;
        finds(bed, 1, "WARNING  corosync.conf says tls: off")?;
        bed.take_qnetd()?.kill()?;
        finds(bed, 2, "ERROR    The server does not answer: ")
    })
}

/// The doctor ends with the code of the worst that is found, and says the same in JSON.
fn finds(bed: &Bed, worst: i32, finding: &str) -> Result<()> {
    let examine = |options: &[&str]| bed.qdevice_tool(1, Side::Ours, options);
    let told = examine(&["--doctor"])?;
    let is_found = told.stdout.lines().any(|line| line.starts_with(finding));
    ensure!(told.code == Some(worst) && is_found, "{told:?}");
    let json = examine(&["--doctor", "--json"])?;
    ensure!(json.code == Some(worst), "{json:?}");
    reports::described(&json.stdout)?;
    Ok(())
}
