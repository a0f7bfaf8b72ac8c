//! `--revoke`: the list of certificates that the server turns away.

use crate::command_line::ServerCall;
use crate::entry::{Entry, Place, Standing, date};
use crate::failure::Failure;
use crate::files::{lock, must_exist, read};
use crate::server::cluster_name;
use crate::surroundings::Surroundings;
use crate::survey;
use chrono::{DateTime, Utc};
use libqdevice::base::Fingerprint;
use libqdevice::certs::{
    CertError, Custody, Database, DenyList, Folder, Role, Side, Staging, issued_by,
    parse_certificate, read_deny_list,
};
use std::path::Path;

/// Puts certificates on the list.
pub(crate) fn revoke(
    surroundings: &mut Surroundings<'_>,
    call: &ServerCall,
) -> Result<(), Failure> {
    let dir = surroundings.database(Side::Server);
    let Some([certificates, _]) = Database::files(&dir) else {
        return Err(CertError::NoDatabase { dir }.into());
    };
    let ways = [
        !call.name.is_empty(),
        !call.file.as_os_str().is_empty(),
        call.fingerprint.is_some(),
    ];
    if ways.iter().filter(|given| **given).count() != 1 {
        return Err(Failure::call(
            "You have to specify what to revoke: all certificates of a cluster (-n), one in a file (-c) \
             or one by its fingerprint (--fingerprint)",
        ));
    }
    if !call.file.as_os_str().is_empty() {
        must_exist(&call.file)?;
    }
    let now = Utc::now();
    let folder = lock(&dir)?;
    let known = survey::certificates(&dir, Side::Server, now)?;
    let chosen = chosen(call, &dir, &known, now)?;
    let mut list = read_deny_list(&dir)?;
    let mut lines = Vec::new();
    let mut is_changed = false;
    for (print, what) in &chosen {
        let is_new = list.add(*print, &format!("{what}; revoked on {}", date(now)));
        is_changed |= is_new;
        let done = if is_new { "Revoked" } else { "Already revoked" };
        lines.push(format!("{done}: {what}, fingerprint {print}"));
    }
    // What a run left that was killed after its work is cleared away in either case.
    let staging = folder.stage()?;
    if is_changed {
        publish(&folder, &staging, &list, certificates)?;
    }
    drop(staging);
    for line in lines {
        surroundings.say(line);
    }
    let file = dir.join(DenyList::FILE);
    surroundings.say(format_args!(
        "The list is {}. A running corosync-qnetd follows it at once and ends\n\
         the connections concerned; that of the C package does not know it.",
        file.display()
    ));
    Ok(())
}

/// The certificates that are meant, and what people call each.
fn chosen(
    call: &ServerCall,
    dir: &Path,
    known: &[Entry],
    now: DateTime<Utc>,
) -> Result<Vec<(Fingerprint, String)>, Failure> {
    if let Some(print) = call.fingerprint {
        let entry = known.iter().find(|entry| entry.fingerprint == print);
        if let Some(entry) = entry {
            must_be_a_cluster_s(entry)?;
        }
        let what = entry.map_or_else(|| "a certificate that is not here".to_owned(), told);
        return Ok(vec![(print, what)]);
    }
    if !call.file.as_os_str().is_empty() {
        let certificate = parse_certificate(&read(&call.file)?)?;
        let entry = Entry::of(Role::Cluster, Place::File(String::new()), &certificate, now)?;
        if let Some(known) = known
            .iter()
            .find(|one| one.fingerprint == entry.fingerprint)
        {
            must_be_a_cluster_s(known)?;
        }
        let mut authorities = known.iter().filter(|one| one.role == Role::Authority);
        if !authorities.any(|authority| issued_by(&certificate, &authority.certificate)) {
            return Err(Failure::state(
                "The certificate was not signed here: the server turns it away in any case",
            ));
        }
        return Ok(vec![(entry.fingerprint, told(&entry))]);
    }
    let name = cluster_name(&call.name)?;
    let of_cluster = known.iter().filter(|entry| {
        entry.role == Role::Cluster && entry.clusters.iter().any(|own| own == name.as_str())
    });
    let chosen: Vec<_> = of_cluster
        .map(|entry| (entry.fingerprint, told(entry)))
        .collect();
    if chosen.is_empty() {
        return Err(Failure::state(format!(
            "There is no certificate of cluster \"{name}\" in {}. corosync-qdevice-net-certutil --list \
             shows the fingerprint on a node; give it with --fingerprint",
            dir.display()
        )));
    }
    Ok(chosen)
}

fn told(entry: &Entry) -> String {
    let serial = &entry.description.serial;
    let state = match entry.standing {
        Standing::Dated(_) | Standing::Revoked if entry.is_replaced() => " (replaced)",
        Standing::Dated(_) | Standing::Revoked => "",
    };
    format!("{} with serial {serial}{state}", entry.called())
}

/// Nobody shows the server its own certificate; it is a mistake.
fn must_be_a_cluster_s(entry: &Entry) -> Result<(), Failure> {
    match entry.role {
        Role::Cluster => Ok(()),
        Role::Authority | Role::Server => Err(Failure::state(format!(
            "This is {}, and no cluster's: it cannot be revoked",
            entry.called()
        ))),
    }
}

/// The daemon that reads the certificates has to read the list.
fn publish(
    folder: &Folder,
    staging: &Staging<'_>,
    list: &DenyList,
    certificates: &str,
) -> Result<(), CertError> {
    let file = folder.dir().join(DenyList::FILE);
    let custody = if file.exists() {
        Custody::of(&file)?
    } else {
        Custody::of(&folder.dir().join(certificates))?
    };
    staging.write(DenyList::FILE, list.text().as_bytes())?;
    staging.publish(DenyList::FILE, custody)
}
