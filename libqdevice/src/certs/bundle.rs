use super::error::CertError;
use super::key::Key;
use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;
use openssl::stack::Stack;
use openssl::x509::X509;
use zeroize::Zeroizing;

/// A certificate with its private key, as one node hands it to the others (PKCS#12).
///
/// The password is empty, as upstream has it: the file's mode guards it.
#[derive(Debug)]
pub struct Bundle {
    /// The certificate.
    pub certificate: X509,
    /// Its key.
    pub key: Key,
    /// Under which nickname it is to be stored; none when the file does not say.
    pub nickname: Option<String>,
    /// The certificates above it.
    pub chain: Vec<X509>,
}

impl Bundle {
    /// Reads a bundle and makes sure that the key is the certificate's.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertError> {
        let no_bundle = CertError::Unreadable {
            wanted: "a PKCS#12 file with an empty password",
        };
        let file = Pkcs12::from_der(bytes).map_err(|_| no_bundle.clone())?;
        let Ok(parsed) = open(&file) else {
            return Err(no_bundle);
        };
        let (Some(certificate), Some(key)) = (parsed.cert, parsed.pkey) else {
            return Err(CertError::Unreadable {
                wanted: "a PKCS#12 file with a certificate and its private key",
            });
        };
        let public = certificate.public_key();
        if !public.is_ok_and(|public| public.public_eq(&key)) {
            return Err(CertError::Unreadable {
                wanted: "a PKCS#12 file whose private key is that of its certificate",
            });
        }
        let nickname = certificate
            .alias()
            .map(|alias| String::from_utf8_lossy(alias).into_owned());
        Ok(Self {
            certificate,
            key,
            nickname,
            chain: parsed.ca.into_iter().flatten().collect(),
        })
    }

    /// The file. NSS stores what it imports under the nickname in it, so one must be there.
    pub fn to_der(&self, nickname: &str) -> Result<Zeroizing<Vec<u8>>, CertError> {
        let build = || {
            let mut chain = Stack::new()?;
            for certificate in &self.chain {
                chain.push(certificate.clone())?;
            }
            let file = Pkcs12::builder()
                .name(nickname)
                .pkey(&self.key)
                .cert(&self.certificate)
                .ca(chain)
                .build2("")?;
            file.to_der().map(Zeroizing::new)
        };
        build().map_err(CertError::openssl("making the PKCS#12 file"))
    }
}

/// Old versions of NSS wrote ciphers that OpenSSL keeps in its legacy part, loaded when needed.
fn open(file: &Pkcs12) -> Result<ParsedPkcs12_2, ErrorStack> {
    file.parse2("").or_else(|_| {
        let _legacy = Provider::try_load(None, "legacy", true)?;
        file.parse2("")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, KeyKind, generate_key};
    use chrono::DateTime;

    fn bundle() -> Bundle {
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key.clone(), DateTime::UNIX_EPOCH).unwrap();
        Bundle {
            certificate: authority
                .certify_server(&key, DateTime::UNIX_EPOCH)
                .unwrap(),
            chain: vec![authority.certificate().to_owned()],
            nickname: None,
            key,
        }
    }

    #[test]
    fn a_bundle_comes_back_with_its_nickname_and_its_chain() {
        let made = bundle();
        let file = made.to_der("Cluster Cert").unwrap();
        let read = Bundle::parse(&file).unwrap();
        assert_eq!(read.nickname.as_deref(), Some("Cluster Cert"));
        assert!(read.key.public_eq(&made.key));
        assert_eq!(
            read.certificate.to_der().unwrap(),
            made.certificate.to_der().unwrap()
        );
        assert_eq!(read.chain.len(), 1);
    }

    #[test]
    fn a_bundle_with_another_key_cannot_be_made() {
        let mut made = bundle();
        made.key = generate_key(KeyKind::P256).unwrap();
        assert!(made.to_der("Cluster Cert").is_err());
    }

    #[test]
    fn what_is_no_bundle_is_called_so() {
        for bytes in [&b""[..], b"root:x:0:0", &[0x30, 0x82, 0xff, 0xff]] {
            let refused = Bundle::parse(bytes).unwrap_err();
            assert!(matches!(refused, CertError::Unreadable { .. }));
        }
    }
}
