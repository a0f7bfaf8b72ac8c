//! `--check`: what both sides have in common.

use crate::command_line::Form;
use crate::entry::{Entry, Standing};
use crate::findings::{Findings, capitalized};
use crate::listing::renewal;
use crate::surroundings::Surroundings;
use crate::{node_check, server_check};
use chrono::{DateTime, Utc};
use libqdevice::certs::{
    Access, AnchorsBy, CertError, Credential, Database, Description, Identity, Phase, Role, Side,
    chain_fault,
};
use openssl::x509::X509;
use std::path::Path;

/// Looks at everything this side needs; returns the exit status.
pub(crate) fn run(surroundings: &mut Surroundings<'_>, side: Side, form: Form) -> u8 {
    let mut findings = Findings::of(side);
    let now = Utc::now();
    match side {
        Side::Server => server_check::check(surroundings, now, &mut findings),
        Side::Node => node_check::check(surroundings, now, &mut findings),
    }
    findings.show(surroundings, form)
}

/// The database and what the daemon takes from it.
pub(crate) fn identity(
    dir: &Path,
    nickname: &str,
    side: Side,
    now: DateTime<Utc>,
    findings: &mut Findings,
) -> Option<Identity> {
    match Database::open(dir, Access::Read) {
        Ok(_) => findings.ok(format!("The database in {} can be read", dir.display())),
        Err(error) => {
            findings.refused(&error);
            return None;
        }
    }
    let identity = match Identity::load(dir, nickname, side, now) {
        Ok(identity) => identity,
        Err(error) => {
            findings.refused(&error);
            return None;
        }
    };
    if identity.anchors_by == AnchorsBy::Nickname {
        findings.warning(
            "The database does not say which authority is trusted; the one called \"QNet CA\" is taken",
            format!(
                "certutil -M -n 'QNet CA' -t {} -d {}",
                match side {
                    Side::Server => "CT,,",
                    Side::Node => "CT,c,c",
                },
                dir.display()
            ),
        );
    }
    Some(identity)
}

/// The dates of a certificate that counts here.
pub(crate) fn dates(entry: &Entry, side: Side, findings: &mut Findings) {
    let Some(dates) = entry.dates() else {
        return;
    };
    let text = capitalized(&format!("{} {dates}", entry.called()));
    match renewal(entry, side) {
        Some(remedy) if entry.standing == Standing::Dated(Phase::Ended) => {
            findings.error(text, remedy);
        }
        Some(remedy) => findings.warning(text, remedy),
        None => findings.error(text, "date (here and where it was made, and compare)"),
    }
}

/// Whether the other side will believe our certificate.
pub(crate) fn chain(
    own: &Credential,
    anchors: &[X509],
    side: Side,
    remedy: &str,
    findings: &mut Findings,
) {
    match chain_fault(&own.certificate, anchors, side) {
        Ok(None) => {}
        Ok(Some(why)) => findings.error(
            format!("The certificate is not one of the authority in this database: {why}"),
            remedy,
        ),
        Err(error) => findings.refused(&error),
    }
}

/// What the certificate in use is, in one line.
pub(crate) fn in_use(own: &Credential) -> Result<String, CertError> {
    let told = Description::of(&own.certificate)?;
    let end = crate::entry::date(told.end);
    Ok(format!(
        "{} with its key ({}, {} bits), until {end}",
        told.subject, told.key_type, told.key_bits
    ))
}

/// Entries for certificates that are not looked up in the database.
pub(crate) fn entry(
    role: Role,
    certificate: &X509,
    now: DateTime<Utc>,
) -> Result<Entry, CertError> {
    let place = crate::entry::Place::Database(String::new());
    Entry::of(role, place, certificate, now)
}
