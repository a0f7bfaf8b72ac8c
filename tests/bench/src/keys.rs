use crate::scratch::Scratch;
use anyhow::Result;
use chrono::Utc;
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Authority, CertifiedName, Credential, Database, KeyKind, Request,
    SERVER_NICKNAME, Side, generate_key,
};
use std::fs;
use std::path::Path;

/// The cluster of all clients with TLS.
pub(crate) const CLUSTER: &str = "fleet";

/// A database for servers, and the certificate of the cluster; gone when dropped.
pub(crate) struct Keys {
    dir: Scratch,
    pub(crate) cluster: Credential,
}

impl Keys {
    /// The server's key is of this kind; the cluster's is on P-256, so that the clients cost little.
    pub(crate) fn make(kind: KeyKind) -> Result<Self> {
        let dir = Scratch::new()?;
        let authority = Authority::new(generate_key(kind)?, Utc::now())?;
        let key = generate_key(kind)?;
        let server = authority.certify_server(&key, Utc::now())?;
        let database = Database::create(dir.path())?;
        database.import_certificate(authority.certificate(), AUTHORITY_NICKNAME)?;
        database.trust_authority(authority.certificate(), Side::Server)?;
        database.import_key(&key)?;
        database.import_certificate(&server, SERVER_NICKNAME)?;
        drop(database);
        fs::write(
            dir.path().join("pkcs11.txt"),
            Database::module_list(dir.path()),
        )?;
        let key = generate_key(KeyKind::P256)?;
        let name = CertifiedName::parse(CLUSTER.as_bytes())?;
        let certificate = authority.certify_cluster(&Request::new(&name, &key)?, Utc::now())?;
        Ok(Self {
            dir,
            cluster: Credential { certificate, key },
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
