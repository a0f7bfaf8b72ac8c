use super::error::CertError;
use super::key::Key;
use super::names::{AUTHORITY_NICKNAME, Side};
use super::nss::{Access, Database, Trust};
use chrono::{DateTime, Utc};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{X509, X509Ref};
use std::cmp::Ordering;
use std::path::Path;

/// What a daemon takes from its database: what it proves itself with, and whom it believes.
#[derive(Debug)]
pub struct Identity {
    /// What we prove ourselves with, or why there is nothing: a node may do without.
    pub own: Result<Credential, CertError>,
    /// The authorities that may sign the peers' certificates; never empty.
    pub anchors: Vec<X509>,
    /// How the authorities were found.
    pub anchors_by: AnchorsBy,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Credential {
    /// The certificate.
    pub certificate: X509,
    /// Its private key.
    pub key: Key,
}

/// How the authorities were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorsBy {
    /// The database says they are trusted.
    Trust,
    /// By nickname only. A version of NSS newer than the installed one may have written the trust;
    /// worth a warning.
    Nickname,
}

impl Identity {
    /// Reads the database in `dir`, which belongs to a daemon of this side.
    pub fn load(
        dir: &Path,
        nickname: &str,
        side: Side,
        now: DateTime<Utc>,
    ) -> Result<Self, CertError> {
        let database = Database::open(dir, Access::Read)?;
        let (anchors, anchors_by) = anchors(&database, side)?;
        Ok(Self {
            own: credential(&database, nickname, now),
            anchors,
            anchors_by,
        })
    }
}

/// The best of the certificates that share the nickname: after a second enrolment there are two.
fn credential(
    database: &Database,
    nickname: &str,
    now: DateTime<Utc>,
) -> Result<Credential, CertError> {
    let mut certificates = database.named(nickname)?;
    let now = Asn1Time::from_str_x509(&now.format("%Y%m%d%H%M%SZ").to_string())
        .map_err(CertError::openssl("reading the time"))?;
    certificates.sort_by(|a, b| better(a, b, &now));
    for certificate in certificates {
        if let Some(key) = database.private_key_of(&certificate)? {
            return Ok(Credential { certificate, key });
        }
    }
    Err(CertError::NoKey {
        dir: database.dir().to_owned(),
        nickname: nickname.to_owned(),
    })
}

/// Valid ones first, then the newest.
fn better(a: &X509Ref, b: &X509Ref, now: &Asn1TimeRef) -> Ordering {
    let valid = |certificate: &X509Ref| {
        let begun = certificate.not_before().compare(now);
        let ended = certificate.not_after().compare(now);
        begun.is_ok_and(Ordering::is_le) && ended.is_ok_and(Ordering::is_ge)
    };
    let newer = || b.not_before().compare(a.not_before());
    valid(b)
        .cmp(&valid(a))
        .then_with(|| newer().unwrap_or(Ordering::Equal))
}

