use chrono::{DateTime, Utc};
use libqdevice::base::Fingerprint;
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, Authority, CertError, CertifiedName, Credential, Database, KeyKind,
    Request, SERVER_NICKNAME, Side, fingerprint, generate_key,
};
use std::path::Path;

/// An authority and what it has signed.
pub(crate) struct Keys {
    authority: Authority,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let long_ago = "1990-01-01T00:00:00Z".parse().unwrap();
        let key = generate_key(KeyKind::P256).unwrap();
        Self {
            authority: Authority::new(key, long_ago).unwrap(),
        }
    }

    /// The certificate of a cluster.
    pub(crate) fn cluster(&self, name: &str) -> Credential {
        let key = generate_key(KeyKind::P256).unwrap();
        let name = CertifiedName::parse(name.as_bytes()).unwrap();
        let request = Request::new(&name, &key).unwrap();
        let certificate = self.authority.certify_cluster(&request, Utc::now());
        Credential {
            certificate: certificate.unwrap(),
            key,
        }
    }

    /// Makes the server's database; false, with the reason on stderr, where there is no NSS.
    pub(crate) fn install(&self, dir: &Path) -> bool {
        self.install_from(dir, Utc::now())
    }

    /// The same with a certificate of the server that begins about this moment.
    pub(crate) fn install_from(&self, dir: &Path, begin: DateTime<Utc>) -> bool {
        std::fs::create_dir_all(dir).unwrap();
        let database = match Database::create(dir) {
            Ok(database) => database,
            Err(CertError::Exists { .. }) => Database::open(dir, Access::Write).unwrap(),
            Err(missing @ CertError::NoLibrary { .. }) => {
                eprintln!("skipped: {missing}");
                return false;
            }
            Err(error) => panic!("{error}"),
        };
        let authority = self.authority.certificate();
        let key = generate_key(KeyKind::P256).unwrap();
        let own = self.authority.certify_server(&key, begin).unwrap();
        database
            .import_certificate(authority, AUTHORITY_NICKNAME)
            .unwrap();
        database.trust_authority(authority, Side::Server).unwrap();
        database.import_key(&key).unwrap();
        database.import_certificate(&own, SERVER_NICKNAME).unwrap();
        true
    }
}

/// What stands in the list of revoked certificates.
pub(crate) fn print_of(credential: &Credential) -> Fingerprint {
    fingerprint(&credential.certificate).unwrap()
}
