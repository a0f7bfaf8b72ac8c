//! Who meets whom over TLS, with whose certificates; and who is refused for which reason.
//!
//! One bed of one node serves many meetings: only the two daemons are started anew for each.

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device, Tls};
use crate::interrupt;
use crate::keys::{Maker, Papers, SERVER_DB, enrol};
use crate::program::{Pairing, Side};
use anyhow::{Context as _, Result, ensure};
use libqdevice::certs::{KeyKind, fingerprint};
use std::fmt;
use std::fs;
use std::path::Path;

pub(super) fn scenarios() -> Vec<Scenario> {
    let few = [Maker::Programs(Side::C), Maker::Library(KeyKind::P256)];
    let all = [
        Maker::Programs(Side::C),
        Maker::Programs(Side::Ours),
        Maker::Library(KeyKind::Rsa(2048)),
        Maker::Library(KeyKind::Rsa(3072)),
        Maker::Library(KeyKind::P256),
    ];
    vec![
        Scenario::new(
            "tls",
            "both daemons verify each other's certificates, and refuse those that do not count",
            move |stage| {
                let meetings = few.map(|maker| Meeting {
                    maker,
                    mode: Mode::Required,
                    version: match maker {
                        Maker::Programs(_) => Version::Tls12,
                        Maker::Library(_) => Version::Tls13,
                    },
                });
                play(stage, &meetings)
            },
        ),
        Scenario::new(
            "tls-full",
            "the same with every maker of certificates, kind of key, version and mode of TLS",
            move |stage| {
                let mut meetings = Vec::new();
                for maker in all {
                    for mode in [Mode::On, Mode::Required] {
                        for version in [Version::Tls12, Version::Tls13] {
                            meetings.push(Meeting {
                                maker,
                                mode,
                                version,
                            });
                        }
                    }
                }
                play(stage, &meetings)
            },
        )
        .by_name_only(),
    ]
}

/// Two daemons that have to verify each other.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    maker: Maker,
    mode: Mode,
    version: Version,
}

/// How both sides stand to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// `-s on` and `tls: on`.
    On,
    /// `-s req` and `tls: required`.
    Required,
}

/// The one version that our side speaks. C's own is not told to: two C programs choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Tls12,
    Tls13,
}

impl fmt::Display for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.name();
        write!(f, "{}, tls {}, {version}", self.maker, self.mode.name())
    }
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Required => "required",
        }
    }

    const fn of_server(self) -> [&'static str; 2] {
        match self {
            Self::On => ["-s", "on"],
            Self::Required => ["-s", "req"],
        }
    }

    fn conf(self) -> Conf {
        let tls = match self {
            Self::On => Tls::On,
            Self::Required => Tls::Required,
        };
        let device = Device {
            tls,
            ..Device::default()
        };
        Conf::of_nodes(1, device)
    }
}

impl Version {
    const fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// What an administrator writes to have one version for the whole system.
    fn policy(self) -> String {
        let name = self.name();
        format!(
            "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n\
             MinProtocol = {name}\nMaxProtocol = {name}\nCipherString = DEFAULT:@SECLEVEL=2\n"
        )
    }
}

fn play(stage: &Stage<'_>, meetings: &[Meeting]) -> Result<Outcome> {
    stage.with_bed(Mode::Required.conf(), |bed, outcome| {
        let began = Moment::now();
        hide_policy(bed)?;
        bed.start_corosync()?;
        let mut made = None;
        for meeting in meetings {
            if made != Some(meeting.maker) {
                enrol(bed, meeting.maker)?;
                made = Some(meeting.maker);
            }
            meet(bed, *meeting).with_context(|| meeting.to_string())?;
        }
        let met = Moment::now();
        let papers = Papers::new(KeyKind::P256)?;
        set_policy(bed, Version::Tls13)?;
        for refusal in Refusal::ALL {
            refuse(bed, &papers, refusal).with_context(|| format!("{refusal:?}"))?;
        }
        forgive(bed, &papers).context("a server's certificate that has ended")?;
        if bed.pairing().qnetd == Side::Ours {
            revoke(bed, &papers).context("a certificate that is revoked")?;
        }
        if bed.pairing() == OURS {
            disagree(bed).context("policies with no version in common")?;
        }
        outcome.add(format!("{} meetings", meetings.len()), met.since(began));
        outcome.add("refusals", Moment::now().since(met));
        stop(bed)
    })
}

/// Both daemons verify each other.
fn meet(bed: &mut Bed, meeting: Meeting) -> Result<()> {
    set_policy(bed, meeting.version)?;
    set_mode(bed, meeting.mode)?;
    stop(bed)?;
    bed.start_qnetd(&meeting.mode.of_server())?;
    bed.start_qdevice(1)?;
    verified(bed)
}

fn verified(bed: &Bed) -> Result<()> {
    let (qnetd, qdevice) = (bed.pairing().qnetd, bed.pairing().qdevice);
    interrupt::until("both have verified each other", PATIENCE, || {
        let client = bed.qdevice_tool(1, qdevice, &["-s", "-v"])?.stdout;
        let server = bed.qnetd_tool(qnetd, &["-l", "-v"])?.stdout;
        let good = client.contains("\nState:\t\t\tConnected\n")
            && client.contains("\nTLS active:\t\tYes (client certificate sent)\n")
            && server.contains("TLS active:\t\tYes (client certificate verified)\n");
        Ok(good.then_some(()))
    })
}

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
    set_mode(bed, Mode::On)?;
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

/// Waits for words in what a daemon has written since its last start.
fn wait_for(log: &Path, words: &str) -> Result<()> {
    interrupt::until(words, PATIENCE, || {
        let text = fs::read(log).with_context(|| log.display().to_string())?;
        let text = String::from_utf8_lossy(&text);
        let since = text.rfind("--- started at ").unwrap_or(0);
        Ok(text[since..].contains(words).then_some(()))
    })
}

/// Ends both daemons if they run. The C qdevice does not hear while it waits to connect again.
fn stop(bed: &mut Bed) -> Result<()> {
    if bed.node(1)?.qdevice().is_ok() {
        bed.node_mut(1)?.take_qdevice()?.kill()?;
    }
    if bed.qnetd().is_ok() {
        bed.take_qnetd()?.kill()?;
    }
    Ok(())
}

/// Gives both hosts a system policy of their own.
fn hide_policy(bed: &Bed) -> Result<()> {
    let there = Path::new(SYSTEM_POLICY).is_file();
    ensure!(there, "{SYSTEM_POLICY} is not there (Debian's openssl)");
    set_policy(bed, Version::Tls13)?;
    for host in [bed.qnetd_host(), bed.node(1)?.host()] {
        host.succeed("mount", &["--bind", POLICY, SYSTEM_POLICY])?;
    }
    Ok(())
}

fn set_policy(bed: &Bed, version: Version) -> Result<()> {
    for host in [bed.qnetd_host(), bed.node(1)?.host()] {
        host.write(POLICY, &version.policy())?;
    }
    Ok(())
}

fn set_mode(bed: &mut Bed, mode: Mode) -> Result<()> {
    let conf = mode.conf();
    if bed.conf().device.tls != conf.device.tls {
        bed.configure(conf)?;
        let host = bed.node(1)?.host();
        host.succeed("corosync-cfgtool", &["-R"])?;
    }
    Ok(())
}

const OURS: Pairing = Pairing {
    qdevice: Side::Ours,
    qnetd: Side::Ours,
};

const POLICY: &str = "/etc/corosync/openssl.cnf";
const SYSTEM_POLICY: &str = "/etc/ssl/openssl.cnf";
