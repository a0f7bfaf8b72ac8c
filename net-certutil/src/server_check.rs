use crate::check::{chain, dates, entry, identity, in_use};
use crate::entry::names;
use crate::files;
use crate::findings::Findings;
use crate::server::AUTHORITY_FILE;
use crate::surroundings::Surroundings;
use crate::survey;
use chrono::{DateTime, Utc};
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, CertError, Database, Identity, Role, SERVER_NAME, SERVER_NICKNAME,
    Side, certificate_der, issued_by, parse_certificate, read_deny_list, shell_word,
};
use std::path::Path;

/// Database, authority, the server's certificate, and those it has signed.
pub(crate) fn check(
    surroundings: &mut Surroundings<'_>,
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    let dir = surroundings.database(Side::Server);
    let Some(identity) = identity(&dir, SERVER_NICKNAME, Side::Server, now, findings) else {
        return;
    };
    authority(&dir, &identity, now, findings);
    own(&dir, &identity, now, findings);
    denied(&dir, findings);
    clusters(&dir, &identity, now, findings);
}

fn authority(dir: &Path, identity: &Identity, now: DateTime<Utc>, findings: &mut Findings) {
    for anchor in &identity.anchors {
        match entry(Role::Authority, anchor, now) {
            Ok(entry) => dates(&entry, Side::Server, findings),
            Err(error) => findings.refused(&error),
        }
    }
    match signer(dir, identity) {
        Ok(true) => findings.ok("The authority can sign: its key is here"),
        Ok(false) => findings.refused(&CertError::NoKey {
            dir: dir.to_owned(),
            nickname: AUTHORITY_NICKNAME.to_owned(),
        }),
        Err(error) => findings.refused(&error),
    }
    let file = dir.join(AUTHORITY_FILE);
    let exported = files::read(&file).and_then(|bytes| parse_certificate(&bytes));
    let exported = exported.and_then(|certificate| certificate_der(&certificate));
    let is_ours = exported.is_ok_and(|exported| {
        let mut anchors = identity.anchors.iter();
        anchors.any(|anchor| certificate_der(anchor).is_ok_and(|der| der == exported))
    });
    if !is_ours {
        findings.warning(
            format!(
                "{} is not the authority's certificate; new nodes need it",
                file.display()
            ),
            format!(
                "certutil -L -a -n '{AUTHORITY_NICKNAME}' -d {} > {}",
                dir.display(),
                file.display()
            ),
        );
    }
}

/// Whether an authority that is trusted here has its key here.
fn signer(dir: &Path, identity: &Identity) -> Result<bool, CertError> {
    let database = Database::open(dir, Access::Read)?;
    for anchor in &identity.anchors {
        if database.private_key_of(anchor)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn own(dir: &Path, identity: &Identity, now: DateTime<Utc>, findings: &mut Findings) {
    let anew = format!(
        "mv {0} {0}.old, then corosync-qnetd-certutil -i, and enrol each cluster again",
        dir.display()
    );
    let own = match &identity.own {
        Ok(own) => own,
        Err(error) => return findings.refused(error),
    };
    match in_use(own) {
        Ok(text) => findings.ok(format!("The server shows {text}")),
        Err(error) => findings.refused(&error),
    }
    match entry(Role::Server, &own.certificate, now) {
        Ok(entry) => dates(&entry, Side::Server, findings),
        Err(error) => findings.refused(&error),
    }
    chain(own, &identity.anchors, Side::Server, &anew, findings);
    let names = names(&own.certificate);
    if names.iter().any(|name| name == SERVER_NAME) {
        findings.ok(format!(
            "It is for \"{SERVER_NAME}\", the name that nodes look for"
        ));
    } else {
        findings.warning(
            format!(
                "The server's certificate is for \"{}\" and not for \"{SERVER_NAME}\": nodes refuse it \
                 unless they are started with -S net_nss_qnetd_cn",
                names.join("\", \"")
            ),
            anew,
        );
    }
}

fn denied(dir: &Path, findings: &mut Findings) {
    match read_deny_list(dir) {
        Ok(list) => {
            let count = list.fingerprints().len();
            findings.ok(match count {
                0 => "No certificate is revoked".to_owned(),
                1 => "1 certificate is revoked".to_owned(),
                _ => format!("{count} certificates are revoked"),
            });
        }
        Err(error) => {
            let file = dir.join(libqdevice::certs::DenyList::FILE);
            let remedy = format!("${{EDITOR:-vi}} {}", file.display());
            findings.error(
                format!("The list of revoked certificates does not count: {error}"),
                remedy,
            );
        }
    }
}

/// What was signed for clusters, as far as it is still here.
fn clusters(dir: &Path, identity: &Identity, now: DateTime<Utc>, findings: &mut Findings) {
    let entries = match survey::in_files(dir, now) {
        Ok(entries) => entries,
        Err(error) => return findings.refused(&error),
    };
    let mut good = 0;
    for entry in entries.iter().filter(|entry| !entry.is_replaced()) {
        let mut anchors = identity.anchors.iter();
        let is_signed_here = anchors.any(|anchor| issued_by(&entry.certificate, anchor));
        if !is_signed_here {
            let name = entry.clusters.first().map_or("NAME", String::as_str);
            findings.warning(
                format!(
                    "The certificate of cluster {} was signed by another authority, before this \
                     database was made: its nodes cannot come in with it",
                    entry.cluster()
                ),
                format!(
                    "corosync-qdevice-net-certutil -Q -n {} SERVER NODE... (on a node, whose old \
                     database is moved away first)",
                    shell_word(name)
                ),
            );
        } else if entry.dates().is_some() {
            dates_of_cluster(entry, findings);
        } else {
            good += 1;
        }
    }
    findings.ok(format!("Certificates of clusters that are good: {good}"));
}

/// A cluster is one of many: what ends for it is no failure of the server.
fn dates_of_cluster(entry: &crate::entry::Entry, findings: &mut Findings) {
    let text = format!(
        "The certificate of cluster {} {}",
        entry.cluster(),
        entry.dates().unwrap_or_default()
    );
    let remedy = crate::listing::renewal(entry, Side::Server);
    findings.add(crate::findings::Severity::Warning, text, remedy);
}
