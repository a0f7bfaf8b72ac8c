//! Who meets whom over TLS, with whose certificates; and who is refused for which reason.
//!
//! One bed of one node serves many meetings: only the two daemons are started anew for each.

mod turns;

use super::{Outcome, Scenario, Stage};
use crate::bed::{Bed, PATIENCE};
use crate::clock::Moment;
use crate::conf::{Conf, Device, Tls};
use crate::interrupt;
use crate::keys::{Maker, Papers, enrol};
use crate::program::Side;
use anyhow::{Context as _, Result, ensure};
use libqdevice::certs::KeyKind;
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
        set_mode(bed, Mode::On)?;
        turns::play(bed, &papers)?;
        outcome.add(format!("{} meetings", meetings.len()), met.since(began));
        outcome.add("turns", Moment::now().since(met));
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

const POLICY: &str = "/etc/corosync/openssl.cnf";
const SYSTEM_POLICY: &str = "/etc/ssl/openssl.cnf";
