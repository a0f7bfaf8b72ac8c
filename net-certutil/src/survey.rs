//! Which certificates a host has.

use crate::entry::{Entry, Place, REPLACED, Standing};
use crate::failure::Failure;
use crate::files;
use chrono::{DateTime, Utc};
use libqdevice::base::Fingerprint;
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, CLUSTER_NICKNAME, CertError, Database, Identity, Role,
    SERVER_NICKNAME, Side, Stored, fingerprint, issued_by, parse_certificate, read_deny_list,
};
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::x509::X509Ref;
use std::fs;
use std::path::Path;

/// Every certificate in the database, and on the server those it has signed.
pub(crate) fn certificates(
    dir: &Path,
    side: Side,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, CertError> {
    let mut entries = in_database(dir, now)?;
    let used = used(dir, side, now);
    for entry in &mut entries {
        entry.in_use = used.as_ref() == Some(&entry.fingerprint);
    }
    if side == Side::Server {
        entries.extend(in_files(dir, now)?);
        let denied = read_deny_list(dir)?;
        for entry in &mut entries {
            if denied.contains(&entry.fingerprint) {
                entry.standing = Standing::Revoked;
            }
        }
    }
    Ok(entries)
}

/// The certificates this server has signed for clusters, as far as they are still here: the latest of
/// each in `cluster-NAME.crt`, those before it where they were put aside.
pub(crate) fn in_files(dir: &Path, now: DateTime<Utc>) -> Result<Vec<Entry>, CertError> {
    let failed = |error: std::io::Error| CertError::File {
        path: dir.to_owned(),
        reason: error.to_string(),
    };
    let mut names = Vec::new();
    for file in fs::read_dir(dir).map_err(failed)? {
        let name = file.map_err(failed)?.file_name();
        let name = name.to_string_lossy().into_owned();
        let is_ours = name.starts_with("cluster-") || name.starts_with(REPLACED);
        if is_ours && name.strip_suffix(".crt").is_some() {
            names.push(name);
        }
    }
    names.sort();
    let mut entries = Vec::new();
    for name in names {
        // Others may keep here what is no certificate; the scripts leave empty files when they fail.
        let Ok(certificate) = files::read(&dir.join(&name)).and_then(|b| parse_certificate(&b))
        else {
            continue;
        };
        entries.push(Entry::of(
            Role::Cluster,
            Place::File(name),
            &certificate,
            now,
        )?);
    }
    Ok(entries)
}

/// A key whose certificate is revoked is in wrong hands: it gets no other one.
pub(crate) fn must_not_be_revoked<T: HasPublic>(
    dir: &Path,
    key: &PKeyRef<T>,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let entries = certificates(dir, Side::Server, now)?;
    let mut revoked = entries.iter();
    let revoked = revoked.find(|entry| {
        let public = entry.certificate.public_key();
        entry.standing == Standing::Revoked && public.is_ok_and(|public| public.public_eq(key))
    });
    let Some(revoked) = revoked else {
        return Ok(());
    };
    Err(Failure::state(format!(
        "This key belongs to {} with serial {}, which is revoked. Make a new key and request on a node: \
         corosync-qdevice-net-certutil --renew",
        revoked.called(),
        revoked.description.serial
    )))
}

fn in_database(dir: &Path, now: DateTime<Utc>) -> Result<Vec<Entry>, CertError> {
    let database = Database::open(dir, Access::Read)?;
    let mut entries = Vec::new();
    for stored in database.certificates()? {
        let role = role(&stored);
        let Stored {
            nickname,
            certificate,
        } = stored;
        let mut entry = Entry::of(role, Place::Database(nickname), &certificate, now)?;
        let public = certificate.public_key();
        entry.has_key = public
            .ok()
            .and_then(|public| database.has_private_key(&public).ok());
        entries.push(entry);
    }
    entries.sort_by_key(|entry| (entry.role != Role::Authority, entry.description.begin));
    Ok(entries)
}

fn role(stored: &Stored) -> Role {
    if stored.nickname == AUTHORITY_NICKNAME || is_authority(&stored.certificate) {
        Role::Authority
    } else if stored.nickname == SERVER_NICKNAME {
        Role::Server
    } else {
        Role::Cluster
    }
}

/// It has signed itself.
fn is_authority(certificate: &X509Ref) -> bool {
    issued_by(certificate, certificate)
}

/// What the daemon of this host takes.
fn used(dir: &Path, side: Side, now: DateTime<Utc>) -> Option<Fingerprint> {
    let nickname = match side {
        Side::Server => SERVER_NICKNAME,
        Side::Node => CLUSTER_NICKNAME,
    };
    let own = Identity::load(dir, nickname, side, now).ok()?.own.ok()?;
    fingerprint(&own.certificate).ok()
}
