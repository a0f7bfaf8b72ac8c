//! What happens to two daemons that have met, or should not: refusals, new certificates, revocation.
//! All of it with `-s on` and `tls: on`.

use super::{Mode, POLICY, Version, stop, verified, wait_for};
use crate::bed::{Bed, PATIENCE};
use crate::keys::{NODE_DB, Papers, SERVER_DB};
use crate::program::{Pairing, Side};
use anyhow::{Context as _, Result, ensure};
use libqdevice::certs::{KeyKind, fingerprint};
use std::fs;

/// Everything that the programs of this pairing can do.
pub(super) fn play(bed: &mut Bed, papers: &Papers) -> Result<()> {
    for refusal in Refusal::ALL {
        refuse(bed, papers, refusal).with_context(|| format!("{refusal:?}"))?;
    }
    forgive(bed, papers).context("a server's certificate that has ended")?;
    if bed.pairing().qdevice == Side::Ours {
        renew(bed, papers).context("new certificates without a restart of qdevice")?;
    }
    miss(bed).context("no database")?;
    if bed.pairing().qnetd == Side::Ours {
        revoke(bed, papers).context("a certificate that is revoked")?;
    }
    if bed.pairing() == OURS {
        disagree(bed).context("policies with no version in common")?;
    }
    Ok(())
}

const OURS: Pairing = Pairing {
    qdevice: Side::Ours,
    qnetd: Side::Ours,
};

/// Who is refused, with what in his database.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    WrongCluster,
    UnknownAuthority,
    Expired,
    NoCertificate,
    UnknownServer,
}

impl Refusal {
    const ALL: [Self; 5] = [
        Self::WrongCluster,
        Self::UnknownAuthority,
        Self::Expired,
        Self::NoCertificate,
        Self::UnknownServer,
    ];

    /// What the log of the server says, or for the last one the log of the node.
    const fn reason(self, side: Side) -> &'static str {
        match (self, side) {
            (Self::WrongCluster, _) => "Client doesn't sent certificate with valid CN",
            (Self::UnknownAuthority, Side::Ours) => "is not signed by an authority of this server",
            (Self::UnknownAuthority, Side::C) => "Peer's Certificate issuer is not recognized",
            (Self::Expired, Side::Ours) => "has expired on",
            (Self::Expired, Side::C) => "Peer's Certificate has expired",
            (Self::NoCertificate, Side::Ours) => "the client has no certificate",
            (Self::NoCertificate, Side::C) => "(-12285): Unable to find the certificate or key",
            (Self::UnknownServer, _) => "Server certificate verification failure.",
        }
    }
}

fn refuse(bed: &mut Bed, papers: &Papers, refusal: Refusal) -> Result<()> {
    stop(bed)?;
    let stranger = Papers::new(KeyKind::P256)?;
    papers.give_server(bed, &papers.server)?;
    match refusal {
        Refusal::WrongCluster => papers.give_node(bed, Some(&papers.other_cluster()?))?,
        Refusal::UnknownAuthority => papers.give_node(bed, Some(&stranger.cluster))?,
        Refusal::Expired => papers.give_node(bed, Some(&papers.expired_cluster()?))?,
        Refusal::NoCertificate => papers.give_node(bed, None)?,
        Refusal::UnknownServer => stranger.give_node(bed, Some(&papers.cluster))?,
    }
    bed.start_qnetd(&Mode::On.of_server())?;
    bed.start_qdevice(1)?;
    let (log, side) = match refusal {
        Refusal::UnknownServer => (
            bed.node(1)?.qdevice()?.output().to_owned(),
            bed.pairing().qdevice,
        ),
        Refusal::WrongCluster
        | Refusal::UnknownAuthority
        | Refusal::Expired
        | Refusal::NoCertificate => (bed.qnetd()?.output().to_owned(), bed.pairing().qnetd),
    };
    wait_for(&log, refusal.reason(side))?;
    let listed = bed.qnetd_tool(bed.pairing().qnetd, &["-l"])?;
    ensure!(listed.stdout.is_empty(), "somebody is admitted: {listed:?}");
    Ok(())
}

