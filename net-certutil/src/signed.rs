use crate::entry::REPLACED;
use crate::failure::Failure;
use crate::files::{self, Owner, usual_mode};
use libqdevice::certs::{
    CertError, CertifiedName, Folder, certificate_der, fingerprint, parse_certificate,
};
use openssl::x509::{X509, X509Ref};
use std::path::PathBuf;

/// The file with the latest certificate of a cluster, in the server's directory.
pub(crate) struct SignedFile<'a> {
    folder: &'a Folder,
    name: String,
    owner: Owner,
}

impl<'a> SignedFile<'a> {
    pub(crate) fn of(folder: &'a Folder, cluster: &CertifiedName, owner: Owner) -> Self {
        Self {
            folder,
            name: format!("cluster-{cluster}.crt"),
            owner,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.dir().join(&self.name)
    }

    /// The certificate in it.
    pub(crate) fn read(&self) -> Result<X509, CertError> {
        parse_certificate(&files::read(&self.path())?)
    }

    /// Puts a certificate there, as a whole.
    ///
    /// One that was there and is still good stays at hand under another name first: it can be revoked
    /// only by who knows it.
    pub(crate) fn put(&self, certificate: &X509Ref) -> Result<(), Failure> {
        let bytes = certificate_der(certificate)?;
        let staging = self.folder.stage()?;
        let custody = self.owner.with_mode(usual_mode(0o660));
        if let Ok(before) = self.read() {
            let before_bytes = certificate_der(&before)?;
            if before_bytes != bytes {
                let name = format!("{REPLACED}{}.crt", fingerprint(&before)?);
                staging.write(&name, &before_bytes)?;
                staging.publish(&name, custody)?;
            }
        }
        staging.write(&self.name, &bytes)?;
        Ok(staging.publish(&self.name, custody)?)
    }
}