fn anchors(database: &Database, side: Side) -> Result<(Vec<X509>, AnchorsBy), CertError> {
    let peers = match side {
        Side::Server => Side::Node,
        Side::Node => Side::Server,
    };
    let (mut trusted, mut named) = (Vec::new(), Vec::new());
    for stored in database.certificates()? {
        match database.trust(&stored.certificate, peers)? {
            Trust::Anchor => trusted.push(stored.certificate),
            Trust::Unstated if stored.nickname == AUTHORITY_NICKNAME => {
                named.push(stored.certificate);
            }
            Trust::Unstated | Trust::Distrusted => {}
        }
    }
    if !trusted.is_empty() {
        Ok((trusted, AnchorsBy::Trust))
    } else if !named.is_empty() {
        Ok((named, AnchorsBy::Nickname))
    } else {
        Err(CertError::NoAnchor {
            dir: database.dir().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;
    use crate::certs::{
        Authority, CLUSTER_NICKNAME, CertifiedName, KeyKind, Request, generate_key,
    };
    use chrono::Days;

    fn now() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn authority() -> Authority {
        let long_ago = now().checked_sub_days(Days::new(40_000)).unwrap();
        let key = generate_key(KeyKind::P256).unwrap();
        // So old that a certificate can have ended in its time.
        Authority::new(key, long_ago).unwrap()
    }

    /// A certificate that starts at this moment, and its key.
    fn enrolled(authority: &Authority, at: DateTime<Utc>) -> Credential {
        let key = generate_key(KeyKind::P256).unwrap();
        let name = CertifiedName::parse(b"c").unwrap();
        let request = Request::new(&name, &key).unwrap();
        let certificate = authority.certify_cluster(&request, at).unwrap();
        Credential { certificate, key }
    }

    fn load(dir: &Path) -> Result<Identity, CertError> {
        Identity::load(dir, CLUSTER_NICKNAME, Side::Node, now())
    }

    #[test]
    fn of_several_certificates_the_newest_usable_one_is_taken() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key, now()).unwrap();
        let day = |days| now().checked_add_days(Days::new(days)).unwrap();
        let database = Database::open(&dir, Access::Write).unwrap();
        database
            .import_certificate(authority.certificate(), AUTHORITY_NICKNAME)
            .unwrap();
        database
            .trust_authority(authority.certificate(), Side::Node)
            .unwrap();
        let [old, new, keyless, early] =
            [day(0), day(1), day(1), day(9)].map(|at| enrolled(&authority, at));
        for credential in [&old, &new, &keyless, &early] {
            let certificate = &credential.certificate;
            database
                .import_certificate(certificate, CLUSTER_NICKNAME)
                .unwrap();
        }
        for credential in [&old, &new, &early] {
            database.import_key(&credential.key).unwrap();
        }
        drop(database);
        let at = day(1);
        let identity = Identity::load(&dir, CLUSTER_NICKNAME, Side::Node, at).unwrap();
        let own = identity.own.unwrap();
        assert!(own.key.public_eq(&new.key));
        assert_eq!(
            own.certificate.to_der().unwrap(),
            new.certificate.to_der().unwrap()
        );
        assert_eq!(identity.anchors_by, AnchorsBy::Trust);
    }

    #[test]
    fn what_is_missing_is_said() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let here = dir.to_owned();
        assert_eq!(
            load(&dir).unwrap_err(),
            CertError::NoAnchor { dir: here.clone() }
        );
        let authority = authority();
        let database = Database::open(&dir, Access::Write).unwrap();
        database
            .import_certificate(authority.certificate(), AUTHORITY_NICKNAME)
            .unwrap();
        drop(database);
        let identity = load(&dir).unwrap();
        assert_eq!(identity.anchors_by, AnchorsBy::Nickname);
        let nickname = CLUSTER_NICKNAME.to_owned();
        let missing = identity.own.unwrap_err();
        assert_eq!(
            missing,
            CertError::NoCertificate {
                dir: here.clone(),
                nickname: nickname.clone()
            }
        );
        let remedy = missing.remedy(Side::Node).unwrap();
        assert!(
            remedy.starts_with("corosync-qdevice-net-certutil -m"),
            "{remedy}"
        );
        let database = Database::open(&dir, Access::Write).unwrap();
        database
            .import_certificate(&enrolled(&authority, now()).certificate, &nickname)
            .unwrap();
        drop(database);
        let missing = load(&dir).unwrap().own.unwrap_err();
        assert_eq!(
            missing,
            CertError::NoKey {
                dir: here,
                nickname
            }
        );
    }

    /// Runs something as a user who owns nothing; false where we may not become one.
    fn as_nobody(work: impl FnOnce() + Send) -> bool {
        let nobody = rustix::process::Uid::from_raw(65534);
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                // On Linux this changes the calling thread only.
                let became = rustix::thread::set_thread_res_uid(nobody, nobody, nobody);
                if became.is_ok() {
                    work();
                }
                became.is_ok()
            });
            thread.join().unwrap()
        })
    }

    #[test]
    fn a_daemon_that_may_read_needs_no_right_to_write() {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::PermissionsExt as _;
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let authority = authority();
        let mine = enrolled(&authority, now());
        let database = Database::open(&dir, Access::Write).unwrap();
        let certificate = authority.certificate();
        database
            .import_certificate(certificate, AUTHORITY_NICKNAME)
            .unwrap();
        database.trust_authority(certificate, Side::Node).unwrap();
        database.import_key(&mine.key).unwrap();
        database
            .import_certificate(&mine.certificate, CLUSTER_NICKNAME)
            .unwrap();
        drop(database);
        let mode = |file: &str, mode| {
            set_permissions(dir.join(file), Permissions::from_mode(mode)).unwrap();
        };
        let dir = &*dir;
        mode("", 0o555);
        mode("cert9.db", 0o444);
        mode("key4.db", 0o444);
        let read = || {
            let own = load(dir).unwrap().own.unwrap();
            assert!(own.key.public_eq(&mine.key));
        };
        if !as_nobody(read) {
            eprintln!("skipped: only root can become nobody");
            return;
        }
        mode("key4.db", 0o400);
        as_nobody(|| {
            let closed = load(dir).unwrap_err().to_string();
            let expected = format!(
                "{0}/key4.db: Permission denied (os error 13); run as root or as the owner of {0}",
                dir.display()
            );
            assert_eq!(closed, expected);
        });
    }
}