/// A server whose certificate has ended is believed with a warning.
fn forgive(bed: &mut Bed, papers: &Papers) -> Result<()> {
    stop(bed)?;
    papers.give_server(bed, &papers.expired_server()?)?;
    papers.give_node(bed, Some(&papers.cluster))?;
    bed.start_qnetd(&Mode::On.of_server())?;
    bed.start_qdevice(1)?;
    let log = bed.node(1)?.qdevice()?.output().to_owned();
    wait_for(&log, "Server certificate is expired.")?;
    verified(bed)
}

/// New certificates on both sides: the connection stays, and the next one is made with the new ones.
fn renew(bed: &mut Bed, papers: &Papers) -> Result<()> {
    stop(bed)?;
    papers.give_server(bed, &papers.server)?;
    papers.give_node(bed, Some(&papers.cluster))?;
    bed.start_qnetd(&Mode::On.of_server())?;
    bed.start_qdevice(1)?;
    verified(bed)?;
    let since = || -> Result<String> {
        let told = bed.qdevice_tool(1, bed.pairing().qdevice, &["-s", "-v"])?;
        let line = told
            .stdout
            .lines()
            .find(|line| line.starts_with("Connected since:"));
        Ok(line.context("not connected")?.to_owned())
    };
    let before = since()?;
    let new = Papers::new(KeyKind::P256)?;
    new.give_server(bed, &new.server)?;
    new.give_node(bed, Some(&new.cluster))?;
    let log = bed.node(1)?.qdevice()?.output().to_owned();
    wait_for(&log, "Certificates were loaded again from")?;
    ensure!(since()? == before, "the connection was not kept");
    bed.take_qnetd()?.kill()?;
    bed.start_qnetd(&Mode::On.of_server())?;
    verified(bed)
}

/// Without a database no qdevice starts, and it says so.
fn miss(bed: &mut Bed) -> Result<()> {
    stop(bed)?;
    fs::remove_dir_all(bed.node(1)?.host().outside(NODE_DB)?)?;
    bed.start_qdevice(1)?;
    let log = bed.node(1)?.qdevice()?.output().to_owned();
    wait_for(&log, "Can't init nss")?;
    let ended = bed.node_mut(1)?.take_qdevice()?.wait(PATIENCE)?;
    ensure!(ended.code() == Some(1), "qdevice: {ended}");
    Ok(())
}

/// A certificate that is listed while its node is connected loses the connection, and the vote.
fn revoke(bed: &mut Bed, papers: &Papers) -> Result<()> {
    stop(bed)?;
    papers.give_server(bed, &papers.server)?;
    papers.give_node(bed, Some(&papers.cluster))?;
    bed.start_qnetd(&Mode::On.of_server())?;
    bed.start_qdevice(1)?;
    verified(bed)?;
    let list = bed.qnetd_host().outside(SERVER_DB)?.join("revoked.txt");
    let print = fingerprint(&papers.cluster.certificate)?;
    fs::write(list, format!("{print} the key was seen elsewhere\n"))?;
    let log = bed.qnetd()?.output().to_owned();
    wait_for(&log, "The client's certificate is revoked")?;
    wait_for(&log, "is revoked. Disconnecting client")?;
    bed.votes()
        .settle("no vote of the device", PATIENCE, |now| {
            now.all(&[1], |standing| standing.total == 1)
        })?;
    Ok(())
}

/// What the policies of the hosts do not allow is not spoken, and both logs say so.
fn disagree(bed: &mut Bed) -> Result<()> {
    stop(bed)?;
    fs::remove_file(bed.qnetd_host().outside(SERVER_DB)?.join("revoked.txt"))?;
    bed.qnetd_host().write(POLICY, &Version::Tls12.policy())?;
    bed.node(1)?
        .host()
        .write(POLICY, &Version::Tls13.policy())?;
    bed.start_qnetd(&Mode::On.of_server())?;
    bed.start_qdevice(1)?;
    let qnetd = bed.qnetd()?.output().to_owned();
    wait_for(
        &qnetd,
        "TLS handshake failed: server and client have no version",
    )?;
    let qdevice = bed.node(1)?.qdevice()?.output().to_owned();
    wait_for(&qdevice, "see the crypto policy of both hosts")
}
