//! An administrator asks our tool on a node what is wrong.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::conf::{Conf, Device, Tls};
use crate::interrupt;
use crate::keys::Papers;
use crate::process::Finished;
use crate::reports;
use anyhow::{Context as _, Result, ensure};
use libqdevice::certs::{Credential, KeyKind};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "doctor",
            "the doctor warns of a cluster without TLS, and finds that its server is gone",
            doctor,
        ),
        Scenario::new(
            "doctor-tls",
            "the doctor finds nothing wrong with good certificates, and names what is wrong with others",
            doctor_with_tls,
        ),
    ]
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

fn doctor_with_tls(stage: &Stage<'_>) -> Result<Outcome> {
    let device = Device {
        tls: Tls::Required,
        ..Device::default()
    };
    stage.with_bed(Conf::of_nodes(1, device), |bed, _| {
        let (papers, stranger) = (Papers::new(KeyKind::P256)?, Papers::new(KeyKind::P256)?);
        papers.give_node(bed, Some(&papers.cluster))?;
        serve(bed, &papers, &papers.server)?;
        bed.start_corosync()?;
        bed.start_qdevice(1)?;
        ends_with(bed, 0)?;
        finds(bed, 0, "ok       It is for cluster \"bed\"")?;
        finds(
            bed,
            0,
            &at_server("ok       The server at ", " is \"Qnetd Server\""),
        )?;

        papers.give_node(bed, Some(&papers.other_cluster()?))?;
        finds(
            bed,
            2,
            "ERROR    The certificate is for cluster \"other\", and",
        )?;
        papers.give_node(bed, Some(&papers.expired_cluster()?))?;
        finds(
            bed,
            2,
            "ERROR    The certificate of cluster \"bed\" has ended on 2020-01-01",
        )?;
        stranger.give_node(bed, Some(&stranger.cluster))?;
        let unknown = ": Server certificate verification failure. It (CN=QNet CA) is not signed by";
        finds(bed, 2, &at_server("ERROR    No TLS with ", unknown))?;

        papers.give_node(bed, Some(&papers.cluster))?;
        // Of the right authority, but the certificate of a cluster.
        serve(bed, &papers, &papers.cluster)?;
        let no_server = ": Server certificate verification failure. It (CN=bed) is refused";
        finds(bed, 2, &at_server("ERROR    No TLS with ", no_server))?;
        serve(bed, &papers, &papers.expired_server()?)?;
        ends_with(bed, 1)?;
        finds(
            bed,
            1,
            "WARNING  Server certificate is expired. CN=Qnetd Server ended on Jan  1 00:00:00 2020 GMT. corosync-qdevice goes on",
        )
    })
}

/// The server is started anew with this certificate.
fn serve(bed: &mut Bed, papers: &Papers, own: &Credential) -> Result<()> {
    if bed.qnetd().is_ok() {
        bed.take_qnetd()?.kill()?;
    }
    papers.give_server(bed, own)?;
    bed.start_qnetd(&["-s", "req"])
}

fn at_server(before: &str, behind: &str) -> String {
    format!("{before}{}:5403{behind}", Device::default().host)
}

/// Waits until this is the worst: the daemon needs a moment to connect.
fn ends_with(bed: &Bed, worst: i32) -> Result<()> {
    interrupt::until("what the doctor finds", PATIENCE, || {
        let told = examine(bed, &["--doctor"])?;
        Ok((told.code == Some(worst)).then_some(()))
    })
}

/// The doctor ends with the code of the worst that is found, and says the same in JSON.
fn finds(bed: &Bed, worst: i32, finding: &str) -> Result<()> {
    let told = examine(bed, &["--doctor"])?;
    let is_found = told.stdout.lines().any(|line| line.starts_with(finding));
    ensure!(told.code == Some(worst) && is_found, "{finding}: {told:?}");
    let json = examine(bed, &["--doctor", "--json"])?;
    ensure!(json.code == Some(worst), "{json:?}");
    reports::described(&json.stdout)?;
    Ok(())
}

/// Our tool on node 1, where the certificate program is ours too.
fn examine(bed: &Bed, options: &[&str]) -> Result<Finished> {
    let ours = bed.programs().ours.to_str().context("a path in UTF-8")?;
    let path = format!("PATH={ours}:/usr/bin:/usr/sbin");
    let tool = format!("{ours}/corosync-qdevice-tool");
    let command = [&[&*path, &*tool], options].concat();
    bed.node(1)?.host().run("env", &command)
}
